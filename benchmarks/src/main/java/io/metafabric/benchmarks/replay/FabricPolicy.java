package io.metafabric.benchmarks.replay;

import io.metafabric.cache.AdaptiveTier;
import io.metafabric.cache.HotEntry;
import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.node.Predictors;
import io.metafabric.predict.AccessRing;
import io.metafabric.predict.Foresight;
import io.metafabric.predict.OtherRegions;
import io.metafabric.predict.PredictorConfig;
import io.metafabric.predict.RankingStats;
import io.metafabric.predict.Retraining;
import io.metafabric.predict.Source;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.predict.SummaryMaker;
import io.metafabric.predict.tribuo.TribuoTrainer;
import io.metafabric.replicate.arm.Candidate;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.zstd.ZstdCompression;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The classes that a fabric is made of, with its defaults: hot tier, access ring, foresight and
 * ARM, called in the order in which a node calls them. Every record has the same weight, so that a
 * capacity in entries is one in bytes.
 */
final class FabricPolicy implements ReplayPolicy {
  private static final String NAMESPACE = "trace/";

  private static final RegionName HOME = new RegionName("home");

  private static final Version VERSION =
      new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(1));

  /** Of a record's key and payload together. */
  private static final int TEXT_BYTES = Key.MAX_BYTES + 64;

  /** Where the region is, and what it holds beside the hot tier. */
  interface Site {
    RegionName region();

    Prices prices();

    /** Where a key's payload would come from. */
    RegionName from(int key);

    /** What a fetch takes. */
    double remoteMs(int key);

    /**
     * @param weightBytes that the hot tier reckons with
     */
    int payloadBytes(int key, int weightBytes);

    /** Whether its store has the payload. */
    boolean stores(int key);
  }

  /**
   * A region that stores nothing, and gets all from one other.
   *
   * @param fetchMs what a fetch is priced as
   */
  private record Alone(double fetchMs) implements Site {
    private static final RegionName REGION = new RegionName("replay");
    private static final RegionName ELSEWHERE = new RegionName("elsewhere");

    /** What a fetch is priced as where it takes no time. */
    private static final int PRICED_MS = 50;

    static Alone of(int latencyMs) {
      return new Alone(latencyMs == 0 ? PRICED_MS : latencyMs);
    }

    @Override
    public RegionName region() {
      return REGION;
    }

    @Override
    public Prices prices() {
      return Prices.DEFAULT;
    }

    @Override
    public RegionName from(int key) {
      return ELSEWHERE;
    }

    @Override
    public double remoteMs(int key) {
      return fetchMs;
    }

    @Override
    public int payloadBytes(int key, int weightBytes) {
      return weightBytes;
    }

    @Override
    public boolean stores(int key) {
      return false;
    }
  }

  /** In virtual time a training takes none, so that a run is the same each time. */
  private static final Retraining AT_ONCE = new Retraining(new TribuoTrainer(), Runnable::run);

  private static final ActorId OPENING = new ActorId(1);
  private static final double LOCAL_MS = 0.001;
  private static final int TICK_MS = 10;
  private static final long NANOS_PER_CALL = 1_000_000_000;
  private static final int MAX_EVENTS = 8192;

  /**
   * @param patience how long it is worth keeping unread
   */
  private record Prefetch(String predictor, Duration patience) {}

  private final Trace trace;
  private final Site site;
  private final VirtualClock clock = new VirtualClock();
  private final int latencyMs;

  /** What other regions are told; null if nothing is. */
  private final @Nullable SummaryMaker summaries;

  private final OtherRegions elsewhere = new OtherRegions(OtherRegions.Counts.NONE);
  private long told;
  private long toldMs = Long.MIN_VALUE / 2;
  private final HotTier<MetadataRecord> hot;
  private final AccessRing ring;
  private final Foresight foresight;
  private final ReplicationManager arm;
  private final MetadataRecord[] records;
  private final Map<String, Integer> numbers = new HashMap<>();
  private final Map<Integer, Prefetch> underWay = new HashMap<>();

  /** Since when a request has been waiting for a prefetch. */
  private final Map<Integer, Long> waitingSince = new HashMap<>();

  /** Keys that a request waits for; those of a prefetch that is awaited are among both. */
  private final BitSet demanded = new BitSet();

  private long used;
  private long wasted;
  private long calls;
  private long nowNanos;
  private boolean missed;
  private long ranMs = Long.MIN_VALUE;

  /** With room for fewer the tier would take none. */
  static final int LEAST_ENTRIES = AdaptiveTier.MAX_SHARE;

  FabricPolicy(
      Trace trace,
      int capacity,
      int latencyMs,
      long seed,
      boolean prediction,
      boolean sharesModel,
      boolean trains,
      List<Source> sources) {
    this(
        trace,
        Alone.of(latencyMs),
        capacity,
        latencyMs,
        seed,
        prediction,
        sharesModel,
        trains,
        sources);
  }

  /**
   * @param latencyMs 0 if fetches take no time, whatever they are priced as
   */
  FabricPolicy(
      Trace trace,
      Site site,
      int capacity,
      int latencyMs,
      long seed,
      boolean prediction,
      boolean sharesModel,
      boolean trains,
      List<Source> sources) {
    this.trace = trace;
    this.site = site;
    this.ring = new AccessRing(site.region());
    this.latencyMs = latencyMs;
    this.summaries =
        sharesModel
            ? new SummaryMaker(
                SummaryConfig.DEFAULT.maxBytes(), key -> true, new SplittableRandom(seed))
            : null;
    this.records = records(trace);
    for (int i = 0; i < records.length; i++) {
      numbers.put(records[i].key().path(), i);
    }
    long entryBytes = new HotEntry<>(records[0], "", null).weightBytes();
    this.hot =
        new AdaptiveTier<>(
            capacity * entryBytes, (key, dot) -> true, record -> record, clock, this::wasted);
    this.foresight =
        new Foresight(
            site.region(),
            Predictors.all(List.of(), sources, site.region(), seed, trains ? AT_ONCE : null),
            PredictorConfig.DEFAULT_MAX_BYTES,
            seed,
            (name, failure) -> {
              throw new IllegalStateException("predictor " + name + " failed", failure);
            });
    this.arm =
        new ReplicationManager(
            CostBenefitPolicy.of(site.prices()),
            CopyBudget.DEFAULT,
            prediction,
            key -> hot.peek(key) != null,
            0);
  }

  private static MetadataRecord[] records(Trace trace) {
    var payloads = new Bytes[TEXT_BYTES + 1];
    var records = new MetadataRecord[trace.keys().size()];
    for (int i = 0; i < records.length; i++) {
      Key key = key(trace.keys().get(i), i);
      int length = TEXT_BYTES - key.path().length();
      if (payloads[length] == null) {
        payloads[length] = Bytes.copyOf(new byte[length]);
      }
      records[i] = record(key, payloads[length]);
    }
    return records;
  }

  private static MetadataRecord record(Key key, Bytes payload) {
    return new MetadataRecord(key, Header.value(VERSION, HOME, payload, Header.NEVER), payload);
  }

  /** What the hot tier takes for a key of the trace, of mean length, and such a value. */
  static long entryBytes(Trace trace, int valueBytes) {
    long keyBytes = trace.keys().stream().mapToLong(String::length).sum();
    MetadataRecord nameless = record(Key.of(NAMESPACE + "0"), Bytes.copyOf(new byte[valueBytes]));
    return new HotEntry<>(nameless, "", null).weightBytes()
        - 1
        + keyBytes / Math.max(1, trace.keys().size());
  }

  /** A key that the fabric would not take is replayed under its number. */
  private static Key key(String name, int number) {
    try {
      return Key.of(NAMESPACE + name);
    } catch (RuntimeException e) {
      return Key.of(NAMESPACE + "#" + number);
    }
  }

  private void wasted(String predictor, String path, int payloadBytes) {
    wasted++;
    arm.wasted(path, nowNanos);
    foresight.wasted(predictor, path, payloadBytes);
  }

  @Override
  public boolean request(int row, long nowMs) {
    ring.setNow(nowMs);
    clock.at(nowMs);
    int key = trace.key()[row];
    String path = records[key].key().path();
    HotEntry<MetadataRecord> entry = hot.hit(path);
    boolean stored = entry == null && site.stores(key);
    Outcome outcome = stored ? Outcome.WARM : Outcome.REMOTE;
    if (entry != null) {
      outcome = entry.markRead() ? Outcome.PREFETCHED : Outcome.HOT;
      if (outcome == Outcome.PREFETCHED) {
        used++;
        arm.used(path);
        foresight.used(entry.predictor(), path);
      }
    } else if (stored) {
      hot.fill(records[key]);
    } else {
      missed = true;
      if (underWay.containsKey(key)) {
        waitingSince.putIfAbsent(key, nowMs);
      } else {
        foresight.stalled(path, latencyMs == 0 ? 0 : site.remoteMs(key));
      }
      demanded.set(key);
    }
    ring.record(trace.clients().get(trace.client()[row]), path, outcome);
    return entry != null || stored;
  }

  /** A request for a key whose payload the region always has; the hot tier is left to others. */
  void requestAtHome(int row, long nowMs) {
    ring.setNow(nowMs);
    clock.at(nowMs);
    String path = records[trace.key()[row]].key().path();
    ring.record(trace.clients().get(trace.client()[row]), path, Outcome.WARM);
  }

  /** What was on its way will not be of use; a prefetch has failed. */
  void overtaken(int key) {
    demanded.clear(key);
    waitingSince.remove(key);
    if (underWay.remove(key) != null) {
      arm.failed(records[key].key().path());
    }
  }

  @Override
  public boolean holds(int key) {
    return hot.peek(records[key].key()) != null;
  }

  @Override
  public void arrived(int row) {
    demanded.clear(trace.key()[row]);
    hot.fill(records[trace.key()[row]]);
  }

  @Override
  public int takePrefetches(int[] into, long nowMs) {
    if (latencyMs > 0 && !missed && nowMs - ranMs < TICK_MS) {
      return 0;
    }
    hot.tick();
    missed = false;
    ranMs = nowMs;
    List<AccessEvent> events = ring.drain(MAX_EVENTS);
    foresight.observe(events);
    HotTierStats tier = hot.stats();
    foresight.fetched(tier.fetches(), tier.expectedFetches());
    if (summaries != null) {
      events.forEach(summaries::read);
    }
    nowNanos = armNanos(nowMs);
    events.forEach(event -> arm.read(event.key(), nowNanos));
    if (!arm.isEnabled()) {
      return 0;
    }
    var candidates = new ArrayList<Candidate>();
    double fullness = tier.fullness();
    for (Prediction prediction : foresight.predictions(this::isHeld)) {
      int key = numbers.get(prediction.key().path());
      candidates.add(
          new Candidate(
              prediction,
              site.from(key),
              site.payloadBytes(key, records[key].header().payloadBytes()),
              site.remoteMs(key),
              LOCAL_MS,
              1.0,
              fullness));
    }
    return decide(candidates, into);
  }

  private int decide(List<Candidate> candidates, int[] into) {
    int count = 0;
    for (Decision decision : arm.consider(candidates, nowNanos)) {
      Prediction prediction = decision.candidate().prediction();
      if (decision.copy() && count == into.length) {
        arm.failed(prediction.key().path());
      } else if (decision.copy()) {
        int key = numbers.get(prediction.key().path());
        underWay.put(key, new Prefetch(prediction.predictor(), foresight.patience(prediction)));
        foresight.requested(prediction.predictor(), prediction.key());
        into[count++] = key;
      }
    }
    return count;
  }

  /**
   * Where a fetch takes no time, a budget in bytes per second has no meaning, nor has a residency;
   * and the time of some traces is only an order. Then each request has time for its own.
   */
  private long armNanos(long nowMs) {
    return latencyMs == 0 ? ++calls * NANOS_PER_CALL : nowMs * 1_000_000;
  }

  private boolean isHeld(Key key) {
    Integer number = numbers.get(key.path());
    return number == null
        || demanded.get(number)
        || underWay.containsKey(number)
        || site.stores(number)
        || hot.peek(key) != null;
  }

  @Override
  public void prefetched(int key, boolean awaited, long nowMs) {
    clock.at(nowMs);
    demanded.clear(key);
    Prefetch prefetch = underWay.remove(key);
    String predictor = prefetch.predictor();
    Long since = waitingSince.remove(key);
    foresight.made(predictor);
    hot.fillPrefetched(records[key], predictor, clock.nanoTime() + prefetch.patience().toNanos());
    HotEntry<MetadataRecord> entry = awaited ? hot.hit(records[key].key().path()) : null;
    if (entry != null && entry.markRead()) {
      used++;
      String path = records[key].key().path();
      long waitedMs = since == null ? 0 : nowMs - since;
      arm.usedLate(path, waitedMs);
      foresight.usedLate(predictor, path, waitedMs);
    }
  }

  /** Decides on copies that stay too. */
  ReplicationManager arm() {
    return arm;
  }

  /** What the key is to the fabric. */
  Key keyOf(int key) {
    return records[key].key();
  }

  @Override
  public byte @Nullable [] tellOthers(long nowMs) {
    if (summaries == null || nowMs - toldMs < SummaryConfig.DEFAULT.every().toMillis()) {
      return null;
    }
    toldMs = nowMs;
    if (summaries.isEmpty()) {
      return null;
    }
    return FrameCodec.encode(new Frame.Summary(++told, summaries.take()), ZstdCompression.load());
  }

  @Override
  public void learn(int from, byte[] frame, long nowMs) {
    ByteBuffer plain =
        FrameCodec.plain(
            ByteBuffer.wrap(frame, Integer.BYTES, frame.length - Integer.BYTES).slice(),
            ZstdCompression.load(),
            2 * SummaryCodec.MAX_BYTES);
    if (FrameCodec.decodePlain(plain) instanceof Frame.Summary summary) {
      elsewhere.told(
          new RegionName("region-" + from), OPENING, summary.sequence(), summary.summary());
      elsewhere.learn(foresight, key -> numbers.containsKey(key.path()), nowMs, Integer.MAX_VALUE);
    }
  }

  @Override
  public void outdated(int key) {
    arm.updated(records[key].key().path(), nowNanos);
    hot.drop(records[key].key());
  }

  @Override
  public long prefetchesUsed() {
    return used;
  }

  @Override
  public long prefetchesWasted() {
    return wasted;
  }

  @Override
  public List<RankingStats> ranking() {
    return foresight.stats().ranking();
  }

  @Override
  public long predictorBytes() {
    return foresight.stats().retainedBytes();
  }
}
