package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry.Configured;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Configurations are decided on, refused by the disk, stored and moved. */
@Param(name = "epoch", gen = IntGen.class, conf = "1:3")
public class StoredConfigurationStressTest extends LinearizableOperations {
  private final StoredConfiguration stored = new StoredConfiguration();

  private static Configured configured(int epoch) {
    Configuration next = Configuration.INITIAL;
    for (int i = 0; i < epoch; i++) {
      next = next.without(new RegionName("r" + i));
    }
    return new Configured(next, 0, true);
  }

  @Operation
  public boolean decide(@Param(name = "epoch") int epoch) {
    return stored.decide(configured(epoch));
  }

  @Operation
  public void refused() {
    stored.refused();
  }

  @Operation
  public void journaled(@Param(name = "epoch") int epoch) {
    stored.journaled(configured(epoch), TwoFrames.ONE);
  }

  @Operation
  public void moved() {
    stored.moved(TwoFrames.ONE, TwoFrames.OTHER);
  }

  @Operation
  public boolean hasMoved() {
    return stored.isAt(TwoFrames.OTHER.position());
  }

  @Operation
  public long decided() {
    return stored.decided().configuration().epoch();
  }
}
