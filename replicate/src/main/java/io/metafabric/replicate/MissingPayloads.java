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
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Payloads that this region should hold, as home or backup or as all do, and does not: their
 * headers came by repair from a region that did not hold them either. They are fetched from those
 * that may. What is not held when a directory is opened is looked for once; what does not fit in
 * here is found then.
 *
 * <p>Most at risk first: of those that were asked for as often, those with the fewest copies that
 * can be read elsewhere, and of those what is read most; within a budget of bytes.
 *
 * <p>Belongs to the loop; the store is read in the background.
 */
final class MissingPayloads {
  private static final int MAX_KEYS = 20_000;
  private static final int BATCH_KEYS = 64;
  private static final long BATCH_BYTES = 256 * 1024;
  private static final Duration RETRY = Duration.ofSeconds(5);

  private static final Duration SHORT_OF_BUDGET = Duration.ofMillis(200);

  /**
   * @param tries how often it was asked for in vain, or to be seen once more; of siblings all
   *     together
   * @param copies in how many other regions it can probably be read
   */
  private record Waiting(Key key, int tries, int copies, double reads, long sequence) {}

  private static final Comparator<Waiting> MOST_AT_RISK_FIRST =
      Comparator.comparingInt(Waiting::tries)
          .thenComparingInt(Waiting::copies)
          .thenComparing(Comparator.comparingDouble(Waiting::reads).reversed())
          .thenComparingLong(Waiting::sequence);

  private final RecordStore store;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Predicate<Header> isWanted;
  private final Predicate<Key> holds;
  private final BiFunction<Key, Header, CompletableFuture<FetchResult>> fetch;
  private final ToIntBiFunction<Key, Header> copies;
  private final Map<Key, Waiting> keys = new HashMap<>();
  private final NavigableSet<Waiting> order = new TreeSet<>(MOST_AT_RISK_FIRST);
  private Rebuilding rebuilding = Rebuilding.UNBOUNDED;
  private long sequence;
  private boolean overflowed;
  private boolean working;
  private SerialExecutor.@Nullable Task retry;
  private volatile int outstanding;
  private final AtomicLong made = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  /**
   * @param isWanted whether a payload is small enough to be sent, and may still be read somewhere
   * @param holds whether this region is to hold the payloads of a key
   * @param copies in how many other regions a payload can probably be read
   * @param fetch asks those that may hold it, one after the other
   */
  MissingPayloads(
      RecordStore store,
      SerialExecutor loop,
      SerialExecutor background,
      Predicate<Header> isWanted,
      Predicate<Key> holds,
      ToIntBiFunction<Key, Header> copies,
      BiFunction<Key, Header, CompletableFuture<FetchResult>> fetch) {
    this.store = store;
    this.loop = loop;
    this.background = background;
    this.isWanted = isWanted;
    this.holds = holds;
    this.copies = copies;
    this.fetch = fetch;
  }

  /** To be called before anything is missing. */
  void rebuildBy(Rebuilding how) {
    rebuilding = how;
  }

  /** Looks through all that is known, a part at a time. */
  void start() {
    lookThrough(0);
  }

  private void lookThrough(int part) {
    background.execute(
        () -> {
          var found = new LinkedHashMap<Key, Header>();
          try {
            store
                .liveDots()
                .forEachWithoutPayload(
                    part,
                    record -> {
                      List<Header> lacking = missing(record);
                      if (!lacking.isEmpty()) {
                        found.put(record.key(), lacking.get(0));
                      }
                    });
          } finally {
            loop.execute(
                () -> {
                  found.forEach(this::add);
                  work();
                  if (part + 1 < store.liveDots().parts()) {
                    lookThrough(part + 1);
                  }
                });
          }
        });
  }

  /** The versions whose payloads are to be held here, are wanted, and are not here. */
  private List<Header> missing(MetadataRecord record) {
    if (record.payload() != null && !record.hasSiblings()) {
      return List.of(); // nearly all that is taken over
    }
    var lacking = new ArrayList<Header>();
    for (Sibling each : record.versions()) {
      if (each.payload() == null
          && !each.header().isTombstone()
          && isWanted.test(each.header())
          && holds.test(record.key())) {
        lacking.add(each.header());
      }
    }
    return lacking;
  }

