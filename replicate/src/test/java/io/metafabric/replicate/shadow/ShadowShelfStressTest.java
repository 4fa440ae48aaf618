package io.metafabric.replicate.shadow;

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
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.arm.CopyRoom;
import java.time.Duration;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Shadows of two keys, of which there is room for one and a half. */
@Param(name = "id", gen = IntGen.class, conf = "1:2")
@Param(name = "counter", gen = IntGen.class, conf = "1:3")
public class ShadowShelfStressTest extends LinearizableOperations {
  private static final Duration LIFE = Duration.ofSeconds(10);
  private static final ShadowTerms TERMS = ShadowTerms.of(ShadowReason.REQUESTED, 3, LIFE);

  /** Made before, as a model checker would follow each step of it. */
  private static final MetadataRecord[][] RECORDS = new MetadataRecord[3][4];

  static {
    for (int id = 1; id <= 2; id++) {
      for (int counter = 1; counter <= 3; counter++) {
        RECORDS[id][counter] = record(id, counter);
      }
    }
  }

  private final ShadowShelf shelf = new ShadowShelf(15_000, new CopyRoom(15_000));

  private static Key key(int id) {
    return Key.of("n/" + id);
  }

  private static Dot dot(int counter) {
    return new Dot(new ActorId(7), counter);
  }

  private static MetadataRecord record(int id, int counter) {
    Bytes payload = Bytes.copyOf(new byte[9_000 + counter]);
    var version = new Version(dot(counter), VersionVector.EMPTY, new Stamp(5));
    Header header = Header.value(version, new RegionName("rome"), payload, Header.NEVER);
    return new MetadataRecord(key(id), header, payload);
  }

  @Operation
  public boolean put(@Param(name = "id") int id, @Param(name = "counter") int counter) {
    return shelf.put(RECORDS[id][counter], TERMS, 0);
  }

  @Operation
  public void refresh(@Param(name = "id") int id, @Param(name = "counter") int counter) {
    shelf.refresh(RECORDS[id][counter], true);
  }

  @Operation
  public void read(@Param(name = "id") int id) {
    shelf.read(key(id).path(), false);
  }

  @Operation
  public int due() {
    return shelf.due(LIFE.toNanos(), 9).size();
  }

  @Operation
  public void livesOn(@Param(name = "id") int id) {
    shelf.livesOn(key(id), LIFE.toNanos() / 2);
  }

  @Operation
  public boolean end(@Param(name = "id") int id, @Param(name = "counter") int counter) {
    return shelf.end(key(id), dot(counter), false);
  }

  @Operation
  public ShadowStats stats() {
    return shelf.stats();
  }
}
