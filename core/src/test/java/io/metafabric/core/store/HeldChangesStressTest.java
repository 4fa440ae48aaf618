package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.version.ActorId;
import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Ranges of two actors are held, applied, refused by the disk, and dropped with their region. */
@Param(name = "actor", gen = IntGen.class, conf = "1:2")
public class HeldChangesStressTest extends LinearizableOperations {
  private final HeldChanges held = new HeldChanges(0);

  private static JournalEntry.Held range(int actor) {
    return new JournalEntry.Held(new RegionName("rome"), new ActorId(actor), 0, 1, List.of());
  }

  @Operation
  public boolean hold(@Param(name = "actor") int actor) {
    return held.hold(range(actor)) != null;
  }

  @Operation
  public void journaled(@Param(name = "actor") int actor) {
    held.journaled(range(actor), TwoFrames.ONE);
  }

  @Operation
  public void applied(@Param(name = "actor") int actor) {
    held.applied(new ActorId(actor), 1);
  }

  @Operation
  public void refused(@Param(name = "actor") int actor) {
    held.forget(new ActorId(actor));
  }

  @Operation
  public void drop() {
    held.drop(region -> true);
  }

  @Operation
  public int due() {
    return held.due(0).size();
  }

  @Operation
  public HeldStats stats() {
    return held.stats(0);
  }
}
