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
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * {@link LiveDots} as one comparison asks for them, with what spares it most passes over the index:
 * each pass takes more than was asked for, because a comparison goes from the last path to the
 * first; and the keys of the records that were found are kept, because whoever hears of them asks
 * for them later, in another order.
 *
 * <p>A pass is of its moment. What is published later may be missing, until {@link #beginAgain};
 * records are always read anew. A key, on the other hand, is kept without fear: a dot is one write
 * of one key for ever. Some 5 MiB of passes, and 16 MiB of keys, at most.
 *
 * <p>Not thread-safe.
 */
public final class ComparedDots {
  private static final int MAX_DOTS = 1 << 16;
  private static final long MAX_KEY_BYTES = 16 << 20;

  /** Beside the key's own bytes: the dot and the entry. */
  private static final int KEPT_BYTES = 200;

  private static final int TRIES = 3;
  private static final int CHILDREN = 1 << HeaderTree.STEP;

  private final LiveDots live;
  private final KeyIndex index;
  private final HeaderTree tree;
  private final int maxDots;
  private final long maxKeyBytes;

  /** The oldest first. */
  private final Map<Dot, Key> keys = new LinkedHashMap<>();

  private long keyBytes;
  private @Nullable Part part;

  ComparedDots(LiveDots live, KeyIndex index, HeaderTree tree) {
    this(live, index, tree, MAX_DOTS, MAX_KEY_BYTES);
  }

  /**
   * @param maxDots that a pass is to find beyond what was asked for, about
   */
  ComparedDots(LiveDots live, KeyIndex index, HeaderTree tree, int maxDots, long maxKeyBytes) {
    this.live = live;
    this.index = index;
    this.tree = tree;
    this.maxDots = maxDots;
    this.maxKeyBytes = maxKeyBytes;
  }

  /**
   * @param place of the frame, unless it is a version beside the key's winner
   * @param key if it is one
   */
  private record Live(long actor, long counter, long place, @Nullable Key key) {
    Dot dot() {
      return new Dot(new ActorId(actor), counter);
    }

    int prefix(int depth) {
      return HeaderTree.prefix(depth, actor, counter);
    }
  }

  /** All that one pass found below some nodes of one depth. */
  private static final class Part {
    private final int depth;
    private final int[] nodes;
    private final int maxDots;
    private final Map<Integer, List<Live>> below = new HashMap<>();
    private int dots;

    Part(int depth, int[] nodes, int maxDots) {
      this.depth = depth;
      this.nodes = nodes;
      this.maxDots = maxDots;
    }

    void add(long actor, long counter, long place, @Nullable Key key) {
      int node = HeaderTree.prefix(depth, actor, counter);
      if (dots <= maxDots && has(node)) {
        dots++;
        below
            .computeIfAbsent(node, none -> new ArrayList<>())
            .add(new Live(actor, counter, place, key));
      }
    }

    private boolean has(int node) {
      return nodes.length > 0
          && node >= nodes[0]
          && node <= nodes[nodes.length - 1]
          && Arrays.binarySearch(nodes, node) >= 0;
    }

    boolean isWhole() {
      return dots <= maxDots;
    }

    boolean covers(int deeper, int[] prefixes) {
      return deeper >= depth
          && Arrays.stream(prefixes).allMatch(prefix -> has(prefix >>> (deeper - depth)));
    }

    List<Live> below(int deeper, int prefix) {
      List<Live> all = below.getOrDefault(prefix >>> (deeper - depth), List.of());
      return deeper == depth
          ? all
          : all.stream().filter(each -> each.prefix(deeper) == prefix).toList();
    }

    @Nullable Live find(Dot dot) {
      long actor = dot.actor().id();
      long counter = dot.counter();
      int node = HeaderTree.prefix(depth, actor, counter);
      for (Live each : below.getOrDefault(node, List.of())) {
        if (each.actor == actor && each.counter == counter) {
          return each;
        }
      }
      return null;
    }
  }

  /** What the index was found to have counts no more: a look at everything begins. */
  public void beginAgain() {
    part = null;
  }

  /** Gives back all memory. */
  public void clear() {
    part = null;
    keys.clear();
    keyBytes = 0;
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
    int above = depth - HeaderTree.STEP;
    Part found = part(above, parents);
    for (int i = 0; i < parents.length; i++) {
      for (Live each : found.below(above, parents[i])) {
        digests[i * CHILDREN + each.prefix(depth) % CHILDREN] ^=
            HeaderTree.value(each.actor, each.counter);
      }
    }
    return digests;
  }

  /**
   * The dots below nodes, in {@link LiveDots#ORDER} for each.
   *
   * @param prefixes paths of {@code depth} bits, ascending
   */
  public List<List<Dot>> below(int depth, int[] prefixes) {
    Part found = part(depth, prefixes);
    var all = new ArrayList<List<Dot>>(prefixes.length);
    for (int prefix : prefixes) {
      all.add(found.below(depth, prefix).stream().map(Live::dot).sorted(LiveDots.ORDER).toList());
    }
    return all;
  }

  private Part part(int depth, int[] nodes) {
    Part known = part;
    if (known != null && known.covers(depth, nodes)) {
      return known;
    }
    part = null; // not two at a time
    Part found = taken(depth, widened(depth, nodes), 2 * maxDots);
    if (!found.isWhole()) {
      // Not as evenly spread as dots mostly are, or far more was asked for.
      found = taken(depth, nodes, Integer.MAX_VALUE);
    }
    part = found.dots <= 2 * maxDots ? found : null;
    return found;
  }

  private Part taken(int depth, int[] nodes, int most) {
    var found = new Part(depth, nodes, most);
    live.forEachDot(found::add);
    return found;
  }

  /** With as many nodes before the last as are expected to have so many dots. */
  private int[] widened(int depth, int[] nodes) {
    if (nodes.length == 0) {
      return nodes;
    }
    int last = nodes[nodes.length - 1];
    long room = Math.min(8L * maxDots, ((long) maxDots << depth) / Math.max(1, index.keys()));
    long first = Math.max(0, last - room + 1);
    return nodes[0] < first ? nodes : IntStream.rangeClosed((int) first, last).toArray();
  }

  /**
   * The present records that these writes are part of, each once, with the payloads that the
   * journal has, in {@link LiveDots#ORDER} of their first versions. Writes that are in no key's
   * present state are left out, and those that cannot be read: a read says so, and whoever asks for
   * them here finds them elsewhere.
   */
  public List<MetadataRecord> records(Collection<Dot> dots) {
    return found(dots, UnaryOperator.identity(), dot -> {});
  }

  /**
   * The same, without payloads.
   *
   * @param unreadable is given those that are part of a key's present state that cannot be read
   */
  public List<MetadataRecord> headers(Collection<Dot> dots, Consumer<Dot> unreadable) {
    return found(dots, MetadataRecord::withoutPayload, unreadable);
  }

  private List<MetadataRecord> found(
      Collection<Dot> dots, UnaryOperator<MetadataRecord> kept, Consumer<Dot> unreadable) {
    var looking = new Looking(new HashSet<>(dots), kept);
    looking.at(this::known);
    // What compaction moved meanwhile is found where it went; what was replaced is not.
    for (int i = 0; i < TRIES && !looking.open.isEmpty(); i++) {
      part = null; // what it says is no longer so
      looking.at(places(looking.open)::get);
      looking.open.removeAll(looking.failed);
    }
    looking.failed.forEach(unreadable);
    var records = new ArrayList<>(looking.found.values());
    records.sort(Comparator.comparing(record -> record.header().version().dot(), LiveDots.ORDER));
    return records;
  }

  private @Nullable Live known(Dot dot) {
    return part == null ? null : part.find(dot);
  }

  private Map<Dot, Live> places(Set<Dot> wanted) {
    Map<Dot, Live> places = new HashMap<>();
    var actors = new HashSet<Long>();
    wanted.forEach(dot -> actors.add(dot.actor().id()));
    live.forEachDot(
        (actor, counter, place, key) -> {
          if (actors.contains(actor)) {
            var found = new Live(actor, counter, place, key);
            if (wanted.contains(found.dot())) {
              places.put(found.dot(), found);
            }
          }
        });
    return places;
  }

  /** For the records of some dots. */
  private final class Looking {
    final Set<Dot> open;
    final Set<Dot> failed = new HashSet<>();
    final Map<Key, MetadataRecord> found = new LinkedHashMap<>();
    private final UnaryOperator<MetadataRecord> kept;

    Looking(Set<Dot> open, UnaryOperator<MetadataRecord> kept) {
      this.open = open;
      this.kept = kept;
    }

    void at(Function<Dot, @Nullable Live> places) {
      open.removeIf(
          dot -> {
            Key key = keyOf(dot, places);
            if (key != null) {
              failed.remove(dot);
              keep(dot, key);
              addIfStill(dot, key);
            }
            return key != null;
          });
    }

    /** Null if it is not known, if it has moved, or cannot be read. */
    private @Nullable Key keyOf(Dot dot, Function<Dot, @Nullable Live> places) {
      Key key = keys.get(dot);
      Live at = key == null ? places.apply(dot) : null;
      if (at == null) {
        return key;
      }
      if (at.key != null) {
        return at.key;
      }
      try {
        return index.keyAt(at.place);
      } catch (StorageException e) {
        failed.add(dot);
        return null;
      }
    }

    private void addIfStill(Dot dot, Key key) {
      try {
        MetadataRecord record = found.containsKey(key) ? null : index.read(key);
        if (record != null && record.has(dot)) {
          found.put(key, kept.apply(record));
          // It is asked for by any of them.
          record.versions().forEach(each -> keep(each.header().version().dot(), key));
        }
      } catch (StorageException e) {
        failed.add(dot);
      }
    }
  }

  private void keep(Dot dot, Key key) {
    if (keys.putIfAbsent(dot, key) == null) {
      keyBytes += bytesOf(key);
    }
    var eldest = keys.values().iterator();
    while (keyBytes > maxKeyBytes && eldest.hasNext()) {
      keyBytes -= bytesOf(eldest.next());
      eldest.remove();
    }
  }

  private static long bytesOf(Key key) {
    return (long) KEPT_BYTES + key.utf8Length();
  }
}
