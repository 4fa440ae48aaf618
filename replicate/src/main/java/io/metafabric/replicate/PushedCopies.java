package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes the copies that homes push without being asked, where they are of use here. Keeps nothing
 * itself. Belongs to the loop.
 */
final class PushedCopies {
  private final RecordStore store;
  private final LocalCopies copies;
  private final PayloadPlaces places;
  private final Fetches fetches;

  PushedCopies(RecordStore store, LocalCopies copies, PayloadPlaces places, Fetches fetches) {
    this.store = store;
    this.copies = copies;
    this.places = places;
    this.fetches = fetches;
  }

  /** Takes over what is of use, and returns the keys of which it is not. */
  List<Key> take(RegionName from, List<MetadataRecord> records) {
    var useless = new ArrayList<Key>();
    for (MetadataRecord record : records) {
      if (!isDueFrom(from, record) || !takesCopy(record)) {
        useless.add(record.key());
      }
    }
    return useless;
  }

  /** What is known of a key may be unreadable; no reason to lose the connection to its home. */
  private boolean takesCopy(MetadataRecord record) {
    try {
      if (!copies.wants(record.key()) || contradictsHeader(record)) {
        return false;
      }
      copies.offer(record);
      if (store.isCurrent(record.key(), record.header().version().dot())) {
        fetches.overtaken(List.of(record.key()));
      }
      return true;
    } catch (StorageException e) {
      return false;
    }
  }

  /** Only the home pushes, and only payloads. */
  private boolean isDueFrom(RegionName from, MetadataRecord record) {
    return places.homeOf(record.key()).equals(from) && record.payload() != null;
  }

  private boolean contradictsHeader(MetadataRecord record) {
    Header known = store.header(record.key());
    return known != null
        && known.version().dot().equals(record.header().version().dot())
        && known.payloadCrc32c() != record.header().payloadCrc32c();
  }
}
