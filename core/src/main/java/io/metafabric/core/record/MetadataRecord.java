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
 * choose alike, and the others are its siblings. Immutable.
 *
 * @param payload null if the payload is held elsewhere, or for a tombstone
 * @param siblings the other concurrent writes, in the order of {@link Header#winsOver}; mostly none
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
    Header before = header;
    for (Sibling sibling : siblings) {
      if (!before.winsOver(sibling.header())) {
        throw new IllegalArgumentException("the siblings of " + key + " are not in their order");
      }
      before = sibling.header();
    }
  }

  /**
   * A key's state of all these.
   *
   * @param versions at least one, in the order of {@link Header#winsOver}
   */
  public static MetadataRecord of(Key key, List<Sibling> versions) {
    Sibling winner = versions.get(0);
    return new MetadataRecord(
        key, winner.header(), winner.payload(), versions.subList(1, versions.size()));
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

  /** The first version that a reader may see at {@code nowMs}; null if there is none. */
  public @Nullable Sibling visibleAt(long nowMs) {
    if (header.isVisibleAt(nowMs)) {
      return new Sibling(header, payload);
    }
    for (Sibling sibling : siblings) {
      if (sibling.header().isVisibleAt(nowMs)) {
        return sibling;
      }
    }
    return null;
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
