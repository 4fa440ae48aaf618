package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.version.ActorId;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Changes of one actor are applied and asked for, while compaction moves the frame. */
@Param(name = "counter", gen = IntGen.class, conf = "1:3")
public class AppliedPrefixesStressTest extends LinearizableOperations {
  private static final RegionName REGION = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(7);

  private final AppliedPrefixes prefixes = new AppliedPrefixes();

  @Operation
  public void journaled(@Param(name = "counter") int counter) {
    prefixes.journaled(new JournalEntry.Applied(REGION, ACTOR, counter), TwoFrames.ONE);
  }

  @Operation
  public boolean moved() {
    return prefixes.moved(ACTOR, TwoFrames.ONE, TwoFrames.OTHER);
  }

  @Operation
  public boolean hasMoved() {
    return prefixes.isAt(ACTOR, TwoFrames.OTHER.position());
  }

  @Operation
  public long counter() {
    AppliedPrefix known = prefixes.of(ACTOR);
    return known == null ? 0 : known.counter();
  }

  @Operation
  public long counterOfRegion() {
    return prefixes.of(REGION).counter(ACTOR);
  }
}
