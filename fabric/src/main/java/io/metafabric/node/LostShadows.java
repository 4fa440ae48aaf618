package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.shadow.ShadowPromise;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Shadows that went with a region, or with its memory, and are made again, at the price of copies.
 * Owns which those are and when each is tried again, and counts what came of them: where bytes
 * lacked, in the next sweep; where money did, ever more seldom; where no region is left that
 * answers and takes it, after a minute, ever more seldom too, or when a region is back.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class LostShadows {
  /** Beyond that, what went with a region is made again when it is read. */
  private static final int MAX_REMAKES = 4096;

  private static final int MAX_REMAKES_IN_SWEEP = 16;

  /** Of more, the others are asked again. */
  private static final int MAX_REFUSED_BY = 8;

  /** A backup leaves it to a home that it hears for so long. */
  static final Duration HOME_FIRST = Duration.ofSeconds(10);

  private static final Duration NOTHING_TO_PAY_WITH = Duration.ofSeconds(1);
  private static final Duration NOBODY_TAKES_IT = Duration.ofSeconds(64);

  /** The last wait is 64 times the first. */
  private static final int MOST_DOUBLINGS = 6;

  /** An entry of a map, terms and the regions that refused. */
  private static final long ENTRY_BYTES = 320 + 48L * MAX_REFUSED_BY;

  private static final long MOST_BYTES = ENTRY_BYTES + 2L * Key.MAX_BYTES;

  /** A shadow that went with its region, owed until its promise is over. */
  private static final class Remake {
    final Set<RegionName> refusedBy = new TreeSet<>();
    ShadowPromise promise;
    long fromNanos;
    int unpaid;
    int untaken;
    boolean isUnderWay;
    boolean isDropped;

    /** While it is under way: things are otherwise than when it began. */
    boolean isNews;

    Remake(ShadowPromise promise, long fromNanos) {
      this.promise = promise;
      this.fromNanos = fromNanos;
    }

    void tryAt(long nanos) {
      fromNanos = nanos;
      isNews = isUnderWay;
    }

    void tryAfter(Duration first, int doublings, long nowNanos) {
      fromNanos = nowNanos + (first.toNanos() << Math.min(doublings, MOST_DOUBLINGS));
    }

    /** Whether things have changed while it was under way: what it came to is of the past then. */
    boolean takeNews() {
      boolean news = isNews;
      isNews = false;
      return news;
    }
  }

  /**
   * One that is tried now.
   *
   * @param left how many others there are
   */
  private record Lost(Key key, Remake remake, int left, double readsPerSecond) {}

  private static final Comparator<Lost> MOST_AT_RISK_FIRST =
      Comparator.comparingInt(Lost::left)
          .thenComparing(Comparator.comparingDouble(Lost::readsPerSecond).reversed())
          .thenComparing(Lost::key);

  private final ShadowTalk talk;
  private final ShadowLeaves leaves;
  private final ShadowMaker maker;
  private final Replicator replicator;
  private final SerialExecutor loop;
  private final Clock clock;
  private final Rebuilding rebuilding;
  private final Map<Key, Remake> remakes = new LinkedHashMap<>();
  private final AtomicLong bytes = new AtomicLong();
  private volatile int outstanding;
  private final AtomicLong made = new AtomicLong();
  private final AtomicLong madeBytes = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();

  LostShadows(
      ShadowTalk talk,
      ShadowLeaves leaves,
      ShadowMaker maker,
      Replicator replicator,
      SerialExecutor loop,
      Clock clock,
      Rebuilding rebuilding) {
    this.talk = talk;
    this.leaves = leaves;
    this.maker = maker;
    this.replicator = replicator;
    this.loop = loop;
    this.clock = clock;
    this.rebuilding = rebuilding;
  }

  void add(Map<Key, ShadowPromise> lost) {
    lost.forEach(this::add);
    while (remakes.size() > MAX_REMAKES) {
      forget(eldestThatWaits());
      failed.incrementAndGet();
    }
  }

  /** What is under way is soon over. */
  private Key eldestThatWaits() {
    for (Map.Entry<Key, Remake> each : remakes.entrySet()) {
      if (!each.getValue().isUnderWay) {
        return each.getKey();
      }
    }
    return remakes.keySet().iterator().next();
  }

  private void add(Key key, ShadowPromise promise) {
    long nowNanos = clock.nanoTime();
    if (promise.isOver(nowNanos)) {
      return;
    }
    boolean isHomes = !talk.isHome(key) && replicator.isTrusted(talk.homesOf(key).home());
    long fromNanos = nowNanos + (isHomes ? HOME_FIRST.toNanos() : 0);
    Remake before = remakes.get(key);
    if (before == null) {
      remakes.put(key, new Remake(promise, fromNanos));
      bytes.addAndGet(bytesOf(key));
      outstanding = remakes.size();
    } else {
      before.promise = before.promise.orLonger(promise);
      before.tryAt(fromNanos);
    }
  }

  private static long bytesOf(Key key) {
    return ENTRY_BYTES + 2L * key.utf8Length();
  }

  /** It is not to be made again; what is under way is dropped when it has come. */
  void dropped(Key key) {
    Remake remake = remakes.get(key);
    if (remake != null) {
      remake.isDropped = true;
      forget(key);
    }
  }

  private void forget(Key key) {
    if (remakes.remove(key) != null) {
      bytes.addAndGet(-bytesOf(key));
      outstanding = remakes.size();
    }
  }

  /** Those first of which fewest are left, then what is read. */
  void remakeSome() {
    long nowNanos = clock.nanoTime();
    forgetWhatIsOver(nowNanos);
    // Looked up once each: leaves end and rates change while it is sorted.
    List<Lost> first =
        remakes.entrySet().stream()
            .filter(each -> isDue(each.getValue(), nowNanos))
            .map(
                each ->
                    new Lost(
                        each.getKey(),
                        each.getValue(),
                        leaves.of(each.getKey()).size(),
                        rebuilding.readsPerSecond(each.getKey())))
            .sorted(MOST_AT_RISK_FIRST)
            .limit(MAX_REMAKES_IN_SWEEP)
            .toList();
    first.forEach(each -> make(each.key(), each.remake()));
  }

  private void forgetWhatIsOver(long nowNanos) {
    List<Key> over =
        remakes.entrySet().stream()
            .filter(each -> each.getValue().promise.isOver(nowNanos))
            .map(Map.Entry::getKey)
            .toList();
    over.forEach(this::forget);
  }

  private static boolean isDue(Remake remake, long nowNanos) {
    return !remake.isUnderWay && nowNanos - remake.fromNanos >= 0;
  }

  private void make(Key key, Remake remake) {
    remake.isUnderWay = true;
    remake.isNews = false;
    ShadowTerms left = remake.promise.left(clock.nanoTime());
    if (talk.isHolder(key)) {
      maker
          .makeAgain(key, left, Set.copyOf(remake.refusedBy), () -> !remake.isDropped)
          .whenComplete((some, failure) -> loop.execute(() -> ended(key, remake, some)));
    } else {
      // Its home has moved.
      talk.askHolder(ShadowVerb.MAKE, key, left, null)
          .whenComplete((said, failure) -> loop.execute(() -> handedOver(key, remake, said)));
    }
  }

  private boolean isWanted(Key key, Remake remake) {
    return remakes.get(key) == remake;
  }

  private void handedOver(Key key, Remake remake, @Nullable List<Frame.ShadowAnswer> said) {
    remake.isUnderWay = false;
    if (!isWanted(key, remake) || remake.takeNews()) {
      return;
    }
    MoveOutcome outcome = said == null ? MoveOutcome.UNREACHABLE : talk.firstOf(said).outcome();
    if (said != null && isEnough(key, remake, said)) {
      forget(key);
    } else if (outcome == MoveOutcome.NOT_FOUND || remake.untaken > MOST_DOUBLINGS) {
      forget(key); // there is no value, or none of many tries made enough
    } else {
      // Each costs what a payload does.
      remake.tryAfter(NOBODY_TAKES_IT, remake.untaken++, clock.nanoTime());
    }
  }

  private boolean isEnough(Key key, Remake remake, List<Frame.ShadowAnswer> said) {
    long there = said.stream().filter(each -> each.outcome() == MoveOutcome.DONE).count();
    return there + ShadowTalk.homesIn(talk.homesOf(key)) >= remake.promise.terms().factor();
  }

  private void ended(Key key, Remake remake, ShadowMaker.@Nullable Made some) {
    remake.isUnderWay = false;
    if (some != null) {
      count(key, some);
    }
    if (!isWanted(key, remake) || remake.takeNews()) {
      return;
    }
    if (some == null) {
      // It cannot be read here now, or nobody who has it answers.
      remake.tryAfter(NOBODY_TAKES_IT, remake.untaken++, clock.nanoTime());
      return;
    }
    if (some.isEnough()) {
      forget(key);
      return;
    }
    some.refusedBy().stream()
        .limit(Math.max(0, MAX_REFUSED_BY - remake.refusedBy.size()))
        .forEach(remake.refusedBy::add);
    long nowNanos = clock.nanoTime();
    if (some.unpaid() != null) {
      boolean isSoonEarned = some.unpaid().canWait();
      remake.tryAfter(NOTHING_TO_PAY_WITH, isSoonEarned ? 0 : remake.unpaid++, nowNanos);
    } else if (!remake.refusedBy.isEmpty()) {
      // Each costs what a payload does.
      remake.refusedBy.clear();
      remake.tryAfter(NOBODY_TAKES_IT, remake.untaken++, nowNanos);
    } else if (isAnySilent(some)) {
      remake.tryAfter(NOBODY_TAKES_IT, 0, nowNanos);
    } else {
      forget(key); // there are not so many regions
    }
  }

  private static boolean isAnySilent(ShadowMaker.Made some) {
    return some.answers().stream().anyMatch(each -> each.outcome() == MoveOutcome.UNREACHABLE);
  }

  /** A region that was away is in sync: what waits for one need not wait any longer. */
  void reachedAgain(RegionName region) {
    remakes.values().forEach(each -> each.refusedBy.remove(region));
    tryAll();
  }

  /** Regions are others than they were. */
  void tryAll() {
    long nowNanos = clock.nanoTime();
    remakes.forEach(
        (key, remake) -> {
          if (talk.isHome(key)) {
            remake.tryAt(nowNanos);
          }
        });
  }

  private void count(Key key, ShadowMaker.Made some) {
    for (Frame.ShadowAnswer each : some.answers()) {
      if (each.outcome() == MoveOutcome.DONE) {
        Header header = talk.headerOf(key);
        made.incrementAndGet();
        madeBytes.addAndGet(header == null ? 0 : header.payloadBytes());
      }
    }
    failed.addAndGet(some.refusedBy().size());
  }

  /** Any thread. */
  RebuildStats stats() {
    return new RebuildStats(outstanding, made.get(), madeBytes.get(), failed.get());
  }

  /** Any thread. */
  MemoryUse memory() {
    return new MemoryUse("shadows to be made again", bytes.get(), MAX_REMAKES * MOST_BYTES);
  }
}
