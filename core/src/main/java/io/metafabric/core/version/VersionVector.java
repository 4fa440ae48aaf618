package io.metafabric.core.version;

import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;

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
   * @param entries in the order of the actors
   * @throws IllegalArgumentException if a counter is less than 1, or the order is another
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
      if (i > 0 && Long.compareUnsigned(actors[i - 1], actors[i]) >= 0) {
        throw new IllegalArgumentException("actors must be in their natural order: " + entries);
      }
      counters[i++] = entry.getValue();
    }
    return new VersionVector(actors, counters);
  }

  public int size() {
    return actors.length;
  }

  /** The actor at {@code index}, in the unsigned order of the actors. */
  public ActorId actor(int index) {
    return new ActorId(actors[index]);
  }

  /** The counter of the actor at {@code index}. */
  public long counterAt(int index) {
    return counters[index];
  }

  public boolean isEmpty() {
    return actors.length == 0;
  }

  public boolean contains(Dot dot) {
    return counter(dot.actor()) >= dot.counter();
  }

  /** Whether merging {@code that} into this would change nothing. */
  public boolean containsAll(VersionVector that) {
    for (int i = 0; i < that.actors.length; i++) {
      int at = indexOf(that.actors[i]);
      if (at < 0 || counters[at] < that.counters[i]) {
        return false;
      }
    }
    return true;
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
    if (isEmpty()) {
      return that;
    }
    if (that.isEmpty()) {
      return this;
    }
    var mergedActors = new long[actors.length + that.actors.length];
    var mergedCounters = new long[mergedActors.length];
    int size = 0;
    int mine = 0;
    int theirs = 0;
    while (mine < actors.length || theirs < that.actors.length) {
      int order = orderOf(mine, that, theirs);
      mergedActors[size] = order <= 0 ? actors[mine] : that.actors[theirs];
      long own = order <= 0 ? counters[mine++] : 0;
      long other = order >= 0 ? that.counters[theirs++] : 0;
      mergedCounters[size++] = Math.max(own, other);
    }
    return new VersionVector(
        Arrays.copyOf(mergedActors, size), Arrays.copyOf(mergedCounters, size));
  }

  /** What both have seen: the lower counter of each actor. */
  public VersionVector meet(VersionVector that) {
    var metActors = new long[Math.min(actors.length, that.actors.length)];
    var metCounters = new long[metActors.length];
    int size = 0;
    int mine = 0;
    int theirs = 0;
    while (mine < actors.length && theirs < that.actors.length) {
      int order = Long.compareUnsigned(actors[mine], that.actors[theirs]);
      if (order == 0) {
        metActors[size] = actors[mine];
        metCounters[size++] = Math.min(counters[mine], that.counters[theirs]);
      }
      mine += order <= 0 ? 1 : 0;
      theirs += order >= 0 ? 1 : 0;
    }
    return new VersionVector(Arrays.copyOf(metActors, size), Arrays.copyOf(metCounters, size));
  }

  /** Entries that are higher here than in {@code that}. */
  public VersionVector beyond(VersionVector that) {
    var news = new TreeMap<ActorId, Long>();
    forEach(
        (actor, counter) -> {
          if (counter > that.counter(actor)) {
            news.put(actor, counter);
          }
        });
    return of(news);
  }

  /** Whether {@code that} has nothing that this has not. */
  public boolean covers(VersionVector that) {
    return merge(that).equals(this);
  }

  /** Whose entry is due: negative for ours, positive for theirs, 0 for both. */
  private int orderOf(int mine, VersionVector that, int theirs) {
    if (mine == actors.length) {
      return 1;
    }
    return theirs == that.actors.length
        ? -1
        : Long.compareUnsigned(actors[mine], that.actors[theirs]);
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
