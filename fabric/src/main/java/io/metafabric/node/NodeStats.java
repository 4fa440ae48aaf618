package io.metafabric.node;

import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.store.StoreStats;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.ReplicationStats;
import io.metafabric.replicate.arm.KeptStats;
import io.metafabric.replicate.shadow.ShadowStats;
import java.util.List;

/** Everything a node counts; reads by where the value was found. */
public record NodeStats(
    long hotReads,
    long prefetchedReads,
    long warmReads,
    long remoteReads,
    long originReads,
    long absentReads,
    long supersededReads,
    long failedReads,
    HotTierStats hotTier,
    WarmTierStats warmTier,
    StoreStats store,
    ReplicationStats replication,
    TransportStats transport,
    PrefetchStats prefetch,
    SummaryStats summaries,
    MergeStats merges,
    ShadowStats shadows,
    KeptStats kept,
    RebuildStats rebuild,
    WaitStats waiting,
    List<MemoryUse> memory) {
  public NodeStats {
    memory = List.copyOf(memory);
  }
}
