package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What this node knows of one other region: whether it lives, how far each side is behind, which
 * directory it runs on. Everything but the methods that say so belongs to the loop.
 *
 * <p>There are two connections. The answers on the one that this node dialled show that the peer
 * can be asked; the heartbeats on the one that the peer dialled show that its changes can come.
 */
final class RegionPair {
  /** What the peer said last on the connection that it dialled. */
  private record LastWord(Frame.Backlog backlog, long atNanos) {}

  private final RegionName peer;
  private final ReplicationConfig config;
  private final Clock clock;
  private final long openedNanos;
  private final PairMachine machine;
  private final PhiAccrualDetector answers;
  private final PhiAccrualDetector heartbeats;

  private boolean linked;
  private boolean served;
  private boolean known;
  private long nodeId;
  private @Nullable ActorId servedActor;
  private long aliveAtNanos;
  private boolean sentUpToDate;

  // The peer has dialled this node, and has said on this connection how its changes stand.
  private volatile boolean toldHere;
  private volatile PeerState state = PeerState.CONNECTING;
  private volatile long flaps;
  private volatile long probationMs;
  private volatile @Nullable LastWord lastWord;
  private volatile boolean allReceived;
  private volatile double clockOffsetMs = Double.NaN;
  private volatile @Nullable Refusal refusal;
  private volatile @Nullable String notTaken;
  private volatile Frame.@Nullable Refuse refusedHere;
  private final AtomicLong violations = new AtomicLong();

  RegionPair(
      RegionName peer,
      ReplicationConfig config,
      Clock clock,
      RandomGenerator random,
      Consumer<PeerStateChange> onStateChange) {
    this.peer = peer;
    this.config = config;
    this.clock = clock;
    this.openedNanos = clock.nanoTime();
    this.answers = detector(config);
    this.heartbeats = detector(config);
    this.machine =
        new PairMachine(
            config.grantedPause(),
            random,
            openedNanos,
            (from, to, why) -> {
              state = to;
              noteFlaps();
              onStateChange.accept(new PeerStateChange(peer, from, to, why, clock.wallMs()));
            });
  }

  RegionName region() {
    return peer;
  }

  private void noteFlaps() {
    flaps = machine.flaps();
    probationMs = machine.probation().toMillis();
  }

  /** Any thread: how often it was suspected again soon after it had come back. */
  long flaps() {
    return flaps;
  }

  /** Any thread: for how long it has to be well before it is trusted, the next time. */
  long probationMs() {
    return probationMs;
  }

  private static PhiAccrualDetector detector(ReplicationConfig config) {
    return new PhiAccrualDetector(config.heartbeatEvery(), config.heartbeatEvery().dividedBy(2));
  }

  /**
   * Whether a node that says it is the peer may be believed: it runs on the directory that is
   * known, or there has been nothing of that one for a while.
   *
   * @return null if it may; else what to tell it
   */
  @Nullable String contradiction(long claimedNodeId) {
    boolean alive =
        linked || served || clock.nanoTime() - aliveAtNanos < config.grantedPause().toNanos();
    if (!known || nodeId == claimedNodeId || !alive) {
      return null;
    }
    return "region "
        + peer
        + " is node "
        + Long.toHexString(nodeId)
        + " to region "
        + config.region()
        + ", and alive; node "
        + Long.toHexString(claimedNodeId)
        + " says that it is region "
        + peer
        + " too; give each node a region name of its own, or, if the second directory replaces the"
        + " first, stop the node that runs on the first";
  }

  /**
   * The same for one that dials: two may run on copies of one directory, which have one node id.
   * What has ended, or is silent, was the same node before it was restarted.
   */
  @Nullable String contradiction(long claimedNodeId, ActorId actor) {
    boolean talks = served && sessionSilence().compareTo(config.grantedPause()) < 0;
    boolean isAnother = talks && nodeId == claimedNodeId && !actor.equals(servedActor);
    return isAnother
        ? "two processes say that they are region "
            + peer
            + ", on the same directory or copies of it (node "
            + Long.toHexString(nodeId)
            + "), and both are alive for region "
            + config.region()
            + "; give the second a directory and a region name of its own, or stop it"
        : contradiction(claimedNodeId);
  }

