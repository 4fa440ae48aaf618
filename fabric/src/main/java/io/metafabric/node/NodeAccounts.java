package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.PayloadTier;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.store.StoreStats;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.predict.AccessRing;
import io.metafabric.replicate.ReplicationStats;
import io.metafabric.replicate.Replicator;
import java.util.ArrayList;
import java.util.List;

/**
 * What a node's parts count and hold, gathered when somebody asks. Counts nothing itself.
 * Thread-safe: the numbers of one answer need not be of one moment.
 */
record NodeAccounts(
    NodeConfig config,
    ReadCounts reads,
    HotTier<?> hot,
    PayloadTier warm,
    LocalTiers tiers,
    RecordStore store,
    Replicator replicator,
    PeerTransport transport,
    AccessRing accesses,
    Prefetcher prefetcher,
    AccessSummaries summaries,
    Merging merging,
    Shadows shadows,
    KeptPayloads kept,
    Guarantees guarantees) {

  NodeStats stats() {
    HotTierStats hotStats = hot.stats();
    WarmTierStats warmStats = warm.stats();
    StoreStats storeStats = store.stats();
    ReplicationStats replicationStats = replicator.stats();
    TransportStats transportStats = transport.stats();
    PrefetchStats prefetchStats = prefetcher.stats();
    return new NodeStats(
        reads.of(Outcome.HOT),
        reads.of(Outcome.PREFETCHED),
        reads.of(Outcome.WARM),
        reads.of(Outcome.REMOTE),
        reads.of(Outcome.ORIGIN),
        reads.of(Outcome.ABSENT),
        reads.superseded(),
        reads.failed(),
        hotStats,
        warmStats,
        storeStats,
        replicationStats,
        transportStats,
        prefetchStats,
        summaries.stats(),
        merging.stats(),
        shadows.stats(),
        kept.stats(),
        replicator.rebuildStats().plus(shadows.rebuildStats()),
        guarantees.stats(),
        MemoryUses.of(
            config,
            hotStats,
            warmStats,
            storeStats,
            replicationStats,
            transportStats,
            prefetchStats,
            shadows.memory(),
            otherMemory()));
  }

  /** What has no statistics of its own. */
  private List<MemoryUse> otherMemory() {
    var all = new ArrayList<MemoryUse>();
    all.add(new MemoryUse("moved homes", store.systemBytes(), 2 * StoreConfig.MAX_SYSTEM_BYTES));
    all.addAll(tiers.memory());
    all.add(new MemoryUse("kept copies", kept.stats().bytes(), kept.stats().maxBytes()));
    all.add(summaries.memory());
    all.add(
        new MemoryUse(
            "what peers have applied", replicator.toldBytes(), replicator.maxToldBytes()));
    all.add(new MemoryUse("callers that wait", guarantees.waitingBytes(), Waits.MAX_BYTES));
    all.add(new MemoryUse("access ring", accesses.retainedBytes(), accesses.maxRetainedBytes()));
    return all;
  }
}
