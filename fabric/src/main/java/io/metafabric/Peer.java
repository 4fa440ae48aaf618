package io.metafabric;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.record.RegionName;
import io.metafabric.replicate.PeerStats;

/**
 * Another region, for its operator. Thread-safe; every method throws {@link FabricClosedException}
 * after the fabric was closed.
 */
public interface Peer {
  RegionName region();

  /** State, lag and what else is known of it now. */
  PeerStats stats();

  /**
   * Sends this region no changes until {@link #resume}, and tells it so. Heartbeats and fetches go
   * on, and so do its changes to here; what is written here waits in the journal. Beyond what
   * {@link FabricBuilder#retainedBytes} keeps, it is compacted: of a key written often only the
   * newest write is sent later. Takes effect soon after the call; forgotten when the fabric is
   * closed. A second call does nothing.
   */
  void pause();

  /** Sends changes again, from where it stopped. Does nothing if the link is not paused. */
  void resume();
}