  private void isNode(long id) {
    long now = clock.nanoTime();
    if (!known || nodeId != id) {
      // Another directory: what the old one was like says nothing about it.
      known = true;
      nodeId = id;
      answers.forget();
      heartbeats.forget();
      lastWord = null;
      allReceived = false;
    }
    aliveAtNanos = now;
  }

  /** The peer welcomed this node. */
  void linked(long itsNodeId) {
    if (machine.state() == PeerState.EVICTED) {
      readmitted("it talks to this region again");
    }
    isNode(itsNodeId);
    long now = clock.nanoTime();
    linked = true;
    sentUpToDate = false;
    refusal = null;
    refusedHere = null;
    answers.begin(now);
    machine.established(now);
    observe();
  }

  /** Something came on the connection that this node dialled. */
  void heardOnLink() {
    answers.heard(clock.nanoTime());
  }

  /**
   * A heartbeat was answered.
   *
   * @param sentNanos when it was sent
   * @param itsWallMs the peer's wall clock when it answered
   */
  void answered(long sentNanos, long itsWallMs) {
    long now = clock.nanoTime();
    answers.heartbeat(now);
    // Half of the round trip is the best guess at when it looked at its clock.
    clockOffsetMs = itsWallMs - (clock.wallMs() - (now - sentNanos) / 2e6);
    observe();
  }

  void unlinked(String why) {
    long now = clock.nanoTime();
    linked = false;
    aliveAtNanos = now;
    machine.disconnected(now, why);
  }

  void refused(@Nullable Refusal reason, String why) {
    if (reason == Refusal.EVICTED) {
      evicted(why);
      return;
    }
    refusal = reason;
    linked = false;
    machine.refused(clock.nanoTime(), why);
  }

  /**
   * Somebody who says that it is the peer has dialled this node, and was refused. Where this node
   * cannot dial the peer, nothing else says why the two do not talk.
   */
  void refusedHere(Frame.Refuse why) {
    if (!linked && !served) {
      refusedHere = why;
    }
  }

  /** Any thread: what the peer was told last if nothing of it was taken since; null otherwise. */
  Frame.@Nullable Refuse refusedHere() {
    return refusedHere;
  }

  /** Any thread: whether the peer has refused this node. */
  boolean isRefused() {
    return refusal != null;
  }

  /** One of the two was evicted. */
  void evicted(String why) {
    refusal = Refusal.EVICTED;
    linked = false;
    if (machine.state() != PeerState.EVICTED) {
      machine.evicted(clock.nanoTime(), why);
    }
  }

  /** The peer was taken in again: it comes with another directory. */
  void readmitted(String why) {
    refusal = null;
    refusedHere = null;
    known = false;
    lastWord = null;
    allReceived = false;
    toldHere = false;
    if (machine.state() == PeerState.EVICTED) {
      machine.readmitted(clock.nanoTime(), why);
    }
  }

  /** The connection that this node dialled has been silent for too long to be kept. */
  boolean isLinkDead() {
    return isDead(answers);
  }

  /** So has the one that the peer dialled. */
  boolean isSessionDead() {
    return isDead(heartbeats);
  }

  private boolean isDead(PhiAccrualDetector detector) {
    return detector.phi(clock.nanoTime(), config.grantedPause()) >= config.suspectPhi();
  }

  Duration linkSilence() {
    return Duration.ofNanos(answers.silentNanos(clock.nanoTime()));
  }

  Duration sessionSilence() {
    return Duration.ofNanos(heartbeats.silentNanos(clock.nanoTime()));
  }

  /** The peer has dialled this node, and was welcomed. */
  void served(long itsNodeId, ActorId actor) {
    isNode(itsNodeId);
    servedActor = actor;
    served = true;
    refusedHere = null;
    // What it said before the connection ended is not what it would say now.
    toldHere = false;
    allReceived = false;
    heartbeats.begin(clock.nanoTime());
  }

