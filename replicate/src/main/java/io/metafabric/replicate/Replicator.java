package io.metafabric.replicate;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.HomeLookup;
import io.metafabric.core.place.Place;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Later;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
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
 * <p>This is the entrance: it makes the parts, has them know each other, and passes on what it is
 * asked. A peer is an {@code Outbound} that this node dials, told of by {@code LinkRelay}, and a
 * {@code PeerSession} that the peer dialled, served by {@code SessionHost}. {@code PayloadPlaces}
 * says where payloads are, {@code OutgoingPayloads} where they are sent, {@code PayloadRequests}
 * fetches them; {@code Roster} is about regions that come and go, {@code Knowledge} about what may
 * be said to be known.
 *
 * <p>State belongs to the parts, and to the loop, a serial executor; public methods may be called
 * by any thread.
 */
public final class Replicator implements AutoCloseable {
  private final ReplicationConfig config;
  private final RecordStore store;
  private final PeerTransport transport;
  private final SerialExecutor loop;
  private final Clock clock;

  private final Peers peers;
  private final OpenSessions sessions;
  private final Membership membership;
  private final Roster roster;
  private final Knowledge knowledge;
  private final Freshness freshness;
  private final StableFloor floor;
  private final ClockAgreement clocks;
  private final MemberClocks memberClocks;
  private final Holders holders;
  private final CopyHints hints;
  private final RegionRouter router;
  private final PayloadPlaces places;
  private final OutgoingPayloads payloads;
  private final Fetches fetches;
  private final PayloadRequests requests;
  private final MoveRequests moves;
  private final ShadowRequests shadowRequests;
  private final MissingPayloads missing;
  private final Repairs repairs;
  private final Publications publications;
  private final IncomingChanges incoming;
  private final DeltaCounters deltaCounters = new DeltaCounters();
  private final DictionaryCounters dictionaryCounters = new DictionaryCounters();
  private final LinkRelay relay;
  private final SessionHost host;

