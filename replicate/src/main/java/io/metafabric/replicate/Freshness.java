package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How old what is known here, or in another region, may be: up to when the changes of every member
 * had come there. Follows from the answers to heartbeats alone, and from no clock but this node's
 * monotonic one. Thread-safe.
 */
public final class Freshness {
  private final RecordStore store;
  private final SerialExecutor loop;
  private final Clock clock;
  private final Map<RegionName, Outbound> links;
  private final Predicate<RegionName> isMember;
  private final BooleanSupplier knowsItsOwn;

  Freshness(
      RecordStore store,
      SerialExecutor loop,
      Clock clock,
      Map<RegionName, Outbound> links,
      Predicate<RegionName> isMember,
      BooleanSupplier knowsItsOwn) {
    this.store = store;
    this.loop = loop;
    this.clock = clock;
    this.links = links;
    this.isMember = isMember;
    this.knowsItsOwn = knowsItsOwn;
  }

  /**
   * Everything that was acknowledged anywhere so many nanoseconds ago, or longer, is known here.
   *
   * @return empty if that cannot be said of some member
   */
  public OptionalLong ageNanos() {
    return ageNanos(null, 0);
  }

  /**
   * The same of what this region knows together with what {@code by} answers.
   *
   * @param askedNanos when it was asked, on this node's clock
   */
  public OptionalLong ageNanosWith(RegionName by, long askedNanos) {
    return ageNanos(link(by).standing().applied().isEmpty() ? null : by, askedNanos);
  }

  private OptionalLong ageNanos(@Nullable RegionName by, long askedNanos) {
    if (!knowsItsOwn.getAsBoolean()) {
      return OptionalLong.empty();
    }
    long now = clock.nanoTime();
    long oldest = 0;
    for (var each : links.entrySet()) {
      if (!isMember.test(each.getKey())) {
        continue;
      }
      Long freshNanos = each.getValue().standing().freshNanos();
      if (by != null) {
        Long there =
            each.getKey().equals(by)
                ? (Long) askedNanos
                : link(by).standing().freshNanosOf(each.getKey());
        freshNanos = later(freshNanos, there);
      }
      if (freshNanos == null) {
        return OptionalLong.empty();
      }
      oldest = Math.max(oldest, now - freshNanos);
    }
    return OptionalLong.of(oldest);
  }

  private static @Nullable Long later(@Nullable Long one, @Nullable Long two) {
    if (one == null || two == null) {
      return one == null ? two : one;
    }
    return one - two > 0 ? one : two;
  }

  /** For people: up to how long ago each member's changes are here. */
  public String describe() {
    var ages = new TreeMap<RegionName, String>();
    long now = clock.nanoTime();
    links.forEach(
        (region, link) -> {
          Long nanos = link.standing().freshNanos();
          if (isMember.test(region)) {
            ages.put(region, nanos == null ? "unknown" : (now - nanos) / 1_000_000 + " ms");
          }
        });
    return knowsItsOwn.getAsBoolean()
        ? ages.toString()
        : ages + ", and this region was evicted, is being filled, or may lack writes of its own";
  }

  /**
   * What a peer has durably applied, as far as it has said: the changes of this region as it
   * acknowledges them, those of others as it answers heartbeats.
   */
  public VersionVector appliedBy(RegionName peer) {
    Outbound link = link(peer);
    return link.standing().applied().merge(link.applied());
  }

  /** The same of one actor: up to which counter. */
  public long appliedBy(RegionName peer, ActorId actor) {
    Outbound link = link(peer);
    return Math.max(link.standing().applied().counter(actor), link.applied().counter(actor));
  }

  /** How many writes an actor is known to have made; -1 if nobody who knows has said so. */
  public long issued(RegionName region, ActorId actor) {
    Outbound link = links.get(region);
    if (link == null) {
      return store.isOwn(actor) ? store.completeUpTo(actor) : -1;
    }
    long counter = link.standing().applied().counter(actor);
    return counter == 0 ? -1 : counter;
  }

  /** Has a peer say anew how things stand; nothing happens if it has been asked just now. */
  public void ask(RegionName peer) {
    loop.execute(link(peer)::ask);
  }

  /** The same of all members. */
  public void askAll() {
    links.forEach(
        (region, link) -> {
          if (isMember.test(region)) {
            loop.execute(link::ask);
          }
        });
  }

  private Outbound link(RegionName peer) {
    Outbound link = links.get(peer);
    if (link == null) {
      throw new IllegalArgumentException("region " + peer + " is not a peer");
    }
    return link;
  }

  /**
   * What a peer is told in answer to its heartbeat. On the loop.
   *
   * @param told what it was told before on this connection that is durably applied here; null if
   *     nothing was
   */
  Frame.Standing standing(RegionName to, long sequence, @Nullable VersionVector told) {
    long now = clock.nanoTime();
    var others = new TreeMap<RegionName, Long>();
    links.forEach(
        (region, link) -> {
          Long nanos = link.standing().freshNanos();
          if (nanos != null && !region.equals(to) && isMember.test(region)) {
            others.put(region, Math.max(0, (now - nanos) / 1_000_000 + 1));
          }
        });
    boolean complete = knowsItsOwn.getAsBoolean();
    VersionVector applied = store.durablyApplied();
    return new Frame.Standing(
        sequence,
        link(to).waitingMs(),
        complete ? others : new TreeMap<>(),
        told == null,
        told == null ? applied : applied.beyond(told));
  }
}
