package io.metafabric;

import io.metafabric.core.transport.PeerAddress;
import java.util.Optional;

/**
 * One node of the fabric, inside the host's process: a store for metadata over all regions.
 *
 * <p>Thread-safe. A hit never waits for a disk, another region or a model; a write never waits for
 * another region. The host that opened it closes it.
 */
public interface MetadataFabric extends Records, AutoCloseable {
  /** A fabric with nothing configured is a single node without a listener. */
  static FabricBuilder builder() {
    return new FabricBuilder();
  }

  /**
   * The same records, read on behalf of someone whose habits are worth learning: a user, a job, a
   * process. Without it every thread is taken for a client of its own.
   */
  Records as(String client);

  /** Where peers reach this node; empty if it does not listen. */
  Optional<PeerAddress> listening();

  FabricStats stats();

  /** What this node knows of a key, and why it does or does not hold a copy. */
  Explanation explain(String key);

  /** Turns prefetching on or off. What was learned stays. */
  void setPrediction(boolean enabled);

  /** Leaves no thread, socket, lock or file open. A second call does nothing. */
  @Override
  void close();
}
