package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecordStore;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Payloads that this region must hold, as home or backup, and does not: their writers took other
 * regions for the homes, because a move had not reached them. Asked for until they are here.
 * Bounded by the number of moved keys; belongs to the loop.
 */
final class PayloadChase {
  /** So many are asked for at once. */
  private static final int MAX_UNDER_WAY = 16;

  private final RecordStore store;
  private final Predicate<Key> isToHold;
  private final BiFunction<Key, Header, CompletableFuture<?>> fetch;
  private final Set<Key> missing = new LinkedHashSet<>();
  private final Set<Key> underWay = new HashSet<>();

  /**
   * @param fetch asks other regions, and journals what comes; completes on the loop, whatever came
   */
  PayloadChase(
      RecordStore store,
      Predicate<Key> isToHold,
      BiFunction<Key, Header, CompletableFuture<?>> fetch) {
    this.store = store;
    this.isToHold = isToHold;
    this.fetch = fetch;
  }

  void add(Key key) {
    missing.add(key);
  }

  /** Asks for what is missing and not asked for yet; called again from time to time. */
  void run() {
    for (Key key : new ArrayList<>(missing)) {
      if (underWay.size() >= MAX_UNDER_WAY) {
        return;
      }
      if (underWay.contains(key)) {
        continue;
      }
      Header lacking;
      try {
        MetadataRecord record = isToHold.test(key) ? store.read(key) : null;
        lacking = record == null ? null : missing(record);
      } catch (StorageException e) {
        // Whoever reads it is told; the others are not to wait for it, and it is tried again.
        continue;
      }
      if (lacking == null) {
        missing.remove(key);
        continue;
      }
      underWay.add(key);
      fetch.apply(key, lacking).whenComplete((done, failure) -> underWay.remove(key));
    }
  }

  /** The first version whose payload is not here; null if all are. */
  static @Nullable Header missing(MetadataRecord record) {
    for (Sibling each : record.versions()) {
      if (each.payload() == null && !each.header().isTombstone()) {
        return each.header();
      }
    }
    return null;
  }

  /** On the loop. */
  int size() {
    return missing.size();
  }
}
