package io.metafabric.replicate;

import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Payloads that this region should hold, as home or backup or as all do, and does not: their
 * headers came by repair from a region that did not hold them either. They are fetched from those
 * that may. What is not held when a directory is opened is looked for once; what does not fit in
 * here is found then.
 *
 * <p>Belongs to the loop; the store is read in the background.
 */
final class MissingPayloads {
  private static final int MAX_KEYS = 20_000;
  private static final int BATCH_KEYS = 64;
  private static final long BATCH_BYTES = 256 * 1024;
  private static final Duration RETRY = Duration.ofSeconds(5);

  private final RecordStore store;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Predicate<Header> mayCome;
  private final Predicate<Key> holds;
  private final BiFunction<Key, Header, CompletableFuture<FetchResult>> fetch;
  private final Set<Key> keys = new LinkedHashSet<>();
  private boolean working;
  private SerialExecutor.@Nullable Task retry;

  /**
   * @param mayCome whether a payload is small enough to be sent
   * @param holds whether this region is to hold the payloads of a key
   * @param fetch asks those that may hold it, one after the other
   */
  MissingPayloads(
      RecordStore store,
      SerialExecutor loop,
      SerialExecutor background,
      Predicate<Header> mayCome,
      Predicate<Key> holds,
      BiFunction<Key, Header, CompletableFuture<FetchResult>> fetch) {
    this.store = store;
    this.loop = loop;
    this.background = background;
    this.mayCome = mayCome;
    this.holds = holds;
    this.fetch = fetch;
  }

  /** Looks through all that is known, a part at a time. */
  void start() {
    lookThrough(0);
  }

  private void lookThrough(int part) {
    background.execute(
        () -> {
          var found = new ArrayList<Key>();
          try {
            store
                .liveDots()
                .forEachWithoutPayload(
                    part,
                    record -> {
                      if (isMissing(record)) {
                        found.add(record.key());
                      }
                    });
          } finally {
            loop.execute(
                () -> {
                  found.forEach(this::add);
                  if (part + 1 < store.liveDots().parts()) {
                    lookThrough(part + 1);
                  }
                });
          }
        });
  }

  private boolean isMissing(MetadataRecord record) {
    return missing(record) != null;
  }

  /** The first version whose payload is to be held here, may come, and is not here. */
  private @Nullable Header missing(MetadataRecord record) {
    for (Sibling each : record.versions()) {
      if (each.payload() == null
          && !each.header().isTombstone()
          && mayCome.test(each.header())
          && holds.test(record.key())) {
        return each.header();
      }
    }
    return null;
  }

  /** Of records that were taken over, those without the payload that is to be held. */
  void consider(List<MetadataRecord> records) {
    records.stream().filter(this::isMissing).map(MetadataRecord::key).forEach(this::add);
  }

  private void add(Key key) {
    if (keys.size() < MAX_KEYS && keys.add(key)) {
      work();
    }
  }

  private void work() {
    if (working || keys.isEmpty()) {
      return;
    }
    working = true;
    if (retry != null) {
      retry.cancel(); // one at a time: each would plan the next
      retry = null;
    }
    List<Key> some = keys.stream().limit(BATCH_KEYS).toList();
    background.execute(
        () -> {
          var wanted = new LinkedHashMap<Key, Header>();
          var settled = new ArrayList<Key>();
          try {
            choose(some, wanted, settled);
          } finally {
            loop.execute(() -> ask(wanted, settled));
          }
        });
  }

  private void choose(List<Key> some, Map<Key, Header> wanted, List<Key> settled) {
    long bytes = 0;
    for (Key key : some) {
      MetadataRecord record = readable(key);
      Header lacking = record == null ? null : missing(record);
      if (lacking == null) {
        settled.add(key);
      } else if (wanted.isEmpty() || bytes + lacking.payloadBytes() <= BATCH_BYTES) {
        bytes += lacking.payloadBytes();
        wanted.put(key, lacking);
      }
    }
  }

  private @Nullable MetadataRecord readable(Key key) {
    try {
      return store.read(key);
    } catch (StorageException e) {
      return null;
    }
  }

  private void ask(Map<Key, Header> wanted, List<Key> settled) {
    settled.forEach(keys::remove);
    var done = new ArrayList<CompletableFuture<Boolean>>();
    wanted.forEach((key, header) -> done.add(fetch.apply(key, header).thenCompose(this::keep)));
    CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new))
        .whenComplete((all, failure) -> loop.execute(() -> again(wanted, settled, done)));
  }

  /** Completes with whether anything was taken. */
  private CompletableFuture<Boolean> keep(FetchResult result) {
    if (!(result instanceof FetchResult.Found found)) {
      return CompletableFuture.completedFuture(false);
    }
    try {
      return store.applyOne(new Inbound(found.record(), true));
    } catch (FabricException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Also what was found stays until it is seen that nothing is missing: another sibling's payload
   * may be; a newer header may have come meanwhile, without its payload; or it was not taken, as
   * something that came with it is stamped too far ahead of this node's clock.
   */
  private void again(
      Map<Key, Header> wanted, List<Key> settled, List<CompletableFuture<Boolean>> done) {
    working = false;
    keys.removeAll(wanted.keySet());
    keys.addAll(wanted.keySet()); // behind the others
    boolean taken = done.stream().anyMatch(each -> !each.isCompletedExceptionally() && each.join());
    if (taken || !settled.isEmpty()) {
      work();
    } else {
      retry = loop.schedule(RETRY, this::work);
    }
  }
}
