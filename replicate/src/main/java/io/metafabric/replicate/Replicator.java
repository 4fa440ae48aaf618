package io.metafabric.replicate;

import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Homes;
import io.metafabric.core.place.Place;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.Update;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One node's part in replication: sends its own changes to every other region, applies theirs, and
 * fetches payloads that are held elsewhere.
 *
 * <p>The header of every change goes to every region; the payload goes to home and backup, and to
 * regions that were given a copy. A lost, repeated or reordered frame only costs time: changes are
 * applied in the order of their actor's counters, or asked for again.
 *
 * <p>State belongs to the loop, a serial executor; public methods may be called by any thread.
 */
public final class Replicator implements AutoCloseable {
  /** So many times as long as one region has for one answer. */
  private static final int MAKE_SHADOWS_ATTEMPTS = 10;

  private static final Duration CHECK_MEMBERSHIP_EVERY = Duration.ofSeconds(1);

  private final ReplicationConfig config;
  private final HomeLookup homes;
  private final RecordStore store;
  private final PeerTransport transport;
  private final SerialExecutor loop;
  private final Clock clock;
  private final RandomGenerator random;
  private final LocalCopies copies;
  private final HomeMoves homeMoves;

  private final Map<RegionName, Outbound> outbound = new TreeMap<>();
  private final Map<RegionName, PeerSession> sessions = new HashMap<>();
  private final Map<RegionName, RegionPair> pairs = new TreeMap<>();
  private final PublicationTimes times;
  private final Holders holders;
  private final ClockAgreement clocks;
  private final RegionRouter router;
  private final Fetches fetches;
  private final MoveRequests moves;
  private final ShadowRequests shadowRequests;
  private final Repairs repairs;
  private final MissingPayloads missing;
  private final SerialExecutor background;
  private final StableFloor floor;
  private final Membership membership;
  private final Inheritance inheritance;
  private final Refilling refilling;
  private final Provenance provenance;
  private final DeltaCounters deltaCounters = new DeltaCounters();
  private final @Nullable DeltaCoding deltaCoding;
  private CopyUpdates updates;
  private volatile ShadowWork shadows = new NoShadows();
  private volatile CatchUp catchUp = CatchUp.BY_THE_STREAM_ALONE;
  private final Freshness freshness;
  private volatile Runnable onAdvance = () -> {};
  private volatile MembershipListener listener = MembershipListener.NONE;
  private volatile SummaryListener summaries = SummaryListener.NONE;
  private final QueuedOnce pump;

  private final IncomingChanges incoming;
  private final AtomicLong refusedPeers = new AtomicLong();
  private final AtomicLong withoutHandshake = new AtomicLong();
  private final AtomicLong repliesDropped = new AtomicLong();
  private final AtomicLong prefetchesTurnedAway = new AtomicLong();
  private final AtomicLong prefetchAnswersBytes = new AtomicLong();

  /**
   * @param onStateChange is told of every change of a pair's state, on the loop: must not wait
   * @param deltaCoding used by the loop alone; null to send everything whole. The caller closes it
   */
  public Replicator(
      ReplicationConfig config,
      HomeLookup homes,
      RecordStore store,
      PeerTransport transport,
      SerialExecutor loop,
      Clock clock,
      RandomGenerator random,
      LocalCopies copies,
      HomeMoves homeMoves,
      Consumer<PeerStateChange> onStateChange,
      SerialExecutor background,
      @Nullable DeltaCoding deltaCoding) {
    this.config = config;
    this.homes = homes;
    this.store = store;
    this.transport = transport;
    this.loop = loop;
    this.pump = new QueuedOnce(loop, this::pumpAll);
    this.clock = clock;
    this.random = random;
    this.copies = copies;
    this.homeMoves = homeMoves;
    this.provenance = new Provenance(store, this::presentRegionOf);
    this.updates = new CopyUpdates(config.region(), null, clock, this::rttMs);
    this.deltaCoding = deltaCoding;
    this.clocks = new ClockAgreement(config.peers().keySet(), store.maxClockSkew());
    this.holders = new Holders(config.holderBytes());
    this.moves = new MoveRequests(loop, this::link);
    this.shadowRequests = new ShadowRequests(loop, this::link);
    this.times = new PublicationTimes(config.peers().keySet());
    this.background = background;
    this.router =
        new RegionRouter(config.region(), config.routing().places(), region -> link(region).way());
    this.fetches =
        new Fetches(
            config,
            loop,
            clock,
            this::link,
            router::expectedRttMs,
            this::offer,
            store::wasForgotten);
    this.missing =
        new MissingPayloads(
            store,
            loop,
            background,
            header -> header.payloadBytes() <= config.maxValueBytes(),
            key -> isToHold(config.region(), key),
            this::copiesElsewhere,
            this::fetchToHold);
    this.repairs =
        new Repairs(
            config,
            store,
            copies,
            loop,
            background,
            clock,
            random,
            this::repaired,
            missing::consider);
    config
        .peers()
        .forEach(
            (peer, address) -> {
              var pair =
                  new RegionPair(
                      peer, config, clock, random, change -> changed(change, onStateChange));
              pairs.put(peer, pair);
              Outbound link = newLink(peer, address, pair);
              outbound.put(peer, link);
              repairs.add(peer, link, record -> outgoingLate(peer, record));
            });
    this.freshness = new Freshness(store, loop, clock, outbound, this::isPeer, this::knowsItsOwn);
    this.floor = new StableFloor(config.peers().keySet());
    this.membership = new Membership(config, store, loop, this::reconfigured);
    this.incoming =
        new IncomingChanges(
            config,
            store,
            loop,
            copies,
            new DeltaReader(copies, deltaCoding, deltaCounters),
            key -> isToHold(config.region(), key),
            peer -> membership.configuration().since(peer),
            this::pair);
    this.inheritance =
        new Inheritance(
            config.region(),
            config.peers().keySet(),
            store,
            membership,
            clock,
            loop,
            repairs::compare,
            peer -> link(peer).isEstablished(),
            peer -> pair(peer).hasEverything());
    this.refilling =
        new Refilling(
            store,
            membership,
            repairs,
            inheritance,
            loop,
            background,
            clock,
            () -> listener.mustReopen(),
            this::heldUp,
            what -> listener.lost(what));
  }

