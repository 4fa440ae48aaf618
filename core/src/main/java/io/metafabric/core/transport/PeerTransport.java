package io.metafabric.core.transport;

/**
 * Moves frames between nodes, and knows nothing of what they mean.
 *
 * <p>Handlers run on the executor that the transport was made with, one call at a time. A
 * connection delivers frames whole, in order and once, or closes; the simulated network may break
 * even that. What it cannot decode it counts, closes the connection and reports; memory held for a
 * connection is bounded in both directions. Thread-safe.
 */
public interface PeerTransport extends AutoCloseable {
  /** Decides what happens to a connection that came in. */
  interface Acceptor {
    PeerHandler accept(PeerConnection connection);
  }

  /**
   * Accepts connections from now on.
   *
   * @return the address bound, with the port that was chosen if {@code address} had none
   * @throws io.metafabric.core.error.ListenException if it cannot be bound
   * @throws io.metafabric.core.error.ConfigurationException if it is one that may not be used
   * @throws io.metafabric.core.error.FabricClosedException after {@link #close}
   */
  PeerAddress listen(PeerAddress address, Acceptor acceptor);

  /**
   * Begins to connect; the handler is told {@code onOpen}, or {@code onClosed} on failure, also if
   * the address is one that may not be used.
   */
  void connect(PeerAddress address, PeerHandler handler);

  TransportStats stats();

  /** Closes listener and connections, and waits until their threads have ended. */
  @Override
  void close();
}
