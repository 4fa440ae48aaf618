package io.metafabric.node;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.replicate.ReplicationConfig;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import java.time.Duration;

/**
 * @param tick how often what was read is learned from, at least; a remote read does so at once
 * @param copyBudget what prefetching may cost at first
 * @param prediction whether prefetching is on at first
 * @param summaries how regions tell each other what is read in them
 * @param shadows which payloads are held beside home and backup
 * @param keptBytes what copies may take in memory that stay beside the hot tier, 0 to 64 GiB; with
 *     0 there are none
 */
public record NodeConfig(
    StoreConfig store,
    ReplicationConfig replication,
    HomeLookup homes,
    Duration tick,
    CostBenefitPolicy policy,
    CopyBudget copyBudget,
    boolean prediction,
    SummaryConfig summaries,
    ShadowConfig shadows,
    long keptBytes) {
  public static final long MAX_KEPT_BYTES = 64L << 30;
  public static final long DEFAULT_KEPT_BYTES = 256L << 20;

  public NodeConfig {
    if (keptBytes < 0 || keptBytes > MAX_KEPT_BYTES) {
      throw new ConfigurationException(
          "keptCopyBytes must be 0 to " + MAX_KEPT_BYTES + ", was " + keptBytes);
    }
  }

  /** The same with another address for its peers. */
  public NodeConfig listeningAt(PeerAddress address) {
    return new NodeConfig(
        store,
        replication.listeningAt(address),
        homes,
        tick,
        policy,
        copyBudget,
        prediction,
        summaries,
        shadows,
        keptBytes);
  }
}
