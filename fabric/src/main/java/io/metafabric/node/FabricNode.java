package io.metafabric.node;

import io.metafabric.cache.HotTier;
import io.metafabric.cache.PayloadTier;
import io.metafabric.cache.SingleFlight;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.place.Place;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.migrate.MovedHomes;
import io.metafabric.predict.AccessRing;
import io.metafabric.predict.ClientForecast;
import io.metafabric.predict.Foresight;
import io.metafabric.predict.PastPrediction;
import io.metafabric.predict.Predictor;
import io.metafabric.predict.PredictorConfig;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.LocalCopies;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.Route;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.KeptCopy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.SpentFile;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node, wired over ports: store, tiers, replication and foresight. It knows no thread and no
 * clock but those it is given, so the same classes run in production and in the simulation.
 *
 * <p>Here the parts are put together, each after those that it needs, ticked, and closed; calls go
 * on to them. Reads are in {@link Reads} and {@link Lookups}, over {@link LocalTiers} for what is
 * here and {@link FetchedRecords} for what came; what the store publishes is told by {@link
 * Publications}. A write is the store's, once the clock is known to be right. Thread-safe.
 *
 * @param <V> what readers are handed, made once when a record enters the hot tier
 */
public final class FabricNode<V> implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FabricNode.class);

  private final NodeConfig config;
  private final Clock clock;
  private final Disk.DirectoryLock lock;
  private final SerialExecutor committing;
  private final SerialExecutor loop;
  private final SerialExecutor compacting;
  private final RecordStore store;
  private final HotTier<V> hot;
  private final PayloadTier warm;
  private final PeerTransport transport;
  private final @Nullable DeltaCoding deltas;
  private final Replicator replicator;
  private final ForeignCode foreign;
  private final Lookups lookups;
  private final Reads<V> reads;
  private final Publications publications;
  private final NodeAccounts accounts;
  private final SpentFile spent;
  private final ReplicationManager arm;
  private final Prefetcher prefetcher;
  private final AccessSummaries summaries;
  private final ForesightKeeper keeper;
  private final RegionName region;
  private final MovedHomes homes;
  private final HomeMover mover;
  private final PayloadChase chase;
  private final KeptPayloads kept;
  private final LocalTiers tiers;
  private final ShadowLog shadowLog = new ShadowLog();
  private final Shadows shadows;
  private final ShadowKeeper shadowKeeper;
  private final Guarantees guarantees;
  private final @Nullable PeerAddress bound;

  private FabricNode(
      NodeConfig config,
      NodePorts ports,
      HotTierFactory<V> hotTier,
      WarmTierFactory warmTier,
      List<Predictor> predictors,
      Consumer<PeerStateChange> onPeerStateChange,
      Runnable onMustReopen,
      Cleanup opened) {
    this.config = config;
    this.clock = ports.clock();
    this.region = config.store().region();
    this.homes = new MovedHomes(config.homes(), config.replication().regions());
    this.lock = opened.add(ports.disk().lock());
    this.committing = opened.add(ports.scheduler().serial("journal"));
    this.loop = opened.add(ports.scheduler().serial("loop"));
    this.compacting = opened.add(ports.scheduler().serial("compaction"));
    // Before the store, as what fails here fails no opening; and ended before it.
    this.spent =
        opened.add(new SpentFile(ports.disk(), clock, compacting, problem -> log.warn(problem)));
    this.store =
        opened.add(
            RecordStore.open(
                config.store(), ports.disk(), clock, ports.random(), committing, this::published));
    this.hot = opened.add(hotTier.create(new ShownDots(store), this::prefetchWasted));
    this.warm = opened.add(warmTier.create(store));
    opened.add(spent);
    this.arm =
        new ReplicationManager(
            config.policy(),
            config.copyBudget(),
            config.prediction(),
            key -> hot.peek(key) != null,
            spent,
            clock.nanoTime());
    var shelf = new ShadowShelf(config.shadows().maxBytes(), arm.room());
    this.transport = opened.add(ports.transport().apply(loop));
    this.deltas = ports.deltas().get();
    if (deltas != null) {
      opened.add(deltas);
    }
    homes.passOver(store.configured().configuration().evicted());
    store.systemRecords().forEach(record -> Publications.moved(homes, record));
    var copies = new Copies();
    this.replicator =
        new Replicator(
            config.replication(),
            homes,
            store,
            transport,
            loop,
            clock,
            ports.random(),
            copies,
            new Moves(),
            change -> {
              peerChanged(change);
              onPeerStateChange.accept(change);
            },
            compacting,
            deltas);
    replicator.catchUpWith(peer -> replicator.compare(peer).thenAccept(compared -> {}));
    replicator.decideUpdatesWith(arm);
    this.kept =
        new KeptPayloads(
            region,
            store,
            replicator,
            arm,
            clock,
            copies::find,
            config.keptBytes(),
            config.copyBudget());
    this.tiers = new LocalTiers(store, hot, warm, shelf, kept, clock);
    var rebuilding = new RebuildingWithinBudget(region, arm, clock);
    replicator.rebuildBy(rebuilding);
    this.shadows =
        new Shadows(
            region,
            store,
            replicator,
            loop,
            clock,
            shelf,
            shadowLog,
            rebuilding,
            arm,
            homes,
            tiers,
            this::readWhole);
    replicator.tellOfMembership(new NodeMembership(homes, shadows, onMustReopen));
    this.shadowKeeper =
        new ShadowKeeper(
            clock,
            loop,
            shelf,
            shadows,
            key -> replicator.isToHold(region, key),
            config.shadows().rules());
    replicator.shadowsBy(shadows);
    store.keepSuperseded(this::isMissingAtHome);
    this.mover = new HomeMover(region, homes, store, replicator, loop, clock, this::readWhole);
    var fetched = new FetchedRecords(region, store, tiers, replicator, clock);
    this.chase = new PayloadChase(region, store, homes, replicator, shadows, fetched, loop, clock);
    this.foreign = opened.add(ports.foreign());
    var siblingReads = new SiblingReads(store, replicator, region, clock);
    var merging =
        new Merging(
            store,
            this::requireClock,
            replicator::leastWallMs,
            siblingReads,
            homes,
            region,
            config.store().maxValueBytes(),
            clock,
            foreign,
            loop);
    var accesses = new AccessRing(region);
    var foresight =
        new Foresight(
            region,
            predictors,
            PredictorConfig.DEFAULT_MAX_BYTES,
            ports.random().nextLong(),
            (name, failure) -> log.warn("predictor {} failed and is off now", name, failure));
    this.keeper =
        new ForesightKeeper(
            foresight, ports.disk(), foresight.stats().maxRetainedBytes(), clock, compacting);
    this.summaries =
        new AccessSummaries(
            config.summaries(),
            config.replication().peers().keySet(),
            store,
            replicator,
            foresight,
            arm::isEnabled,
            clock,
            ports.random());
    var flights = new SingleFlight<ReadOutcome>();
    this.prefetcher =
        new Prefetcher(
            clock,
            accesses,
            foresight,
            arm,
            replicator,
            new PrefetchTarget(
                flights,
                hot,
                store,
                tiers,
                fetched,
                clock,
                shadowKeeper,
                kept,
                summaries,
                this::prefetchWasted));
    replicator.summariesTo(summaries::told);
    this.lookups =
        new Lookups(
            region,
            store,
            tiers,
            fetched,
            replicator,
            homes,
            siblingReads,
            merging,
            accesses,
            prefetcher,
            loop,
            clock);
    this.reads =
        new Reads<>(store, hot, tiers, flights, lookups, accesses, prefetcher, loop, clock);
    this.guarantees =
        new Guarantees(
            store,
            replicator,
            homes::homesOf,
            loop,
            clock,
            fetched::keep,
            tiers::shown,
            reads::read);
    this.publications =
        new Publications(
            store,
            homes,
            flights,
            tiers,
            arm,
            merging,
            chase,
            shadows,
            kept,
            replicator,
            guarantees,
            loop,
            clock);
    this.accounts =
        new NodeAccounts(
            config,
            reads.counts(),
            hot,
            warm,
            tiers,
            store,
            replicator,
            transport,
            accesses,
            prefetcher,
            summaries,
            merging,
            shadows,
            kept,
            guarantees);
    this.bound = replicator.start();
    store.startCompaction(
        compacting, replicator::neededAfter, replicator::stableFloor, replicator::leastWallMs);
    loop.execute(this::tick);
    merging.start();
  }

  /**
   * Opens a node; what it has taken is given back if that fails.
   *
   * @param predictors used by this node alone
   * @param onPeerStateChange is told on the node's loop, and must not wait
   * @param onMustReopen the same: the region was evicted, and is taken in again with the empty
   *     directory that the next opening finds
   */
  public static <V> FabricNode<V> open(
      NodeConfig config,
      NodePorts ports,
      HotTierFactory<V> hotTier,
      WarmTierFactory warmTier,
      List<Predictor> predictors,
      Consumer<PeerStateChange> onPeerStateChange,
      Runnable onMustReopen) {
    var opened = new Cleanup();
    try {
      return new FabricNode<>(
          config, ports, hotTier, warmTier, predictors, onPeerStateChange, onMustReopen, opened);
    } catch (RuntimeException e) {
      opened.run(e);
      throw e;
    }
  }

  private void tick() {
    hot.tick();
    try {
      prefetcher.run();
      summaries.tick();
      keeper.tick(clock.nanoTime());
      guarantees.tick();
      shadowKeeper.tick();
      kept.tick();
      chase.tick();
    } finally {
      loop.schedule(config.tick(), this::tick);
    }
  }

  // What follows is asked by parts that are made before the one that answers.

  private void published(List<Published> changes) {
    publications.published(changes);
  }

  private void prefetchWasted(String predictor, String path, int payloadBytes) {
    loop.execute(() -> prefetcher.wasted(predictor, path, payloadBytes));
  }

  private CompletableFuture<@Nullable MetadataRecord> readWhole(Key key) {
    return reads.whole(key);
  }

  private void peerChanged(PeerStateChange change) {
    if (change.to() == PeerState.IN_SYNC) {
      // Behind the opening, of which the first changes are a part.
      loop.execute(() -> shadows.reachedAgain(change.region()));
    }
  }

  /** A write of this region's whose payload may be nowhere else. */
  private boolean isMissingAtHome(Key key, Dot write) {
    if (!store.isOwn(write.actor())) {
      return false;
    }
    Homes at = homes.homesOf(key);
    RegionName backup = at.backup();
    return !replicator.hasAcknowledged(at.home(), write)
        || (backup != null && !replicator.hasAcknowledged(backup, write));
  }

  /** The mover needs the replicator, and the replicator it. */
  private final class Moves implements HomeMoves {
    @Override
    public CompletableFuture<Result> moveFromHere(Key key, RegionName to) {
      return mover.moveFromHere(key, to);
    }

    @Override
    public CompletableFuture<Result> hold(MetadataRecord record) {
      return mover.hold(record);
    }
  }

  /** The kept payloads need the replicator, and the replicator them. */
  private final class Copies implements LocalCopies {
    @Override
    public @Nullable MetadataRecord find(Key key) {
      return tiers.find(key);
    }

    @Override
    public @Nullable MetadataRecord findSuperseded(Key key) {
      return tiers.findSuperseded(key);
    }

    @Override
    public boolean wants(Key key) {
      return tiers.wants(key);
    }

    @Override
    public void offer(MetadataRecord record) {
      tiers.offer(record);
    }
  }

  public @Nullable PeerAddress listening() {
    return bound;
  }

  /**
   * The hot path: no allocation, no lock, no clock unless the entry expires.
   *
   * @return null if the hot tier has nothing to show
   */
  public @Nullable Optional<V> hit(@Nullable String client, String path) {
    return reads.hit(client, path);
  }

  /**
   * A read that the hot tier could not answer and this node's other tiers can, on the caller's
   * thread. Not a flight: it is over sooner than another reader would have joined it.
   *
   * @return null if {@link #read} must be asked
   */
  public @Nullable MetadataRecord readHere(@Nullable String client, Key key) {
    return reads.readHere(client, key);
  }

  /** A read that needs more than a look into the tiers; one flight per key at a time. */
  public CompletableFuture<ReadOutcome> read(@Nullable String client, Key key) {
    return reads.read(client, key);
  }

  /** Counts and learns a read whose outcome is known. */
  public void finished(@Nullable String client, Key key, ReadOutcome outcome) {
    reads.finished(client, key, outcome);
  }

  /** All versions of a key, with the payloads that can be had; null if nothing is known of it. */
  public CompletionStage<@Nullable MetadataRecord> siblings(Key key) {
    return lookups.siblings(key);
  }

  /**
   * A superseded value that can be shown at once, for a read that has waited long enough; null if
   * there is none.
   */
  public @Nullable MetadataRecord supersededHere(Key key) {
    return tiers.findSuperseded(key);
  }

  /**
   * A value of the system of record: shown until {@code expiresAtMs}, or until a header arrives.
   */
  public MetadataRecord fillFromOrigin(Key key, Bytes payload, long expiresAtMs) {
    var record =
        new MetadataRecord(key, Header.value(Version.NONE, region, payload, expiresAtMs), payload);
    hot.fill(record);
    return record;
  }

  /**
   * @param payload null deletes
   * @return completes with null if the condition does not hold
   */
  public CompletableFuture<@Nullable MetadataRecord> write(
      Key key, @Nullable Bytes payload, long expiresAtMs, Precondition condition) {
    return write(key, payload, expiresAtMs, condition, null);
  }

  /**
   * The same.
   *
   * @param read what the caller has read; null if it has seen all that is known here
   */
  public CompletableFuture<@Nullable MetadataRecord> write(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    requireClock();
    return store.write(key, payload, expiresAtMs, condition, read);
  }

  /** The same for a caller that waits for the result, and whose thread may do the work. */
  public CompletableFuture<@Nullable MetadataRecord> writeHere(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    requireClock();
    return store.writeHere(key, payload, expiresAtMs, condition, read);
  }

  /**
   * The same for a session, of which everything is known here; see {@link RecordStore#writeAfter}.
   */
  public CompletableFuture<@Nullable MetadataRecord> writeAfter(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      Dependencies after) {
    requireClock();
    return store.writeAfter(key, payload, expiresAtMs, condition, after.all(), after.latest());
  }

  private void requireClock() {
    String problem = replicator.clockProblem();
    if (problem != null) {
      throw new ClockSkewException(problem);
    }
  }

  /** Waits until writes are taken again; false if that took too long. */
  public boolean awaitRoom(long timeoutMs) throws InterruptedException {
    return store.awaitRoom(timeoutMs);
  }

  /**
   * Makes another region the home of a key that has a value, wherever its present home is.
   *
   * @return completes with what became of it
   */
  public CompletableFuture<HomeMoves.Result> moveHome(Key key, RegionName to) {
    return mover.move(key, to);
  }

  /**
   * Takes a region out of the cluster.
   *
   * @return as {@link Replicator#evict}
   */
  public CompletableFuture<Configuration> evict(RegionName region) {
    return replicator.evict(region);
  }

  /** Takes it in again; see {@link Replicator#readmit}. */
  public CompletableFuture<Configuration> readmit(RegionName region) {
    return replicator.readmit(region);
  }

  /** Which regions belong to the cluster, as far as is known here. */
  public Configuration configuration() {
    return replicator.configuration();
  }

  /** Which region a client outside should use; see {@link Replicator#route}. */
  public CompletableFuture<Route> route(
      Key key, @Nullable Place client, Map<RegionName, Double> measuredMs) {
    boolean isHere =
        store.holdsPayload(key) || tiers.shown(key) != null || tiers.copyOf(key) != null;
    return replicator.route(key, client, measuredMs, isHere);
  }

  /** Compares all headers with a peer's; see {@link Replicator#compare}. */
  public CompletableFuture<Comparison> compare(RegionName peer) {
    return replicator.compare(peer);
  }

  /** Sessions, bounds on staleness, and where writes are to be durable. */
  public Guarantees guarantees() {
    return guarantees;
  }

  public RegionName region() {
    return region;
  }

  public Replicator replicator() {
    return replicator;
  }

  /**
   * Once it returns, nothing is asked for ahead any more, or something may be again. What is under
   * way is called off soon after.
   */
  public void setPrediction(boolean enabled) {
    prefetcher.setEnabled(enabled);
    if (!enabled) {
      // Behind a run of the prefetcher that had looked at the switch before.
      loop.execute(replicator::callOffPrefetches);
    }
  }

  /** What a copy costs and is worth, from the next decision on. Any thread. */
  public void setPrices(Prices prices) {
    arm.setPrices(prices);
  }

  /** What copies may cost, from the next decision on. Any thread. */
  public void setCopyBudget(CopyBudget budget) {
    arm.setBudget(budget, clock.nanoTime());
    kept.setBudget(budget);
  }

  /**
   * Has the predictors learn from accesses of another time. Any thread; waits while an observation
   * is in progress. Not before {@link #learnedBefore} is complete, or it may be forgotten again.
   */
  public void train(List<AccessEvent> past) {
    prefetcher.train(past);
  }

  /** What a client is likely to read next. Any thread, as {@link #train}. */
  public ClientForecast forecast(String client) {
    return prefetcher.forecast(client);
  }

  /** Completes once the predictors have back what they had learned before the opening. */
  public CompletableFuture<Void> learnedBefore() {
    return keeper.restored();
  }

  /** Which shadows are to be made, from the next read on. Any thread. */
  public void setShadowRules(ShadowRules rules) {
    shadowKeeper.setRules(rules);
  }

  /**
   * Has so many regions hold the payload of a key, home and backup included.
   *
   * @return what became of it in each region that was concerned
   */
  public CompletableFuture<List<Frame.ShadowAnswer>> makeShadows(
      Key key, int factor, Duration timeToLive) {
    return shadows.make(key, factor, timeToLive);
  }

  /** What each region says of its shadow of a key. */
  public CompletableFuture<List<Frame.ShadowAnswer>> shadowsOf(Key key) {
    return shadows.tell(key);
  }

  /** Drops the shadows of a key in all regions, where nothing is lost by it. */
  public CompletableFuture<List<Frame.ShadowAnswer>> dropShadows(Key key) {
    return shadows.drop(key);
  }

  /** The last decisions about shadows of a key, newest last. */
  public List<String> shadowDecisionsOn(Key key) {
    return shadowLog.on(key);
  }

  public RecordStore store() {
    return store;
  }

  public HotTier<V> hotTier() {
    return hot;
  }

  public Homes homesOf(Key key) {
    return homes.homesOf(key);
  }

  /** The homes of a key, and how often they were moved. */
  public MovedHomes.Moved movedHome(Key key) {
    return homes.of(key);
  }

  /** Up to which counter every region has durably applied each actor's changes. */
  public VersionVector stableFloor() {
    return replicator.stableFloor();
  }

  public List<Decision> decisionsOn(Key key) {
    return prefetcher.decisionsOn(key);
  }

  /** The copy of a key that is kept beside the hot tier; null if none is. */
  public @Nullable KeptCopy keptCopy(Key key) {
    return kept.explain(key);
  }

  /** The last predictions of a key, newest last. */
  public List<PastPrediction> predictionsOf(Key key) {
    return prefetcher.predictionsOf(key);
  }

  public NodeStats stats() {
    return accounts.stats();
  }

  /** The order matters: first what makes work, then what does it, the journal last. */
  @Override
  public void close() {
    loop.close();
    guarantees.close();
    foreign.close();
    replicator.noteProgress();
    store.refuseWrites();
    replicator.close();
    transport.close();
    committing.close();
    compacting.close();
    try {
      keeper.close();
      arm.end(clock.nanoTime());
      store.close();
    } finally {
      spent.close();
      hot.close();
      warm.close();
      if (deltas != null) {
        deltas.close();
      }
      lock.close();
    }
  }
}
