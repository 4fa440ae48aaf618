package io.metafabric.merge;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A set that many add to and remove from at the same time. A removal removes what its writer has
 * seen: an element that somebody added meanwhile stays. Immutable.
 *
 * <p>Each addition is named by its writer and a number, and the set knows up to which number it has
 * seen each writer's; so what was removed leaves nothing behind. A writer must see its own last
 * addition before the next: one writer a node, and {@code replace} in a loop, will do.
 *
 * @see <a href="https://arxiv.org/abs/1210.3368">Bieniusa et al., An Optimized Conflict-free
 *     Replicated Set, 2012</a>
 */
public final class AddRemoveSet {
  public static final AddRemoveSet EMPTY = new AddRemoveSet(new TreeMap<>(), entries());

  private static final int MAX_ADDITIONS = 1 << 16;

  /** An addition. */
  private record Tag(String writer, long number) implements Comparable<Tag> {
    @Override
    public int compareTo(Tag that) {
      int byWriter = writer.compareTo(that.writer);
      return byWriter != 0 ? byWriter : Long.compare(number, that.number);
    }
  }

  private final SortedMap<String, Long> seen;
  private final NavigableMap<Bytes, SortedSet<Tag>> entries;

  private AddRemoveSet(SortedMap<String, Long> seen, NavigableMap<Bytes, SortedSet<Tag>> entries) {
    this.seen = seen;
    this.entries = entries;
  }

  private static NavigableMap<Bytes, SortedSet<Tag>> entries() {
    return new TreeMap<>(Comparator.comparing(Bytes::toArray, Arrays::compareUnsigned));
  }

  /**
   * For {@code FabricBuilder.conflicts}. A set is not removed, nor does it expire: additions to a
   * new one would be taken for those to the old one. Put {@link #cleared} instead.
   */
  public static ConflictRule rule() {
    return ConflictRule.merge("add-remove-set.1", (a, b) -> decode(a).merge(decode(b)).encode())
        .neverRemoved();
  }

  /**
   * @throws WireFormatException if these are not the bytes of a set
   */
  public static AddRemoveSet of(byte[] bytes) {
    return decode(Bytes.copyOf(bytes));
  }

  static AddRemoveSet decode(Bytes bytes) {
    ByteReader in = Encoding.open(bytes, Encoding.SET, "a set");
    var seen = new TreeMap<String, Long>();
    int writers = in.varint("writers", 0, in.remaining());
    String last = null;
    for (int i = 0; i < writers; i++) {
      last = Encoding.nextName(in, last);
      seen.put(last, positive(Encoding.counter(in, "number")));
    }
    // Additions name their writer by its place in the list.
    var names = seen.keySet().toArray(new String[0]);
    var entries = entries();
    int elements = in.varint("elements", 0, in.remaining());
    for (int i = 0; i < elements; i++) {
      Bytes element =
          in.payload(in.varint("length of an element", 0, Integer.MAX_VALUE), "element");
      if (!entries.isEmpty() && entries.comparator().compare(entries.lastKey(), element) >= 0) {
        throw new WireFormatException("the elements of a set are not in order");
      }
      entries.put(element, readTags(in, names, seen));
    }
    in.end("a set");
    return new AddRemoveSet(seen, entries);
  }

  private static SortedSet<Tag> readTags(ByteReader in, String[] names, Map<String, Long> seen) {
    var tags = new TreeSet<Tag>();
    int count = in.varint("additions", 1, MAX_ADDITIONS);
    for (int i = 0; i < count; i++) {
      String writer = names.length == 0 ? "" : names[in.varint("writer", 0, names.length - 1)];
      var tag = new Tag(writer, positive(Encoding.counter(in, "number")));
      if (tag.number > seen.getOrDefault(writer, 0L)
          || (!tags.isEmpty() && tags.last().compareTo(tag) >= 0)) {
        throw new WireFormatException("an addition of a set is out of place: " + tag);
      }
      tags.add(tag);
    }
    return tags;
  }

