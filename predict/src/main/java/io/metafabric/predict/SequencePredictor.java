package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Ranks what its {@link Source}s propose; the library's own predictor.
 *
 * <p>How a source says something is a <em>kind</em>. Every proposal is followed up, whether it led
 * to a prefetch or not: it came true if its key was <em>needed</em>, that is read when it had to be
 * fetched, or would have been but for a prefetch, within the next {@value #HORIZON_NEEDS} needs, up
 * to {@value #MOST_HORIZON_NEEDS} where many clients take turns. That calibrates the kinds, and
 * teaches a {@link RankingModel} to put them together with the key's own record into one
 * probability. A {@link WasteGovernor} decides from which probability on it is worth a fetch.
 *
 * <p>Where prefetches come too late, likely paths are followed further, up to {@value #MAX_DEPTH}
 * keys. Bounded in bytes; draws nothing by chance; not thread-safe.
 */
public final class SequencePredictor implements RankedPredictor, PersistentPredictor {
  public static final String NAME = "sequence";

  static final int HORIZON_NEEDS = 64;
  static final int MOST_HORIZON_NEEDS = 128;

  /** Of one client, within the horizon in needs. */
  private static final int HORIZON_NEEDS_OF_ONE = 3;

  static final int MAX_DEPTH = 16;

  private static final double KIND_PRIOR = 0.3;
  private static final double KIND_PRIOR_WEIGHT = 4;

  /** What the model is told besides each source's logit and presence: bias and key facts. */
  private static final int OTHER_FEATURES = 4;

  /** Of all bytes, one in so many for the proposals that wait for an outcome, at most. */
  private static final int OPEN_SHARE = 16;

  /**
   * Of all bytes, one in so many for what models are trained on; none is trained if that is little.
   */
  private static final int TRAINING_SHARE = 16;

  private static final int MAX_NAME_BYTES = 64;

  /** For how long it is acted on; what a probability is true of is counted in needs. */
  private static final Duration ACTED_ON_FOR = Duration.ofSeconds(30);

  private static final int TRAILS_SHARE = 32;
  private static final int MAX_TRAIL_BYTES = 512 << 10;

  /** Of a hundred used prefetches, how many may come late before paths are followed further. */
  private static final double LATE_SHARE = 0.1;

  private static final int USED_PER_LOOK = 8;

  private static final Comparator<Prediction> LIKELIEST_FIRST =
      Comparator.comparingDouble(Prediction::probability).reversed();

  private final PredictorConfig config;
  private final @Nullable Retraining retraining;
  private final List<Source> chosen;
  private final String name;
  private final List<String> sourceNames;
  private final RegionName region;
  private final KeyTable keys;
  private final KeyFacts facts = new KeyFacts();
  private final ClientTrails trails;
  private final CandidateSource[] sources;
  private final CandidateSource.Sink[] sinks;
  private final Calibration[] kinds;
  private final SourceSwitch[] switches;
  private final int features;
  private final int reliability;
  private final int recency;
  private final int popularity;
  private final RankingModel model;
  private final WasteGovernor governor = new WasteGovernor();
  private Proposals proposals;
  private final OpenProposals open;
  private final float[] described;
  private final Sighting sighting = new Sighting();
  private final ReadTime time = new ReadTime();

  /** Of the last proposals, by identity: one key may be proposed twice. */
  private final IdentityHashMap<Prediction, Says> saidOf = new IdentityHashMap<>();

  private int needCount;
  private int horizonNeeds = HORIZON_NEEDS;
  private int depth = 1;
  private long usedOnTime;
  private long usedInAll;

  /** One with the sources of {@link Source#DEFAULT}. */
  public SequencePredictor(PredictorConfig config) {
    this(config, Source.DEFAULT);
  }

  /**
   * @param chosen at least one, each once; a predictor with a single one is named after it
   */
  public SequencePredictor(PredictorConfig config, List<Source> chosen) {
    this(config, chosen, null);
  }

  /**
   * @param chosen at least one, each once; a predictor with a single one is named after it
   * @param retraining where models are trained that compete with the one that is taught an outcome
   *     at a time; null for none
   */
  public SequencePredictor(
      PredictorConfig config, List<Source> chosen, @Nullable Retraining retraining) {
    if (chosen.isEmpty() || new HashSet<>(chosen).size() < chosen.size()) {
      throw new ConfigurationException("prediction sources must be one or more, each once");
    }
    this.config = config;
    this.retraining = retraining;
    // In one order, so that the same choice predicts the same however it was written down.
    this.chosen = chosen.stream().sorted().toList();
    this.name = chosen.size() == 1 ? chosen.get(0).id() : NAME;
    this.sourceNames =
        this.chosen.stream().map(each -> SourceStats.scoredAs(name, each.id())).toList();
    this.region = config.region();
    int count = chosen.size();
    this.reliability = 1 + 2 * count;
    this.recency = reliability + 1;
    this.popularity = reliability + 2;
    this.features = 2 * count + OTHER_FEATURES;
    boolean trains = Retrainer.windowBytes(features) <= config.maxBytes() / TRAINING_SHARE;
    this.model =
        new RankingModel(firstWeights(count, features), trains ? retraining : null, config.seed());
    this.proposals = new Proposals(count);
    this.open = new OpenProposals(count, features, config.maxBytes() / OPEN_SHARE);
    this.described = new float[features];
    long trailBytes = Math.min(config.maxBytes() / TRAILS_SHARE, MAX_TRAIL_BYTES);
    this.trails = new ClientTrails(trailBytes, config.seed());
    this.sources = new CandidateSource[count];
    this.sinks = new CandidateSource.Sink[count];
    this.kinds = new Calibration[count];
    this.switches = new SourceSwitch[count];
    for (int i = 0; i < count; i++) {
      switches[i] = new SourceSwitch();
      kinds[i] = new Calibration(this.chosen.get(i).kinds(), kind -> KIND_PRIOR, KIND_PRIOR_WEIGHT);
    }
    long own = this.chosen.stream().mapToLong(each -> each.ownBytes(config.maxBytes())).sum();
    long rest = Math.max(0, config.maxBytes() - mostBytesWithoutTables() - own);
    long tableBytes = rest / 2;
    int units = Math.max(1, this.chosen.stream().mapToInt(Source::tableUnits).sum());
    for (int i = 0; i < count; i++) {
      Source source = this.chosen.get(i);
      int number = i;
      sources[i] =
          source.create(
              tableBytes * source.tableUnits() / units, source.ownBytes(config.maxBytes()));
      sinks[i] = (reference, kind, cause) -> proposals.add(reference, number, kind, cause);
    }
    this.keys = new KeyTable(rest - tableBytes, KeyFacts.ROW_BYTES, config.seed(), facts::clear);
    facts.ensureCapacity(keys.capacity());
  }

  /** At first a proposal is as likely as its likeliest source says. */
  private static double[] firstWeights(int sources, int features) {
    var weights = new double[features];
    weights[0] = -1;
    for (int source = 0; source < sources; source++) {
      weights[1 + 2 * source] = 1;
    }
    return weights;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      if (event.region().equals(region)) {
        observe(event);
      } else {
        learn(event);
      }
    }
  }

  private void observe(AccessEvent event) {
    observe(event, true);
  }

  /**
   * @param now whether it is read now, so that it counts in what may be wasted
   */
  private void observe(AccessEvent event, boolean now) {
    int trail = see(event, true);
    facts.countRead(sighting.slot);
    proposals.nextRead();
    if (sighting.need) {
      if (event.outcome() == AccessEvent.Outcome.PREFETCHED) {
        usedOnTime++;
      }
      needed(sighting.slot, now);
      trails.countNeed(trail);
      sighting.lastNeed = trails.need(trail, 0);
      sighting.needBefore = trails.need(trail, 1);
      if (sighting.lastNeed != sighting.reference) {
        trails.pushNeed(trail, sighting.reference);
      }
    }
    for (CandidateSource source : sources) {
      source.observe(sighting);
    }
    for (int i = 0; i < sources.length; i++) {
      if (switches[i].speaks()) {
        sources[i].propose(sighting, depth, sinks[i]);
      }
    }
  }

  /** Fills in what is known of a read, and notes that its client has gone on; the client's row. */
  private int see(AccessEvent event, boolean own) {
    int reference = keys.intern(event.key());
    facts.ensureCapacity(keys.capacity());
    for (CandidateSource source : sources) {
      source.fit(keys.size());
    }
    int trail = trails.rowOf(event.client());
    sighting.reference = reference;
    sighting.slot = keys.slotOf(reference);
    sighting.client = event.client().hashCode();
    sighting.own = own;
    sighting.need = own && event.outcome().isNeed();
    sighting.atMs = time.advance(event.atMs());
    sighting.lastRead = trails.read(trail, 0);
    sighting.readBefore = trails.read(trail, 1);
    sighting.lastNeed = 0;
    sighting.needBefore = 0;
    if (sighting.lastRead != reference) {
      trails.pushRead(trail, reference);
    }
    return trail;
  }

  @Override
  public void learn(List<AccessEvent> events) {
    events.forEach(this::learn);
  }

  private void learn(AccessEvent event) {
    see(event, false);
    for (CandidateSource source : sources) {
      source.observe(sighting);
    }
  }

  @Override
  public void learnMore(Key key, long reads) {
    int reference = keys.intern(key.path());
    facts.ensureCapacity(keys.capacity());
    for (CandidateSource source : sources) {
      source.fit(keys.size());
      source.readElsewhere(reference, reads);
    }
  }

  @Override
  public void train(List<AccessEvent> past) {
    // What waits for an outcome here is not judged by needs of another time, nor the other way.
    dropOpen();
    Proposals ofNow = proposals;
    proposals = new Proposals(sources.length);
    try {
      for (AccessEvent event : past) {
        observe(event, false);
        proposals(key -> false, 0);
      }
    } finally {
      proposals = ofNow;
      dropOpen();
    }
  }

  private void dropOpen() {
    while (!open.isEmpty()) {
      int place = open.oldest();
      int slot = keys.slotOf(open.reference(place));
      boolean far = open.isFar(place);
      if (slot != 0 && facts.open(slot, far) == place + 1) {
        facts.setOpen(slot, far, 0);
      }
      open.removeOldest();
    }
  }

  private void needed(int slot, boolean now) {
    needCount++;
    if (needCount % HORIZON_NEEDS == 0) {
      fitHorizon();
    }
    boolean foreseenNearby = cameTrue(facts.open(slot, false) - 1);
    boolean foreseenFromAfar = cameTrue(facts.open(slot, true) - 1);
    if (now) {
      governor.need();
      if (foreseenNearby || foreseenFromAfar) {
        governor.foreseen();
      }
    }
    facts.setNeededAt(slot, needCount);
    closeOverdue();
  }

  /** Whether it had been proposed with a fair probability. */
  private boolean cameTrue(int place) {
    if (place < 0) {
      return false;
    }
    close(place, true);
    return open.probability(place) >= WasteGovernor.LEAST_FLOOR;
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
    boolean far = open.isFar(place);
    int slot = keys.slotOf(reference);
    if (slot == 0 || facts.open(slot, far) != place + 1) {
      // The key was forgotten meanwhile: nobody would have noticed that it was needed.
      return;
    }
    facts.setOpen(slot, far, 0);
    facts.countOutcome(slot, cameTrue);
    model.learn(open.values(), open.valuesAt(place), open.probability(place), cameTrue);
    boolean fair = open.probability(place) >= WasteGovernor.LEAST_FLOOR;
    for (int source = 0; source < sources.length; source++) {
      int kind = open.kind(place, source);
      if (kind >= 0) {
        kinds[source].add(kind, cameTrue);
        switches[source].outcome(fair, cameTrue);
      }
    }
  }

  @Override
  public List<Prediction> proposals(Predicate<Key> held, int most) {
    if (proposals.count() == 0) {
      return List.of();
    }
    var likely = new ArrayList<Prediction>();
    saidOf.clear();
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
      describe(proposals, i, slot);
      double probability = model.probability(model.score(described, 0));
      follow(i, reference, slot, probability);
      if (likely.size() < most && governor.admits(probability)) {
        Says says = says(proposals, i);
        var prediction =
            new Prediction(key, region, probability, ACTED_ON_FOR, reasonOf(says), name);
        likely.add(prediction);
        saidOf.put(prediction, says);
      }
    }
    proposals.clear();
    likely.sort(LIKELIEST_FIRST);
    return likely;
  }

  private Says says(Proposals proposals, int proposal) {
    var said = new float[sources.length];
    for (int source = 0; source < sources.length; source++) {
      int kind = proposals.kind(proposal, source);
      said[source] = kind < 0 ? Float.NaN : (float) kinds[source].probability(kind);
    }
    return new Says(chosen, sourceNames, said, proposals.cause(proposal));
  }

  @Override
  public Says saysOf(Prediction proposal) {
    return saidOf.getOrDefault(proposal, Says.NONE);
  }

  @Override
  public List<SourceStats> sources() {
    var stats = new ArrayList<SourceStats>();
    for (int i = 0; i < sources.length; i++) {
      stats.add(switches[i].stats(name, chosen.get(i), sources[i].retainedBytes()));
    }
    return stats;
  }

  private void describe(Proposals proposals, int proposal, int slot) {
    Arrays.fill(described, 0);
    described[0] = 1;
    for (int source = 0; source < sources.length; source++) {
      int kind = proposals.kind(proposal, source);
      if (kind >= 0) {
        described[1 + 2 * source] = halfLogit(kinds[source].probability(kind));
        described[2 + 2 * source] = 1;
      }
    }
    described[reliability] = halfLogit(facts.reliability(slot));
    int neededAt = facts.neededAt(slot);
    described[recency] = neededAt == 0 ? 0 : 1f / (1 + log2(needCount - neededAt));
    described[popularity] = log2(facts.reads(slot)) / 4f;
  }

  @Override
  public String reasonOf(Says says) {
    String cause = keys.keyAt(keys.slotOf(says.cause()));
    return cause == null ? "by " + says.firstSource() : "after " + cause;
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
    boolean far = looksFar(proposal);
    if (facts.open(slot, far) != 0) {
      return;
    }
    if (open.mustGrow()) {
      open.grow(this::moved);
    } else if (open.isFull()) {
      close(open.oldest(), false);
      open.removeOldest();
    }
    int place = open.add(reference, far, needCount + horizonNeeds, probability);
    facts.setOpen(slot, far, place + 1);
    System.arraycopy(described, 0, open.values(), open.valuesAt(place), features);
    for (int source = 0; source < sources.length; source++) {
      open.setKind(place, source, proposals.kind(proposal, source));
    }
  }

  private void moved(int from, int to) {
    int slot = keys.slotOf(open.reference(to));
    boolean far = open.isFar(to);
    if (slot != 0 && facts.open(slot, far) == from + 1) {
      facts.setOpen(slot, far, to + 1);
    }
  }

  /** Whether every source that proposed it looks more than one step ahead. */
  private boolean looksFar(int proposal) {
    for (int source = 0; source < sources.length; source++) {
      int kind = proposals.kind(proposal, source);
      if (kind >= 0 && !sources[source].looksFar(kind)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Where many clients wait for their fetches side by side, the needs of the others lie between two
   * of one client: its next ones must be within that many needs.
   */
  private void fitHorizon() {
    double ofOneClient = HORIZON_NEEDS_OF_ONE * trails.needsBetween();
    horizonNeeds = (int) Math.max(HORIZON_NEEDS, Math.min(MOST_HORIZON_NEEDS, ofOneClient));
  }

  @Override
  public void fetched(long inAll, long unaidedInAll) {
    governor.fetched(inAll, unaidedInAll);
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

  /**
   * What it would propose to one client alone, from where it stands. A fabric does not ask: it
   * takes {@link #proposals}, which saw every read in its place.
   */
  @Override
  public List<Prediction> predict(PredictionContext context) {
    List<String> last = context.lastKeys();
    int before = last.size() > 1 ? keys.find(last.get(1)) : 0;
    Sighting standing = standing(context.client(), keys.find(last.get(0)), before, context.nowMs());
    return consulted(standing, context.horizon(), context.maxPredictions());
  }

  @Override
  public @Nullable List<Prediction> forecast(String client, long nowMs, int most) {
    int trail = trails.find(client);
    if (trail < 0 || trails.read(trail, 0) == 0) {
      return null;
    }
    Sighting standing = standing(client, trails.read(trail, 0), trails.read(trail, 1), nowMs);
    return consulted(standing, ACTED_ON_FOR, most);
  }

  private Sighting standing(String client, int reference, int before, long nowMs) {
    var standing = new Sighting();
    standing.reference = reference;
    standing.slot = keys.slotOf(reference);
    standing.client = client.hashCode();
    standing.own = true;
    standing.need = true;
    standing.atMs = time.at(nowMs);
    standing.lastRead = before;
    standing.lastNeed = before;
    return standing;
  }

  private List<Prediction> consulted(Sighting standing, Duration horizon, int most) {
    var said = new Proposals(sources.length);
    for (int i = 0; i < sources.length; i++) {
      int source = i;
      sources[i].consult(
          standing, (reference, kind, cause) -> said.add(reference, source, kind, cause));
    }
    var all = new ArrayList<Prediction>();
    for (int i = 0; i < said.count(); i++) {
      int slot = keys.slotOf(said.reference(i));
      String path = slot == 0 ? null : keys.keyAt(slot);
      if (path != null) {
        describe(said, i, slot);
        double probability = model.probability(model.score(described, 0));
        String reason = reasonOf(says(said, i));
        all.add(new Prediction(Key.of(path), region, probability, horizon, reason, name));
      }
    }
    all.sort(LIKELIEST_FIRST);
    return List.copyOf(all.subList(0, Math.min(all.size(), most)));
  }

  @Override
  public void save(ByteWriter out) {
    out.varint(sources.length);
    for (int i = 0; i < sources.length; i++) {
      out.text(chosen.get(i).id());
      kinds[i].save(out);
      sources[i].save(out);
    }
    keys.save(out);
    facts.save(out, keys.usedSlots());
    trails.save(out);
    model.save(out);
    governor.save(out);
    out.i32(needCount).varint(depth).i64(sighting.atMs);
  }

  @Override
  public SequencePredictor restored(ByteReader in) {
    var restored = new SequencePredictor(config, chosen, retraining);
    restored.restore(in);
    return restored;
  }

  private void restore(ByteReader in) {
    if (in.varint("prediction sources", 0, Source.values().length) != sources.length) {
      throw new WireFormatException("there were other prediction sources");
    }
    for (int i = 0; i < sources.length; i++) {
      if (!in.text("a prediction source", MAX_NAME_BYTES).equals(chosen.get(i).id())) {
        throw new WireFormatException("there were other prediction sources");
      }
      kinds[i].restore(in);
      sources[i].restore(in);
    }
    keys.restore(in);
    facts.restore(in, keys.usedSlots(), keys.capacity());
    clearWithoutKey();
    trails.restore(in);
    model.restore(in);
    governor.restore(in);
    needCount = in.i32("needs");
    depth = in.varint("depth", 1, MAX_DEPTH);
    sighting.atMs = time.advance(in.i64("time of the last read"));
  }

  /** The key that comes there next is not to have what was known of one that was forgotten. */
  private void clearWithoutKey() {
    for (int slot = 1; slot < keys.usedSlots(); slot++) {
      if (!keys.isUsed(slot)) {
        facts.clear(slot);
      }
    }
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
    return model.stats(name, region.name());
  }

  @Override
  public long dropped() {
    return proposals.dropped();
  }

  /** A proposal came true if its key is needed within so many needs. */
  int horizonNeeds() {
    return horizonNeeds;
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
            + trails.retainedBytes()
            + open.retainedBytes()
            + model.retainedBytes()
            + proposals.retainedBytes()
            + kindBytes();
    for (CandidateSource source : sources) {
      bytes += source.retainedBytes();
    }
    return bytes;
  }

  private long mostBytesWithoutTables() {
    return trails.maxRetainedBytes()
        + open.maxRetainedBytes()
        + model.maxRetainedBytes()
        + proposals.maxRetainedBytes()
        + kindBytes();
  }

  private long kindBytes() {
    long bytes = 0;
    for (Calibration each : kinds) {
      bytes += each.retainedBytes();
    }
    return bytes;
  }
}