  /** On the loop: reads that wait for a region out of trust do not wait for it alone. */
  private void changed(PeerStateChange change, Consumer<PeerStateChange> onStateChange) {
    onStateChange.accept(change);
    if (!change.to().isTrusted()) {
      fetches.doubted(change.region());
    }
  }

  /** How old what is known here may be, and what others have. */
  public Freshness freshness() {
    return freshness;
  }

  /**
   * Is run on the loop when a peer has acknowledged more, or has said how things stand there. To be
   * called before {@link #start}.
   */
  public void onAdvance(Runnable what) {
    onAdvance = what;
  }

  private void heldUp(String why) {
    pairs.values().forEach(pair -> pair.cannotTake(why));
  }

  private Outbound newLink(RegionName peer, PeerAddress address, RegionPair pair) {
    return new Outbound(
        peer,
        address,
        config,
        transport,
        loop,
        clock,
        random,
        store,
        record -> outgoing(peer, record),
        pair,
        new OutgoingLag(peer, store, times, clock),
        new DeltaSender(config.deltas(), deltaCoding, deltaCounters, clock),
        new Outbound.Events() {
          @Override
          public void onReply(RegionName from, Frame.FetchReply reply) {
            fetches.onReply(from, reply);
          }

          @Override
          public void onDone(RegionName from, Frame.Done done) {
            moves.onDone(from, done);
          }

          @Override
          public void onShadowReply(RegionName from, Frame.ShadowReply reply) {
            shadowRequests.onReply(from, reply);
          }

          @Override
          public void onAdvance() {
            onAdvance.run();
          }

          @Override
          public void onDropped(RegionName from, Key key) {
            holders.remove(key, from);
            updates.dropped(from, key);
          }

          @Override
          public void onReads(RegionName from, Frame.Reads reads) {
            for (Frame.Reading each : reads.readings()) {
              if (each.microReads() > 0 && !isToHold(from, each.key())) {
                holders.add(each.key(), from);
                isRead(from, each.key());
              }
            }
          }

          @Override
          public void onDisconnected(RegionName from) {
            fetches.disconnected(from);
            moves.disconnected(from);
            shadowRequests.disconnected(from);
            clocks.forget(from);
            repairs.onDisconnected(from);
          }

          @Override
          public void onWelcomed(RegionName from, Frame.Welcome welcome, boolean hasLost) {
            repairs.onWelcomed(from, welcome, hasLost);
          }

          @Override
          public void onRefused(RegionName from) {
            repairs.onRefused(from);
          }

          @Override
          public void onCompared(RegionName from, Frame.Compared compared) {
            repairs.onCompared(from, compared);
          }

          @Override
          public void onRepair(RegionName from, Frame.Repair repair) {
            repairs.onRepair(from, repair);
          }

          @Override
          public Provenance provenance() {
            return provenance;
          }

          @Override
          public void onViolation(RegionName from, String what) {
            pair(from).violated(what);
          }

          @Override
          public boolean mayClaimAll(RegionName to) {
            return repairs.mayClaimAll(to) && store.configured().filled();
          }

          @Override
          public void onClock(RegionName from, double offsetMs, double rttMs) {
            clocks.measured(from, offsetMs, rttMs);
          }

          @Override
          public Frame.Belonging belonging() {
            return host.belonging();
          }

          @Override
          public Frame.@Nullable Configured configured() {
            if (!membership.configuration().changed().isEmpty()) {
              return host.configured();
            }
            // What was lost here and given back is sent to nobody; who lacks it has to be told.
            VersionVector regained = store.appliedOf(config.region()).meet(store.durablyApplied());
            return regained.isEmpty()
                ? null
                : new Frame.Configured(
                    membership.configuration(), new TreeMap<>(Map.of(config.region(), regained)));
          }

          @Override
          public void onConfigured(RegionName from, Frame.Configured configured) {
            host.configured(from, configured);
          }

          @Override
          public CompletableFuture<Void> onBehindRetention(RegionName behind) {
            return catchUp.onBehindRetention(behind);
          }
        });
  }

  private @Nullable RegionName presentRegionOf(ActorId actor) {
    for (RegionPair each : pairs.values()) {
      if (actor.equals(each.presentActor())) {
        return each.region();
      }
    }
    return null;
  }

  private RegionPair pair(RegionName peer) {
    RegionPair pair = pairs.get(peer);
    if (pair == null) {
      throw new IllegalArgumentException("region " + peer + " is not a peer");
    }
    return pair;
  }

  private Outbound link(RegionName region) {
    Outbound link = outbound.get(region);
    if (link == null) {
      throw new IllegalArgumentException("region " + region + " is not a peer");
    }
    return link;
  }

