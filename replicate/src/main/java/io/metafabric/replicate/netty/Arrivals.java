package io.metafabric.replicate.netty;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Which connections that come in are taken. Belongs to the event loop, but for what says so.
 *
 * <p>Those that have not said who they are, strangers, have a part of the room alone, and make room
 * for newer ones: a peer is through within a few round trips, and whoever opens thousands and says
 * nothing displaces its own, because of the address that has most of them the oldest goes. Of
 * connections from one address only so many are looked at in a second.
 *
 * @param <C> a connection
 */
final class Arrivals<C> {
  /** Addresses whose rate is remembered; the one that was not seen for longest is forgotten. */
  private static final int MAX_RATES = 1024;

  /** How many times the rate may come at once. */
  private static final int BURST_SECONDS = 4;

  private final int maxConnections;
  private final int maxStrangers;
  private final int perSecond;
  private final Map<C, Object> open = new HashMap<>();
  private final Map<Object, Set<C>> strangersFrom = new HashMap<>();
  private final LinkedHashMap<Object, Pace> rates = new LinkedHashMap<>(16, 0.75f, true);

  /** Changed on the event loop alone. */
  private final AtomicInteger strangers = new AtomicInteger();

  /**
   * @param maxStrangers how many of the connections may be such
   * @param perSecond from one address, and four times as many after a rest
   */
  Arrivals(int maxConnections, int maxStrangers, int perSecond) {
    this.maxConnections = maxConnections;
    this.maxStrangers = Math.min(maxStrangers, maxConnections);
    this.perSecond = perSecond;
  }

  /**
   * Whether one more is to be looked at. If it is, {@link #displaced} and {@link #add} follow.
   *
   * @param from {@link #originOf} its address
   */
  boolean mayCome(Object from, long nowNanos) {
    if (open.size() >= maxConnections && strangers.get() == 0) {
      return false;
    }
    Pace rate = rates.get(from);
    if (rate == null) {
      rate = new Pace(perSecond, (long) BURST_SECONDS * perSecond, nowNanos);
      rates.put(from, rate);
      if (rates.size() > MAX_RATES) {
        rates.remove(rates.keySet().iterator().next());
      }
    }
    return rate.tryTake(1, nowNanos);
  }

  /** Who has to go for one more to come; null if there is room. */
  @Nullable C displaced() {
    if (strangers.get() < maxStrangers && open.size() < maxConnections) {
      return null;
    }
    Set<C> most = Set.of();
    for (Set<C> each : strangersFrom.values()) {
      most = each.size() > most.size() ? each : most;
    }
    return most.isEmpty() ? null : most.iterator().next();
  }

  void add(C connection, Object from) {
    open.put(connection, from);
    strangersFrom.computeIfAbsent(from, none -> new LinkedHashSet<>()).add(connection);
    strangers.incrementAndGet();
  }

  /** It has said who it is. */
  void identified(C connection) {
    Object from = open.get(connection);
    Set<C> beside = from == null ? null : strangersFrom.get(from);
    if (beside != null && beside.remove(connection)) {
      strangers.decrementAndGet();
      if (beside.isEmpty()) {
        strangersFrom.remove(from);
      }
    }
  }

  void ended(C connection) {
    identified(connection);
    open.remove(connection);
  }

  /** Any thread. */
  int strangers() {
    return strangers.get();
  }

  /** What counts as one address: of IPv6 the network, in which one machine has all addresses. */
  static Object originOf(@Nullable SocketAddress remote) {
    InetAddress address = remote instanceof InetSocketAddress inet ? inet.getAddress() : null;
    if (address == null) {
      return "unknown";
    }
    return address instanceof Inet6Address
        ? (Object) ByteBuffer.wrap(address.getAddress()).getLong()
        : address;
  }
}
