package io.metafabric.core.session;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;

/**
 * What a session has read and written, as far as it has to be known wherever the session goes on:
 * the last {@value #MAX_RECENT} writes, each with its key, and for everything else up to which
 * counter each actor's changes must be applied. The latter asks for more than was read or written,
 * never for less. And how late the latest of it is stamped, so that what the session writes comes
 * after that also where it was deleted and forgotten. Immutable; {@link #join} is a join.
 *
 * <p>What a version's writer had seen counts as read too: writes of a session have all in their
 * context that the session had read and written before, so whoever reads one of them depends on the
 * others.
 *
 * @see <a href="https://doi.org/10.1109/PDIS.1994.331722">Terry et al., Session Guarantees for
 *     Weakly Consistent Replicated Data, 1994</a>
 */
public final class Dependencies {
  /** Writes that are named one by one. */
  public static final int MAX_RECENT = 32;

  /** Actors that are named. */
  public static final int MAX_ACTORS = 1024;

  public static final Dependencies NONE =
      new Dependencies(VersionVector.EMPTY, List.of(), new Stamp(0));

  /**
   * One write that must be known.
   *
   * @param keyHash of its key; where two keys have the same, more is asked for than need be
   */
  public record Recent(long keyHash, Dot dot) {}

  private final VersionVector upTo;
  private final List<Recent> recent;
  private final Stamp latest;

  private Dependencies(VersionVector upTo, List<Recent> recent, Stamp latest) {
    this.upTo = upTo;
    this.recent = recent;
    this.latest = latest;
  }

  /**
   * @param upTo without lone dots
   * @param recent the oldest first
   * @param latest no stamp of it is later
   * @throws IllegalArgumentException if it is more than {@link #MAX_RECENT} or {@link #MAX_ACTORS},
   *     or says something twice
   */
  public static Dependencies of(VersionVector upTo, List<Recent> recent, Stamp latest) {
    if (upTo.loneDots() > 0 || upTo.size() > MAX_ACTORS || recent.size() > MAX_RECENT) {
      throw new IllegalArgumentException("not what a session depends on: " + upTo + recent);
    }
    if (recent.stream().distinct().count() < recent.size()
        || recent.stream().anyMatch(each -> upTo.contains(each.dot()))) {
      throw new IllegalArgumentException("a session names a write twice: " + upTo + recent);
    }
    return new Dependencies(upTo, List.copyOf(recent), latest);
  }

  /** Everything up to these counters. */
  public VersionVector upTo() {
    return upTo;
  }

  /** Single writes beside those, the oldest first. */
  public List<Recent> recent() {
    return recent;
  }

  /**
   * No stamp of what the session has seen is later, that of versions which are not named included.
   */
  public Stamp latest() {
    return latest;
  }

  /** Whether nothing has to be known. */
  public boolean isEmpty() {
    return upTo.isEmpty() && recent.isEmpty();
  }

  /** Whether nothing was read or written yet, not even what all regions have by now. */
  public boolean hasSeenNothing() {
    return isEmpty() && latest.packed() == 0;
  }

  /** The single writes of a key. */
  public List<Dot> recentOf(Key key) {
    long hash = hashOf(key);
    return recent.stream().filter(each -> each.keyHash() == hash).map(Recent::dot).toList();
  }

  /** All of it, by actors alone. */
  public VersionVector all() {
    VersionVector single = VersionVector.EMPTY;
    for (Recent each : recent) {
      single = single.with(each.dot());
    }
    return upTo.merge(single);
  }

  /** The session has read this version of a key, or written it. */
  public Dependencies saw(Key key, Version version) {
    if (version.equals(Version.NONE)) {
      return this;
    }
    long hash = hashOf(key);
    var next = new ArrayList<Recent>(recent.size() + 1);
    for (Recent each : recent) {
      if (each.keyHash() != hash || !version.covers(each.dot())) {
        next.add(each);
      }
    }
    // Of a value that was merged when it was read, or has siblings, nobody else has the context.
    version.context().lone().forEach(dot -> next.add(new Recent(hash, dot)));
    next.add(new Recent(hash, version.dot()));
    return bounded(
        upTo.merge(withoutLone(version.context())), next, later(latest, version.stamp()));
  }

  /** Lone dots say what was seen of the key itself. */
  private static VersionVector withoutLone(VersionVector vector) {
    return vector.loneDots() == 0 ? vector : vector.meet(vector);
  }

  private static Stamp later(Stamp one, Stamp other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  private static Dependencies bounded(VersionVector upTo, List<Recent> recent, Stamp latest) {
    List<Recent> left = beyond(upTo, recent);
    int tooMany = left.size() - MAX_RECENT;
    if (tooMany <= 0) {
      return new Dependencies(upTo, left, latest);
    }
    VersionVector more = upTo;
    for (Recent each : left.subList(0, tooMany)) {
      more = more.with(each.dot());
    }
    return new Dependencies(more, beyond(more, left.subList(tooMany, left.size())), latest);
  }

  private static List<Recent> beyond(VersionVector upTo, List<Recent> recent) {
    return recent.stream().filter(each -> !upTo.contains(each.dot())).distinct().toList();
  }

  /** All that either has. */
  public Dependencies join(Dependencies that) {
    var both = new ArrayList<>(recent);
    both.addAll(that.recent);
    return bounded(upTo.merge(that.upTo), both, later(latest, that.latest));
  }

  /** Without what every region has, and will not lose. */
  public Dependencies above(VersionVector floor) {
    if (floor.isEmpty() || isEmpty()) {
      return this;
    }
    return new Dependencies(upTo.beyond(floor), beyond(floor, recent), latest);
  }

  /** Heap that it takes. */
  public long estimatedBytes() {
    return 64 + 16L * upTo.size() + 72L * recent.size();
  }

  /** A hash that is the same everywhere: it is in tokens. */
  static long hashOf(Key key) {
    String path = key.path();
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < path.length(); i++) {
      hash = (hash ^ path.charAt(i)) * 0x9e3779b97f4a7c15L;
      hash ^= hash >>> 29;
    }
    return hash;
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Dependencies other
        && upTo.equals(other.upTo)
        && recent.equals(other.recent)
        && latest.equals(other.latest);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * upTo.hashCode() + recent.hashCode()) + latest.hashCode();
  }

  @Override
  public String toString() {
    return "up to "
        + upTo
        + ", and "
        + recent.stream().map(Recent::dot).toList()
        + ", stamped up to "
        + latest;
  }
}
