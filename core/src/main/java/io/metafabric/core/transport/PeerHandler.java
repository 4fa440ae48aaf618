package io.metafabric.core.transport;

import io.metafabric.core.wire.Frame;
import org.jspecify.annotations.Nullable;

/** What a node does with one connection. Calls come one at a time; one that throws closes it. */
public interface PeerHandler {
  void onOpen(PeerConnection connection);

  void onFrame(PeerConnection connection, Frame frame);

  /** The queue that had refused a frame has room again, or what had not drained has. */
  void onWritable(PeerConnection connection);

  /**
   * One side does not take, or takes no more, what the other has shown as a proof of who it is; the
   * connection ends next.
   *
   * @param connection null if it was never open
   */
  default void onUntrusted(@Nullable PeerConnection connection, String reason) {}

  /**
   * The connection ended, or could not be made; nothing comes after this.
   *
   * @param connection null if it was never open
   */
  void onClosed(@Nullable PeerConnection connection, String reason);
}
