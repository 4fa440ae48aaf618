package io.metafabric.node;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.Merge;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Merges concurrent values: for reads anywhere, and for good where this region is the home of the
 * key. The home alone writes what they become, so that regions do not answer each other's merges
 * with more of them. Thread-safe.
 *
 * <p>The host's function is not trusted: it runs where it can be left behind, and what it throws,
 * or breaks of its laws, leaves the values as siblings.
 */
final class Merging {
  private static final Logger log = LoggerFactory.getLogger(Merging.class);
  private static final Duration WITHIN = Duration.ofSeconds(1);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(2);

  /** A payload that is gone for good is looked for twice a minute. */
  private static final int MAX_RETRY_DOUBLINGS = 4;

  private static final Duration SAY_EVERY = Duration.ofMinutes(1);
  private static final int MAX_DUE = 4096;
  private static final int MAX_FAILED = 256;

  /** What is open is looked through so often, and so many keys at a time. */
  private static final Duration SWEEP_EVERY = Duration.ofMinutes(1);

  private static final Duration SWEEP_PAUSE = Duration.ofMillis(100);
  private static final int SWEPT_AT_ONCE = 256;

  /** The laws are checked by the first merges of a namespace, and by each of so many. */
  private static final int CHECK_EVERY = 16;

  /** Commutative, associative and idempotent it was not. */
  private static final class UnlawfulException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnlawfulException(String message) {
      super(message);
    }
  }

  private final RecordStore store;
  private final Runnable requireClock;
  private final LongSupplier leastWallMs;
  private final SiblingReads reads;
  private final HomeLookup homes;
  private final RegionName region;
  private final int maxValueBytes;
  private final Clock clock;
  private final ForeignCode foreign;
  private final SerialExecutor loop;

  private final Map<String, String> off = new ConcurrentHashMap<>();

  /** Namespaces whose function has been called, and has neither returned nor thrown. */
  private final Set<String> inside = ConcurrentHashMap.newKeySet();

  /** Of each namespace how many merges could have been checked; no more than have a rule. */
  private final Map<String, AtomicLong> checkable = new ConcurrentHashMap<>();

  private final Seldom seldom;
  private final AtomicLong merged = new AtomicLong();
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();

  // Guarded by itself: states whose merge threw; it would again.
  private final Map<Key, Version> failedStates =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Version> eldest) {
          return size() > MAX_FAILED;
        }
      };

  // Guarded by itself: conflicts that this home has still to resolve.
  private final Set<Key> due = new LinkedHashSet<>();
  private boolean resolving;

  // Guarded by due: those that could not be resolved, and whether a look at them is planned.
  private final Postponed later;
  private boolean retryPlanned;

  /**
   * @param requireClock throws if this node may not write, for its clock is wrong
   * @param leastWallMs what the clocks of all regions have reached
   */
  Merging(
      RecordStore store,
      Runnable requireClock,
      LongSupplier leastWallMs,
      SiblingReads reads,
      HomeLookup homes,
      RegionName region,
      int maxValueBytes,
      Clock clock,
      ForeignCode foreign,
      SerialExecutor loop) {
    this.store = store;
    this.requireClock = requireClock;
    this.leastWallMs = leastWallMs;
    this.reads = reads;
    this.homes = homes;
    this.region = region;
    this.maxValueBytes = maxValueBytes;
    this.clock = clock;
    this.seldom = new Seldom(clock, SAY_EVERY);
    this.later = new Postponed(clock, RETRY_AFTER, MAX_RETRY_DOUBLINGS, MAX_DUE);
    this.foreign = foreign;
    this.loop = loop;
  }

  /**
   * Closes what was left open when this node was stopped, and whatever else no publication closes,
   * while the loop runs.
   */
  void start() {
    if (store.conflictRules().byNamespace().values().stream()
        .anyMatch(rule -> rule.merge() != null)) {
      loop.execute(this::beginSweep);
    }
  }

  private void beginSweep() {
    // In an order of their own: a table's would not be the same in each run.
    sweep(store.keysWithSiblings().stream().sorted().iterator());
  }

  private void sweep(Iterator<Key> open) {
    for (int i = 0; i < SWEPT_AT_ONCE && open.hasNext(); i++) {
      Key key = open.next();
      boolean isMerged = store.conflictRules().of(key).merge() != null;
      if (isMerged && !off.containsKey(key.namespace()) && !isWaiting(key)) {
        noteDue(key);
      }
    }
    boolean isLeft = open.hasNext();
    loop.schedule(
        isLeft ? SWEEP_PAUSE : SWEEP_EVERY, isLeft ? () -> sweep(open) : this::beginSweep);
  }

  private boolean isWaiting(Key key) {
    synchronized (due) {
      return later.isWaiting(key);
    }
  }

  /** Whether a read of this state is to show more than its winner. */
  boolean concernsReads(MetadataRecord known) {
    return isToBeMerged(known) && !off.containsKey(known.key().namespace());
  }

  /** Whether the hot tier takes no part of this state, also if the merge is not called any more. */
  boolean isToBeMerged(MetadataRecord known) {
    return known.hasSiblings() && store.conflictRules().of(known.key()).mergesEverywhere();
  }

  /**
   * What the visible values of a state become.
   *
   * @param known with the payloads of all that are visible
   * @return completes with null if that cannot be told: the winner is to be shown then
   */
  CompletionStage<@Nullable MetadataRecord> merged(MetadataRecord known) {
    noteDue(known.key());
    return merge(known);
  }

  private CompletionStage<@Nullable MetadataRecord> merge(MetadataRecord known) {
    ConflictRule rule = store.conflictRules().of(known.key());
    Merge function = rule.merge();
    List<Sibling> visible = visible(known);
    if (function == null
        || visible.isEmpty()
        || visible.stream().anyMatch(each -> each.payload() == null)
        || off.containsKey(known.key().namespace())
        || hasFailed(known)) {
      return CompletableFuture.completedFuture(null);
    }
    List<Bytes> values =
        visible.stream().map(each -> Objects.requireNonNull(each.payload())).toList();
    merged.incrementAndGet();
    boolean check = rule.mergesEverywhere() && isDueForCheck(known.key().namespace());
    return foreign
        .call(() -> foldOnce(known.key().namespace(), function, values, check), WITHIN)
        .handle(
            (value, failure) -> {
              if (failure == null) {
                return record(known, visible, value);
              }
              failed(known, cause(failure));
              return null;
            });
  }

  private static Throwable cause(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  /** A busy function that keeps its laws must not hide another that does not. */
  private boolean isDueForCheck(String namespace) {
    long before = checkable.computeIfAbsent(namespace, each -> new AtomicLong()).getAndIncrement();
    return before < CHECK_EVERY || before % CHECK_EVERY == 0;
  }

  private List<Sibling> visible(MetadataRecord known) {
    long nowMs = clock.wallMs();
    return known.shown().stream().filter(each -> each.header().isVisibleAt(nowMs)).toList();
  }

  /** Calls that waited behind one that did not return, or broke a law, are not made. */
  private Bytes foldOnce(String namespace, Merge function, List<Bytes> values, boolean check) {
    // There is one call at a time: whatever else is inside was abandoned there.
    if (off.containsKey(namespace) || !inside.add(namespace)) {
      throw new RejectedExecutionException("the merge is not called any more");
    }
    try {
      return fold(function, values, check);
    } finally {
      inside.remove(namespace);
    }
  }

  private static Bytes fold(Merge function, List<Bytes> values, boolean check) {
    Bytes before = null;
    Bytes last = values.get(0);
    Bytes result = last;
    for (Bytes next : values.subList(1, values.size())) {
      Bytes both = merge(function, result, next);
      if (check) {
        requireLaws(function, result, next, both);
        if (before != null && !merge(function, before, merge(function, last, next)).equals(both)) {
          throw new UnlawfulException("it is not associative");
        }
      }
      before = result;
      last = next;
      result = both;
    }
    return result;
  }

  private static Bytes merge(Merge function, Bytes a, Bytes b) {
    return Objects.requireNonNull(function.merge(a, b), "a merge returned null");
  }

  private static void requireLaws(Merge function, Bytes a, Bytes b, Bytes both) {
    if (!merge(function, b, a).equals(both)) {
      throw new UnlawfulException("it is not commutative");
    }
    if (!merge(function, a, a).equals(a)) {
      throw new UnlawfulException("it is not idempotent");
    }
    if (!merge(function, both, b).equals(both)) {
      throw new UnlawfulException("merging a value again made another of it");
    }
  }

  private @Nullable MetadataRecord record(
      MetadataRecord known, List<Sibling> visible, Bytes value) {
    if (value.length() > maxValueBytes) {
      failed(known, new IllegalStateException(value + " are more than maxValueBytes"));
      return null;
    }
    Header header =
        Header.value(known.seen(), known.header().writtenIn(), value, expiresAtMs(visible));
    return new MetadataRecord(known.key(), header, value);
  }

  /** A merged value lives as long as the longest of those in it. */
  private static long expiresAtMs(List<Sibling> visible) {
    long last = 0;
    for (Sibling each : visible) {
      long at = each.header().expiresAtMs();
      if (at == Header.NEVER) {
        return Header.NEVER;
      }
      last = Math.max(last, at);
    }
    return last;
  }

  private void failed(MetadataRecord known, Throwable failure) {
    if (failure instanceof RejectedExecutionException) {
      dropped.incrementAndGet();
      return;
    }
    failed.incrementAndGet();
    synchronized (failedStates) {
      failedStates.put(known.key(), known.seen());
    }
    String namespace = known.key().namespace();
    if (failure instanceof ForeignCode.AbandonedException || failure instanceof UnlawfulException) {
      if (off.putIfAbsent(namespace, String.valueOf(failure.getMessage())) == null) {
        log.error(
            "the merge of namespace {} is not called any more: {}; concurrent values are siblings",
            namespace,
            failure.getMessage());
      }
    } else {
      seldom
          .next(namespace)
          .ifPresent(
              leftOut ->
                  log.warn(
                      "{} could not be merged, and {} others of its namespace since this was said"
                          + " last; the values stay siblings",
                      known.key(),
                      leftOut,
                      failure));
    }
  }

  private boolean hasFailed(MetadataRecord known) {
    synchronized (failedStates) {
      return known.seen().equals(failedStates.get(known.key()));
    }
  }

  /** Of every publication: a conflict at its home is resolved for all. */
  void published(Published change) {
    MetadataRecord record = change.record();
    if (record.hasSiblings() && store.conflictRules().of(record.key()).merge() != null) {
      noteDue(record.key());
    }
  }

  /** This region may be the home of the key now; what the last one left open is to be closed. */
  void homeMoved(Key key) {
    if (store.conflictRules().of(key).merge() != null) {
      noteDue(key);
    }
  }

  private void noteDue(Key key) {
    boolean isHome = homes.homesOf(key).home().equals(region);
    synchronized (due) {
      if (!isHome) {
        later.done(key);
        return;
      }
      if (due.size() >= MAX_DUE && !due.contains(key)) {
        dropped.incrementAndGet();
        return;
      }
      due.add(key);
      if (resolving) {
        return;
      }
      resolving = true;
    }
    loop.execute(this::resolveNext);
  }

  private void resolveNext() {
    Key next;
    synchronized (due) {
      if (due.isEmpty()) {
        resolving = false;
        return;
      }
      next = due.iterator().next();
      due.remove(next);
    }
    CompletionStage<?> done;
    try {
      done = resolve(next);
    } catch (RuntimeException e) {
      done = CompletableFuture.failedFuture(e);
    }
    done.whenComplete(
        (any, failure) -> {
          ended(next, failure != null);
          loop.execute(this::resolveNext);
        });
  }

  /** A payload is not here, or a write was refused: neither need be for ever. */
  private void ended(Key key, boolean hasFailed) {
    synchronized (due) {
      if (!hasFailed) {
        later.done(key);
      } else if (!later.failed(key)) {
        dropped.incrementAndGet();
      }
      planRetry();
    }
  }

  /** One at a time: each plans the next. */
  private void planRetry() {
    if (!retryPlanned && later.isAnyWaiting()) {
      retryPlanned = true;
      loop.schedule(RETRY_AFTER, this::retry);
    }
  }

  private void retry() {
    List<Key> again;
    synchronized (due) {
      retryPlanned = false;
      again = later.takeDue();
      planRetry();
    }
    again.forEach(this::noteDue);
  }

  private CompletionStage<?> resolve(Key key) {
    MetadataRecord known = store.read(key);
    if (known == null || !known.hasSiblings()) {
      return CompletableFuture.completedFuture(null);
    }
    if (isShownElsewhereAlone(known)) {
      // To leave it out would delete it there, and to take it in would bring it back here.
      return CompletableFuture.completedFuture(null);
    }
    if (visible(known).isEmpty()) {
      return write(key, null, Header.NEVER, known.seen());
    }
    return reads.find(key, known, any -> true).thenCompose(found -> resolve(key, found.record()));
  }

  /** Whether anything has expired by this node's clock, and not by those of all regions. */
  private boolean isShownElsewhereAlone(MetadataRecord known) {
    long nowMs = clock.wallMs();
    long reachedMs = Header.reachedBy(leastWallMs.getAsLong());
    return known.shown().stream()
        .map(Sibling::header)
        .anyMatch(each -> !each.isVisibleAt(nowMs) && !each.isDeadAt(reachedMs));
  }

  private CompletionStage<?> resolve(Key key, @Nullable MetadataRecord known) {
    if (known == null || !known.hasSiblings()) {
      return CompletableFuture.completedFuture(null);
    }
    if (reads.isIncomplete(known, true)) {
      return CompletableFuture.failedFuture(
          new RegionUnreachableException("not all values of " + key + " are here"));
    }
    return merge(known)
        .thenCompose(
            result ->
                result == null
                    ? CompletableFuture.completedFuture(null)
                    : write(
                        key,
                        Objects.requireNonNull(result.payload()),
                        result.header().expiresAtMs(),
                        known.seen()));
  }

  /** Over what was merged, and nothing that has come since. */
  private CompletionStage<?> write(
      Key key, @Nullable Bytes payload, long expiresAtMs, Version read) {
    requireClock.run();
    CompletableFuture<?> done =
        payload == null
            ? store.write(key, null, Header.NEVER, Precondition.NONE, read)
            : store.writeMerged(key, payload, expiresAtMs, read);
    return done.thenRun(written::incrementAndGet);
  }

  MergeStats stats() {
    return new MergeStats(
        merged.get(), written.get(), failed.get(), dropped.get(), new ConcurrentHashMap<>(off));
  }
}
