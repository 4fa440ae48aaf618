package io.metafabric.core.record;

import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One key's state: its header, and the payload where it is held. Where concurrent writes are kept
 * beside each other, header and payload are those of the provisional winner, which all regions
 * choose alike, and the others are its siblings. A merge that another of them {@link
 * Header#isSaidBy says all of} is kept, so that it is known to be part of the past once both are,
 * but not shown. Immutable.
 *
 * @param payload null if the payload is held elsewhere, or for a tombstone
 * @param siblings the other concurrent writes, in the order of {@link Header#winsOver}, those that
 *     are not shown last; mostly none
 */
public record MetadataRecord(
    Key key, Header header, @Nullable Bytes payload, List<Sibling> siblings) {
  /** Concurrent writes that are kept of one key. */
  public static final int MAX_VERSIONS = 16;

  public MetadataRecord {
    siblings = List.copyOf(siblings);
    if (payload != null && !header.describes(payload)) {
      throw new IllegalArgumentException(
          "the payload of " + key + " (" + payload + ") is not the one its header describes");
    }
    if (!siblings.isEmpty()) {
      requireOrder(key, header, siblings);
    }
  }

  public MetadataRecord(Key key, Header header, @Nullable Bytes payload) {
    this(key, header, payload, List.of());
  }

  private static void requireOrder(Key key, Header header, List<Sibling> siblings) {
    if (siblings.size() >= MAX_VERSIONS) {
      throw new IllegalArgumentException(key + " has " + siblings.size() + " siblings");
    }
    var all = new ArrayList<Header>(1 + siblings.size());
    all.add(header);
    siblings.forEach(each -> all.add(each.header()));
    for (int i = 1; i < all.size(); i++) {
      if (!comesBefore(all.get(i - 1), all.get(i), all)) {
        throw new IllegalArgumentException("the siblings of " + key + " are not in their order");
      }
    }
  }

  private static boolean comesBefore(Header a, Header b, List<Header> all) {
    boolean isShown = isShown(a, all);
    return isShown == isShown(b, all) ? a.winsOver(b) : isShown;
  }

  private static boolean isShown(Header version, List<Header> all) {
    if (version.kind() != Header.Kind.MERGED) {
      return true;
    }
    for (Header other : all) {
      if (version.isSaidBy(other)) {
        return false;
      }
    }
    return true;
  }

  /**
   * A key's state of all these.
   *
   * @param versions at least one, in their order
   */
  public static MetadataRecord of(Key key, List<Sibling> versions) {
    Sibling winner = versions.get(0);
    return new MetadataRecord(
        key, winner.header(), winner.payload(), versions.subList(1, versions.size()));
  }

  /** The winner first, and what is not shown last. */
  public static List<Sibling> ordered(List<Sibling> versions) {
    List<Header> all = versions.stream().map(Sibling::header).toList();
    var ordered = new ArrayList<>(versions);
    ordered.sort((a, b) -> a == b ? 0 : comesBefore(a.header(), b.header(), all) ? -1 : 1);
    return ordered;
  }

  /** The winner and its siblings, the winner first. */
  public List<Sibling> versions() {
    if (siblings.isEmpty()) {
      return List.of(new Sibling(header, payload));
    }
    var all = new ArrayList<Sibling>(1 + siblings.size());
    all.add(new Sibling(header, payload));
    all.addAll(siblings);
    return all;
  }

  /** The versions without merges that others of them say all of; in the same order. */
  public List<Sibling> shown() {
    List<Sibling> versions = versions();
    if (siblings.isEmpty()) {
      return versions;
    }
    List<Header> all = versions.stream().map(Sibling::header).toList();
    return versions.stream().filter(each -> isShown(each.header(), all)).toList();
  }

  /** The first version that a reader may see at {@code nowMs}; null if there is none. */
  public @Nullable Sibling visibleAt(long nowMs) {
    if (header.isVisibleAt(nowMs)) {
      return new Sibling(header, payload);
    }
    if (siblings.isEmpty()) {
      return null;
    }
    for (Sibling each : shown()) {
      if (each.header().isVisibleAt(nowMs)) {
        return each;
      }
    }
    return null;
  }

  /**
   * Whether some of the versions alone show no merge that is not shown beside the others.
   *
   * @param some of the versions
   */
  public boolean showsNoMoreWith(List<Sibling> some) {
    List<Header> left = some.stream().map(Sibling::header).toList();
    List<Header> all = versions().stream().map(Sibling::header).toList();
    return left.stream().allMatch(each -> isShown(each, all) || !isShown(each, left));
  }

  /** A version that names this state: whoever has read it has seen all of it, and nothing else. */
  public Version seen() {
    Version version = header.version();
    VersionVector context = version.context();
    for (Sibling sibling : siblings) {
      context = context.merge(sibling.header().version().seen());
    }
    return context.contains(version.dot()) ? version : version.withContext(context);
  }

  /** Whether a write is one of the versions. */
  public boolean has(Dot dot) {
    if (header.version().dot().equals(dot)) {
      return true;
    }
    for (Sibling sibling : siblings) {
      if (sibling.header().version().dot().equals(dot)) {
        return true;
      }
    }
    return false;
  }

  /** Whether whoever knows this state needs nothing of a write any more. */
  public boolean covers(Dot dot) {
    if (header.version().covers(dot)) {
      return true;
    }
    for (Sibling sibling : siblings) {
      if (sibling.header().version().covers(dot)) {
        return true;
      }
    }
    return false;
  }

  /** Whether there are concurrent writes beside the winner. */
  public boolean hasSiblings() {
    return !siblings.isEmpty();
  }

  /** The winner without its siblings. */
  public MetadataRecord alone() {
    return siblings.isEmpty() ? this : new MetadataRecord(key, header, payload);
  }

  /** The headers alone. */
  public MetadataRecord withoutPayload() {
    boolean has = payload != null;
    for (Sibling sibling : siblings) {
      has |= sibling.payload() != null;
    }
    return has
        ? new MetadataRecord(
            key, header, null, siblings.stream().map(Sibling::withoutPayload).toList())
        : this;
  }

  /** The same with the winner's payload. */
  public MetadataRecord withPayload(@Nullable Bytes next) {
    return new MetadataRecord(key, header, next, siblings);
  }

  /** The same write with a header that says more of it. */
  public MetadataRecord withHeader(Header next) {
    return new MetadataRecord(key, next, payload, siblings);
  }
}
