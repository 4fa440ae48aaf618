package io.metafabric.node;

import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.conflict.ConflictLog;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.store.HeldStats;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.store.StoreStats;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.predict.ForesightStats;
import io.metafabric.replicate.DictionaryStats;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.ReplicationStats;
import io.metafabric.replicate.arm.ArmStats;
import java.util.ArrayList;
import java.util.List;

/** Lists what a node's parts hold, from their own accounts. */
final class MemoryUses {
  private MemoryUses() {}

  /**
   * @param shadows what they and the books on them take
   * @param others what has no statistics of its own
   */
  static List<MemoryUse> of(
      NodeConfig config,
      HotTierStats hotStats,
      WarmTierStats warmStats,
      StoreStats storeStats,
      ReplicationStats replicationStats,
      TransportStats transportStats,
      PrefetchStats prefetch,
      List<MemoryUse> shadows,
      List<MemoryUse> others) {
    StoreConfig storage = config.store();
    var all = new ArrayList<>(shadows);
    all.add(new MemoryUse("hot tier", hotStats.sizeBytes(), hotStats.maxBytes()));
    if (warmStats.maxBytes() > 0) {
      all.add(new MemoryUse("warm tier", warmStats.sizeBytes(), warmStats.maxBytes()));
    }
    all.add(new MemoryUse("key index", storeStats.indexBytes(), storage.maxIndexBytes()));
    all.add(new MemoryUse("header tree", HeaderTree.BYTES, HeaderTree.BYTES));
    all.add(
        new MemoryUse("read cache", storeStats.readCacheBytes(), storeStats.maxReadCacheBytes()));
    all.add(
        new MemoryUse(
            "header cache", storeStats.headerCacheBytes(), StoreConfig.MAX_HEADER_CACHE_BYTES));
    all.add(new MemoryUse("write queue", storeStats.pendingBytes(), storage.maxPendingBytes()));
    all.add(new MemoryUse("held changes", storeStats.held().bytes(), HeldStats.MAX_BYTES));
    all.add(
        new MemoryUse(
            "conflicts to be logged",
            storeStats.conflicts().pendingBytes(),
            ConflictLog.MAX_PENDING_BYTES));
    for (PeerStats peer : replicationStats.peers()) {
      all.add(
          new MemoryUse(
              "changes under way to " + peer.region(),
              peer.inFlightBytes(),
              config.replication().windowBytes()));
      all.add(
          new MemoryUse(
              "changes that wait for " + peer.region(),
              peer.waitingBytes(),
              config.replication().maxWaitingBytes()));
    }
    all.add(
        new MemoryUse(
            "changes that came and wait for the disk",
            replicationStats.receivedBytes(),
            (long) replicationStats.peers().size() * config.replication().maxReceivedBytes()));
    all.add(
        new MemoryUse(
            "transport queues", transportStats.waitingBytes(), transportStats.maxWaitingBytes()));
    all.add(
        new MemoryUse(
            "who holds copies",
            replicationStats.holderBytes(),
            config.replication().holderBytes()));
    all.add(
        new MemoryUse(
            "who has others' shadows",
            replicationStats.hints().bytes(),
            replicationStats.hints().maxBytes()));
    all.add(
        new MemoryUse(
            "payloads that peers hold",
            replicationStats.deltas().knownBytes(),
            replicationStats.peers().size() * config.replication().deltas().knownBytes()));
    all.add(
        new MemoryUse(
            "dictionaries",
            replicationStats.dictionaries().retainedBytes(),
            DictionaryStats.maxOwnBytes(config.replication().deltas())
                + replicationStats.peers().size() * DictionaryStats.MAX_BYTES_OF_A_PEER));
    all.add(
        new MemoryUse(
            "prefetches under way",
            replicationStats.prefetchingBytes(),
            ReplicationStats.MAX_PREFETCHING_BYTES));
    all.add(
        new MemoryUse(
            "prefetches of peers that wait",
            replicationStats.prefetchAnswersBytes(),
            replicationStats.peers().size() * ReplicationStats.MAX_PREFETCH_ANSWERS_BYTES));
    all.addAll(others);
    ArmStats arm = prefetch.arm();
    all.add(new MemoryUse("decisions on copies", arm.retainedBytes(), arm.maxRetainedBytes()));
    ForesightStats foresight = prefetch.foresight();
    all.add(new MemoryUse("predictors", foresight.retainedBytes(), foresight.maxRetainedBytes()));
    return all;
  }
}
