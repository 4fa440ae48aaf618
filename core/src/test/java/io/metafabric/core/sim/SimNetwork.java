package io.metafabric.core.sim;

import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A virtual network between nodes; the host of an address is the name of its node. Deterministic:
 * time and chance are the world's. Not thread-safe: all runs on the test's thread.
 *
 * <p>A partition behaves as it does under TCP: connections stay, what is under way is held back and
 * arrives once the partition is healed, queues fill up, and nobody is told anything.
 */
public final class SimNetwork {
  /** Both nodes of a direction. */
  private record Direction(String from, String to) {}

  private final SimWorld world;
  private final RandomGenerator random;
  private final Map<Direction, SimLink> links = new HashMap<>();
  private final Set<Direction> cuts = new HashSet<>();
  private final Map<Direction, List<Runnable>> heldBack = new HashMap<>();
  private final Map<Direction, Long> lastArrival = new HashMap<>();
  private final Map<PeerAddress, SimListener> listeners = new HashMap<>();
  private final Map<String, List<SimTransport>> transports = new LinkedHashMap<>();
  private final Map<Direction, Long> lineFreeAt = new HashMap<>();
  private int windowBytes = 64 * 1024;
  private SimLink defaultLink = SimLink.perfect(Duration.ofMillis(1));
  private int nextPort = 10_000;
  private Function<Frame, Duration> slowness = frame -> Duration.ZERO;

  /** Who is asked about connections to an address. */
  record SimListener(SimTransport transport, PeerTransport.Acceptor acceptor) {}

  public SimNetwork(SimWorld world) {
    this.world = world;
    this.random = world.fork("network");
  }

  /**
   * A transport of the current life of {@code node}. When that crashes, its handlers are told
   * nothing more, and its peers learn of it as of any message: in a partition they do not.
   */
  public PeerTransport transport(SimNode node, TransportLimits limits, Executor callbacks) {
    List<SimTransport> ofNode =
        transports.computeIfAbsent(
            node.name(),
            name -> {
              node.whenCrashed(() -> crash(name));
              return new ArrayList<>();
            });
    var transport = new SimTransport(this, node.name(), limits, callbacks);
    ofNode.add(transport);
    return transport;
  }

  private void crash(String node) {
    transportsOf(node).forEach(SimTransport::crash);
  }

  /** For all directions that have no link of their own. */
  public void defaultLink(SimLink link) {
    defaultLink = link;
  }

  /** What a connection has sent and the other end has not read, as TCP bounds it. */
  public void window(int bytes) {
    windowBytes = bytes;
  }

  /** How long a node takes until it says something; what it says later overtakes it. */
  public void slowness(Function<Frame, Duration> ofFrame) {
    slowness = ofFrame;
  }

  Duration slowness(Frame frame) {
    return slowness.apply(frame);
  }

  int windowBytes() {
    return windowBytes;
  }

  /** For messages from one node to another; the other direction stays as it was. */
  public void link(String from, String to, SimLink link) {
    links.put(new Direction(from, to), link);
  }

  /** Nothing gets through between the two any more. */
  public void split(String one, String other) {
    cut(one, other);
    cut(other, one);
  }

  /** Nothing gets through in this direction any more. */
  public void cut(String from, String to) {
    world.trace(from + " to " + to + " is cut");
    cuts.add(new Direction(from, to));
  }

  /** Ends every partition between the two; what was held back arrives. */
  public void heal(String one, String other) {
    heal(new Direction(one, other));
    heal(new Direction(other, one));
  }

  private void heal(Direction direction) {
    world.trace(direction.from + " to " + direction.to + " is healed");
    cuts.remove(direction);
    List<Runnable> held = heldBack.remove(direction);
    if (held != null) {
      // At once, so that they stay ahead of what was sent later and is still under way.
      held.forEach(Runnable::run);
    }
  }

  public void healAll() {
    List.copyOf(cuts).stream()
        .sorted((a, b) -> (a.from + a.to).compareTo(b.from + b.to))
        .forEach(this::heal);
  }

  /** Breaks all connections between the two; both sides are told at once. */
  public void breakConnections(String one, String other) {
    world.trace("connections break between " + one + " and " + other);
    for (SimTransport transport : transportsOf(one)) {
      transport.breakConnectionsTo(other);
    }
  }

  private List<SimTransport> transportsOf(String node) {
    return List.copyOf(transports.getOrDefault(node, List.of()));
  }

  void forget(SimTransport transport) {
    transports.getOrDefault(transport.node(), new ArrayList<>()).remove(transport);
    listeners.values().removeIf(listener -> listener.transport == transport);
  }

  /** The address with a port; null if somebody else listens there. */
  @Nullable PeerAddress bind(PeerAddress address, SimListener listener) {
    PeerAddress bound = address.port() == 0 ? new PeerAddress(address.host(), nextPort++) : address;
    return listeners.putIfAbsent(bound, listener) == null ? bound : null;
  }

  @Nullable SimListener listenerAt(PeerAddress address) {
    return listeners.get(address);
  }

  void after(Duration delay, Runnable event) {
    world.after(delay, event);
  }

  void arrived(String from, String to, byte[] bytes, Object frame) {
    world.noteFrame(from, to, bytes, frame);
  }

  /** A frame: it may be lost, in which case {@code lost} runs when it would have arrived. */
  void sendFrame(
      String from, String to, int bytes, Runnable arrival, Runnable lost, Runnable copy) {
    var direction = new Direction(from, to);
    SimLink link = linkOf(direction);
    if (link.bytesPerSecond() < Long.MAX_VALUE) {
      long sent = Math.max(world.nanoTime(), lineFreeAt.getOrDefault(direction, 0L));
      sent += Math.round(bytes * 1e9 / link.bytesPerSecond());
      lineFreeAt.put(direction, sent);
      world.after(Duration.ofNanos(sent - world.nanoTime()), () -> sendSignal(from, to, arrival));
      return;
    }
    if (link.loss() > 0 && random.nextDouble() < link.loss()) {
      world.trace(from + " to " + to + " loses a frame");
      sendSignal(from, to, lost);
      return;
    }
    sendSignal(from, to, arrival);
    if (link.duplication() > 0 && random.nextDouble() < link.duplication()) {
      world.trace(from + " to " + to + " repeats a frame");
      sendSignal(from, to, copy);
    }
  }

  /** What the network itself must not lose: the beginning and the end of connections, credit. */
  void sendSignal(String from, String to, Runnable arrival) {
    var direction = new Direction(from, to);
    world.after(delayOn(direction), () -> arrive(direction, arrival));
  }

  private void arrive(Direction direction, Runnable arrival) {
    if (cuts.contains(direction)) {
      heldBack.computeIfAbsent(direction, held -> new ArrayList<>()).add(arrival);
    } else {
      arrival.run();
    }
  }

  private Duration delayOn(Direction direction) {
    SimLink link = linkOf(direction);
    if (!link.jitter().isZero()) {
      return link.delay().plusNanos(random.nextLong(link.jitter().toNanos() + 1));
    }
    // A link that became faster does not let messages overtake those that are under way.
    long now = world.nanoTime();
    long arrival = Math.max(now + link.delay().toNanos(), lastArrival.getOrDefault(direction, now));
    lastArrival.put(direction, arrival);
    return Duration.ofNanos(arrival - now);
  }

  private SimLink linkOf(Direction direction) {
    return links.getOrDefault(direction, defaultLink);
  }
}
