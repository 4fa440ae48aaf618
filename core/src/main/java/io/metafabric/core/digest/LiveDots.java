package io.metafabric.core.digest;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a store has below the nodes of its {@link HeaderTree}: the dots of all versions of all keys,
 * siblings included. Every question is one pass over the index in memory, 20 bytes a key; the
 * journal is read for records alone. Thread-safe; what is published meanwhile may be missing.
 */
public final class LiveDots {
  /** By actor, then counter: the order in which lists of dots are sent. */
  public static final Comparator<Dot> ORDER =
      Comparator.comparing(Dot::actor).thenComparingLong(Dot::counter);

  private static final int TRIES = 3;
  private static final int CHILDREN = 1 << HeaderTree.STEP;

  private final KeyIndex index;
  private final HeaderTree tree;

  public LiveDots(KeyIndex index, HeaderTree tree) {
    this.index = index;
    this.tree = tree;
  }

  public long keys() {
    return index.keys();
  }

  /**
   * The digests of the children of nodes, sixteen for each.
   *
   * @param depth of the children, at most {@link HeaderTree#MAX_DEPTH}
   * @param parents paths of {@code depth - 4} bits, ascending
   */
  public long[] digests(int depth, int[] parents) {
    var digests = new long[parents.length * CHILDREN];
    if (depth <= HeaderTree.DEPTH) {
      for (int i = 0; i < digests.length; i++) {
        digests[i] = tree.digest(depth, parents[i / CHILDREN] * CHILDREN + i % CHILDREN);
      }
      return digests;
    }
    forEachDot(
        (actor, counter) -> {
          int child = HeaderTree.prefix(depth, actor, counter);
          int parent = Arrays.binarySearch(parents, child >>> HeaderTree.STEP);
          if (parent >= 0) {
            digests[parent * CHILDREN + child % CHILDREN] ^= HeaderTree.value(actor, counter);
          }
        });
    return digests;
  }

  /**
   * The dots below nodes, in {@link #ORDER} for each.
   *
   * @param prefixes paths of {@code depth} bits, ascending
   */
  public List<List<Dot>> below(int depth, int[] prefixes) {
    var all = new ArrayList<List<Dot>>(prefixes.length);
    for (int i = 0; i < prefixes.length; i++) {
      all.add(new ArrayList<>());
    }
    forEachDot(
        (actor, counter) -> {
          int node = Arrays.binarySearch(prefixes, HeaderTree.prefix(depth, actor, counter));
          if (node >= 0) {
            all.get(node).add(new Dot(new ActorId(actor), counter));
          }
        });
    all.forEach(dots -> dots.sort(ORDER));
    return all;
  }

  @FunctionalInterface
  private interface DotVisitor {
    void visit(long actor, long counter);
  }

  private void forEachDot(DotVisitor visitor) {
    index.forEachWrite((actor, counter, place) -> visitor.visit(actor, counter));
    index.forEachSibling((key, actor, counter) -> visitor.visit(actor, counter));
  }

  /**
   * The present records that these writes are part of, each once, with the payloads that the
   * journal has, in {@link #ORDER} of their first versions. Writes that are in no key's present
   * state are left out, and those that cannot be read: a read says so, and whoever asks for them
   * here finds them elsewhere.
   */
  public List<MetadataRecord> records(Collection<Dot> dots) {
    return records(dots, dot -> {});
  }

  /**
   * The same.
   *
   * @param unreadable is given those that are part of a key's present state that cannot be read
   */
  public List<MetadataRecord> records(Collection<Dot> dots, Consumer<Dot> unreadable) {
    var failed = new HashSet<Dot>();
    var found = new LinkedHashMap<Key, MetadataRecord>();
    Set<Dot> open = new HashSet<>(dots);
    // What compaction moves in between is found where it went; what is replaced is not looked for.
    for (int i = 0; i < TRIES && !open.isEmpty(); i++) {
      beside(open)
          .forEach(
              (dot, key) -> {
                open.remove(dot);
                addIfStill(dot, key, found, failed);
              });
      places(open)
          .forEach(
              (dot, place) -> {
                Key key = keyAt(dot, place, failed);
                if (key != null) {
                  open.remove(dot);
                  failed.remove(dot);
                  addIfStill(dot, key, found, failed);
                }
              });
    }
    failed.forEach(unreadable);
    var records = new ArrayList<>(found.values());
    records.sort(Comparator.comparing(record -> record.header().version().dot(), ORDER));
    return records;
  }

  /** In how many parts {@link #forEachWithoutPayload} looks. */
  public int parts() {
    return KeyIndex.TABLES;
  }

  /**
   * The present records of one part whose payloads the journal does not have, and with the first
   * and the last part all that have siblings, whose payloads it may not have. Reads them, and
   * leaves out those that it cannot read.
   *
   * @param part from 0
   */
  public void forEachWithoutPayload(int part, Consumer<MetadataRecord> consumer) {
    for (long place : index.withoutPayload(part)) {
      try {
        Key key = index.keyAt(place);
        MetadataRecord record = key == null ? null : index.read(key);
        if (record != null && record.payload() == null) {
          consumer.accept(record);
        }
      } catch (StorageException e) {
        // Damaged: there is a payload somewhere, or nothing to be fetched.
      }
    }
    // A key that is given siblings after the first look, or left with one version before the last,
    // is found by the other or in its part.
    if (part == 0 || part == parts() - 1) {
      forEachWithSiblings(consumer);
    }
  }

  /** Whether they all have their payloads is known to whoever reads them alone. */
  private void forEachWithSiblings(Consumer<MetadataRecord> consumer) {
    for (Key key : index.keysWithSiblings()) {
      try {
        MetadataRecord record = index.read(key);
        if (record != null && record.payload() != null) {
          consumer.accept(record);
        }
      } catch (StorageException e) {
        // As above.
      }
    }
  }

  /** Null if it has moved, or cannot be read. */
  private @Nullable Key keyAt(Dot dot, long place, Set<Dot> failed) {
    try {
      return index.keyAt(place);
    } catch (StorageException e) {
      failed.add(dot);
      return null;
    }
  }

  private void addIfStill(Dot dot, Key key, Map<Key, MetadataRecord> to, Set<Dot> failed) {
    try {
      MetadataRecord record = to.containsKey(key) ? null : index.read(key);
      if (record != null && record.has(dot)) {
        to.put(key, record);
      }
    } catch (StorageException e) {
      failed.add(dot);
    }
  }

  /** The keys of which these writes are siblings. */
  private Map<Dot, Key> beside(Set<Dot> wanted) {
    var keys = new HashMap<Dot, Key>();
    index.forEachSibling(
        (key, actor, counter) -> {
          var dot = new Dot(new ActorId(actor), counter);
          if (wanted.contains(dot)) {
            keys.put(dot, key);
          }
        });
    return keys;
  }

  private Map<Dot, Long> places(Set<Dot> wanted) {
    var actors = new HashSet<Long>();
    wanted.forEach(dot -> actors.add(dot.actor().id()));
    var places = new HashMap<Dot, Long>();
    index.forEachWrite(
        (actor, counter, place) -> {
          if (actors.contains(actor)) {
            var dot = new Dot(new ActorId(actor), counter);
            if (wanted.contains(dot)) {
              places.put(dot, place);
            }
          }
        });
    return places;
  }
}