  /**
   * Begins to listen and to dial.
   *
   * @return where peers reach this node; null if it does not listen
   * @throws io.metafabric.core.error.ListenException if the listener cannot be bound
   */
  public @Nullable PeerAddress start() {
    PeerAddress listen = config.listen();
    PeerAddress bound =
        listen == null
            ? null
            : transport.listen(
                listen, connection -> new PeerSession(host, connection, loop, clock));
    loop.execute(this::beginMembership);
    // A task for each: what one fails at does not hold up the others.
    outbound.values().forEach(link -> loop.execute(link::start));
    loop.execute(repairs::start);
    if (!outbound.isEmpty()) {
      repairs.heardFromPeers().thenRun(() -> loop.execute(missing::start));
    }
    return bound;
  }

  /** To be called before {@link #start}, as {@link #catchUpWith} is. */
  public void tellOfMembership(MembershipListener whom) {
    listener = whom;
  }

  private void beginMembership() {
    Configuration now = membership.configuration();
    listener.reconfigured(now);
    now.evicted().stream()
        .filter(outbound::containsKey)
        .forEach(peer -> evicted(peer, peer + " was evicted: " + now));
    refilling.start();
    checkMembership();
  }

  private void checkMembership() {
    try {
      inheritance.check();
      refilling.check();
    } finally {
      loop.schedule(CHECK_MEMBERSHIP_EVERY, this::checkMembership);
    }
  }

  /** What was evicted is waited for no more, what was taken in again is; on the loop. */
  private void reconfigured(Configuration before, Configuration now) {
    listener.reconfigured(now);
    for (RegionName peer : config.peers().keySet()) {
      if (!now.isMember(peer)) {
        evicted(peer, peer + " was evicted: " + now);
      } else if (now.since(peer) > before.since(peer)) {
        readmitted(peer, peer + " was readmitted: " + now);
      }
    }
    inheritance.changed(now);
    outbound.values().forEach(Outbound::tellConfiguration);
    missing.start();
  }

  private void evicted(RegionName peer, String why) {
    link(peer).evict(why);
    PeerSession session = sessions.get(peer);
    if (session != null) {
      session.close(why);
    }
    floor.exclude(peer);
    clocks.exclude(peer);
    repairs.exclude(peer);
  }

  private void readmitted(RegionName peer, String why) {
    // Its eviction may have come along with this.
    evicted(peer, why);
    floor.include(peer);
    clocks.include(peer);
    repairs.include(peer);
    link(peer).readmit(why);
  }

  /** Which regions belong to the cluster, as far as is known here. */
  public Configuration configuration() {
    return membership.configuration();
  }

  /** Whether this region belongs to the cluster, with the state that it has. */
  public boolean isAdmitted() {
    return membership.isAdmitted();
  }

  /**
   * Takes a region out of the cluster: nobody waits for it any more.
   *
   * @return completes with the configuration without it once that is durable here; with an {@link
   *     io.metafabric.core.error.EvictionException} or an {@link
   *     io.metafabric.core.error.EvictedException} if it cannot be
   */
  public CompletableFuture<Configuration> evict(RegionName region) {
    return membership.evict(region);
  }

  /** Takes an evicted region in again, which comes with an empty directory. */
  public CompletableFuture<Configuration> readmit(RegionName region) {
    return membership.readmit(region);
  }

  /** Looks for the payload of a record that came without it, if it is to be held here. */
  public void chase(MetadataRecord record) {
    loop.execute(() -> missing.consider(List.of(record)));
  }

  /**
   * Asks the manager what regions with a copy are sent when its key is written; otherwise they are
   * sent everything. To be called before {@link #start}.
   */
  public void decideUpdatesWith(ReplicationManager arm) {
    updates = new CopyUpdates(config.region(), arm, clock, this::rttMs);
  }

  private void isRead(RegionName by, Key key) {
    try {
      updates.isRead(by, key, store.header(key));
    } catch (StorageException e) {
      // What is not known to be read is only sent a little less.
    }
  }

  /**
   * Tells homes what is read here that is not to be held here; on the loop. What they cannot be
   * told now they are not told.
   *
   * @param perSecond by key
   */
  public void tellReads(Map<Key, Double> perSecond) {
    var byHome = new TreeMap<RegionName, List<Frame.Reading>>();
    perSecond.forEach(
        (key, rate) ->
            byHome
                .computeIfAbsent(homes.homesOf(key).home(), home -> new ArrayList<>())
                .add(new Frame.Reading(key, Math.max(1, Math.round(rate * 1e6)))));
    byHome.forEach(
        (home, readings) -> {
          PeerSession session = sessions.get(home);
          if (session != null) {
            session.tellReads(readings);
          }
        });
  }

  /**
   * Tells a peer what was read here; on the loop. It gives way to all else.
   *
   * @return false if it was not sent, because other data is on its way to the peer, or it {@link
   *     #takesSummaries takes none}
   */
  public boolean tellSummary(RegionName peer, Frame.Summary summary) {
    return link(peer).sendIfIdle(summary);
  }

  /** Whether a peer is there and knows what a summary is; on the loop. */
  public boolean takesSummaries(RegionName peer) {
    Outbound link = link(peer);
    return link.isEstablished() && link.protocol() >= Frame.Summary.SINCE;
  }

  /** Whom to tell of reads elsewhere. To be called before {@link #start}. */
  public void summariesTo(SummaryListener reader) {
    summaries = reader;
  }

  /** In how many other regions a payload can probably be read. */
  private int copiesElsewhere(Key key, Header header) {
    var holding = new TreeSet<RegionName>(holders.of(key));
    Homes at = homes.homesOf(key);
    holding.add(at.home());
    RegionName backup = at.backup();
    if (backup != null) {
      holding.add(backup);
    }
    holding.add(header.writtenIn());
    holding.removeIf(region -> !isTrusted(region));
    return holding.size();
  }

