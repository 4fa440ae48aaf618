package io.metafabric.core.sim;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.ListenException;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.transport.TransportStats;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;

/** One life of a node on the virtual network. */
final class SimTransport implements PeerTransport {
  static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  private final SimNetwork network;
  private final String node;
  private final TransportLimits limits;
  private final Executor callbacks;
  private final Set<SimConnection> connections = new LinkedHashSet<>();
  private final Set<Attempt> attempts = new LinkedHashSet<>();
  private boolean closed;

  long sentBytes;
  long receivedBytes;
  long malformed;
  long refusedFrames;
  long skippedFrames;

  SimTransport(SimNetwork network, String node, TransportLimits limits, Executor callbacks) {
    this.network = network;
    this.node = node;
    this.limits = limits;
    this.callbacks = callbacks;
  }

  SimNetwork network() {
    return network;
  }

  String node() {
    return node;
  }

  TransportLimits limits() {
    return limits;
  }

  Executor callbacks() {
    return callbacks;
  }

  @Override
  public PeerAddress listen(PeerAddress address, Acceptor acceptor) {
    if (closed) {
      throw new FabricClosedException("the transport is closed");
    }
    PeerAddress bound =
        address.host().equals(node)
            ? network.bind(address, new SimNetwork.SimListener(this, acceptor))
            : null;
    if (bound == null) {
      throw new ListenException(
          "cannot listen on "
              + address
              + " at "
              + node
              + "; use a free port, or an address of this machine");
    }
    return bound;
  }

  @Override
  public void connect(PeerAddress address, PeerHandler handler) {
    var attempt = new Attempt(address, handler);
    if (closed) {
      attempt.fail("the transport is closed");
      return;
    }
    attempts.add(attempt);
    network.after(CONNECT_TIMEOUT, () -> attempt.fail("no answer in time"));
    network.sendSignal(node, address.host(), () -> answer(attempt));
  }

  /** Runs where the attempt has arrived. */
  private void answer(Attempt attempt) {
    SimNetwork.SimListener listener = network.listenerAt(attempt.address);
    if (attempt.over) {
      return;
    }
    if (listener == null) {
      network.sendSignal(attempt.address.host(), node, () -> attempt.fail("connection refused"));
      return;
    }
    SimTransport acceptor = listener.transport();
    var dialled = new SimConnection(this, acceptor.node, connection -> attempt.handler);
    var accepted = new SimConnection(acceptor, node, listener.acceptor());
    dialled.pairWith(accepted);
    accepted.pairWith(dialled);
    acceptor.connections.add(accepted);
    accepted.open();
    network.sendSignal(acceptor.node, node, () -> attempt.succeed(dialled));
  }

  /** One call of {@link #connect}. */
  private final class Attempt {
    private final PeerAddress address;
    private final PeerHandler handler;
    private boolean over;

    Attempt(PeerAddress address, PeerHandler handler) {
      this.address = address;
      this.handler = handler;
    }

    void succeed(SimConnection dialled) {
      if (over) {
        dialled.sendEnd(); // the acceptor's side would stay half open for ever
        return;
      }
      if (dialled.isEnded()) {
        fail("the connection broke");
        return;
      }
      abandon();
      connections.add(dialled);
      dialled.open();
    }

    void abandon() {
      over = true;
      attempts.remove(this);
    }

    void fail(String why) {
      if (!over) {
        abandon();
        callbacks.execute(
            () -> handler.onClosed(null, "cannot connect to " + address + ": " + why));
      }
    }
  }

  void ended(SimConnection connection) {
    connections.remove(connection);
  }

  void breakConnectionsTo(String other) {
    for (SimConnection connection : List.copyOf(connections)) {
      if (connection.remoteNode().equals(other)) {
        connection.breakBoth();
      }
    }
  }

  void crash() {
    closed = true;
    network.forget(this);
    List.copyOf(attempts).forEach(Attempt::abandon);
    List.copyOf(connections).forEach(SimConnection::crash);
  }

  @Override
  public TransportStats stats() {
    return new TransportStats(
        sentBytes,
        receivedBytes,
        malformed,
        0,
        0,
        0,
        0,
        refusedFrames,
        skippedFrames,
        0,
        connections.stream().mapToLong(SimConnection::waitingBytes).sum(),
        connections.stream().mapToLong(SimConnection::maxWaitingBytes).sum(),
        null);
  }

  @Override
  public void close() {
    closed = true;
    network.forget(this);
    List.copyOf(attempts).forEach(attempt -> attempt.fail("the transport was closed"));
    List.copyOf(connections).forEach(connection -> connection.close("the transport was closed"));
  }
}
