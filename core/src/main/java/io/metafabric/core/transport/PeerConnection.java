package io.metafabric.core.transport;

import io.metafabric.core.wire.Frame;
import org.jspecify.annotations.Nullable;

/** One open connection. Thread-safe. */
public interface PeerConnection {
  /**
   * Hands a frame over for sending.
   *
   * <p>Data frames are taken while the queue has room. Control frames (see {@link
   * Frame#isControl()}) never wait for room: they have a reserve of their own, and may arrive
   * before data that was sent earlier. Frames of either kind are delivered in the order of sending.
   *
   * @return false if there is no room, or the connection is closed; nothing was queued then
   * @throws IllegalArgumentException if the frame is larger than any that can be sent
   */
  boolean send(Frame frame);

  /**
   * Whether all data frames that were taken have left for the network, so that one which can wait
   * holds up nobody now. If not, the handler's {@link PeerHandler#onWritable} is called once they
   * have.
   */
  default boolean isDrained() {
    return true;
  }

  /**
   * The handshake is done. Until then only frames of at most {@link
   * io.metafabric.core.wire.FrameCodec#MAX_HANDSHAKE_BYTES} are accepted, so call this before
   * sending what allows the other side to send larger ones.
   */
  void established();

  /**
   * Which version of the protocol both have agreed on. Before, and of a lower version after it,
   * frames that it does not know are skipped.
   */
  default void speaks(int protocol) {}

  /** Who the other side has proved to be; null if the transport asks for no proof. */
  default @Nullable PeerIdentity provenAs() {
    return null;
  }

  /** Whether frames that come in may be compressed. */
  default boolean takesCompressed() {
    return false;
  }

  /** The other side takes compressed frames, or does not; before it says so, it does not. */
  default void otherSideTakesCompressed(boolean takes) {}

  /**
   * Closes without waiting; what was queued may be lost, and what had come in is not delivered any
   * more. The handler is told.
   */
  void close(String reason);

  /** For people: where the other side is. */
  String remote();
}
