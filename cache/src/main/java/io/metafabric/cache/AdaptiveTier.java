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
 * <p>A hit is a look into a concurrent map and a counter in the entry. All changes are made under
 * one lock. Whether a record is current is checked under it too: the publisher updates the index
 * first and this tier second, so of a slow fill and a publication that race, the later of the two
 * here always sees the newer index.
 */
public final class AdaptiveTier<V> implements HotTier<V> {
  /**
   * An entry of more than this share of the tier would push too many others out, and is not taken:
   * of entries of one weight a tier has room for so many at least, or for none.
   */
  public static final int MAX_SHARE = 8;

  private static final int NOBODY = -1;

  private final long maxBytes;
  private final CurrentDots index;
  private final Function<MetadataRecord, V> view;
  private final WasteListener wasted;
  private final ConcurrentHashMap<String, HotEntry<V>> entries = new ConcurrentHashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final EvictionPolicy policy;
  private final ReadSamples samples = new ReadSamples();
  private final LongAdder rejected = new LongAdder();
  private @Nullable ShadowRace race;
  private int raceEntries;
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
    var entry = (HotEntry<?>) node;
    entries.remove(entry.record().key().path(), entry);
    evictions++;
    gone(entry);
    startRace();
  }

  /** Tells of a prefetch in vain; claimed like a read, so that none is both used and wasted. */
  private void gone(HotEntry<?> entry) {
    String predictor = entry.predictor();
    if (predictor != null && entry.markRead()) {
      wasted.wasted(predictor, entry.record().key().path(), entry.record().header().payloadBytes());
    }
  }

  /** Only now it is known how many entries there are room for; again when that has changed. */
  private void startRace() {
    int now = policy.entries();
    if (race == null || now > 2 * raceEntries || 2 * now < raceEntries) {
      expectedOfBefore += race == null ? 0 : race.expectedFetches();
      race = new ShadowRace(now + 1, policy.mode());
      raceEntries = now + 1;
      sampleMask = race.sampleMask();
    }
  }

  @Override
  public String name() {
    return "hot";
  }

  @Override
  public @Nullable HotEntry<V> hit(String path) {
    HotEntry<V> entry = entries.get(path);
    if (entry == null) {
      return null;
    }
    entry.touch();
    int mask = sampleMask;
    if (entry.isUnread()) {
      firstRead(entry);
    }
    if (mask != NOBODY && (ShadowRace.spread(path.hashCode()) & mask) == 0) {
      sample(path.hashCode());
    }
    return entry;
  }

  /** If the lock is taken it stays on probation; then it is spared when it would leave. */
  private void firstRead(HotEntry<V> entry) {
    if (lock.tryLock()) {
      try {
        policy.firstRead(entry);
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
      policy.setMode(running.winner(policy.hasUnread()));
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
    HotEntry<V> entry = entries.get(key.path());
    return entry == null ? null : entry.record();
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
    put(record, null, QueueNode.NOT_EXPECTED, Filler.WRITE);
  }

  @Override
  public void refresh(MetadataRecord record) {
    // Who fills it between this look and its end sees the newer index.
    if (entries.containsKey(record.key().path())) {
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
    entry.expect(untilNanos);
    lock.lock();
    try {
      HotEntry<V> before = entries.get(record.key().path());
      if (before == null && (filler == Filler.READ || filler == Filler.PREFETCH)) {
        countFetch(entry.hash(), filler);
      }
      boolean taken = putLocked(entry, before, onlyIfPresent);
      if (!taken && !onlyIfPresent) {
        rejected.increment();
      }
      return taken;
    } finally {
      lock.unlock();
    }
  }

  private boolean putLocked(
      HotEntry<V> entry, @Nullable HotEntry<V> before, boolean onlyIfPresent) {
    Key key = entry.record().key();
    Dot dot = entry.record().header().version().dot();
    boolean hasIt = before != null && before.record().header().version().dot().equals(dot);
    if (!index.isCurrent(key, dot) || (before == null && onlyIfPresent)) {
      return hasIt;
    }
    // A value of the origin has one dot for ever, and a new expiry at each load.
    if (before != null && hasIt && before.expiresAtMs() == entry.expiresAtMs()) {
      return true;
    }
    if (entry.weightBytes() > maxBytes / MAX_SHARE) {
      if (before != null) {
        removeLocked(key.path(), before);
      }
      return false;
    }
    if (before == null) {
      entries.put(key.path(), entry);
      if (entry.predictor() == null) {
        policy.add(entry);
      } else {
        policy.addUnread(entry);
      }
    } else {
      if (before.isUnread() && entry.predictor() == null) {
        // Nobody can read it any more.
        policy.firstRead(before);
      }
      entries.put(key.path(), entry);
      policy.replace(before, entry);
      gone(before);
    }
    return entries.get(key.path()) == entry;
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
      policy.setMode(running.winner(policy.hasUnread()));
    }
  }

  private void forgetInRace(int hash) {
    if (race != null && (ShadowRace.spread(hash) & race.sampleMask()) == 0) {
      drainSamples();
      race.forget(hash);
    }
  }

  private void removeLocked(String path, HotEntry<V> entry) {
    if (entries.remove(path, entry)) {
      policy.remove(entry);
      gone(entry);
    }
  }

  @Override
  public void drop(Key key) {
    lock.lock();
    try {
      forgetInRace(key.path().hashCode());
      HotEntry<V> entry = entries.get(key.path());
      if (entry != null) {
        removeLocked(key.path(), entry);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long entries() {
    return entries.mappingCount();
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
      entries.forEach(this::removeLocked);
    } finally {
      lock.unlock();
    }
  }
}