  /**
   * @param onStateChange is told of every change of a pair's state, on the loop: must not wait
   * @param deltaCoding used by the loop alone, but for training; null to send everything whole. The
   *     caller closes it
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
    this.store = store;
    this.transport = transport;
    this.loop = loop;
    this.clock = clock;
    Set<RegionName> names = config.peers().keySet();
    this.membership = new Membership(config, store, loop);
    this.peers = new Peers(membership);
    this.sessions = new OpenSessions();
    var provenance = new Provenance(store, peers::presentRegionOf);
    this.clocks = new ClockAgreement(names, store.maxClockSkew());
    this.memberClocks = new MemberClocks(names);
    this.holders = new Holders(config.holderBytes());
    this.hints = new CopyHints(clock);
    this.moves = new MoveRequests(loop, peers::link, config.attemptTimeout());
    this.shadowRequests = new ShadowRequests(loop, peers::link, config.attemptTimeout());
    var times = new PublicationTimes(names);
    this.router =
        new RegionRouter(
            config.region(), config.routing().places(), region -> peers.link(region).way());
    this.places = new PayloadPlaces(config.region(), homes, store, holders, hints, peers, router);
    this.payloads =
        new OutgoingPayloads(config, store, copies, loop, places, holders, peers, updates(null));
    this.fetches =
        new Fetches(
            config,
            loop,
            clock,
            peers::link,
            router::expectedRttMs,
            hints,
            payloads::offer,
            store::wasForgotten);
    this.requests = new PayloadRequests(loop, fetches, places, peers);
    this.missing =
        new MissingPayloads(
            store,
            loop,
            background,
            header ->
                header.payloadBytes() <= config.maxValueBytes()
                    && header.mayBeVisibleElsewhereAt(clock.wallMs()),
            places::isToHoldHere,
            places::copiesElsewhere,
            requests::fetchToHold);
    this.repairs =
        new Repairs(
            config,
            store,
            copies,
            loop,
            background,
            clock,
            random,
            places::repaired,
            missing::consider);
    this.floor = new StableFloor(names);
    this.roster =
        new Roster(
            config,
            homes,
            store,
            membership,
            peers,
            sessions,
            floor,
            clocks,
            memberClocks,
            repairs,
            missing,
            loop,
            background,
            clock);
    membership.tell(roster::reconfigured);
    membership.evictNobodyWhile(repairs::lacksOwn);
    this.knowledge =
        new Knowledge(config.region(), homes, store, repairs, membership, roster, peers);
    this.publications = new Publications(store, loop, clock, peers, times, fetches, payloads);
    this.relay =
        new LinkRelay(
            store,
            peers,
            provenance,
            roster,
            repairs,
            fetches,
            moves,
            shadowRequests,
            payloads,
            places,
            clocks,
            memberClocks);
    Dictionaries dictionaries =
        deltaCoding == null
            ? null
            : new Dictionaries(
                config.deltas(), deltaCoding, loop, background, clock, dictionaryCounters);
    config
        .peers()
        .forEach(
            (peer, address) -> {
              var pair =
                  new RegionPair(
                      peer, config, clock, random, change -> changed(change, onStateChange));
              var link =
                  new Outbound(
                      peer,
                      address,
                      config,
                      transport,
                      loop,
                      clock,
                      random,
                      store,
                      record -> payloads.outgoing(peer, record),
                      pair,
                      new OutgoingLag(peer, store, times, clock),
                      deltaSender(deltaCoding, dictionaries),
                      relay);
              peers.add(peer, pair, link);
              repairs.add(peer, link, record -> payloads.outgoingLate(peer, record));
            });
    this.freshness =
        new Freshness(store, loop, clock, peers.links(), peers::isPeer, knowledge::knowsItsOwn);
    this.incoming =
        new IncomingChanges(
            config,
            store,
            loop,
            copies,
            new DeltaReader(copies, deltaCoding, deltaCounters, dictionaryCounters),
            places::isToHoldHere,
            peer -> membership.configuration().since(peer),
            peers::pair);
    this.host =
        new SessionHost(
            config,
            store,
            copies,
            homeMoves,
            peers,
            sessions,
            membership,
            roster,
            provenance,
            floor,
            freshness,
            knowledge,
            incoming,
            payloads,
            new PushedCopies(store, copies, places, fetches),
            repairs);
  }

  private DeltaSender deltaSender(
      @Nullable DeltaCoding coding, @Nullable Dictionaries dictionaries) {
    DictionarySender byDictionary =
        coding == null || dictionaries == null
            ? null
            : new DictionarySender(dictionaries, coding, dictionaryCounters);
    return new DeltaSender(config.deltas(), coding, byDictionary, deltaCounters, clock);
  }

  private CopyUpdates updates(@Nullable ReplicationManager arm) {
    return new CopyUpdates(config.region(), arm, clock, this::rttMs);
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
    relay.onAdvance(what);
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
    loop.execute(roster::begin);
    // A task for each: what one fails at does not hold up the others.
    peers.links().values().forEach(link -> loop.execute(link::start));
    loop.execute(repairs::start);
    if (!peers.isEmpty()) {
      repairs.heardFromPeers().thenRun(() -> loop.execute(missing::start));
    }
    return bound;
  }

  /** To be called before {@link #start}, as {@link #catchUpWith} is. */
  public void tellOfMembership(MembershipListener whom) {
    roster.tell(whom);
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
    payloads.decideUpdatesWith(updates(arm));
  }

  /**
   * Tells homes what is read here that is not to be held here; on the loop. What they cannot be
   * told now they are not told.
   *
   * @param perSecond by key
   */
  public void tellReads(Map<Key, Double> perSecond) {
    sessions.tellReads(perSecond, places::homeOf);
  }

  /**
   * Tells a peer what was read here; on the loop. It gives way to all else.
   *
   * @return false if it was not sent, because other data is on its way to the peer, or it {@link
   *     #takesSummaries takes none}
   */
  public boolean tellSummary(RegionName peer, Frame.Summary summary) {
    return peers.link(peer).sendIfIdle(summary);
  }

  /** Whether a peer is there and knows what a summary is; on the loop. */
  public boolean takesSummaries(RegionName peer) {
    Outbound link = peers.link(peer);
    return link.isEstablished() && link.protocol() >= Frame.Summary.SINCE;
  }

