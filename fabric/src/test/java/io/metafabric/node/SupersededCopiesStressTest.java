package io.metafabric.node;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** One copy of a key takes the place of another, of which there is room for one: 3 MB and more. */
@Param(name = "megabytes", gen = IntGen.class, conf = "3:5")
public class SupersededCopiesStressTest extends LinearizableOperations {
  private static final Bytes[] PAYLOADS = new Bytes[6];

  static {
    for (int i = 0; i < PAYLOADS.length; i++) {
      PAYLOADS[i] = Bytes.copyOf(new byte[i << 20]);
    }
  }

  private final SupersededCopies copies = new SupersededCopies();

  private static Key key(int megabytes) {
    return Key.of("n/" + megabytes % 2);
  }

  @Operation
  public void add(@Param(name = "megabytes") int megabytes) {
    var version = new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(1 << 16));
    Bytes payload = PAYLOADS[megabytes];
    Header header = Header.value(version, new RegionName("rome"), payload, Header.NEVER);
    copies.add(new MetadataRecord(key(megabytes), header, payload));
  }

  @Operation
  public int megabytes(@Param(name = "megabytes") int same) {
    MetadataRecord record = copies.get(key(same));
    return record == null ? 0 : record.payload().length() >> 20;
  }

  @Operation
  public void remove(@Param(name = "megabytes") int same) {
    copies.remove(key(same));
  }

  @Operation
  public long bytes() {
    return copies.estimatedBytes();
  }
}
