package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What a link tells the rest, and what it must know of the rest; on the loop. */
interface LinkEvents {
  void onReply(RegionName from, Frame.FetchReply reply);

  void onDone(RegionName from, Frame.Done done);

  void onShadowReply(RegionName from, Frame.ShadowReply reply);

  /** The peer has acknowledged more, or said how things stand there. */
  void onAdvance();

  /** The peer has no copy any more. */
  void onDropped(RegionName from, Key key);

  /** How often the peer reads its copies. */
  void onReads(RegionName from, Frame.Reads reads);

  /** Which other regions have a shadow of a key, as the peer says. */
  void onCopies(RegionName from, Frame.Copies copies);

  void onDisconnected(RegionName from);

  /**
   * The peer may be spoken to.
   *
   * @param hasLost whether it had acknowledged changes that it does not know any more
   */
  void onWelcomed(RegionName from, Frame.Welcome welcome, boolean hasLost);

  /** It will not be, before something changes there or here. */
  void onRefused(RegionName from);

  void onCompared(RegionName from, Frame.Compared compared);

  void onRepair(RegionName from, Frame.Repair repair);

  /** What is wrong with what came. */
  Provenance provenance();

  /** A peer did what it must not, and is cut off. */
  void onViolation(RegionName from, String what);

  /** Whether this node is not waiting for writes of its own that it has lost. */
  boolean mayClaimAll(RegionName to);

  /** The peer's clock seems to be ahead by so much, give or take half of the round trip. */
  void onClock(RegionName from, long wallMs, double offsetMs, double rttMs);

  /** What this node holds for the cluster. */
  Frame.Belonging belonging();

  /** What it tells of its configuration; null while no region ever was evicted. */
  Frame.@Nullable Configured configured();

  void onConfigured(RegionName from, Frame.Configured configured);

  /** As {@link CatchUp#onBehindRetention}. */
  CompletableFuture<Void> onBehindRetention(RegionName peer);
}
