package io.metafabric.core.version;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;

/**
 * What was seen of each actor: all its writes up to a counter, and lone dots beyond that, where
 * something in between was not seen. An absent actor counts as zero. Immutable; {@link #merge} is a
 * join: commutative, associative, idempotent.
 *
 * <p>There is one form only: a lone dot that follows the counter is part of it.
 *
 * @see <a href="https://arxiv.org/abs/1603.01529">Almeida et al., Delta State Replicated Data
 *     Types, 2016, causal contexts</a>
 */
public final class VersionVector {
  /** What an actor and its counter take. */
  public static final int ENTRY_BYTES = 16;

  private static final long[] NONE = new long[0];
  public static final VersionVector EMPTY = new VersionVector(NONE, NONE, NONE);

  /** What is done with each entry, in the unsigned order of the actors. */
  @FunctionalInterface
  public interface Visitor {
    void visit(ActorId actor, long counter);
  }

  // Two arrays rather than a map: every header holds one of these, and most have no or one entry.
  private final long[] actors;
  private final long[] counters;
  // Actor and counter by turns, in their order; nearly always none.
  private final long[] lone;

  private VersionVector(long[] actors, long[] counters, long[] lone) {
    this.actors = actors;
    this.counters = counters;
    this.lone = lone;
  }

