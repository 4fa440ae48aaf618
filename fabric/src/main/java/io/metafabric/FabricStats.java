package io.metafabric;

import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.store.StoreStats;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.http.HttpStats;
import io.metafabric.node.MemoryUse;
import io.metafabric.node.MergeStats;
import io.metafabric.node.NodeStats;
import io.metafabric.node.PrefetchStats;
import io.metafabric.node.SummaryStats;
import io.metafabric.node.WaitStats;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.ReplicationStats;
import io.metafabric.replicate.arm.KeptStats;
import io.metafabric.replicate.shadow.ShadowStats;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a fabric has counted since it was opened. Immutable.
 *
 * @param storage journal and index
 * @param replication peers, their state and lag
 * @param summaries what regions tell each other of reads
 * @param events what listeners were told
 * @param merges what became of concurrent values that a rule merges
 * @param shadows payloads that this region holds though it is not their home
 * @param kept payloads that stay beside the hot tier because they pay
 * @param rebuild copies that are missing, of payloads that this region is to hold and of shadows
 *     that went with a region that was evicted
 * @param waiting callers that wait for other regions, and those that were refused
 * @param http what the HTTP endpoints were asked; null without {@link FabricBuilder#http}
 * @param memory all that is kept within a bound of bytes, each with its bound
 * @param transport bytes to and from other regions, and what was dropped
 */
public record FabricStats(
    Reads reads,
    HotTierStats hotTier,
    WarmTierStats warmTier,
    StoreStats storage,
    ReplicationStats replication,
    TransportStats transport,
    PrefetchStats prefetch,
    SummaryStats summaries,
    Events events,
    MergeStats merges,
    ShadowStats shadows,
    KeptStats kept,
    RebuildStats rebuild,
    WaitStats waiting,
    @Nullable HttpStats http,
    List<MemoryUse> memory) {
  public FabricStats {
    memory = List.copyOf(memory);
  }

  /** How things stand with each of the other regions, sorted by name. */
  public List<PeerStats> peers() {
    return replication.peers();
  }

  /**
   * Changes of peers' states, for {@link FabricBuilder#onPeerStateChange}.
   *
   * @param delivered to all listeners
   * @param waiting for the listeners to be done with those before
   * @param dropped because too many were waiting
   * @param failed listeners' exceptions
   */
  public record Events(long delivered, int waiting, long dropped, long failed) {}

  /**
   * Reads by where the value was found.
   *
   * @param hot in memory; {@code prefetched} ones are not counted here
   * @param prefetched in memory, because it had been prefetched and this was its first read
   * @param warm in the warm tier: the journal, or Chronicle Map in front of it
   * @param remote in another region, or on its way from there
   * @param origin in the system of record
   * @param absent nowhere: there is no value
   * @param stale an older value, because nobody who has the newest could be reached
   * @param failed nobody who could tell was reachable
   */
  public record Reads(
      long hot,
      long prefetched,
      long warm,
      long remote,
      long origin,
      long absent,
      long stale,
      long failed) {
    public long total() {
      return hot + prefetched + warm + remote + origin + absent + stale + failed;
    }
  }

  static FabricStats of(
      NodeStats node, Events events, MemoryUse callbacks, @Nullable HttpStats http) {
    var memory = new ArrayList<>(node.memory());
    memory.add(callbacks);
    return new FabricStats(
        new Reads(
            node.hotReads(),
            node.prefetchedReads(),
            node.warmReads(),
            node.remoteReads(),
            node.originReads(),
            node.absentReads(),
            node.supersededReads(),
            node.failedReads()),
        node.hotTier(),
        node.warmTier(),
        node.store(),
        node.replication(),
        node.transport(),
        node.prefetch(),
        node.summaries(),
        events,
        node.merges(),
        node.shadows(),
        node.kept(),
        node.rebuild(),
        node.waiting(),
        http,
        memory);
  }
}
