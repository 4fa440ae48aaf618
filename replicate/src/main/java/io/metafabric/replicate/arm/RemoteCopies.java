package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Copies that this node gave to other regions, and what is known of each, those that were used
 * last. Holds a bounded number of bytes, by estimate; one that is forgotten begins anew. Not
 * thread-safe.
 */
final class RemoteCopies {
  static final long MAX_BYTES = 8 << 20;

  /** An entry of the map, its key and what is known of the copy, without characters. */
  private static final int ENTRY_BYTES = 304;

  private record Place(Key key, RegionName region) {}

  private final Map<Place, RemoteCopy> copies = new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  @Nullable RemoteCopy get(Key key, RegionName region) {
    return copies.get(new Place(key, region));
  }

  RemoteCopy getOrBegin(Key key, RegionName region, long nowNanos) {
    var place = new Place(key, region);
    RemoteCopy known = copies.get(place);
    if (known == null) {
      known = new RemoteCopy(nowNanos);
      copies.put(place, known);
      bytes += estimatedBytes(place);
      makeRoom();
    }
    return known;
  }

  private void makeRoom() {
    Iterator<Place> eldest = copies.keySet().iterator();
    while (bytes > MAX_BYTES) {
      bytes -= estimatedBytes(eldest.next());
      eldest.remove();
    }
  }

  void remove(Key key, RegionName region) {
    var place = new Place(key, region);
    if (copies.remove(place) != null) {
      bytes -= estimatedBytes(place);
    }
  }

  long retainedBytes() {
    return bytes;
  }

  private static long estimatedBytes(Place place) {
    return ENTRY_BYTES + 2L * place.key().utf8Length();
  }
}
