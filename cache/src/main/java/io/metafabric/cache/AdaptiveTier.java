package io.metafabric.cache;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import io.metafabric.core.version.Dot;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The hot tier, weighed in bytes, under {@link EvictionPolicy} in the mode that {@link ShadowRace}
 * finds best. Thread-safe.
 *
 * <p>A hit is a look into a concurrent map and a counter in the key's place. All changes are made
 * under one lock. Whether a record is current is checked under it too: the publisher updates the
 * index first and this tier second, so of a slow fill and a publication that race, the later of the
 * two here always sees the newer index.
 */
public final class AdaptiveTier<V> implements HotTier<V> {
  /**
   * An entry of more than this share of the tier would push too many others out, and is not taken:
   * of entries of one weight a tier has room for so many at least, or for none.
   */
  public static final int MAX_SHARE = 8;

  /**
   * The race begins when this part of the tier is full, so that it has seen something when the
   * first entry has to go; in a tier of fewer than {@link #FEW_ENTRIES} only then, since a part of
   * so few says little about the rest.
   */
  private static final int EARLY_SHARE = 16;

  private static final int FEW_ENTRIES = 32;

  /** So many times more or fewer entries than the race is for, and another is begun. */
  private static final double MOST_OFF = 2;

  /** The same once, when it is known what there is room for. */
  private static final double MOST_OFF_EARLY = 1.125;

  private static final int NOBODY = -1;

  private final long maxBytes;
  private final CurrentDots index;
  private final Function<MetadataRecord, V> view;
  private final WasteListener wasted;
  private final ConcurrentHashMap<String, HotPlace<V>> places = new ConcurrentHashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final EvictionPolicy policy;
  private final ReadSamples samples = new ReadSamples();
  private final LongAdder rejected = new LongAdder();
  private @Nullable ShadowRace race;
  private int raceEntries;

  /** Whether {@link #raceEntries} is a guess by the first that came. */
  private boolean raceIsEarly;

  private int emptyPlaces;
  private long evictions;
  private long fetches;
  private long expectedOfBefore;

  /** Of the hashes of keys whose reads are sampled, the bits that are 0; -1 for none. */
  private volatile int sampleMask = NOBODY;

  /**
   * @param view makes what readers are handed
   * @param clock that expected reads are held against, when something has to go
   * @param wasted is called under the tier's lock
   */
  public AdaptiveTier(
      long maxBytes,
      CurrentDots index,
      Function<MetadataRecord, V> view,
      Clock clock,
      WasteListener wasted) {
    this.maxBytes = maxBytes;
    this.index = index;
    this.view = view;
    this.wasted = wasted;
    this.policy = new EvictionPolicy(maxBytes, clock::nanoTime, this::evicted);
  }

  private void evicted(QueueNode node) {
    var place = (HotPlace<?>) node;
    places.remove(place.path(), place);
    evictions++;
    left(place);
    if (policy.isMakingRoom()) {
      fitRace();
    }
  }

  /** The place is not in the map any more. */
  private void left(HotPlace<?> place) {
    HotEntry<?> entry = place.entry();
    if (entry == null) {
      emptyPlaces--;
    } else {
      gone(entry);
    }
  }

  /** Tells of a prefetch in vain; claimed like a read, so that none is both used and wasted. */
  private void gone(HotEntry<?> entry) {
    String predictor = entry.predictor();
    if (predictor != null && entry.markRead()) {
      wasted.wasted(predictor, entry.record().key().path(), entry.record().header().payloadBytes());
    }
  }

  /** The tier is full: it is known how many entries there are room for. */
  private void fitRace() {
    int now = policy.entries() - emptyPlaces + 1;
    double most = raceIsEarly ? MOST_OFF_EARLY : MOST_OFF;
    raceIsEarly = false;
    if (race == null || now > most * raceEntries || most * now < raceEntries) {
      startRace(now);
    }
  }

  private void startRace(int entries) {
    ShadowRace before = race;
    if (before != null) {
      expectedOfBefore += before.expectedFetches();
    }
    race = before == null ? new ShadowRace(entries) : before.resized(entries);
    raceEntries = entries;
    sampleMask = race.sampleMask();
  }

  /** Of how many entries the race is; 0 if there is none. */
  int raceEntries() {
    lock.lock();
    try {
      return raceEntries;
    } finally {
      lock.unlock();
    }
  }