  /**
   * In which order, and how fast, payloads that are to be held here and are not are brought. To be
   * called before {@link #start}.
   */
  public void rebuildBy(Rebuilding how) {
    missing.rebuildBy(how);
  }

  /** How far they were brought. Any thread. */
  public RebuildStats rebuildStats() {
    return missing.stats();
  }

  /** To be called before {@link #start}. */
  public void catchUpWith(CatchUp how) {
    catchUp = how;
  }

  /** A record that came by repair is held like any other. */
  private Inbound repaired(MetadataRecord record) {
    return new Inbound(record, isToHold(config.region(), record.key()));
  }

  /** A region that was asked for a payload may know less of the key than is known here. */
  private void offer(RegionName region, Key key) {
    MetadataRecord known;
    try {
      known = copies.find(key);
    } catch (StorageException e) {
      return; // what cannot be read here is offered by others, or when they compare
    }
    if (known != null) {
      List<MetadataRecord> offered = List.of(outgoingLate(region, known));
      link(region).send(new Frame.Repair(0, 0, true, List.of(), offered));
    }
  }

  /**
   * Compares all headers with a peer's, and brings both to the same state.
   *
   * @return fails with a {@link io.metafabric.core.error.RegionUnreachableException} if the peer
   *     cannot be reached, or stops answering
   * @throws IllegalArgumentException if it is no peer
   */
  public CompletableFuture<Comparison> compare(RegionName peer) {
    return repairs.compare(peer);
  }

  /**
   * Completes once it is known whether this directory has lost writes of its own region, as far as
   * any peer can tell.
   */
  public CompletableFuture<Void> heardFromPeers() {
    return repairs.heardFromPeers();
  }

  private final Host host = new Host();

  /** The payload goes along to those who must have it, and to those to whom it is worth it. */
  private MetadataRecord outgoing(RegionName peer, MetadataRecord record) {
    boolean withPayload =
        isToHold(peer, record.key()) || (isHome(record.key()) && isToPush(peer, record));
    return withPayload && config.allows(record) ? record : record.withoutPayload();
  }

  /** What is brought up to date, which is no news: of what need not be held, to holders alone. */
  private MetadataRecord outgoingLate(RegionName peer, MetadataRecord record) {
    return isToHold(peer, record.key()) || holders.of(record.key()).contains(peer)
        ? outgoing(peer, record)
        : record.withoutPayload();
  }

  /** A shadow was asked for, and is sent every update; others where that pays. */
  private boolean isToPush(RegionName region, MetadataRecord record) {
    Key key = record.key();
    if (shadows.hasShadow(key, region)) {
      return true;
    }
    boolean holds = holders.of(key).contains(region);
    if (!holds && store.conflictRules().of(key).keepsSiblings()) {
      return false; // a copy is of one value
    }
    Update update = updates.decide(region, record, link(region).pressure(), holds);
    if (update == Update.DROP) {
      holders.remove(key, region);
    } else if (update == Update.PUSH && !holds) {
      holders.add(key, region);
    }
    return update == Update.PUSH;
  }

  /** Is told of every publication, by the committing thread. */
  public void published(List<Published> changes) {
    if (outbound.isEmpty()) {
      return;
    }
    noteTimes(changes);
    overtake(changes);
    if (holders.estimatedBytes() > 0 || (updates.decides() && outbound.size() > 1)) {
      forwardAll(changes);
    }
    pump.want();
  }

  private void noteTimes(List<Published> changes) {
    for (int i = changes.size() - 1; i >= 0; i--) {
      if (changes.get(i).local()) {
        // Of what is here beside another's write, that is not the one in front.
        times.published(store.publishedCounter(), clock.nanoTime());
        return;
      }
    }
  }

  /** What is asked for ahead of its reads is here now, or is not the newest any more. */
  private void overtake(List<Published> changes) {
    var overtaken = new ArrayList<Key>();
    for (Published change : changes) {
      if (fetches.isPrefetching(change.record().key())) {
        overtaken.add(change.record().key());
      }
    }
    if (!overtaken.isEmpty()) {
      loop.execute(() -> fetches.overtaken(overtaken));
    }
  }

  /** Of what came from elsewhere, to those to whom it is worth it. */
  private void forwardAll(List<Published> changes) {
    var toForward = new ArrayList<MetadataRecord>();
    for (Published change : changes) {
      if (!change.local() && change.record().payload() != null && isHome(change.record().key())) {
        toForward.add(change.record().alone());
      }
    }
    if (!toForward.isEmpty()) {
      loop.execute(() -> toForward.forEach(this::forward));
    }
  }

  /**
   * Whether a region is to hold a key's payloads in its journal: home and backup are; of the
   * fabric's own records, and of what is merged, everybody is. A merged value hides what it was
   * made of, also where that was acknowledged: so it goes nowhere without its payload.
   */
  public boolean isToHold(RegionName region, Key key) {
    return key.isSystem()
        || store.conflictRules().of(key).merge() != null
        || homes.isHeldBy(region, key);
  }

  public RegionName homeOf(Key key) {
    return homes.homesOf(key).home();
  }

  private boolean isHome(Key key) {
    return homes.homesOf(key).home().equals(config.region());
  }

  /** The home hands a payload on that another region wrote. */
  private void forward(MetadataRecord record) {
    if (!config.allows(record)) {
      return;
    }
    for (RegionName region : members()) {
      if (isToHold(region, record.key())) {
        continue;
      }
      if (region.equals(record.header().writtenIn())) {
        updates.wrote(region, record);
      } else if (mayBeForwarded(region) && isToPush(region, record)) {
        link(region).send(new Frame.Push(List.of(record)));
      }
    }
  }

