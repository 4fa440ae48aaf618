package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What followed before follows again. Order is taken per client; what is learned is shared, so that
 * a client profits from the first read on from what others did.
 *
 * <p>Three sources propose keys: what the last two reads of a client were followed by; and, in the
 * stream of <em>needs</em> alone, the reads that had to be fetched or would have been but for a
 * prefetch, what the last two and what the last one were followed by. The second stream leaves out
 * what is in the cache anyway and so sees further (Wenisch et al., Temporal Streaming, ISCA 2005).
 *
 * <p>How a source says something, how often the context was seen and which part of it this key
 * followed, is a <em>kind</em>. Every proposal is followed up, whether it led to a prefetch or not:
 * it came true if its key was needed within the next {@value #HORIZON_NEEDS} needs. That calibrates
 * the kinds, and teaches a {@link RankingModel} to put them together with the key's own record into
 * one probability. A {@link WasteGovernor} decides from which probability on it is worth a fetch.
 *
 * <p>Where prefetches come too late, likely paths are followed further, up to {@value #MAX_DEPTH}
 * keys. Bounded in bytes; draws nothing by chance; not thread-safe.
 */
public final class SequencePredictor implements RankedPredictor {
  public static final String NAME = "sequence";

  static final int HORIZON_NEEDS = 64;
  static final int MAX_DEPTH = 16;

  private static final int SOURCES = 3;
  private static final int NEED_ONE = 0;
  private static final int NEED_TWO = 1;
  private static final int READ_TWO = 2;

  /** Contexts of each source for each key that is tracked. */
  private static final int[] CONTEXTS_PER_KEY = {1, 2, 3};

  private static final int CONTEXTS_OF_ALL = 6;

  private static final int EVIDENCE_CLASSES = 5;
  private static final int RATIO_CLASSES = 11;
  private static final int DEPTH_CLASSES = 3;
  private static final int KINDS = EVIDENCE_CLASSES * RATIO_CLASSES * DEPTH_CLASSES;
  private static final double KIND_PRIOR = 0.3;
  private static final double KIND_PRIOR_WEIGHT = 4;

  /** One for each source's logit and presence, and those of {@link #describe}. */
  private static final int FEATURES = 1 + 2 * SOURCES + 3;

  private static final int RELIABILITY = 1 + 2 * SOURCES;
  private static final int RECENCY = RELIABILITY + 1;
  private static final int POPULARITY = RELIABILITY + 2;

  private static final Duration HORIZON = Duration.ofSeconds(30);
  private static final int TRAIL_DEPTH = 2;
  private static final int TRAILS_SHARE = 32;
  private static final int MAX_TRAIL_BYTES = 512 << 10;

  /** Of a hundred used prefetches, how many may come late before paths are followed further. */
  private static final double LATE_SHARE = 0.1;

  private static final int USED_PER_LOOK = 8;

  private static final Comparator<Prediction> LIKELIEST_FIRST =
      Comparator.comparingDouble(Prediction::probability).reversed();

  private final RegionName region;
  private final KeyTable keys;
  private final KeyFacts facts = new KeyFacts();
  private final ClientTrails reads;
  private final ClientTrails needs;
  private final ContextTable[] tables = new ContextTable[SOURCES];
  private final Calibration[] kinds = new Calibration[SOURCES];
  private final RankingModel model;
  private final WasteGovernor governor = new WasteGovernor();
  private final Proposals proposals = new Proposals(SOURCES);
  private final OpenProposals open = new OpenProposals(SOURCES, FEATURES);
  private final float[] described = new float[FEATURES];
  private int needCount;
  private int depth = 1;
  private long usedOnTime;
  private long usedInAll;

  /** Ranks by what it learns from one outcome at a time. */
  public SequencePredictor(PredictorConfig config) {
    this(config, null);
  }

  /**
   * @param retraining where models are trained that compete with that; null for none
   */
  public SequencePredictor(PredictorConfig config, @Nullable Retraining retraining) {
    this.region = config.region();
    this.model = new RankingModel(firstWeights(), retraining, config.seed());
    long trailBytes = Math.min(config.maxBytes() / TRAILS_SHARE, MAX_TRAIL_BYTES);
    this.reads = new ClientTrails(trailBytes / 2, TRAIL_DEPTH);
    this.needs = new ClientTrails(trailBytes / 2, TRAIL_DEPTH);
    for (int source = 0; source < SOURCES; source++) {
      kinds[source] = new Calibration(filled(KINDS, KIND_PRIOR), KIND_PRIOR_WEIGHT);
    }
    long rest =
        config.maxBytes()
            - reads.retainedBytes()
            - needs.retainedBytes()
            - SOURCES * kinds[0].retainedBytes()
            - proposals.retainedBytes()
            - open.retainedBytes()
            - model.maxRetainedBytes();
    long contextBytes = Math.max(0, rest) / 2;
    this.keys = new KeyTable(Math.max(0, rest) - contextBytes, KeyFacts.ROW_BYTES, facts::clear);
    for (int source = 0; source < SOURCES; source++) {
      tables[source] = new ContextTable(contextBytes * CONTEXTS_PER_KEY[source] / CONTEXTS_OF_ALL);
    }
    facts.ensureCapacity(keys.capacity());
  }

  private static double[] filled(int count, double value) {
    var all = new double[count];
    Arrays.fill(all, value);
    return all;
  }

  /** At first a proposal is as likely as its likeliest source says. */
  private static double[] firstWeights() {
    var weights = new double[FEATURES];
    weights[0] = -1;
    for (int source = 0; source < SOURCES; source++) {
      weights[1 + 2 * source] = 1;
    }
    return weights;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      observe(event.client(), event.key(), event.outcome());
    }
  }

  private void observe(String client, String key, AccessEvent.Outcome outcome) {
    int read = keys.intern(key);
    fitTables();
    int slot = keys.slotOf(read);
    facts.countRead(slot);
    proposals.nextRead();
    if (outcome.isNeed()) {
      if (outcome == AccessEvent.Outcome.PREFETCHED) {
        usedOnTime++;
      }
      needed(client, read, slot);
    }
    int last = follow(client, read);
    if (last != read) {
      propose(READ_TWO, last, read);
    }
  }

  /** Notes that a client reads this next; what it read before. */
  private int follow(String client, int read) {
    int trail = reads.trailOf(client);
    int last = reads.at(trail, 0);
    if (last != read) {
      if (last != 0) {
        tables[READ_TWO].add(context(reads.at(trail, 1), last), read);
      }
      reads.push(trail, read);
    }
    return last;
  }

  @Override
  public void learn(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      int read = keys.intern(event.key());
      fitTables();
      follow(event.client(), read);
    }
  }

  private void fitTables() {
    facts.ensureCapacity(keys.capacity());
    for (int source = 0; source < SOURCES; source++) {
      tables[source].ensureContexts(keys.size() * CONTEXTS_PER_KEY[source]);
    }
  }

  private void needed(String client, int read, int slot) {
    needCount++;
    governor.need();
    int place = facts.open(slot) - 1;
    if (place >= 0) {
      close(place, true);
    }
    facts.setNeededAt(slot, needCount);
    closeOverdue();
    int trail = needs.trailOf(client);
    int last = needs.at(trail, 0);
    if (last != 0 && last != read) {
      tables[NEED_ONE].add(context(0, last), read);
      tables[NEED_TWO].add(context(needs.at(trail, 1), last), read);
    }
    if (last != read) {
      needs.push(trail, read);
    }
    propose(NEED_ONE, 0, read);
    propose(NEED_TWO, needs.at(trail, 1), read);
  }

  private static int context(int before, int last) {
    int mixed = before * 0x85EB_CA6B ^ Integer.rotateLeft(last * 0xC2B2_AE35, 13);
    return mixed ^ (mixed >>> 16);
  }

  /** What followed the context, and what followed the likeliest of that, as deep as it pays. */
  private void propose(int source, int before, int last) {
    ContextTable table = tables[source];
    int older = before;
    int newer = last;
    for (int step = 0; step < depth; step++) {
      int row = table.find(context(older, newer));
      if (row == ContextTable.ABSENT) {
        return;
      }
      int likeliest = 0;
      for (int i = 0; i < ContextTable.SUCCESSORS; i++) {
        int reference = table.reference(row, i);
        if (reference != 0 && reference != last) {
          int kind = kind(table.count(row, i), table.seen(row), step);
          proposals.add(reference, source, kind, last);
        }
        if (table.count(row, i) > table.count(row, likeliest)) {
          likeliest = i;
        }
      }
      if (2 * table.count(row, likeliest) < table.seen(row)) {
        return;
      }
      older = source == NEED_ONE ? 0 : newer;
      newer = table.reference(row, likeliest);
    }
  }

  private static int kind(int count, int seen, int step) {
    int evidence = seen <= 1 ? 0 : seen == 2 ? 1 : seen <= 4 ? 2 : seen <= 8 ? 3 : 4;
    int ratio = (RATIO_CLASSES - 1) * count / Math.max(count, seen);
    int far = step == 0 ? 0 : step <= 2 ? 1 : 2;
    return (far * EVIDENCE_CLASSES + evidence) * RATIO_CLASSES + ratio;
  }

  private void closeOverdue() {
    while (!open.isEmpty()) {
      int place = open.oldest();
      if (open.reference(place) != 0 && open.untilNeed(place) - needCount > 0) {
        return;
      }
      close(place, false);
      open.removeOldest();
    }
  }

  private void close(int place, boolean cameTrue) {
    int reference = open.reference(place);
    if (reference == 0) {
      return;
    }
    open.close(place);
    int slot = keys.slotOf(reference);
    if (slot == 0 || facts.open(slot) != place + 1) {
      // The key was forgotten meanwhile: nobody would have noticed that it was needed.
      return;
    }
    facts.setOpen(slot, 0);
    if (cameTrue && open.probability(place) >= WasteGovernor.LEAST_FLOOR) {
      governor.foreseen();
    }
    facts.countOutcome(slot, cameTrue);
    model.learn(open.values(), open.valuesAt(place), open.probability(place), cameTrue);
    for (int source = 0; source < SOURCES; source++) {
      int kind = open.kind(place, source);
      if (kind >= 0) {
        kinds[source].add(kind, cameTrue);
      }
    }
  }

  @Override
  public List<Prediction> proposals(Predicate<Key> held, int most) {
    if (proposals.count() == 0) {
      return List.of();
    }
    var likely = new ArrayList<Prediction>();
    for (int i = 0; i < proposals.count(); i++) {
      int reference = proposals.reference(i);
      int slot = keys.slotOf(reference);
      String path = slot == 0 ? null : keys.keyAt(slot);
      if (path == null) {
        continue;
      }
      Key key = Key.of(path);
      if (held.test(key)) {
        continue;
      }
      describe(i, slot);
      double probability = model.probability(model.score(described, 0));
      follow(i, reference, slot, probability);
      if (likely.size() < most && governor.admits(probability)) {
        String cause = keys.keyAt(keys.slotOf(proposals.cause(i)));
        likely.add(new Prediction(key, region, probability, HORIZON, "after " + cause, NAME));
      }
    }
    proposals.clear();
    likely.sort(LIKELIEST_FIRST);
    return likely;
  }

  private void describe(int proposal, int slot) {
    Arrays.fill(described, 0);
    described[0] = 1;
    for (int source = 0; source < SOURCES; source++) {
      int kind = proposals.kind(proposal, source);
      if (kind >= 0) {
        described[1 + 2 * source] = halfLogit(kinds[source].probability(kind));
        described[2 + 2 * source] = 1;
      }
    }
    described[RELIABILITY] = halfLogit(facts.reliability(slot));
    int neededAt = facts.neededAt(slot);
    described[RECENCY] = neededAt == 0 ? 0 : 1f / (1 + log2(needCount - neededAt));
    described[POPULARITY] = log2(facts.reads(slot)) / 4f;
  }

  private static int log2(int value) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(0, value));
  }

  private static float halfLogit(double probability) {
    double p = Math.max(0.02, Math.min(0.98, probability));
    return (float) (StrictMath.log(p / (1 - p)) / 2);
  }

  /** Remembers what was said, to see what comes of it. */
  private void follow(int proposal, int reference, int slot, double probability) {
    if (facts.open(slot) != 0) {
      return;
    }
    if (open.isFull()) {
      close(open.oldest(), false);
      open.removeOldest();
    }
    int place = open.add(reference, needCount + HORIZON_NEEDS, probability);
    facts.setOpen(slot, place + 1);
    System.arraycopy(described, 0, open.values(), open.valuesAt(place), FEATURES);
    for (int source = 0; source < SOURCES; source++) {
      open.setKind(place, source, proposals.kind(proposal, source));
    }
  }

  @Override
  public void resolved(long used, long wasted) {
    governor.resolved(used, wasted);
    usedInAll += used;
    if (usedInAll >= USED_PER_LOOK) {
      double late = (double) Math.max(0, usedInAll - usedOnTime) / usedInAll;
      if (late > LATE_SHARE) {
        depth = Math.min(MAX_DEPTH, 2 * depth);
      } else if (late < LATE_SHARE / 4) {
        depth = Math.max(1, depth - 1);
      }
      usedInAll = 0;
      usedOnTime = 0;
    }
  }

  /** Of what it proposes; asked in its place, it would say the same for one client alone. */
  @Override
  public List<Prediction> predict(PredictionContext context) {
    return List.of();
  }

  @Override
  public double floor() {
    return governor.floor();
  }

  @Override
  public boolean open() {
    return governor.open();
  }

  @Override
  public RankingStats ranking() {
    return model.stats(NAME, region.name());
  }

  /** How many keys of a likely path are looked at. */
  int depth() {
    return depth;
  }

  /** How many keys it knows about. */
  int trackedKeys() {
    return keys.size();
  }

  /** Mean squared error of its late probabilities. */
  double brierScore() {
    return model.brierScore();
  }

  @Override
  public long retainedBytes() {
    long bytes =
        keys.retainedBytes()
            + reads.retainedBytes()
            + needs.retainedBytes()
            + proposals.retainedBytes()
            + open.retainedBytes()
            + model.retainedBytes();
    for (int source = 0; source < SOURCES; source++) {
      bytes += tables[source].retainedBytes() + kinds[source].retainedBytes();
    }
    return bytes;
  }
}