  /** Whom to tell of reads elsewhere. To be called before {@link #start}. */
  public void summariesTo(SummaryListener reader) {
    host.summariesTo(reader);
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
    relay.catchUpWith(how);
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

  /** Is told of every publication, by the committing thread. */
  public void published(List<Published> changes) {
    publications.published(changes);
  }

  /**
   * Whether a region is to hold a key's payloads in its journal: home and backup are; of the
   * fabric's own records, and of what is merged, everybody is.
   */
  public boolean isToHold(RegionName region, Key key) {
    return places.isToHold(region, key);
  }

  public RegionName homeOf(Key key) {
    return places.homeOf(key);
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
    return requests.fetch(key, known, Fetches.Purpose.READ);
  }

  /** The same for what this region is to hold, and nobody waits for. */
  public CompletableFuture<FetchResult> fetchToHold(Key key, @Nullable Header known) {
    return requests.fetchToHold(key, known);
  }

  /**
   * Asks for a version that has seen a write, or is it; in the same order, with the region that
   * made the write.
   */
  public CompletableFuture<FetchResult> fetchWrite(
      Key key, @Nullable Header known, Dot write, @Nullable RegionName writtenIn) {
    return requests.fetchWrite(key, known, write, writtenIn);
  }

  /** Asks one region for what it has of a key, and nobody else. */
  public CompletableFuture<FetchResult> fetchFrom(RegionName region, Key key) {
    return requests.fetchFrom(region, key);
  }

  /** Asks for many payloads ahead of their reads, with one request to each region. */
  public void prefetch(Map<Key, Header> wanted, BiConsumer<Key, FetchResult> sink) {
    requests.prefetch(wanted, sink);
  }

  /** Calls off what {@link #prefetch} is under way for by now, but for what a read waits for. */
  public void callOffPrefetches() {
    requests.callOffPrefetches();
  }

  /** A read has begun to wait for a key: if it is asked for ahead, it is to come next. */
  public void hurry(Key key) {
    requests.hurry(key);
  }

  /** Who answers what peers ask about shadows. To be called before {@link #start}. */
  public void shadowsBy(ShadowWork work) {
    payloads.shadowsBy(work);
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
    return onLoop(() -> shadowRequests.ask(to, verb, key, terms, dot));
  }

  /** Asks a region to have a shadow of a record, which comes with its payload. */
  public CompletableFuture<List<Frame.ShadowAnswer>> askToHoldShadow(
      RegionName to, MetadataRecord record, ShadowTerms terms) {
    return onLoop(() -> shadowRequests.askToHold(to, record, terms));
  }

  /** Whether a payload may be sent as it is. */
  public boolean mayGo(MetadataRecord record) {
    return config.allows(record);
  }

  /** A region has a copy from now on, and is sent what is newer; on the loop. */
  public void hasCopy(Key key, RegionName region) {
    payloads.hasCopy(key, region);
  }

  /** A region has none any more; on the loop. */
  public void hasNoCopy(Key key, RegionName region) {
    payloads.hasNoCopy(key, region);
  }

  /** The other regions, without those that were evicted. */
  public Set<RegionName> members() {
    return peers.members();
  }

  public boolean isPeer(RegionName region) {
    return peers.isPeer(region);
  }

  /** Whether a region is a peer that is likely to answer now. */
  public boolean isTrusted(RegionName region) {
    return peers.isTrusted(region);
  }

  /** Asks {@code home} to make {@code to} the home of a key. */
  public CompletableFuture<HomeMoves.Result> askToMove(RegionName home, Key key, RegionName to) {
    return onLoop(() -> moves.askToMove(home, key, to));
  }

  /** Asks {@code to} to hold a record durably, with its payload. */
  public CompletableFuture<HomeMoves.Result> askToHold(RegionName to, MetadataRecord record) {
    return onLoop(() -> moves.askToHold(to, record));
  }

  private <T> CompletableFuture<T> onLoop(Supplier<CompletableFuture<T>> action) {
    return Later.on(loop, action);
  }

  /**
   * Home and backup of a key without this region, the nearest first of those that are well. Any
   * thread.
   */
  public List<RegionName> nearestHomes(Key key) {
    return places.nearestHomes(key);
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
        () -> CompletableFuture.completedFuture(places.route(key, client, measuredMs, isHere)));
  }

  /**
   * Whether this region's write, or one that covers it, is durable in a region.
   *
   * @param write one of ours
   */
  public boolean hasAcknowledged(RegionName region, Dot write) {
    return peers.haveAcknowledged(region, write);
  }

  /** Whether every peer's changes, as of its last heartbeat, are known here. */
  public boolean knowsAllHeaders() {
    return knowledge.knowsAllHeaders();
  }

  /**
   * Whether nothing is missing here that this region itself had: it has not lost its disk, and is
   * not being filled.
   */
  public boolean knowsItsOwn() {
    return knowledge.knowsItsOwn();
  }

  /** Whether this region may say of a key that nobody wrote it. */
  public boolean answersFor(Key key) {
    return knowledge.answersFor(key);
  }

