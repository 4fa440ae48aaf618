package io.metafabric.replicate;

import io.metafabric.core.record.RegionName;
import java.util.concurrent.CompletableFuture;

/** Brings back a region that was away for longer than the journal was kept whole for it. */
@FunctionalInterface
public interface CatchUp {
  /**
   * The changes that are left are enough where the last writer wins: whatever of this directory's
   * own writes is part of the present state is still in the journal, and goes to the peer in the
   * stream.
   */
  CatchUp BY_THE_STREAM_ALONE = peer -> CompletableFuture.completedFuture(null);

  /**
   * The peer is connected, and some of what it had not acknowledged is not kept any more; the
   * stream goes on with what is left. Called on the loop, again after each time the connection was
   * lost, and again after a restart, until it has succeeded.
   *
   * @return completes once the peer lacks nothing, with a failure if it must be tried again at the
   *     next connection. Until then, and until the peer has acknowledged the range, it is not told
   *     that it has everything
   */
  CompletableFuture<Void> onBehindRetention(RegionName peer);
}
