package io.metafabric.cache;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;

/** The n-th write of a key, each of which has seen the one before. */
public final class TestRecords {
  private static final ActorId ACTOR = new ActorId(9);

  private TestRecords() {}

  public static MetadataRecord write(String path, int n, int payloadBytes) {
    var payload = Bytes.copyOf(new byte[payloadBytes]);
    var context = n == 1 ? VersionVector.EMPTY : VersionVector.of(new Dot(ACTOR, n - 1L));
    var version = new Version(new Dot(ACTOR, n), context, new Stamp(n));
    var header = Header.value(version, new RegionName("paris"), payload, Header.NEVER);
    return new MetadataRecord(Key.of(path), header, payload);
  }

  /** What the system of record gave: no write of ours. */
  public static MetadataRecord ofOrigin(String path, int payloadBytes, long expiresAtMs) {
    var payload = Bytes.copyOf(new byte[payloadBytes]);
    var header = Header.value(Version.NONE, new RegionName("paris"), payload, expiresAtMs);
    return new MetadataRecord(Key.of(path), header, payload);
  }
}