  /** What goes to a region that is away is paid for, and lost. */
  private boolean mayBeForwarded(RegionName region) {
    Outbound link = link(region);
    return link.isTrusted() && !link.isPaused();
  }

  private void pumpAll() {
    outbound.values().forEach(link -> loop.execute(link::pump));
  }

  /**
   * Asks the regions that may hold the payload, one after the other, the nearest first: home,
   * backup, the region that wrote it, and those that were given a copy; for a key of which nothing
   * is known the home, then the backup. Those that are not likely to answer come last. If none of
   * them has it, all others are asked. They answer from what they hold themselves, so nobody waits
   * in a circle.
   *
   * @param known the newest header known here; null to ask whether there is one
   */
  public CompletableFuture<FetchResult> fetch(Key key, @Nullable Header known) {
    return fetch(key, known, Fetches.Purpose.READ);
  }

  /** The same for what this region is to hold, and nobody waits for. */
  public CompletableFuture<FetchResult> fetchToHold(Key key, @Nullable Header known) {
    return fetch(key, known, Fetches.Purpose.KEEPING);
  }

  private CompletableFuture<FetchResult> fetch(
      Key key, @Nullable Header known, Fetches.Purpose purpose) {
    Dot atLeast = known == null ? null : known.version().dot();
    return onLoop(
        () -> {
          RegionName home = homes.homesOf(key).home();
          return fetches.fetch(key, atLeast, home, candidates(key, known), members(), purpose);
        });
  }

  /**
   * Asks for a version that has seen a write, or is it; in the same order, with the region that
   * made the write.
   */
  public CompletableFuture<FetchResult> fetchWrite(
      Key key, @Nullable Header known, Dot write, @Nullable RegionName writtenIn) {
    return onLoop(
        () -> {
          var asked = new ArrayList<>(candidates(key, known));
          addOther(asked, writtenIn);
          RegionName home = homes.homesOf(key).home();
          return fetches.fetch(key, write, home, asked, members(), Fetches.Purpose.READ);
        });
  }

  /** Asks one region for what it has of a key, and nobody else. */
  public CompletableFuture<FetchResult> fetchFrom(RegionName region, Key key) {
    return onLoop(
        () -> fetches.fetch(key, null, region, List.of(region), Set.of(), Fetches.Purpose.READ));
  }

  /** Asks for many payloads ahead of their reads, with one request to each region. */
  public void prefetch(Map<Key, Header> wanted, BiConsumer<Key, FetchResult> sink) {
    loop.execute(
        () -> {
          var candidates = new LinkedHashMap<Key, List<RegionName>>();
          wanted.forEach((key, header) -> candidates.put(key, candidates(key, header)));
          fetches
              .prefetch(
                  candidates,
                  key -> {
                    Header header = wanted.get(key);
                    return header == null ? null : header.version().dot();
                  })
              .forEach((key, future) -> future.thenAccept(result -> sink.accept(key, result)));
        });
  }

  /** Calls off what {@link #prefetch} is under way for by now, but for what a read waits for. */
  public void callOffPrefetches() {
    // Behind those that were begun before, and are not sent yet.
    loop.execute(fetches::callOff);
  }

  /** A read has begun to wait for a key: if it is asked for ahead, it is to come next. */
  public void hurry(Key key) {
    // Behind a prefetch that was begun before, and is not sent yet.
    loop.execute(() -> fetches.hurry(key));
  }

  /** Who answers what peers ask about shadows. To be called before {@link #start}. */
  public void shadowsBy(ShadowWork work) {
    shadows = work;
  }

  /**
   * Asks a region about the shadows of a key.
   *
   * @param terms null where nothing is said
   * @param dot what this region's shadow has; null if it has none
   * @return completes on the loop; a region that does not answer is UNREACHABLE
   */
  public CompletableFuture<List<Frame.ShadowAnswer>> askShadow(
      RegionName to, ShadowVerb verb, Key key, @Nullable ShadowTerms terms, @Nullable Dot dot) {
    // It asks all regions in turn, one after the other.
    Duration timeout =
        config.attemptTimeout().multipliedBy(verb == ShadowVerb.MAKE ? MAKE_SHADOWS_ATTEMPTS : 1);
    ShadowReason reason = terms == null ? ShadowReason.REQUESTED : terms.reason();
    int factor = terms == null ? 0 : terms.factor();
    long ttlMs = terms == null ? 0 : terms.ttlMs();
    return onLoop(
        () ->
            shadowRequests.ask(
                to,
                timeout,
                id -> new Frame.ShadowRequest(id, verb, key, reason, factor, ttlMs, dot)));
  }

  /** Asks a region to have a shadow of a record, which comes with its payload. */
  public CompletableFuture<List<Frame.ShadowAnswer>> askToHoldShadow(
      RegionName to, MetadataRecord record, ShadowTerms terms) {
    return onLoop(
        () ->
            shadowRequests.ask(
                to,
                config.attemptTimeout(),
                id ->
                    new Frame.HoldShadow(
                        id, record, terms.reason(), terms.factor(), terms.ttlMs())));
  }

  /** Whether a payload may be sent as it is. */
  public boolean mayGo(MetadataRecord record) {
    return config.allows(record);
  }

  /** A region has a copy from now on, and is sent what is newer; on the loop. */
  public void hasCopy(Key key, RegionName region) {
    if (!isToHold(region, key)) {
      holders.add(key, region);
    }
  }

  /** A region has none any more; on the loop. */
  public void hasNoCopy(Key key, RegionName region) {
    holders.remove(key, region);
  }

