package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.shadow.ShadowLedger;
import io.metafabric.replicate.shadow.ShadowPromise;
import io.metafabric.replicate.shadow.ShadowReaders;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What home or backup knows of the shadows of its keys: which regions have leave to have one, and
 * which read what. Owns both books.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class ShadowLeaves {
  /** Leaves end so long after the shadow, which asks for another one while it is read. */
  private static final Duration GRACE = Duration.ofMinutes(1);

  /** How many times its time to live a shadow may live on without asking again. */
  private static final int LEAVE_SPANS = 8;

  private final ShadowTalk talk;
  private final Replicator replicator;
  private final Clock clock;
  private final ShadowLedger ledger = new ShadowLedger();
  private final ShadowReaders readers = new ShadowReaders();
  private final AtomicLong ledgerBytes = new AtomicLong();
  private final AtomicLong forgotten = new AtomicLong();
  private final AtomicLong readersBytes = new AtomicLong();

  ShadowLeaves(ShadowTalk talk, Replicator replicator, Clock clock) {
    this.talk = talk;
    this.replicator = replicator;
    this.clock = clock;
  }

  /** Who has leave now. */
  Set<RegionName> of(Key key) {
    return ledger.of(key, clock.nanoTime());
  }

  /** Whether a region has leave for one that was asked for by name. */
  boolean isAskedFor(Key key, RegionName region) {
    return ledger.isAskedFor(key, region, clock.nanoTime());
  }

  /** Who has one, and for how many milliseconds more as was promised. */
  Map<RegionName, Long> leftMsOf(Key key) {
    Map<RegionName, Long> left = ledger.leftOf(key, clock.nanoTime());
    left.replaceAll((region, nanos) -> TimeUnit.NANOSECONDS.toMillis(nanos));
    return left;
  }

  /**
   * A region has one, or may.
   *
   * @param terms with the time that it is to live from now on
   */
  void give(Key key, RegionName to, ShadowTerms terms) {
    long nowNanos = clock.nanoTime();
    long spanNanos = LEAVE_SPANS * terms.ttlNanos() + GRACE.toNanos();
    ledger.add(key, to, ShadowPromise.from(terms, nowNanos), nowNanos + spanNanos);
    forgotten.set(ledger.forgotten());
    ledgerBytes.set(ledger.estimatedBytes());
    replicator.hasCopy(key, to);
  }

  /** It has none any more. */
  void end(Key key, RegionName of) {
    ledger.remove(key, of);
    ledgerBytes.set(ledger.estimatedBytes());
    replicator.hasNoCopy(key, of);
  }

  /** Nobody has one any more. */
  void endAll(Key key) {
    ledger.removeAll(key).forEach(of -> replicator.hasNoCopy(key, of));
    ledgerBytes.set(ledger.estimatedBytes());
  }

  /** Of what this region is to hold no more, its homes know who has one. */
  void endWhatIsOthers() {
    for (Key key : ledger.keys()) {
      if (!talk.isHolder(key)) {
        endAll(key);
      }
    }
  }

  /** A region asks for leave to have a shadow, or to keep it. */
  Frame.ShadowAnswer claimed(RegionName by, Key key, ShadowTerms terms) {
    if (!talk.isHolder(key)) {
      return talk.notHome(key);
    }
    String problem = talk.problemOf(key);
    if (problem != null) {
      return talk.answer(MoveOutcome.REFUSED, problem);
    }
    Set<RegionName> having = new HashSet<>(of(key));
    having.remove(by);
    // What nobody can read there now is made up for; of too many the next look ends one.
    // Home and backup are counted below.
    having.removeIf(other -> !replicator.isTrusted(other) || replicator.isToHold(other, key));
    int there = ShadowTalk.homesIn(talk.homesOf(key)) + having.size();
    if (there >= terms.factor()) {
      return talk.answer(
          MoveOutcome.REFUSED,
          "the shadowing factor is " + terms.factor() + ", and " + there + " regions hold it");
    }
    give(key, by, terms);
    return talk.answer(MoveOutcome.DONE, "");
  }

  /** Strikes regions off; what was promised of what they had leave for. */
  Map<Key, ShadowPromise> lost(Set<RegionName> evicted) {
    Map<Key, ShadowPromise> lost = ledger.lost(evicted, clock.nanoTime());
    ledgerBytes.set(ledger.estimatedBytes());
    return lost;
  }

  /** See {@link ShadowLedger#in}. */
  Map<Key, ShadowPromise> in(RegionName region, int most) {
    return ledger.in(region, most, clock.nanoTime());
  }

  void fetched(Key key, RegionName by) {
    readers.fetched(key, by, clock.nanoTime());
    readersBytes.set(readers.estimatedBytes());
  }

  /** How often each region has fetched it. */
  Map<RegionName, Long> readersOf(Key key) {
    return readers.of(key, clock.nanoTime());
  }

  /** How many leaves were forgotten for want of room. Any thread. */
  long forgotten() {
    return forgotten.get();
  }

  /** Any thread. */
  MemoryUse ledgerMemory() {
    return new MemoryUse("who has shadows", ledgerBytes.get(), ShadowLedger.MAX_BYTES);
  }

  /** Any thread. */
  MemoryUse readersMemory() {
    return new MemoryUse("who reads what", readersBytes.get(), ShadowReaders.MAX_BYTES);
  }
}
