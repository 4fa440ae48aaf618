package io.metafabric.replicate;

import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Hands what is heard of peers that dialled to those whom it concerns, and counts what went wrong
 * with them. Belongs to the loop, beside the counts, which any thread reads.
 */
final class SessionHost implements PeerSession.Host {
  private final ReplicationConfig config;
  private final RecordStore store;
  private final LocalCopies copies;
  private final HomeMoves homeMoves;
  private final Peers peers;
  private final OpenSessions sessions;
  private final Membership membership;
  private final Roster roster;
  private final Provenance provenance;
  private final StableFloor floor;
  private final Freshness freshness;
  private final Knowledge knowledge;
  private final IncomingChanges incoming;
  private final OutgoingPayloads payloads;
  private final PushedCopies pushed;
  private final Repairs repairs;
  private volatile SummaryListener summaries = SummaryListener.NONE;
  private final AtomicLong refusedPeers = new AtomicLong();
  private final AtomicLong withoutHandshake = new AtomicLong();
  private final AtomicLong repliesDropped = new AtomicLong();
  private final AtomicLong prefetchesTurnedAway = new AtomicLong();
  private final AtomicLong prefetchAnswersBytes = new AtomicLong();

  SessionHost(
      ReplicationConfig config,
      RecordStore store,
      LocalCopies copies,
      HomeMoves homeMoves,
      Peers peers,
      OpenSessions sessions,
      Membership membership,
      Roster roster,
      Provenance provenance,
      StableFloor floor,
      Freshness freshness,
      Knowledge knowledge,
      IncomingChanges incoming,
      OutgoingPayloads payloads,
      PushedCopies pushed,
      Repairs repairs) {
    this.config = config;
    this.store = store;
    this.copies = copies;
    this.homeMoves = homeMoves;
    this.peers = peers;
    this.sessions = sessions;
    this.membership = membership;
    this.roster = roster;
    this.provenance = provenance;
    this.floor = floor;
    this.freshness = freshness;
    this.knowledge = knowledge;
    this.incoming = incoming;
    this.payloads = payloads;
    this.pushed = pushed;
    this.repairs = repairs;
  }

  /** To be called before anybody dials. */
  void summariesTo(SummaryListener reader) {
    summaries = reader;
  }

  long refusedPeers() {
    return refusedPeers.get();
  }

  long withoutHandshake() {
    return withoutHandshake.get();
  }

  long repliesDropped() {
    return repliesDropped.get();
  }

  long prefetchesTurnedAway() {
    return prefetchesTurnedAway.get();
  }

  /** Of answers to prefetches that wait for room on the way. */
  long prefetchAnswersBytes() {
    return prefetchAnswersBytes.get();
  }

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
    sessions.began(peer, by);
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
    return peers.pair(peer);
  }

  @Override
  public Frame.Belonging belonging() {
    return roster.belonging();
  }

  @Override
  public boolean isAdmitted() {
    return membership.isAdmitted();
  }

  @Override
  public Frame.Configured configured() {
    return roster.configured();
  }

  @Override
  public CompletableFuture<Boolean> adopt(Configuration theirs) {
    return membership.adopt(theirs);
  }

  @Override
  public void configured(RegionName peer, Frame.Configured configured) {
    roster.told(peer, configured);
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
    return knowledge.answersFor(key);
  }

  @Override
  public void gaveCopy(MetadataRecord record, RegionName peer) {
    payloads.gaveCopy(record, peer);
  }

  @Override
  public SortedMap<RegionName, Long> shadowsFor(RegionName peer, Key key) {
    return payloads.shadowsFor(peer, key);
  }

  @Override
  public ShadowWork shadows() {
    return payloads.shadows();
  }

  @Override
  public List<Key> push(RegionName from, List<MetadataRecord> records) {
    return pushed.take(from, records);
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
    return repairs.serverOf(peer);
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
    RegionPair pair = peers.pairs().get(region);
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
    pair(peer).violated(what);
  }

  @Override
  public void endedWithoutHandshake() {
    withoutHandshake.incrementAndGet();
  }

  @Override
  public void ended(RegionName peer, PeerSession by) {
    if (sessions.ended(peer, by)) {
      pair(peer).unserved();
    }
  }
}
