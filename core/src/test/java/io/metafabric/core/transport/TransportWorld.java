package io.metafabric.core.transport;

import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;

/** Where transports under test live: real sockets and threads, or a simulation. */
public interface TransportWorld extends AutoCloseable {
  /** A serial executor of a node; transports of the same {@code node} belong together. */
  Executor newExecutor(String node);

  PeerTransport newTransport(String node, TransportLimits limits, Executor callbacks);

  /** Where a transport of {@code node} can listen. */
  PeerAddress anyAddress(String node);

  /** Where nobody listens. */
  PeerAddress deadAddress();

  /**
   * Lets the world go on until {@code condition}; fails, naming {@code what}, if it never comes.
   */
  void runUntil(String what, BooleanSupplier condition);

  @Override
  void close();
}