  /** The other regions, without those that were evicted. */
  public Set<RegionName> members() {
    Configuration now = membership.configuration();
    var members = new TreeSet<RegionName>(config.peers().keySet());
    members.removeIf(region -> !now.isMember(region));
    return members;
  }

  public boolean isPeer(RegionName region) {
    return outbound.containsKey(region) && membership.isMember(region);
  }

  /** Whether a region is a peer that is likely to answer now. */
  public boolean isTrusted(RegionName region) {
    return isPeer(region) && link(region).isTrusted();
  }

  /** Asks {@code home} to make {@code to} the home of a key. */
  public CompletableFuture<HomeMoves.Result> askToMove(RegionName home, Key key, RegionName to) {
    // It asks the new home in turn, and writes to its disk.
    return onLoop(
        () ->
            moves.ask(
                home,
                config.attemptTimeout().multipliedBy(3),
                id -> new Frame.MoveHome(id, key, to)));
  }

  /** Asks {@code to} to hold a record durably, with its payload. */
  public CompletableFuture<HomeMoves.Result> askToHold(RegionName to, MetadataRecord record) {
    return onLoop(() -> moves.ask(to, config.attemptTimeout(), id -> new Frame.Hold(id, record)));
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> action) {
    return Later.on(loop, action);
  }

  private List<RegionName> candidates(Key key, @Nullable Header known) {
    var hold = new ArrayList<RegionName>(3);
    addHomes(hold, key);
    if (known == null) {
      // Only these two can say that there is none, and of the two the home is to be asked first.
      return router.wellFirst(hold);
    }
    addOther(hold, known.writtenIn());
    var hinted = new ArrayList<RegionName>();
    holders.of(key).forEach(region -> addOther(hinted, region));
    return router.nearest(hold, hinted);
  }

  private void addHomes(List<RegionName> to, Key key) {
    Homes at = homes.homesOf(key);
    addOther(to, at.home());
    addOther(to, at.backup());
  }

  /**
   * Home and backup of a key without this region, the nearest first of those that are well. Any
   * thread.
   */
  public List<RegionName> nearestHomes(Key key) {
    var hold = new ArrayList<RegionName>(2);
    addHomes(hold, key);
    return router.nearest(hold, List.of());
  }

  /**
   * Which region a client outside should use for a key.
   *
   * @param client where it is; null if only what it measured counts
   * @param measuredMs round trips that it measured, of itself to members
   * @param isHere whether this region holds the payload
   */
  public CompletableFuture<Route> route(
      Key key, @Nullable Place client, Map<RegionName, Double> measuredMs, boolean isHere) {
    return onLoop(
        () -> {
          Set<RegionName> all = members();
          all.add(config.region());
          var holding = new TreeSet<RegionName>();
          Header known = store.header(key);
          if (known != null && !known.isTombstone()) {
            holding.addAll(holders.of(key));
            all.stream().filter(region -> isToHold(region, key)).forEach(holding::add);
            holding.retainAll(all);
            holding.remove(config.region());
          }
          if (isHere) {
            holding.add(config.region());
          }
          return CompletableFuture.completedFuture(
              router.route(key, all, holding, client, measuredMs));
        });
  }

  /**
   * Whether this region's write, or one that covers it, is durable in a region.
   *
   * @param write one of ours
   */
  public boolean hasAcknowledged(RegionName region, Dot write) {
    Outbound link = outbound.get(region);
    return link == null || link.hasAcknowledged(write);
  }

  private void addOther(List<RegionName> to, @Nullable RegionName region) {
    if (region != null && isPeer(region) && !to.contains(region)) {
      to.add(region);
    }
  }

