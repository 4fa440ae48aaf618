package io.metafabric.cache;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.DirectExecutor;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;

class JournalTierTest extends TierContract {
  @Override
  protected World newWorld() {
    var node = new SimNode(new SimWorld(1), "paris");
    var config =
        new StoreConfig(
            "test",
            new RegionName("paris"),
            new JournalConfig(1 << 20),
            Durabilities.all(Durability.SYNC),
            1 << 20,
            1 << 20,
            64 << 20,
            CompactionConfig.DEFAULT);
    RecordStore store =
        RecordStore.open(
            config, node.disk(), node.clock(), node.random(), new DirectExecutor(), changes -> {});
    return new World() {
      @Override
      public Tier tier() {
        return new JournalTier(store);
      }

      @Override
      public void publishHeader(MetadataRecord record) {
        store.applyOne(new Inbound(record.withoutPayload(), false)).join();
      }

      @Override
      public void close() {
        store.close();
      }
    };
  }
}