  /** As if what is still to come were as large as what is here. */
  private void startRaceEarly() {
    if (race == null && policy.weight() > maxBytes / EARLY_SHARE) {
      double ofAll = (double) maxBytes / policy.weight();
      int entries = (int) (ofAll * (policy.entries() - emptyPlaces));
      if (entries >= FEW_ENTRIES) {
        startRace(entries);
        raceIsEarly = true;
      }
    }
  }

  @Override
  public String name() {
    return "hot";
  }

  @Override
  public @Nullable HotEntry<V> hit(String path) {
    HotPlace<V> place = places.get(path);
    if (place == null) {
      return null;
    }
    HotEntry<V> entry = place.entry();
    if (entry == null) {
      return null;
    }
    place.read(policy.generation());
    int mask = sampleMask;
    if (entry.isUnread()) {
      firstRead(place);
    }
    if (mask != NOBODY && (ShadowRace.spread(path.hashCode()) & mask) == 0) {
      sample(path.hashCode());
    }
    return entry;
  }

  /** If the lock is taken it stays on probation; then it is spared when it would leave. */
  private void firstRead(HotPlace<V> place) {
    if (lock.tryLock()) {
      try {
        policy.firstRead(place);
      } finally {
        lock.unlock();
      }
    }
  }

  private void sample(int hash) {
    if (!samples.offer(hash) && lock.tryLock()) {
      try {
        drainSamples();
        samples.offer(hash);
      } finally {
        lock.unlock();
      }
    }
  }

  private void drainSamples() {
    ShadowRace running = race;
    if (running != null) {
      samples.drain(running::access);
      policy.setMode(running.winner(policy.isPrefetchedInto()));
    }
  }

  @Override
  public void tick() {
    if (sampleMask != NOBODY && lock.tryLock()) {
      try {
        drainSamples();
      } finally {
        lock.unlock();
      }
    }
  }

  @Override
  public @Nullable MetadataRecord get(Key key) {
    HotEntry<V> entry = hit(key.path());
    return entry == null ? null : entry.record();
  }

  @Override
  public @Nullable MetadataRecord peek(Key key) {
    HotPlace<V> place = places.get(key.path());
    HotEntry<V> entry = place == null ? null : place.entry();
    return entry == null ? null : entry.record();
  }