  /** Of records that were taken over, those without the payload that is to be held. */
  void consider(List<MetadataRecord> records) {
    boolean isNews = false;
    for (MetadataRecord record : records) {
      List<Header> lacking = missing(record);
      if (!lacking.isEmpty()) {
        isNews |= add(record.key(), lacking.get(0));
      }
    }
    // What waits for the next try goes on waiting: two regions that tell each other of what neither
    // can have would ask each other without end.
    if (isNews) {
      work();
    }
  }

  /** Whether it was not waiting already. */
  private boolean add(Key key, Header lacking) {
    if (keys.containsKey(key)) {
      return false;
    }
    if (keys.size() >= MAX_KEYS) {
      overflowed = true;
      return false;
    }
    put(key, lacking, 0);
    return true;
  }

  private void put(Key key, Header lacking, int tries) {
    var waiting =
        new Waiting(
            key,
            tries,
            copies.applyAsInt(key, lacking),
            rebuilding.readsPerSecond(key),
            sequence++);
    remove(key);
    keys.put(key, waiting);
    order.add(waiting);
    outstanding = keys.size();
  }

  private int remove(Key key) {
    Waiting waiting = keys.remove(key);
    if (waiting == null) {
      return 0;
    }
    order.remove(waiting);
    outstanding = keys.size();
    return waiting.tries();
  }

  private void work() {
    if (working) {
      return;
    }
    if (keys.isEmpty()) {
      if (overflowed) {
        overflowed = false;
        start();
      }
      return;
    }
    working = true;
    if (retry != null) {
      retry.cancel(); // one at a time: each would plan the next
      retry = null;
    }
    List<Waiting> some = order.stream().limit(BATCH_KEYS).toList();
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

  private void choose(List<Waiting> some, Map<Key, Header> wanted, List<Key> settled) {
    long bytes = 0;
    for (Waiting each : some) {
      MetadataRecord record = readable(each.key);
      List<Header> all = record == null ? List.of() : missing(record);
      if (all.isEmpty()) {
        settled.add(each.key);
        continue;
      }
      // In turn: one that nobody has any more must not keep the others from being asked for.
      Header lacking = all.get(each.tries % all.size());
      if (wanted.isEmpty() || bytes + lacking.payloadBytes() <= BATCH_BYTES) {
        bytes += lacking.payloadBytes();
        wanted.put(each.key, lacking);
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
    settled.forEach(this::remove);
    var paid = new LinkedHashMap<Key, Header>();
    var done = new ArrayList<CompletableFuture<Boolean>>();
    for (Map.Entry<Key, Header> each : wanted.entrySet()) {
      if (!rebuilding.take(each.getValue().payloadBytes())) {
        break; // what is more at risk does not wait for what is smaller
      }
      paid.put(each.getKey(), each.getValue());
      done.add(fetched(each.getKey(), each.getValue()));
    }
    boolean isShort = paid.size() < wanted.size();
    CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new))
        .whenComplete((all, failure) -> loop.execute(() -> again(paid, settled, done, isShort)));
  }

  private CompletableFuture<Boolean> fetched(Key key, Header lacking) {
    int payloadBytes = lacking.payloadBytes();
    return fetch
        .apply(key, lacking)
        .thenCompose(
            result ->
                keep(result)
                    .thenApply(
                        taken -> {
                          if (taken && result instanceof FetchResult.Found found) {
                            made.incrementAndGet();
                            bytes.addAndGet(payloadBytes);
                            loop.execute(() -> rebuilding.came(found.from(), payloadBytes));
                          }
                          return taken;
                        }))
        .whenComplete(
            (taken, failure) -> {
              if (failure != null || !taken) {
                failed.incrementAndGet();
                loop.execute(() -> rebuilding.giveBack(payloadBytes));
              }
            });
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
      Map<Key, Header> asked,
      List<Key> settled,
      List<CompletableFuture<Boolean>> done,
      boolean isShort) {
    working = false;
    asked.forEach((key, header) -> put(key, header, remove(key) + 1)); // behind the others
    boolean taken = done.stream().anyMatch(each -> !each.isCompletedExceptionally() && each.join());
    if (isShort) {
      retry = loop.schedule(SHORT_OF_BUDGET, this::work);
    } else if (taken || !settled.isEmpty()) {
      work();
    } else {
      retry = loop.schedule(RETRY, this::work);
    }
  }

  /** Any thread. */
  RebuildStats stats() {
    return new RebuildStats(outstanding, made.get(), bytes.get(), failed.get());
  }
}