  public static VersionVector of(Dot dot) {
    return new VersionVector(new long[] {dot.actor().id()}, new long[] {dot.counter()}, NONE);
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
      actors[i] = entry.getKey().id();
      counters[i++] = entry.getValue();
    }
    return of(actors, counters);
  }

  /**
   * The same from two arrays, which are not to be written to any more.
   *
   * @param actors in their order, which is unsigned
   * @throws IllegalArgumentException if a counter is less than 1, or the order is another
   */
  public static VersionVector of(long[] actors, long[] counters) {
    if (actors.length != counters.length) {
      throw new IllegalArgumentException(
          actors.length + " actors have " + counters.length + " counters");
    }
    for (int i = 0; i < actors.length; i++) {
      if (counters[i] < 1) {
        throw new IllegalArgumentException("counters must be >= 1, was " + counters[i]);
      }
      if (i > 0 && Long.compareUnsigned(actors[i - 1], actors[i]) >= 0) {
        throw new IllegalArgumentException(
            "actors must be in their natural order: not " + new ActorId(actors[i]) + " here");
      }
    }
    return actors.length == 0 ? EMPTY : new VersionVector(actors, counters, NONE);
  }

  /** How many actors have a counter here. */
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

  /** The lone dots. */
  public List<Dot> lone() {
    var dots = new ArrayList<Dot>(lone.length / 2);
    for (int i = 0; i < lone.length; i += 2) {
      dots.add(new Dot(new ActorId(lone[i]), lone[i + 1]));
    }
    return dots;
  }

  /** How many lone dots there are. */
  public int loneDots() {
    return lone.length / 2;
  }

  /** Actors and lone dots: what of its size is not the same for all. */
  public int entries() {
    return actors.length + lone.length / 2;
  }

  public boolean isEmpty() {
    return actors.length == 0 && lone.length == 0;
  }

  public boolean contains(Dot dot) {
    return counter(dot.actor()) >= dot.counter() || (lone.length > 0 && loneIndexOf(dot) >= 0);
  }

  /** Whether merging {@code that} into this would change nothing. */
  public boolean containsAll(VersionVector that) {
    for (int i = 0; i < that.actors.length; i++) {
      int at = indexOf(that.actors[i]);
      if (at < 0 || counters[at] < that.counters[i]) {
        return false;
      }
    }
    for (int i = 0; i < that.lone.length; i += 2) {
      if (!contains(new Dot(new ActorId(that.lone[i]), that.lone[i + 1]))) {
        return false;
      }
    }
    return true;
  }

  /** Up to which counter all was seen; 0 if nothing of the actor was, or lone dots only. */
  public long counter(ActorId actor) {
    int i = indexOf(actor.id());
    return i < 0 ? 0 : counters[i];
  }

  private int indexOf(long actor) {
    int low = 0;
    int high = actors.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = Long.compareUnsigned(actors[middle], actor);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1 - low;
  }

  /** Index into {@link #lone}, or -1 minus where it would be. */
  private int loneIndexOf(Dot dot) {
    for (int i = 0; i < lone.length; i += 2) {
      int order = orderOfDots(lone[i], lone[i + 1], dot.actor().id(), dot.counter());
      if (order >= 0) {
        return order == 0 ? i : -1 - i;
      }
    }
    return -1 - lone.length;
  }

  private static int orderOfDots(long actor, long counter, long otherActor, long otherCounter) {
    int byActor = Long.compareUnsigned(actor, otherActor);
    return byActor != 0 ? byActor : Long.compare(counter, otherCounter);
  }

  /** With {@code dot} and all that its actor wrote before. */
  public VersionVector with(Dot dot) {
    int i = indexOf(dot.actor().id());
    if (i >= 0) {
      if (counters[i] >= dot.counter()) {
        return this;
      }
      var next = counters.clone();
      next[i] = dot.counter();
      return new VersionVector(actors, next, lone).canonical();
    }
    int at = -1 - i;
    return new VersionVector(
            inserted(actors, at, dot.actor().id()), inserted(counters, at, dot.counter()), lone)
        .canonical();
  }

  /** With {@code dot}, whatever its actor wrote before. */
  public VersionVector withLone(Dot dot) {
    if (contains(dot)) {
      return this;
    }
    if (dot.counter() == counter(dot.actor()) + 1) {
      return with(dot);
    }
    int at = -1 - loneIndexOf(dot);
    return new VersionVector(
        actors, counters, inserted(inserted(lone, at, dot.counter()), at, dot.actor().id()));
  }

  /**
   * With these lone dots beside the counters.
   *
   * @param dots in the order of actors and counters
   * @throws IllegalArgumentException if there are lone dots already, the order is another, or a dot
   *     is not a lone one here
   */
  public VersionVector withLone(List<Dot> dots) {
    if (lone.length > 0) {
      throw new IllegalArgumentException("there are lone dots already: " + this);
    }
    var next = new long[2 * dots.size()];
    for (int i = 0; i < dots.size(); i++) {
      Dot dot = dots.get(i);
      next[2 * i] = dot.actor().id();
      next[2 * i + 1] = dot.counter();
      boolean inOrder =
          i == 0 || orderOfDots(next[2 * i - 2], next[2 * i - 1], next[2 * i], next[2 * i + 1]) < 0;
      if (!inOrder || dot.counter() - 1 <= counter(dot.actor())) {
        throw new IllegalArgumentException(dot + " does not stand alone behind " + this);
      }
    }
    return new VersionVector(actors, counters, next);
  }

  /** The same without lone dots that the counters have reached. */
  private VersionVector canonical() {
    if (lone.length == 0) {
      return this;
    }
    var vector = new VersionVector(actors, counters.clone(), NONE);
    var left = new long[lone.length];
    int length = 0;
    for (int i = 0; i < lone.length; i += 2) {
      int at = indexOf(lone[i]);
      long reached = at < 0 ? 0 : vector.counters[at];
      if (lone[i + 1] == reached + 1) {
        // The first write of an actor never stands alone, so there is a counter.
        vector.counters[at]++;
      } else if (lone[i + 1] > reached) {
        left[length++] = lone[i];
        left[length++] = lone[i + 1];
      }
    }
    return new VersionVector(
        actors, vector.counters, length == 0 ? NONE : Arrays.copyOf(left, length));
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
            Arrays.copyOf(mergedActors, size),
            Arrays.copyOf(mergedCounters, size),
            mergedLone(that))
        .canonical();
  }

  private long[] mergedLone(VersionVector that) {
    if (lone.length == 0) {
      return that.lone;
    }
    if (that.lone.length == 0) {
      return lone;
    }
    var merged = new long[lone.length + that.lone.length];
    int length = 0;
    int mine = 0;
    int theirs = 0;
    while (mine < lone.length || theirs < that.lone.length) {
      int order =
          mine == lone.length
              ? 1
              : theirs == that.lone.length
                  ? -1
                  : orderOfDots(
                      lone[mine], lone[mine + 1], that.lone[theirs], that.lone[theirs + 1]);
      merged[length++] = order <= 0 ? lone[mine] : that.lone[theirs];
      merged[length++] = order <= 0 ? lone[mine + 1] : that.lone[theirs + 1];
      mine += order <= 0 ? 2 : 0;
      theirs += order >= 0 ? 2 : 0;
    }
    return Arrays.copyOf(merged, length);
  }

  /** What both have seen: the lower counter of each actor, without single dots beyond. */
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
    return new VersionVector(
        Arrays.copyOf(metActors, size), Arrays.copyOf(metCounters, size), NONE);
  }

  /** Entries that are higher here than in {@code that}. */
  public VersionVector beyond(VersionVector that) {
    var newActors = new long[actors.length];
    var newCounters = new long[actors.length];
    int size = 0;
    for (int i = 0; i < actors.length; i++) {
      int at = that.indexOf(actors[i]);
      if (at < 0 || counters[i] > that.counters[at]) {
        newActors[size] = actors[i];
        newCounters[size++] = counters[i];
      }
    }
    return of(Arrays.copyOf(newActors, size), Arrays.copyOf(newCounters, size));
  }

  /** Whether {@code that} has nothing that this has not. */
  public boolean covers(VersionVector that) {
    return containsAll(that);
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

  /** Visits the lone dots, in their order. */
  public void forEachLone(Visitor visitor) {
    for (int i = 0; i < lone.length; i += 2) {
      visitor.visit(new ActorId(lone[i]), lone[i + 1]);
    }
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof VersionVector vector
        && Arrays.equals(actors, vector.actors)
        && Arrays.equals(counters, vector.counters)
        && Arrays.equals(lone, vector.lone);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(actors) + Arrays.hashCode(counters)) + Arrays.hashCode(lone);
  }

  @Override
  public String toString() {
    var text = new StringBuilder("{");
    forEach(
        (actor, n) ->
            text.append(text.length() > 1 ? ", " : "").append(actor).append(':').append(n));
    forEachLone(
        (actor, n) ->
            text.append(text.length() > 1 ? ", " : "").append(actor).append('#').append(n));
    return text.append('}').toString();
  }
}
