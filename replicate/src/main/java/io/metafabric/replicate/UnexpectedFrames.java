package io.metafabric.replicate;

import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.wire.Frame;

/** Ends the connection on every frame that a subclass does not expect. */
abstract class UnexpectedFrames implements Frame.Handler {
  private final PeerConnection from;

  UnexpectedFrames(PeerConnection from) {
    this.from = from;
  }

  final PeerConnection from() {
    return from;
  }

  final void unexpected(Frame frame) {
    violation(frame.getClass().getSimpleName() + " is not due here");
  }

  /** The other side did what it must not. */
  void violation(String what) {
    from.close("protocol violation: " + what);
  }

  @Override
  public void onHello(Frame.Hello hello) {
    unexpected(hello);
  }

  @Override
  public void onWelcome(Frame.Welcome welcome) {
    unexpected(welcome);
  }

  @Override
  public void onRefuse(Frame.Refuse refuse) {
    unexpected(refuse);
  }

  @Override
  public void onCutOff(Frame.CutOff cutOff) {
    unexpected(cutOff);
  }

  @Override
  public void onHeartbeat(Frame.Heartbeat heartbeat) {
    unexpected(heartbeat);
  }

  @Override
  public void onHeartbeatReply(Frame.HeartbeatReply reply) {
    unexpected(reply);
  }

  @Override
  public void onChanges(Frame.Changes changes) {
    unexpected(changes);
  }

  @Override
  public void onDeltas(Frame.Deltas deltas) {
    unexpected(deltas);
  }

  @Override
  public void onReads(Frame.Reads reads) {
    unexpected(reads);
  }

  @Override
  public void onCopies(Frame.Copies copies) {
    unexpected(copies);
  }

  @Override
  public void onSummary(Frame.Summary summary) {
    unexpected(summary);
  }

  @Override
  public void onPart(Frame.Part part) {
    unexpected(part);
  }

  @Override
  public void onWhole(Frame.Whole whole) {
    unexpected(whole);
  }

  @Override
  public void onNoBase(Frame.NoBase noBase) {
    unexpected(noBase);
  }

  @Override
  public void onDictionary(Frame.Dictionary dictionary) {
    unexpected(dictionary);
  }

  @Override
  public void onNoDictionary(Frame.NoDictionary noDictionary) {
    unexpected(noDictionary);
  }

  @Override
  public void onAck(Frame.Ack ack) {
    unexpected(ack);
  }

  @Override
  public void onFetch(Frame.Fetch fetch) {
    unexpected(fetch);
  }

  @Override
  public void onHurry(Frame.Hurry hurry) {
    unexpected(hurry);
  }

  @Override
  public void onForget(Frame.Forget forget) {
    unexpected(forget);
  }

  @Override
  public void onFetchReply(Frame.FetchReply reply) {
    unexpected(reply);
  }

  @Override
  public void onPush(Frame.Push push) {
    unexpected(push);
  }

  @Override
  public void onNotHolding(Frame.NotHolding notHolding) {
    unexpected(notHolding);
  }

  @Override
  public void onStanding(Frame.Standing standing) {
    unexpected(standing);
  }

  @Override
  public void onProgress(Frame.Progress progress) {
    unexpected(progress);
  }

  @Override
  public void onMoveHome(Frame.MoveHome moveHome) {
    unexpected(moveHome);
  }

  @Override
  public void onHold(Frame.Hold hold) {
    unexpected(hold);
  }

  @Override
  public void onDone(Frame.Done done) {
    unexpected(done);
  }

  @Override
  public void onShadowRequest(Frame.ShadowRequest request) {
    unexpected(request);
  }

  @Override
  public void onHoldShadow(Frame.HoldShadow hold) {
    unexpected(hold);
  }

  @Override
  public void onShadowReply(Frame.ShadowReply reply) {
    unexpected(reply);
  }

  @Override
  public void onCredit(Frame.Credit credit) {
    unexpected(credit);
  }

  @Override
  public void onCompare(Frame.Compare compare) {
    unexpected(compare);
  }

  @Override
  public void onCompared(Frame.Compared compared) {
    unexpected(compared);
  }

  @Override
  public void onDots(Frame.Dots dots) {
    unexpected(dots);
  }

  @Override
  public void onConfigured(Frame.Configured configured) {
    unexpected(configured);
  }

  @Override
  public void onRepair(Frame.Repair repair) {
    unexpected(repair);
  }
}