  private static long positive(long number) {
    if (number < 1) {
      throw new WireFormatException("additions are numbered from 1");
    }
    return number;
  }

  public byte[] toBytes() {
    return encode().toArray();
  }

  Bytes encode() {
    ByteWriter out = Encoding.begin(Encoding.SET).varint(seen.size());
    seen.forEach((writer, number) -> out.text(writer).varint(number));
    var places = new TreeMap<String, Integer>();
    seen.keySet().forEach(writer -> places.put(writer, places.size()));
    out.varint(entries.size());
    entries.forEach(
        (element, tags) -> {
          out.varint(element.length()).bytes(element).varint(tags.size());
          for (Tag tag : tags) {
            out.varint(places.getOrDefault(tag.writer, 0)).varint(tag.number);
          }
        });
    return Encoding.end(out);
  }

  public boolean contains(byte[] element) {
    return entries.containsKey(Bytes.copyOf(element));
  }

  public boolean contains(String element) {
    return contains(element.getBytes(StandardCharsets.UTF_8));
  }

  /** In the order of their bytes. */
  public SortedSet<Bytes> elements() {
    return Collections.unmodifiableSortedSet(entries.navigableKeySet());
  }

  public int size() {
    return entries.size();
  }

  /**
   * @param writer who adds: 1 to 255 bytes of UTF-8, one addition at a time
   */
  public AddRemoveSet plus(String writer, byte[] element) {
    Encoding.requireName(writer, "a writer");
    long number = Math.incrementExact(seen.getOrDefault(writer, 0L));
    var nextSeen = new TreeMap<>(seen);
    nextSeen.put(writer, number);
    var next = copy(entries);
    // The addition replaces those that its writer has seen.
    next.put(Bytes.copyOf(element), new TreeSet<>(Collections.singleton(new Tag(writer, number))));
    return new AddRemoveSet(nextSeen, next);
  }

  public AddRemoveSet plus(String writer, String element) {
    return plus(writer, element.getBytes(StandardCharsets.UTF_8));
  }

  public AddRemoveSet minus(byte[] element) {
    var next = copy(entries);
    next.remove(Bytes.copyOf(element));
    return new AddRemoveSet(seen, next);
  }

  public AddRemoveSet minus(String element) {
    return minus(element.getBytes(StandardCharsets.UTF_8));
  }

  /** Without all elements; what others add meanwhile stays. */
  public AddRemoveSet cleared() {
    return new AddRemoveSet(seen, entries());
  }

  private static NavigableMap<Bytes, SortedSet<Tag>> copy(
      NavigableMap<Bytes, SortedSet<Tag>> from) {
    var copy = entries();
    copy.putAll(from);
    return copy;
  }

  public AddRemoveSet merge(AddRemoveSet that) {
    var mergedSeen = new TreeMap<>(seen);
    that.seen.forEach((writer, number) -> mergedSeen.merge(writer, number, Math::max));
    var merged = entries();
    takeLeft(this, that, merged);
    takeLeft(that, this, merged);
    return new AddRemoveSet(mergedSeen, merged);
  }

  /** What the other has too, or has not seen. */
  private static void takeLeft(
      AddRemoveSet from, AddRemoveSet other, NavigableMap<Bytes, SortedSet<Tag>> into) {
    from.entries.forEach(
        (element, tags) -> {
          SortedSet<Tag> theirs = other.entries.get(element);
          for (Tag tag : tags) {
            boolean has = theirs != null && theirs.contains(tag);
            if (has || other.seen.getOrDefault(tag.writer, 0L) < tag.number) {
              into.computeIfAbsent(element, any -> new TreeSet<>()).add(tag);
            }
          }
        });
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof AddRemoveSet set && seen.equals(set.seen) && entries.equals(set.entries);
  }

  @Override
  public int hashCode() {
    return 31 * seen.hashCode() + entries.hashCode();
  }

  @Override
  public String toString() {
    return entries.keySet().stream().map(Bytes::toUtf8).toList().toString();
  }
}
