package io.metafabric.core.version;

import java.util.Arrays;
import java.util.SortedMap;

/**
 * Highest counter seen of each actor; an absent actor counts as zero. Immutable; {@link #merge} is
 * a join: commutative, associative, idempotent.
 */
public final class VersionVector {
  public static final VersionVector EMPTY = new VersionVector(new long[0], new long[0]);

  /** What is done with each entry, in the unsigned order of the actors. */
  @FunctionalInterface
  public interface Visitor {
    void visit(ActorId actor, long counter);
  }

  // Two arrays rather than a map: every header holds one of these, and most have no or one entry.
  private final long[] actors;
  private final long[] counters;

  private VersionVector(long[] actors, long[] counters) {
    this.actors = actors;
    this.counters = counters;
  }

  public static VersionVector of(Dot dot) {
    return new VersionVector(new long[] {dot.actor().id()}, new long[] {dot.counter()});
  }

  /**
   * @throws IllegalArgumentException if a counter is less than 1
   */
  public static VersionVector of(SortedMap<ActorId, Long> entries) {
    var actors = new long[entries.size()];
    var counters = new long[entries.size()];
    int i = 0;
    for (var entry : entries.entrySet()) {
      if (entry.getValue() < 1) {
        throw new IllegalArgumentException("counters must be >= 1: " + entries);
      }
      actors[i] = entry.getKey().id();
      counters[i++] = entry.getValue();
    }
    return new VersionVector(actors, counters);
  }

  public int size() {
    return actors.length;
  }

  public boolean isEmpty() {
    return actors.length == 0;
  }

  public boolean contains(Dot dot) {
    return counter(dot.actor()) >= dot.counter();
  }

  /** 0 if nothing of the actor was seen. */
  public long counter(ActorId actor) {
    int i = indexOf(actor.id());
    return i < 0 ? 0 : counters[i];
  }

  private int indexOf(long actor) {
    for (int i = 0; i < actors.length; i++) {
      int order = Long.compareUnsigned(actors[i], actor);
      if (order == 0) {
        return i;
      }
      if (order > 0) {
        return -1 - i;
      }
    }
    return -1 - actors.length;
  }

  public VersionVector with(Dot dot) {
    int i = indexOf(dot.actor().id());
    if (i >= 0) {
      if (counters[i] >= dot.counter()) {
        return this;
      }
      var next = counters.clone();
      next[i] = dot.counter();
      return new VersionVector(actors, next);
    }
    int at = -1 - i;
    return new VersionVector(
        inserted(actors, at, dot.actor().id()), inserted(counters, at, dot.counter()));
  }

  private static long[] inserted(long[] from, int at, long value) {
    var to = Arrays.copyOf(from, from.length + 1);
    System.arraycopy(from, at, to, at + 1, from.length - at);
    to[at] = value;
    return to;
  }

  public VersionVector merge(VersionVector that) {
    if (actors.length == 0) {
      return that;
    }
    VersionVector merged = this;
    for (int i = 0; i < that.actors.length; i++) {
      merged = merged.with(new Dot(new ActorId(that.actors[i]), that.counters[i]));
    }
    return merged;
  }

  public void forEach(Visitor visitor) {
    for (int i = 0; i < actors.length; i++) {
      visitor.visit(new ActorId(actors[i]), counters[i]);
    }
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof VersionVector vector
        && Arrays.equals(actors, vector.actors)
        && Arrays.equals(counters, vector.counters);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(actors) + Arrays.hashCode(counters);
  }

  @Override
  public String toString() {
    var text = new StringBuilder("{");
    forEach(
        (actor, n) ->
            text.append(text.length() > 1 ? ", " : "").append(actor).append(':').append(n));
    return text.append('}').toString();
  }
}
