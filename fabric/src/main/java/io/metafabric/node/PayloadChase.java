package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecordStore;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.replicate.Replicator;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Payloads that this region must hold, as home or backup, and does not: their writers took other
 * regions for the homes, because a move had not reached them. Asked for until they are here.
 * Bounded by the number of moved keys; belongs to the loop, but for what says otherwise.
 */
final class PayloadChase {
  private static final Duration CHASE_EVERY = Duration.ofSeconds(1);

  /** So many are asked for at once. */
  private static final int MAX_UNDER_WAY = 16;

  private final RegionName region;
  private final RecordStore store;
  private final MovedHomes homes;
  private final Replicator replicator;
  private final Shadows shadows;
  private final FetchedRecords fetched;
  private final SerialExecutor loop;
  private final Clock clock;

  /** How often each was asked for; who waits longest is first. */
  private final Map<Key, Integer> missing = new LinkedHashMap<>();

  private final Set<Key> underWay = new HashSet<>();
  private long chasedNanos;

  PayloadChase(
      RegionName region,
      RecordStore store,
      MovedHomes homes,
      Replicator replicator,
      Shadows shadows,
      FetchedRecords fetched,
      SerialExecutor loop,
      Clock clock) {
    this.region = region;
    this.store = store;
    this.homes = homes;
    this.replicator = replicator;
    this.shadows = shadows;
    this.fetched = fetched;
    this.loop = loop;
    this.clock = clock;
    homes.movedKeys().forEach(key -> missing.put(key, 0));
    this.chasedNanos = clock.nanoTime();
  }

  /** A change of another region's was published. Any thread. */
  void published(MetadataRecord record) {
    if (isChased(record)) {
      rehomed(record.key());
    }
    if (mayBeMissed(record)) {
      replicator.chase(record);
    }
  }

  /** Whoever writes sends the payload to the homes that it knows of; a move may be news to it. */
  private boolean isChased(MetadataRecord record) {
    return !missing(record, clock.wallMs()).isEmpty()
        && homes.of(record.key()).epoch() > 0
        && isToHold(record.key())
        && (record.hasSiblings() || !store.holdsPayload(record.key()));
  }

  /**
   * Its writer may not know yet who stands in for a home that was evicted; and what is merged is to
   * be held by all, and comes without its payload only where that cannot be read.
   */
  private boolean mayBeMissed(MetadataRecord record) {
    boolean isMerged = store.conflictRules().of(record.key()).merge() != null;
    return (isMerged || replicator.configuration().epoch() > 0)
        && !missing(record, clock.wallMs()).isEmpty();
  }

  private boolean isToHold(Key key) {
    return replicator.isToHold(region, key);
  }

  /** This region may be a home of it by now, and lack its payload. Any thread. */
  void rehomed(Key key) {
    loop.execute(
        () -> {
          shadows.rehomed(key);
          missing.putIfAbsent(key, 0);
          run();
        });
  }

  void tick() {
    if (clock.nanoTime() - chasedNanos > CHASE_EVERY.toNanos()) {
      chasedNanos = clock.nanoTime();
      run();
    }
  }

  /** Asks for what is missing and not asked for yet. */
  private void run() {
    for (Map.Entry<Key, Integer> each : List.copyOf(missing.entrySet())) {
      Key key = each.getKey();
      int tries = each.getValue();
      if (underWay.size() >= MAX_UNDER_WAY) {
        return;
      }
      if (underWay.contains(key)) {
        continue;
      }
      List<Header> lacking;
      try {
        MetadataRecord record = isToHold(key) ? store.read(key) : null;
        lacking = record == null ? List.of() : missing(record, clock.wallMs());
      } catch (StorageException e) {
        // Whoever reads it is told; the others are not to wait for it, and it is tried again.
        continue;
      }
      if (lacking.isEmpty()) {
        missing.remove(key);
        continue;
      }
      underWay.add(key);
      // In turn, keys and siblings: what nobody has any more must not keep the others from coming.
      missing.remove(key);
      missing.put(key, tries + 1);
      fetch(key, lacking.get(tries % lacking.size()))
          .whenComplete((done, failure) -> underWay.remove(key));
    }
  }

  /** Asks other regions, and journals what comes; completes on the loop, whatever came. */
  private CompletableFuture<?> fetch(Key key, Header header) {
    var ended = new CompletableFuture<Void>();
    replicator
        .fetchToHold(key, header)
        .thenCompose(result -> fetched.keep(key, result))
        .whenComplete((outcome, failure) -> loop.execute(() -> ended.complete(null)));
    return ended;
  }

  /** The versions whose payloads are not here, and may still be read somewhere. */
  static List<Header> missing(MetadataRecord record, long nowMs) {
    return record.versions().stream()
        .filter(each -> each.payload() == null && each.header().mayBeVisibleElsewhereAt(nowMs))
        .map(Sibling::header)
        .toList();
  }
}
