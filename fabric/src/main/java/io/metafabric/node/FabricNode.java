package io.metafabric.node;

import io.metafabric.cache.HotEntry;
import io.metafabric.cache.HotTier;
import io.metafabric.cache.HotTierStats;
import io.metafabric.cache.PayloadTier;
import io.metafabric.cache.SingleFlight;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.WireFormatException;
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
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.store.StoreStats;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
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
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.LocalCopies;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import io.metafabric.replicate.ReplicationStats;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.Route;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.KeptCopy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowShelf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node, wired over ports: store, tiers, replication and foresight. It knows no thread and no
 * clock but those it is given, so the same classes run in production and in the simulation.
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
  private final SingleFlight<ReadOutcome> flights = new SingleFlight<>();
  private final ForeignCode foreign;
  private final Merging merging;
  private final SiblingReads siblingReads;
  private final AccessRing accesses;
  private final ReplicationManager arm;
  private final Prefetcher prefetcher;
  private final AccessSummaries summaries;
  private final ForesightKeeper keeper;
  private final ReadCounts counts = new ReadCounts();
  private final RegionName region;
  private final MovedHomes homes;
  private final HomeMover mover;
  private final FetchedRecords fetched;
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
    this.homes = new MovedHomes(config.homes());
    this.lock = opened.add(ports.disk().lock());
    this.committing = opened.add(ports.scheduler().serial("journal"));
    this.loop = opened.add(ports.scheduler().serial("loop"));
    this.compacting = opened.add(ports.scheduler().serial("compaction"));
    var shelf = new ShadowShelf(config.shadows().maxBytes());
    this.store =
        opened.add(
            RecordStore.open(
                config.store(), ports.disk(), clock, ports.random(), committing, this::published));
    this.hot = opened.add(hotTier.create(new ShownDots(store), this::prefetchWasted));
    this.warm = opened.add(warmTier.create(store));
    this.arm =
        new ReplicationManager(
            config.policy(),
            config.copyBudget(),
            config.prediction(),
            key -> hot.peek(key) != null,
            clock.nanoTime());
    this.transport = opened.add(ports.transport().apply(loop));
    this.deltas = ports.deltas().get();
    if (deltas != null) {
      opened.add(deltas);
    }
    homes.passOver(store.configured().configuration().evicted());
    store.systemRecords().forEach(this::moved);
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
    var rebuilding = new RebuildingWithinBudget(arm, clock);
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
            homes,
            tiers,
            this::readWhole);
    replicator.tellOfMembership(new NodeMembership(homes, shadows, onMustReopen));
    this.shadowKeeper =
        new ShadowKeeper(
            clock,
            shelf,
            shadows,
            key -> replicator.isToHold(region, key),
            config.shadows().rules());
    replicator.shadowsBy(shadows);
    store.keepSuperseded(this::isMissingAtHome);
    this.mover = new HomeMover(region, homes, store, replicator, loop, clock, this::readWhole);
    this.fetched = new FetchedRecords(region, store, tiers, replicator, clock);
    this.chase = new PayloadChase(region, store, homes, replicator, shadows, fetched, loop, clock);
    this.foreign = opened.add(ports.foreign());
    this.siblingReads = new SiblingReads(store, replicator, region, clock);
    this.merging =
        new Merging(
            store,
            this::write,
            siblingReads,
            homes,
            region,
            config.store().maxValueBytes(),
            clock,
            foreign,
            loop);
    this.accesses = new AccessRing(region);
    var foresight =
        new Foresight(
            region,
            predictors,
            PredictorConfig.DEFAULT_MAX_BYTES,
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
    this.prefetcher =
        new Prefetcher(
            clock,
            accesses,
            foresight,
            arm,
            replicator,
            new PrefetchTarget(
                flights, hot, store, tiers, fetched, clock, shadowKeeper, kept, summaries));
    replicator.summariesTo(summaries::told);
    this.guarantees =
        new Guarantees(
            store,
            replicator,
            homes::homesOf,
            loop,
            clock,
            fetched::keep,
            tiers::shown,
            this::read);
    this.bound = replicator.start();
    store.startCompaction(compacting, replicator::neededAfter, replicator::stableFloor);
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

  public @Nullable PeerAddress listening() {
    return bound;
  }

  /**
   * The hot path: no allocation, no lock, no clock unless the entry expires.
   *
   * @return null if the hot tier has nothing to show
   */
  public @Nullable Optional<V> hit(@Nullable String client, String path) {
    HotEntry<V> entry = hot.hit(path);
    if (entry == null
        || (entry.expiresAtMs() != Header.NEVER && clock.wallMs() >= entry.expiresAtMs())) {
      return null;
    }
    Outcome outcome = Outcome.HOT;
    if (entry.markRead()) {
      outcome = Outcome.PREFETCHED;
      prefetchUsed(entry);
    }
    counts.count(outcome);
    accesses.record(client, path, outcome);
    return entry.view();
  }

  /**
   * A read that the hot tier could not answer and this node's other tiers can, on the caller's
   * thread. Not a flight: it is over sooner than another reader would have joined it.
   *
   * @return null if {@link #read} must be asked
   */
  public @Nullable MetadataRecord readHere(@Nullable String client, Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return null;
    }
    MetadataRecord record = tiers.held(key);
    if (record == null || !isVisible(record.header())) {
      return null;
    }
    hot.fill(record);
    counts.count(Outcome.WARM);
    accesses.record(client, key.path(), Outcome.WARM);
    return record;
  }

  private boolean isVisible(Header header) {
    return !header.isTombstone()
        && (header.expiresAtMs() == Header.NEVER || header.isVisibleAt(clock.wallMs()));
  }

  /** A read that needs more than a look into the tiers; one flight per key at a time. */
  public CompletableFuture<ReadOutcome> read(@Nullable String client, Key key) {
    return fly(client, key)
        .thenCompose(
            outcome ->
                outcome instanceof ReadOutcome.PrefetchMissed
                    ? read(client, key)
                    : CompletableFuture.completedFuture(outcome));
  }

  private CompletableFuture<ReadOutcome> fly(@Nullable String client, Key key) {
    var leads = new AtomicBoolean();
    CompletableFuture<ReadOutcome> flight =
        flights.fly(
            key,
            () -> {
              leads.set(true);
              return load(client, key);
            });
    if (!leads.get() && !flight.isDone()) {
      long nowNanos = clock.nanoTime();
      loop.execute(() -> prefetcher.joined(key, nowNanos));
      waitsForRemote(client, key);
    }
    return flight;
  }

  /** Counts and learns a read whose outcome is known. */
  public void finished(@Nullable String client, Key key, ReadOutcome outcome) {
    if (outcome instanceof ReadOutcome.Value value) {
      counts.count(value.from());
      if (value.from() == Outcome.REMOTE) {
        HotEntry<V> entry = hot.hit(key.path());
        // It waited on a prefetch that was under way: late, but of use.
        if (entry != null && entry.markRead()) {
          prefetchUsedLate(entry);
        }
      }
      if (value.from() != Outcome.REMOTE) {
        accesses.record(client, key.path(), value.from());
      }
    } else if (outcome instanceof ReadOutcome.Absent) {
      counts.count(Outcome.ABSENT);
    } else if (outcome instanceof ReadOutcome.Superseded) {
      counts.countSuperseded();
    } else {
      counts.countFailed();
    }
  }

  private CompletionStage<ReadOutcome> load(@Nullable String client, Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return loadBeside(client, key);
    }
    MetadataRecord known = tiers.known(key);
    ReadOutcome here = tiers.readable(known, Outcome.WARM);
    if (here == null) {
      if (known == null && isHome(key) && !replicator.heardFromPeers().isDone()) {
        // A restored directory may lack it, which the peers will say in a moment.
        return replicator.heardFromPeers().thenCompose(heard -> load(client, key));
      }
      return known == null && knowsAbsent(key)
          ? CompletableFuture.completedFuture(new ReadOutcome.Absent(false))
          : remote(client, key, known == null ? null : known.header());
    }
    if (here instanceof ReadOutcome.Value value) {
      hot.fill(value.record());
    }
    return CompletableFuture.completedFuture(here);
  }

  private CompletionStage<ReadOutcome> loadBeside(@Nullable String client, Key key) {
    MetadataRecord known = store.read(key);
    if (known == null && knowsAbsent(key)) {
      return CompletableFuture.completedFuture(new ReadOutcome.Absent(false));
    }
    boolean all = known != null && merging.concernsReads(known);
    if (!siblingReads.isIncomplete(known, all)) {
      return shown(key, new SiblingReads.Found(known, null), Outcome.WARM);
    }
    CompletionStage<ReadOutcome> outcome =
        siblingReads.find(key, known, all).thenCompose(found -> shown(key, found, Outcome.REMOTE));
    waitsForRemote(client, key);
    return outcome;
  }

  private CompletionStage<ReadOutcome> shown(Key key, SiblingReads.Found found, Outcome from) {
    MetadataRecord record = found.record();
    if (record != null && merging.concernsReads(record)) {
      if (siblingReads.isIncomplete(record, true)) {
        // One of them alone may lack what this very region has written before.
        return CompletableFuture.completedFuture(
            found.asked() == null
                ? orUnreachable(null)
                : FetchedRecords.unreachable(found.asked()));
      }
      return merging
          .merged(record)
          .thenApply(
              merged ->
                  merged == null
                      ? shownWinner(key, found, from)
                      : new ReadOutcome.Value(merged, from));
    }
    return CompletableFuture.completedFuture(shownWinner(key, found, from));
  }

  private ReadOutcome shownWinner(Key key, SiblingReads.Found found, Outcome from) {
    ReadOutcome here = tiers.readable(found.record(), from);
    if (here instanceof ReadOutcome.Value value) {
      hot.fill(value.record());
    }
    FetchResult asked = found.asked();
    return here != null || asked == null
        ? orUnreachable(here)
        : fetched.notFound(key, found.record(), asked);
  }

  private static ReadOutcome orUnreachable(@Nullable ReadOutcome here) {
    return here == null ? new ReadOutcome.Unreachable("its payload is not here") : here;
  }

  /** All versions of a key, with the payloads that can be had; null if nothing is known of it. */
  public CompletionStage<@Nullable MetadataRecord> siblings(Key key) {
    MetadataRecord known = store.read(key);
    if (known == null ? knowsAbsent(key) : !siblingReads.isIncomplete(known, true)) {
      return CompletableFuture.completedFuture(known);
    }
    return siblingReads
        .find(key, known, true)
        .thenApply(
            found -> {
              FetchResult asked = found.asked();
              boolean complete = !siblingReads.isIncomplete(found.record(), true);
              if (!complete
                  && asked != null
                  && !(fetched.notFound(key, found.record(), asked)
                      instanceof ReadOutcome.Absent)) {
                throw new RegionUnreachableException(
                    "the siblings of "
                        + key
                        + " cannot be read now: not all of them are here; try again when the links"
                        + " are back");
              }
              return found.record();
            });
  }

  /** The home of a key knows whether it exists; everybody does who knows all headers. */
  private boolean knowsAbsent(Key key) {
    return (isHome(key) && replicator.answersFor(key)) || replicator.knowsAllHeaders();
  }

  private boolean isHome(Key key) {
    return homes.homesOf(key).home().equals(region);
  }

  private CompletionStage<ReadOutcome> remote(
      @Nullable String client, Key key, @Nullable Header known) {
    long begunNanos = clock.nanoTime();
    CompletionStage<ReadOutcome> outcome =
        replicator.fetch(key, known).thenCompose(result -> fetched.arrived(key, result));
    waitsForRemote(client, key);
    return outcome.whenComplete(
        (value, failure) -> {
          if (value instanceof ReadOutcome.Value) {
            long nanos = clock.nanoTime() - begunNanos;
            loop.execute(() -> prefetcher.stalled(key.path(), nanos));
          }
        });
  }

  /** While this read waits, what is likely to follow it can be on its way already. */
  private void waitsForRemote(@Nullable String client, Key key) {
    accesses.record(client, key.path(), Outcome.REMOTE);
    loop.execute(prefetcher::run);
  }

  /**
   * A superseded value that can be shown at once, for a read that has waited long enough; null if
   * there is none.
   */
  public @Nullable MetadataRecord supersededHere(Key key) {
    return tiers.findSuperseded(key);
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

  private void published(List<Published> changes) {
    long nowNanos = clock.nanoTime();
    for (Published change : changes) {
      if (change.record().key().isSystem()) {
        systemChanged(change.record().key());
        continue;
      }
      // Before anybody can have seen it: a reader who has must not join a flight that has not.
      flights.forget(change.record().key());
      if (!change.local()) {
        arm.updated(change.record().key().path(), nowNanos);
      }
      try {
        show(change);
      } catch (RuntimeException e) {
        log.error("{} could not be shown; it is read from the journal", change.record().key(), e);
        hot.drop(change.record().key());
      }
    }
    replicator.published(changes);
    var inQuestion = new ArrayList<Published>();
    for (Published change : changes) {
      if (kept.isInQuestion(change.record().key())) {
        inQuestion.add(change);
      }
    }
    if (!inQuestion.isEmpty()) {
      loop.execute(() -> kept.changed(inQuestion));
    }
    guarantees.published();
  }

  private void systemChanged(Key key) {
    MetadataRecord newest = store.systemRecord(key);
    Key moved = newest == null ? null : moved(newest);
    if (moved != null) {
      merging.homeMoved(moved);
      chase.rehomed(moved);
    }
  }

  private @Nullable Key moved(MetadataRecord record) {
    try {
      return homes.apply(record);
    } catch (WireFormatException | InvalidKeyException e) {
      log.error("{} says nothing that can be understood, and is ignored", record.key(), e);
      return null;
    }
  }

  private void peerChanged(PeerStateChange change) {
    if (change.to() == PeerState.IN_SYNC) {
      // Behind the opening, of which the first changes are a part.
      loop.execute(() -> shadows.reachedAgain());
    }
  }

  /** Where a home is moved to needs all of the record; null if nobody who is reachable has it. */
  private CompletableFuture<@Nullable MetadataRecord> readWhole(Key key) {
    if (store.conflictRules().of(key).keepsSiblings()) {
      return siblings(key).toCompletableFuture();
    }
    return read(null, key)
        .thenApply(outcome -> outcome instanceof ReadOutcome.Value value ? value.record() : null);
  }

  /**
   * Makes another region the home of a key that has a value, wherever its present home is.
   *
   * @return completes with what became of it
   */
  public CompletableFuture<HomeMoves.Result> moveHome(Key key, RegionName to) {
    return mover.move(key, to);
  }

  private void show(Published change) {
    merging.published(change);
    if (!change.local()) {
      chase.published(change.record());
    }
    if (merging.isToBeMerged(change.record())) {
      hot.drop(change.record().key());
      return;
    }
    MetadataRecord record = change.record().alone();
    if (record.header().isTombstone()) {
      shadows.gone(record.key());
    }
    tiers.published(record, change.local());
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

  private void prefetchUsed(HotEntry<V> entry) {
    String predictor = entry.predictor();
    if (predictor != null) {
      loop.execute(() -> prefetcher.used(predictor, entry.record().key().path()));
    }
  }

  private void prefetchUsedLate(HotEntry<V> entry) {
    String predictor = entry.predictor();
    if (predictor != null) {
      long nowNanos = clock.nanoTime();
      loop.execute(() -> prefetcher.usedLate(predictor, entry.record().key().path(), nowNanos));
    }
  }

  private void prefetchWasted(String predictor, String path, int payloadBytes) {
    loop.execute(() -> prefetcher.wasted(predictor, path, payloadBytes));
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
    HotTierStats hotStats = hot.stats();
    WarmTierStats warmStats = warm.stats();
    StoreStats storeStats = store.stats();
    ReplicationStats replicationStats = replicator.stats();
    TransportStats transportStats = transport.stats();
    PrefetchStats prefetchStats = prefetcher.stats();
    return new NodeStats(
        counts.of(Outcome.HOT),
        counts.of(Outcome.PREFETCHED),
        counts.of(Outcome.WARM),
        counts.of(Outcome.REMOTE),
        counts.of(Outcome.ORIGIN),
        counts.of(Outcome.ABSENT),
        counts.superseded(),
        counts.failed(),
        hotStats,
        warmStats,
        storeStats,
        replicationStats,
        transportStats,
        prefetchStats,
        summaries.stats(),
        merging.stats(),
        shadows.stats(),
        kept.stats(),
        replicator.rebuildStats().plus(shadows.rebuildStats()),
        guarantees.stats(),
        MemoryUses.of(
            config,
            hotStats,
            warmStats,
            storeStats,
            replicationStats,
            transportStats,
            prefetchStats,
            shadows.memory(),
            otherMemory()));
  }

  /** What has no statistics of its own. */
  private List<MemoryUse> otherMemory() {
    var all = new ArrayList<MemoryUse>();
    all.add(new MemoryUse("moved homes", store.systemBytes(), 2 * StoreConfig.MAX_SYSTEM_BYTES));
    all.addAll(tiers.memory());
    all.add(new MemoryUse("kept copies", kept.stats().bytes(), kept.stats().maxBytes()));
    all.add(summaries.memory());
    all.add(
        new MemoryUse(
            "what peers have applied", replicator.toldBytes(), replicator.maxToldBytes()));
    all.add(new MemoryUse("callers that wait", guarantees.waitingBytes(), Waits.MAX_BYTES));
    all.add(new MemoryUse("access ring", accesses.retainedBytes(), accesses.maxRetainedBytes()));
    return all;
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
      store.close();
    } finally {
      hot.close();
      warm.close();
      if (deltas != null) {
        deltas.close();
      }
      lock.close();
    }
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
}