  /** Whether every peer's changes, as of its last heartbeat, are known here. */
  public boolean knowsAllHeaders() {
    if (!knowsItsOwn()) {
      return false;
    }
    for (RegionPair peer : pairs.values()) {
      if (membership.isMember(peer.region()) && !peer.hasEverything()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether nothing is missing here that this region itself had: it has not lost its disk, and is
   * not being filled.
   */
  public boolean knowsItsOwn() {
    return repairs.hasOwnWrites() && membership.isAdmitted() && store.configured().filled();
  }

  /**
   * Whether this region may say of a key that nobody wrote it. The home may. The backup may if
   * nothing but what was of late was missing here when the home was heard last, and nothing but
   * that is missing of the others now: any of them may have written the key, and the home may have
   * known. A backup that has not heard of the home since it was opened cannot know what it missed.
   * Nobody may who lacks writes of its own region.
   */
  public boolean answersFor(Key key) {
    Homes homesOf = homes.homesOf(key);
    if (!knowsItsOwn()) {
      return false;
    }
    if (config.region().equals(homesOf.home())) {
      return inheritance.isSettled() || !homes.isSubstituted(key);
    }
    if (!config.region().equals(homesOf.backup())) {
      return false;
    }
    if (homes.isSubstituted(key) && !inheritance.isSettled()) {
      return false;
    }
    for (var pair : pairs.entrySet()) {
      if (!membership.isMember(pair.getKey())) {
        continue;
      }
      boolean isHome = pair.getKey().equals(homesOf.home());
      if (!(isHome ? pair.getValue().hadEverything() : pair.getValue().isUpToDate())) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether no member has a write of this region that is missing here. Unlike {@link #knowsItsOwn}
   * it waits for members that are away: what one of them alone may have seen cannot be decided
   * again.
   */
  public boolean knowsItsOwnForSure() {
    return knowsItsOwn() && repairs.wasWelcomedByAll();
  }

  /** Why this node's clock must not stamp anything now; null if it may. */
  public @Nullable String clockProblem() {
    return clocks.problem();
  }

  /** Smoothed round-trip time to a region in milliseconds; NaN before it was measured. */
  public double rttMs(RegionName region) {
    return link(region).rttMs();
  }

  /** Whom a fetch of the key would ask first; null if there is nobody, or no measurement yet. */
  public @Nullable FetchPath fetchPath(Key key, @Nullable Header known) {
    for (RegionName region : candidates(key, known)) {
      Outbound link = link(region);
      if (link.isEstablished()) {
        double rttMs = link.rttMs();
        return Double.isNaN(rttMs) ? null : new FetchPath(region, rttMs, link.pressure());
      }
    }
    return null;
  }

  /**
   * Sends no changes to the region until {@link #resume}; all else goes on. Forgotten at {@link
   * #close}.
   */
  public void pause(RegionName region) {
    Outbound link = link(region);
    loop.execute(link::pause);
  }

  public void resume(RegionName region) {
    Outbound link = link(region);
    loop.execute(link::resume);
  }

  /**
   * Up to which counter every region, this one included, has durably applied each actor's changes,
   * as far as it was heard here. Regions that have not been heard since the opening have applied
   * nothing. Any thread.
   */
  public VersionVector stableFloor() {
    return floor.stable(store.durablyApplied());
  }

  /**
   * Whether nothing that a peer had written was missing here when it was heard last, but what it
   * had written of late; false if it was not heard since this node was opened. Any thread.
   */
  public boolean hadEverythingOf(RegionName peer) {
    return pair(peer).hadEverything();
  }

  /** No peer needs a journal entry at or before this position. */
  public long neededAfter() {
    // Compaction asks for each frame that is dead.
    long needed = Long.MAX_VALUE;
    for (Outbound link : outbound.values()) {
      needed = Math.min(needed, link.neededAfter());
    }
    return needed;
  }

  /** Sorted by name. */
  public List<RegionName> peers() {
    return List.copyOf(outbound.keySet());
  }

  public PeerStats stats(RegionName region) {
    return link(region).stats(repairs.stats(region));
  }

  /** This peer needs no journal entry at or before this position. */
  long neededAfter(RegionName peer) {
    return link(peer).neededAfter();
  }

  public ReplicationStats stats() {
    var peers = new ArrayList<PeerStats>();
    outbound.forEach((peer, link) -> peers.add(link.stats(repairs.stats(peer))));
    return new ReplicationStats(
        peers,
        incoming.changesReceived(),
        incoming.gaps(),
        incoming.batchesRefused(),
        refusedPeers.get(),
        withoutHandshake.get(),
        repliesDropped.get(),
        prefetchesTurnedAway.get(),
        fetches.hurried(),
        fetches.cancelled(),
        new RoutingStats(
            fetches.hedges().sentTotal(),
            fetches.hedges().wonTotal(),
            fetches.hedges().refusedTotal(),
            fetches.rerouted()),
        fetches.prefetchingBytes(),
        prefetchAnswersBytes.get(),
        incoming.overCredit(),
        incoming.waitingBytes(),
        holders.estimatedBytes(),
        deltaCounters.stats());
  }

  /** Heap that takes what peers have said of what they have applied, by estimate. */
  public long toldBytes() {
    long bytes = floor.estimatedBytes();
    for (Outbound link : outbound.values()) {
      bytes += link.standing().estimatedBytes();
    }
    return bytes;
  }

  public long maxToldBytes() {
    long vectors = (long) outbound.size() * (StableFloor.VECTORS + 1);
    return vectors * Provenance.MAX_TOLD_ACTORS * VersionVector.ENTRY_BYTES;
  }

  /** Notes in the store where to go on after a restart. The loop has ended before. */
  public void noteProgress() {
    outbound.values().forEach(Outbound::noteProgress);
  }

  /**
   * Stops dialling, and answers what is still asked for. The loop has ended before: nothing else
   * runs here any more. The caller closes the transport after this.
   */
  @Override
  public void close() {
    outbound.values().forEach(Outbound::stop);
    List.copyOf(sessions.values()).forEach(each -> each.close("the fabric is closed"));
    fetches.close();
    moves.close();
    shadowRequests.close();
    repairs.close();
  }

  /** Until somebody else says who answers. */
  private final class NoShadows implements ShadowWork {
    private Frame.ShadowAnswer none() {
      return new Frame.ShadowAnswer(
          config.region(), MoveOutcome.REFUSED, "there are no shadows here", null);
    }

    @Override
    public CompletableFuture<List<Frame.ShadowAnswer>> asked(
        RegionName by, Frame.ShadowRequest request) {
      return CompletableFuture.completedFuture(List.of(none()));
    }

    @Override
    public CompletableFuture<Frame.ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
      return CompletableFuture.completedFuture(none());
    }

    @Override
    public void fetched(Key key, RegionName by) {}

    @Override
    public boolean hasShadow(Key key, RegionName region) {
      return false;
    }
  }

  private final class Host implements PeerSession.Host {
    @Override
    public ReplicationConfig config() {
      return config;
    }

    @Override
    public long nodeId() {
      return store.nodeId();
    }

    @Override
    public ConflictRules conflictRules() {
      return store.conflictRules();
    }

    @Override
    public Frame.Welcome welcome(RegionName peer, Frame.Hello hello, PeerSession by) {
      pair(peer).served(hello.nodeId(), hello.actor());
      var before = sessions.put(peer, by);
      if (before != null && before != by) {
        before.close("replaced by a newer connection");
      }
      VersionVector applied = store.appliedOf(peer);
      return new Frame.Welcome(
          config.protocols().agreedWith(hello.maxProtocol()),
          config.cluster(),
          config.region(),
          store.nodeId(),
          applied);
    }

    @Override
    public RegionPair pair(RegionName peer) {
      return Replicator.this.pair(peer);
    }

    @Override
    public Frame.Belonging belonging() {
      return new Frame.Belonging(
          homes.fixedHomes(), membership.configuration(), store.configured().admitted());
    }

    @Override
    public boolean isAdmitted() {
      return membership.isAdmitted();
    }

    @Override
    public Frame.Configured configured() {
      Configuration now = membership.configuration();
      // A region that comes back gives up what it has of this: power must not take it here as well.
      VersionVector durable = store.durablyApplied();
      var applied = new TreeMap<RegionName, VersionVector>();
      for (RegionName region : config.regions()) {
        // Of its own it has all: whoever exports what nobody has would take them for lost.
        applied.put(region, store.completeOf(region).meet(durable));
      }
      return new Frame.Configured(now, applied);
    }

    @Override
    public CompletableFuture<Boolean> adopt(Configuration theirs) {
      return membership.adopt(theirs);
    }

    @Override
    public void configured(RegionName peer, Frame.Configured configured) {
      membership
          .adopt(configured.configuration())
          .thenAccept(
              held -> {
                inheritance.told(peer, configured);
                if (held && configured.configuration().isMember(peer)) {
                  refilling.told(configured.applied());
                }
              });
    }

    @Override
    public void summary(RegionName peer, ActorId opening, Frame.Summary summary) {
      summaries.told(peer, opening, summary);
    }

    @Override
    public @Nullable String progress(RegionName peer, Frame.Progress progress) {
      String problem = provenance.problemOf(peer, progress.applied());
      boolean isTaken = problem != null || floor.heard(peer, progress);
      return isTaken ? problem : Provenance.tooManyTold(peer);
    }

    @Override
    public Frame.Standing standing(RegionName peer, long sequence, @Nullable VersionVector told) {
      return freshness.standing(peer, sequence, told);
    }

    @Override
    public IncomingChanges incoming() {
      return incoming;
    }

    @Override
    public @Nullable MetadataRecord find(Key key) {
      return copies.find(key);
    }

    @Override
    public @Nullable MetadataRecord findSuperseded(Key key) {
      return copies.findSuperseded(key);
    }

    @Override
    public boolean answersFor(Key key) {
      return Replicator.this.answersFor(key);
    }

    @Override
    public void gaveCopy(MetadataRecord record, RegionName peer) {
      if (!isToHold(peer, record.key())) {
        holders.add(record.key(), peer);
        updates.isFetched(peer, record.key(), record.header());
        shadows.fetched(record.key(), peer);
      }
    }

    @Override
    public ShadowWork shadows() {
      return shadows;
    }

    @Override
    public List<Key> push(RegionName from, List<MetadataRecord> records) {
      var useless = new ArrayList<Key>();
      for (MetadataRecord record : records) {
        if (!isDueFrom(from, record) || !takesCopy(record)) {
          useless.add(record.key());
        }
      }
      return useless;
    }

    /** What is known of a key may be unreadable; no reason to lose the connection to its home. */
    private boolean takesCopy(MetadataRecord record) {
      try {
        if (!copies.wants(record.key()) || contradictsHeader(record)) {
          return false;
        }
        copies.offer(record);
        if (store.isCurrent(record.key(), record.header().version().dot())) {
          fetches.overtaken(List.of(record.key()));
        }
        return true;
      } catch (StorageException e) {
        return false;
      }
    }

    /** Only the home pushes, and only payloads. */
    private boolean isDueFrom(RegionName from, MetadataRecord record) {
      return homes.homesOf(record.key()).home().equals(from) && record.payload() != null;
    }

    private boolean contradictsHeader(MetadataRecord record) {
      Header known = store.header(record.key());
      return known != null
          && known.version().dot().equals(record.header().version().dot())
          && known.payloadCrc32c() != record.header().payloadCrc32c();
    }

    @Override
    public CompletableFuture<HomeMoves.Result> moveHome(Frame.MoveHome move) {
      return homeMoves.moveFromHere(move.key(), move.to());
    }

    @Override
    public CompletableFuture<HomeMoves.Result> hold(MetadataRecord record) {
      return homeMoves.hold(record);
    }

    @Override
    public RepairServer repairServer(RegionName peer) {
      return new RepairServer(
          store,
          copies,
          loop,
          background,
          Replicator.this::repaired,
          record -> outgoingLate(peer, record),
          missing::consider);
    }

    @Override
    public void replyDropped() {
      repliesDropped.incrementAndGet();
    }

    @Override
    public void prefetchesTurnedAway(int keys) {
      prefetchesTurnedAway.addAndGet(keys);
    }

    @Override
    public void prefetchesWait(int moreBytes) {
      prefetchAnswersBytes.addAndGet(moreBytes);
    }

    @Override
    public void refusedPeer(RegionName region, Frame.Refuse refusal) {
      refusedPeers.incrementAndGet();
      RegionPair pair = pairs.get(region);
      if (pair != null) {
        pair.refusedHere(refusal);
      }
    }

    @Override
    public Provenance provenance() {
      return provenance;
    }

    @Override
    public void violated(RegionName peer, String what) {
      Replicator.this.pair(peer).violated(what);
    }

    @Override
    public void endedWithoutHandshake() {
      withoutHandshake.incrementAndGet();
    }

    @Override
    public void ended(RegionName peer, PeerSession by) {
      if (sessions.remove(peer, by)) {
        pair(peer).unserved();
      }
    }
  }
}