  /** As whom the peer writes now, as it said when it dialled last; null before. */
  @Nullable ActorId presentActor() {
    return servedActor;
  }

  /** Something came on the connection that the peer dialled. */
  void heardOnSession() {
    heartbeats.heard(clock.nanoTime());
  }

  void heartbeat(Frame.Backlog backlog) {
    long now = clock.nanoTime();
    heartbeats.heartbeat(now);
    lastWord = new LastWord(backlog, now);
    allReceived = backlog.allAcknowledged();
    toldHere = true;
    observe();
  }

  void unserved() {
    served = false;
    aliveAtNanos = clock.nanoTime();
    allReceived = false;
    toldHere = false;
    observe();
  }

  /** How this node's changes stand with the peer, as the next heartbeat will say. */
  void sentUpToDate(boolean now) {
    sentUpToDate = now;
    observe();
  }

  /** To be called now and then: what has not happened changes the state too. */
  void observe() {
    long now = clock.nanoTime();
    boolean suspicious = answers.phi(now) >= config.suspectPhi();
    machine.observe(now, suspicious, sentUpToDate && isUpToDate(now));
  }

  private boolean isUpToDate(long nowNanos) {
    return toldHere && hadEverything() && isHeard(nowNanos);
  }

  private boolean isHeard(long nowNanos) {
    return heartbeats.phi(nowNanos) < config.suspectPhi();
  }

  /** Any thread. */
  PeerState state() {
    return state;
  }

  /**
   * Any thread: every change that the peer had published at its last heartbeat, of late, is here.
   */
  boolean hasEverything() {
    return allReceived && isHeard(clock.nanoTime());
  }

  /** Any thread: nothing is missing here but what the peer has written of late. */
  boolean isUpToDate() {
    return isUpToDate(clock.nanoTime());
  }

  /**
   * Any thread: when the peer was heard last, whenever that was, nothing was missing here but what
   * it had written of late. False if it has not been heard since this node was opened.
   */
  boolean hadEverything() {
    LastWord word = lastWord;
    return word != null && word.backlog().upToDate();
  }

  /** Any thread. */
  double phi() {
    return answers.phi(clock.nanoTime());
  }

  /** Any thread: changes of the peer that it knew to be missing here when it was heard last. */
  long missingChanges() {
    LastWord word = lastWord;
    return word == null ? 0 : word.backlog().changes();
  }

  /** Any thread: how old the oldest change of the peer may be that is missing here. */
  long missingMs() {
    long now = clock.nanoTime();
    LastWord word = lastWord;
    if (word == null) {
      return (now - openedNanos) / 1_000_000;
    }
    return hasEverything()
        ? 0
        : word.backlog().oldestMs() + Math.max(0, now - word.atNanos()) / 1_000_000;
  }

  /** Any thread: the peer said that it sends nothing until its operator says so. */
  boolean isPausedThere() {
    LastWord word = lastWord;
    return word != null && word.backlog().paused();
  }

  /** Any thread: how far the peer's wall clock is ahead of this node's; NaN if not measured. */
  double clockOffsetMs() {
    return clockOffsetMs;
  }

  /** Any thread: why one of the two does not talk to the other; null if they do. */
  @Nullable Refusal refusal() {
    Frame.Refuse here = refusedHere;
    return refusal == null && here != null ? here.reason() : refusal;
  }

  /** Any thread: why the peer's changes are not taken here; null if they are. */
  void cannotTake(@Nullable String why) {
    notTaken = why;
  }

  /** The peer did what it must not; it is cut off, and may come again. */
  void violated(String what) {
    violations.incrementAndGet();
    notTaken = "cut off: " + what;
  }

  /** Any thread. */
  long violations() {
    return violations.get();
  }

  /** Any thread. */
  @Nullable String notTaken() {
    return notTaken;
  }
}
