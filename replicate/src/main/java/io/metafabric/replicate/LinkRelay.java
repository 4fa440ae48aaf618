package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.wire.Frame;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Hands what the links hear to those whom it concerns, and asks them what the links must know.
 * Belongs to the loop. Of its own it has who is told of progress, and who brings back those that
 * were away for long.
 */
final class LinkRelay implements LinkEvents {
  private final RecordStore store;
  private final Peers peers;
  private final Provenance provenance;
  private final Roster roster;
  private final Repairs repairs;
  private final Fetches fetches;
  private final MoveRequests moves;
  private final ShadowRequests shadowRequests;
  private final OutgoingPayloads payloads;
  private final PayloadPlaces places;
  private final ClockAgreement clocks;
  private final MemberClocks memberClocks;
  private volatile CatchUp catchUp = CatchUp.BY_THE_STREAM_ALONE;
  private volatile Runnable onAdvance = () -> {};

  LinkRelay(
      RecordStore store,
      Peers peers,
      Provenance provenance,
      Roster roster,
      Repairs repairs,
      Fetches fetches,
      MoveRequests moves,
      ShadowRequests shadowRequests,
      OutgoingPayloads payloads,
      PayloadPlaces places,
      ClockAgreement clocks,
      MemberClocks memberClocks) {
    this.store = store;
    this.peers = peers;
    this.provenance = provenance;
    this.roster = roster;
    this.repairs = repairs;
    this.fetches = fetches;
    this.moves = moves;
    this.shadowRequests = shadowRequests;
    this.payloads = payloads;
    this.places = places;
    this.clocks = clocks;
    this.memberClocks = memberClocks;
  }

  void catchUpWith(CatchUp how) {
    catchUp = how;
  }

  void onAdvance(Runnable what) {
    onAdvance = what;
  }

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
    payloads.dropped(from, key);
  }

  @Override
  public void onReads(RegionName from, Frame.Reads reads) {
    payloads.areRead(from, reads.readings());
  }

  @Override
  public void onCopies(RegionName from, Frame.Copies copies) {
    places.told(from, copies);
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
    peers.pair(from).violated(what);
  }

  @Override
  public boolean mayClaimAll(RegionName to) {
    return repairs.mayClaimAll(to) && store.configured().filled();
  }

  @Override
  public void onClock(RegionName from, long wallMs, double offsetMs, double rttMs) {
    memberClocks.heard(from, wallMs);
    clocks.measured(from, offsetMs, rttMs);
  }

  @Override
  public Frame.Belonging belonging() {
    return roster.belonging();
  }

  @Override
  public Frame.@Nullable Configured configured() {
    return roster.configuredIfChanged();
  }

  @Override
  public void onConfigured(RegionName from, Frame.Configured configured) {
    roster.told(from, configured);
  }

  @Override
  public CompletableFuture<Void> onBehindRetention(RegionName behind) {
    return catchUp.onBehindRetention(behind);
  }
}