  /**
   * Whether no member has a write of this region that is missing here. Unlike {@link #knowsItsOwn}
   * it waits for members that are away: what one of them alone may have seen cannot be decided
   * again.
   */
  public boolean knowsItsOwnForSure() {
    return knowledge.knowsItsOwnForSure();
  }

  /**
   * What the clock shows that is behind those of all other members, as far as they were heard, and
   * this node's; before all time if one was not heard. Epoch milliseconds. Any thread.
   */
  public long leastWallMs() {
    return memberClocks.leastMs(clock.wallMs());
  }

  /** Why this node's clock must not stamp anything now; null if it may. */
  public @Nullable String clockProblem() {
    return clocks.problem();
  }

  /** Smoothed round-trip time to a region in milliseconds; NaN before it was measured. */
  public double rttMs(RegionName region) {
    return peers.link(region).rttMs();
  }

  /**
   * Round-trip time between two regions in milliseconds: to or from this one as measured and
   * smoothed, otherwise what the distance between their places lets expect; NaN if neither is
   * known.
   */
  public double expectedRttMs(RegionName from, RegionName to) {
    return isNamed(from) && isNamed(to) ? router.expectedRttMs(from, to) : Double.NaN;
  }

  private boolean isNamed(RegionName region) {
    return region.equals(store.region()) || isPeer(region);
  }

  /** Whom a fetch of the key would ask first; null if there is nobody, or no measurement yet. */
  public @Nullable FetchPath fetchPath(Key key, @Nullable Header known) {
    return places.fetchPath(key, known);
  }

  /** The same of those that keep the payload in their journals, whatever copies there are. */
  public @Nullable FetchPath keptPath(Key key, Header known) {
    return places.keptPath(key, known);
  }

  /**
   * Sends no changes to the region until {@link #resume}; all else goes on. Forgotten at {@link
   * #close}.
   */
  public void pause(RegionName region) {
    Outbound link = peers.link(region);
    loop.execute(link::pause);
  }

  public void resume(RegionName region) {
    Outbound link = peers.link(region);
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
    return peers.pair(peer).hadEverything();
  }

  /** No peer needs a journal entry at or before this position. */
  public long neededAfter() {
    return peers.neededAfter();
  }

  /** Sorted by name. */
  public List<RegionName> peers() {
    return List.copyOf(peers.links().keySet());
  }

  public PeerStats stats(RegionName region) {
    return peers.link(region).stats(repairs.stats(region));
  }

  /** This peer needs no journal entry at or before this position. */
  long neededAfter(RegionName peer) {
    return peers.link(peer).neededAfter();
  }

  public ReplicationStats stats() {
    var ofPeers = new ArrayList<PeerStats>();
    peers.links().forEach((peer, link) -> ofPeers.add(link.stats(repairs.stats(peer))));
    return new ReplicationStats(
        ofPeers,
        incoming.changesReceived(),
        incoming.gaps(),
        incoming.batchesRefused(),
        host.refusedPeers(),
        host.withoutHandshake(),
        host.repliesDropped(),
        host.prefetchesTurnedAway(),
        fetches.hurried(),
        fetches.cancelled(),
        fetches.routing(),
        fetches.prefetchingBytes(),
        host.prefetchAnswersBytes(),
        incoming.overCredit(),
        incoming.waitingBytes(),
        holders.estimatedBytes(),
        hints.stats(),
        deltaCounters.stats(),
        dictionaryCounters.stats());
  }

  /** Heap that takes what peers have said of what they have applied, by estimate. */
  public long toldBytes() {
    return floor.estimatedBytes() + peers.standingBytes();
  }

  public long maxToldBytes() {
    long vectors = (long) peers.links().size() * (StableFloor.VECTORS + 1);
    return vectors * Provenance.MAX_TOLD_ACTORS * VersionVector.ENTRY_BYTES;
  }

  /** Notes in the store where to go on after a restart. The loop has ended before. */
  public void noteProgress() {
    peers.links().values().forEach(Outbound::noteProgress);
  }

  /**
   * Stops dialling, and answers what is still asked for. The loop has ended before: nothing else
   * runs here any more. The caller closes the transport after this.
   */
  @Override
  public void close() {
    peers.links().values().forEach(Outbound::stop);
    sessions.closeAll("the fabric is closed");
    fetches.close();
    moves.close();
    shadowRequests.close();
    repairs.close();
  }
}
