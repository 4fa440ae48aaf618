package io.metafabric.core.transport;

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
import io.metafabric.core.wire.Frame;
import java.util.Arrays;
import java.util.List;

/** Frames that can be told apart. */
public final class TestFrames {
  private TestFrames() {}

  public static Frame control(long number) {
    return new Frame.Heartbeat(number, 0, Frame.Backlog.NONE);
  }

  /** A data frame a little larger than {@code payloadBytes}. */
  public static Frame data(int number, int payloadBytes) {
    var payload = new byte[payloadBytes];
    Arrays.fill(payload, (byte) number);
    var bytes = Bytes.copyOf(payload);
    var version =
        new Version(
            new Dot(new ActorId(7), number + 1L), VersionVector.EMPTY, new Stamp(number + 1L));
    var header = Header.value(version, new RegionName("paris"), bytes, Header.NEVER);
    return new Frame.Push(List.of(new MetadataRecord(Key.of("test/" + number), header, bytes)));
  }
}