  @Override
  public @Nullable MetadataRecord peekBehindFills(Key key) {
    MetadataRecord here = peek(key);
    if (here != null) {
      return here;
    }
    lock.lock();
    try {
      // Who had the lock may have seen an older index, and who takes it now sees the newer one.
      return peek(key);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean fill(MetadataRecord record) {
    return put(record, null, QueueNode.NOT_EXPECTED, Filler.READ);
  }

  @Override
  public boolean fillPrefetched(MetadataRecord record, String predictor, long untilNanos) {
    return put(record, predictor, untilNanos, Filler.PREFETCH);
  }

  @Override
  public void written(MetadataRecord record) {
    HotPlace<V> place = places.get(record.key().path());
    if (place == null || !staysEmpty(place)) {
      put(record, null, QueueNode.NOT_EXPECTED, Filler.WRITE);
    }
  }

  /** Under the lock: who fills it just now may have seen an older index, and who does later not. */
  private boolean staysEmpty(HotPlace<V> place) {
    if (place.entry() != null) {
      return false;
    }
    lock.lock();
    try {
      return place.entry() == null && places.get(place.path()) == place;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void refresh(MetadataRecord record) {
    if (peekBehindFills(record.key()) != null) {
      put(record, null, QueueNode.NOT_EXPECTED, Filler.REFRESH);
    }
  }

  /** Who brings a record. */
  private enum Filler {
    READ,
    PREFETCH,
    WRITE,
    /** Only in place of an older one. */
    REFRESH
  }

  private boolean put(
      MetadataRecord record, @Nullable String predictor, long untilNanos, Filler filler) {
    boolean onlyIfPresent = filler == Filler.REFRESH;
    if (record.payload() == null) {
      rejected.increment();
      return false;
    }
    var entry = new HotEntry<>(record, view.apply(record), predictor);
    lock.lock();
    try {
      HotPlace<V> place = places.get(record.key().path());
      boolean isHere = place != null && place.entry() != null;
      if (!isHere && (filler == Filler.READ || filler == Filler.PREFETCH)) {
        countFetch(record.key().path().hashCode(), filler);
      }
      boolean taken = putLocked(entry, place, untilNanos, filler);
      if (!taken && !onlyIfPresent) {
        rejected.increment();
      }
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private boolean putLocked(
      HotEntry<V> entry, @Nullable HotPlace<V> place, long untilNanos, Filler filler) {
    Key key = entry.record().key();
    Dot dot = entry.record().header().version().dot();
    HotEntry<V> before = place == null ? null : place.entry();
    boolean hasIt = before != null && before.isOf(dot);
    if (!index.isCurrent(key, dot) || (before == null && filler == Filler.REFRESH)) {
      return hasIt;
    }
    // A value of the origin has one dot for ever, and a new expiry at each load.
    if (before != null && hasIt && before.expiresAtMs() == entry.expiresAtMs()) {
      return true;
    }
    if (entry.weightBytes() > maxBytes / MAX_SHARE) {
      if (place != null) {
        removeLocked(place);
      }
      return false;
    }
    if (place == null) {
      return add(entry, untilNanos, filler);
    }
    if (filler == Filler.WRITE && place.written()) {
      leaveEmpty(place);
      return true;
    }
    replace(place, entry, untilNanos, filler);
    return place.queue != null;
  }

  private boolean add(HotEntry<V> entry, long untilNanos, Filler filler) {
    var place = new HotPlace<V>(entry);
    if (filler == Filler.WRITE) {
      place.written();
    }
    place.expect(untilNanos);
    places.put(place.path(), place);
    if (entry.predictor() == null) {
      policy.add(place);
    } else {
      policy.addUnread(place);
    }
    startRaceEarly();
    return place.queue != null;
  }

  private void replace(HotPlace<V> place, HotEntry<V> entry, long untilNanos, Filler filler) {
    HotEntry<V> before = place.entry();
    if (before != null && before.isUnread() && entry.predictor() == null) {
      // Nobody can read it any more.
      policy.firstRead(place);
    }
    if (filler == Filler.READ || filler == Filler.PREFETCH) {
      place.wanted();
    }
    if (before == null && filler == Filler.READ) {
      place.touch(policy.generation());
    }
    place.become(entry);
    place.expect(untilNanos);
    policy.reweigh(place, entry.weightBytes());
    if (before == null) {
      emptyPlaces--;
    } else {
      gone(before);
    }
  }

  private void leaveEmpty(HotPlace<V> place) {
    HotEntry<V> before = place.entry();
    if (before != null) {
      place.becomeEmpty();
      emptyPlaces++;
      policy.reweigh(place, place.emptyBytes());
      gone(before);
    }
  }

  /** A miss is a read of the key too; only now it is known that it was there to be read. */
  private void countFetch(int hash, Filler filler) {
    drainSamples();
    ShadowRace running = race;
    fetches += running == null ? 0 : 1;
    if (running != null
        && filler == Filler.READ
        && (ShadowRace.spread(hash) & running.sampleMask()) == 0) {
      running.access(hash);
      policy.setMode(running.winner(policy.isPrefetchedInto()));
    }
  }

  /** Whoever reads it next would have to fetch it, with prefetches or without. */
  private void forgetInRace(int hash) {
    if (race != null && (ShadowRace.spread(hash) & race.sampleMask()) == 0) {
      drainSamples();
      race.forget(hash);
    }
  }

  private void removeLocked(HotPlace<V> place) {
    if (places.remove(place.path(), place)) {
      policy.remove(place);
      left(place);
    }
  }

  @Override
  public void drop(Key key) {
    lock.lock();
    try {
      forgetInRace(key.path().hashCode());
      HotPlace<V> place = places.get(key.path());
      if (place != null) {
        removeLocked(place);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long entries() {
    lock.lock();
    try {
      return places.mappingCount() - emptyPlaces;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long sizeBytes() {
    lock.lock();
    try {
      return policy.weight();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public HotTierStats stats() {
    lock.lock();
    try {
      return new HotTierStats(
          entries(),
          policy.weight(),
          maxBytes,
          evictions,
          rejected.sum(),
          fetches,
          expectedOfBefore + (race == null ? 0 : race.expectedFetches()));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      places.values().forEach(this::removeLocked);
    } finally {
      lock.unlock();
    }
  }
}
