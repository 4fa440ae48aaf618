package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The connection that this node dials to one peer, from the handshake to its end: {@link Dialling}
 * makes one after the other for as long as the fabric is open, {@link OutgoingChanges} go over it,
 * beside {@link Heartbeats} and whatever others send, and {@link LinkFrames} take what comes back.
 *
 * <p>Everything but the volatile fields belongs to the loop.
 */
final class Outbound implements PeerHandler {
  /**
   * Changes that come faster wait for each other: what a frame costs on both sides, in threads that
   * are woken above all, is more than what ten changes cost.
   */
  private static final Duration BETWEEN_TURNS = Duration.ofNanos(500_000);

  private final RegionName peer;
  private final PeerAddress address;
  private final ReplicationConfig config;
  private final SerialExecutor loop;
  private final Clock clock;
  private final RecordStore store;
  private final LinkEvents events;
  private final RegionPair pair;
  private final Dialling dialling;
  private final RoundTrips trips = new RoundTrips();
  private final PeerStanding standing;
  private final OutgoingChanges changes;
  private final PacedTask turns;
  private final Heartbeats heartbeats;
  private final ToldProgress told;

  private @Nullable PeerConnection connection;
  private @Nullable Incoming incoming;
  private int protocol;

  private volatile boolean established;
  private final AtomicLong connects = new AtomicLong();
  private volatile @Nullable String problem;

  Outbound(
      RegionName peer,
      PeerAddress address,
      ReplicationConfig config,
      PeerTransport transport,
      SerialExecutor loop,
      Clock clock,
      RandomGenerator random,
      RecordStore store,
      Function<MetadataRecord, MetadataRecord> outgoing,
      RegionPair pair,
      OutgoingLag lag,
      DeltaSender deltas,
      LinkEvents events) {
    this.peer = peer;
    this.address = address;
    this.config = config;
    this.loop = loop;
    this.clock = clock;
    this.store = store;
    this.events = events;
    this.pair = pair;
    this.dialling =
        new Dialling(address, config, transport, loop, random, this, this::handshakeTookTooLong);
    this.standing = new PeerStanding(clock);
    this.changes =
        new OutgoingChanges(
            peer,
            config,
            loop,
            clock,
            store,
            outgoing,
            lag,
            deltas,
            trips,
            events,
            dialling::wasOfUse,
            this::beatEarly,
            this::pumpSoon);
    this.turns = new PacedTask(loop, BETWEEN_TURNS, this::pump);
    this.heartbeats = new Heartbeats(peer, clock, pair, changes, standing, trips, events);
    this.told = new ToldProgress(store, events);
  }

  void start() {
    dialling.dial();
    beat();
  }

  /** Where to go on after a restart; the loop has ended. */
  void noteProgress() {
    changes.noteProgress();
  }

  void stop() {
    dialling.stop();
    if (connection != null) {
      connection.close("the fabric is closed");
    }
  }

  private void handshakeTookTooLong() {
    if (connection != null && !established) {
      problem = "no handshake with " + address + " within " + config.handshakeTimeout();
      connection.close(String.valueOf(problem));
    }
  }

  @Override
  public void onOpen(PeerConnection opened) {
    if (dialling.isStopped()) {
      opened.close("the fabric is closed");
      return;
    }
    connection = opened;
    incoming = new Incoming(opened);
    if (dialling.isEvicted()) {
      opened.close(peer + " was evicted");
      return;
    }
    String notProven =
        Handshake.notProven(
            opened.provenAs(), config.cluster(), peer, null, "what answers at " + address);
    if (notProven != null) {
      refused(opened, Refusal.CERTIFICATE, notProven);
      return;
    }
    protocol = 0;
    // A peer that knows very many openings of this region has a long welcome, and it was us who
    // chose to talk to it.
    opened.established();
    opened.send(
        new Frame.Hello(
            config.protocols().lowest(),
            config.protocols().highest(),
            config.cluster(),
            config.region(),
            store.nodeId(),
            store.actor(),
            config.regions(),
            config.maxValueBytes(),
            store.conflictRules().names(),
            events.belonging()));
  }

  @Override
  public void onFrame(PeerConnection from, Frame frame) {
    Incoming by = incoming;
    if (from != connection || by == null) {
      return;
    }
    if (established) {
      pair.heardOnLink();
    } else if (!isDueBeforeWelcome(frame)) {
      by.unexpected(frame);
      return;
    }
    frame.deliverTo(by);
  }

  /** Who has not said which region it is has nothing else to say. */
  private static boolean isDueBeforeWelcome(Frame frame) {
    return frame instanceof Frame.Welcome
        || frame instanceof Frame.Refuse
        || frame instanceof Frame.Configured
        || frame instanceof Frame.CutOff;
  }

  @Override
  public void onWritable(PeerConnection to) {
    pump();
  }

  @Override
  public void onUntrusted(@Nullable PeerConnection untrusted, String reason) {
    if (untrusted != null && untrusted == connection) {
      cutOff(untrusted, Refusal.CERTIFICATE, reason);
    } else if (untrusted == null && connection == null) {
      noteRefused(Refusal.CERTIFICATE, reason);
    }
  }

  /** The peer, or what answers in its place, did what it must not. */
  private void violated(PeerConnection by, String what) {
    events.onViolation(peer, what);
    cutOff(by, Refusal.VIOLATION, what);
  }

  /** Ends the connection, and says why to whom can be told. */
  private void cutOff(PeerConnection from, Refusal reason, String message) {
    if (protocol >= 2) {
      from.send(new Frame.CutOff(reason, message));
    }
    if (reason == Refusal.CERTIFICATE) {
      refused(from, reason, message);
    } else {
      from.close("protocol violation: " + message);
    }
  }

  @Override
  public void onClosed(@Nullable PeerConnection closed, String reason) {
    if (closed != null && closed != connection) {
      return;
    }
    dialling.handshakeEnded();
    if (established) {
      established = false;
      pair.unlinked(reason);
      standing.disconnected();
      events.onDisconnected(peer);
    }
    connection = null;
    incoming = null;
    changes.end();
    if (!dialling.isStopped()) {
      if (!pair.isRefused()) {
        problem = reason;
      }
      dialling.again();
    }
  }

  private void welcomed(PeerConnection by, Frame.Welcome welcome) {
    Frame.Refuse refusal = Handshake.refusal(welcome, address, by.provenAs(), config, pair);
    if (refusal != null) {
      refused(by, refusal.reason(), refusal.message());
      return;
    }
    String wrong = events.provenance().problemOf(peer, welcome.applied());
    if (wrong != null) {
      violated(by, wrong);
      return;
    }
    dialling.handshakeEnded();
    protocol = welcome.protocol();
    by.speaks(protocol);
    long now = clock.nanoTime();
    dialling.established(now);
    connects.incrementAndGet();
    problem = null;
    boolean wasKept = changes.begin(by, welcome, now);
    established = true;
    pair.linked(welcome.nodeId());
    events.onWelcomed(peer, welcome, !wasKept);
    heartbeats.send(by);
    told.begin(by, now);
    pump();
  }

  /** One of the two does not talk to the other; it is asked again, as after any other failure. */
  private void refused(PeerConnection by, Refusal reason, String message) {
    noteRefused(reason, message);
    by.close("refused: " + message);
  }

  private void noteRefused(Refusal reason, String message) {
    problem = message;
    pair.refused(reason, message);
    if (reason != Refusal.REGION_TAKEN) {
      // Else it has said nothing yet: it holds this node's directory for that of another.
      events.onRefused(peer);
    }
  }

  private void beat() {
    if (dialling.isStopped()) {
      return;
    }
    try {
      beatOnce();
    } finally {
      // Whatever failed, a link without its beat would be dead and look alive.
      loop.schedule(config.heartbeatEvery(), this::beat);
    }
  }

  private void beatOnce() {
    pair.observe();
    PeerConnection to = connection;
    if (to == null || !established) {
      return;
    }
    if (pair.isLinkDead()) {
      to.close("silent for " + pair.linkSilence().toMillis() + " ms");
      return;
    }
    long now = clock.nanoTime();
    changes.beat(now);
    heartbeats.send(to);
    told.beat(to, now);
  }

  /** Tells the peer which configuration this node holds, unless it was told. */
  void tellConfiguration() {
    told.tellConfiguration(established ? connection : null);
  }

  /** Nobody waits for the peer any more, and it is not dialled. */
  void evict(String why) {
    dialling.evict();
    changes.evict();
    pair.evicted(why);
    PeerConnection to = connection;
    if (to != null) {
      to.close(why);
    }
  }

  /** The peer comes with an empty directory. */
  void readmit(String why) {
    changes.readmit();
    pair.readmitted(why);
    dialling.readmit();
  }

  /** Sends what the window and the connection take. What fails here fails for this peer alone. */
  void pump() {
    changes.pump();
  }

  /** The same, after a rest if it has just been done. Thread-safe. */
  void pumpSoon() {
    turns.want();
  }

  /** Sends a frame that is not a change; false if it was not taken. */
  boolean send(Frame frame) {
    PeerConnection to = connection;
    return to != null && established && to.send(frame);
  }

  /**
   * Sends a frame that can wait, if nothing else is on its way to the network, so that it holds up
   * nobody; false if it was not taken.
   */
  boolean sendIfIdle(Frame frame) {
    PeerConnection to = connection;
    return to != null
        && established
        && protocol >= frame.since()
        && to.isDrained()
        && to.send(frame);
  }

  /** From now on no changes are sent; heartbeats and fetches go on. */
  void pause() {
    changes.pause();
    beatEarly();
  }

  void resume() {
    changes.resume();
    beatEarly();
  }

  /** The peer learns at once what it is to expect. */
  private void beatEarly() {
    PeerConnection to = connection;
    if (to != null && established) {
      heartbeats.send(to);
    }
  }

  /** Has the peer say how things stand, unless it has been asked and may still answer. */
  void ask() {
    PeerConnection to = connection;
    if (to != null && established && !standing.isAsked(config.heartbeatEvery().toNanos())) {
      heartbeats.send(to);
    }
  }

  /** What it has said. Any thread. */
  PeerStanding standing() {
    return standing;
  }

  /** Which of this region's changes the peer has, and all that they had replaced. Any thread. */
  VersionVector applied() {
    return changes.applied();
  }

  /**
   * Everything that was published here so long before is durable at the peer; {@link
   * Frame.Standing#UNKNOWN} if that cannot be said.
   */
  long waitingMs() {
    boolean mayClaim = events.mayClaimAll(peer) && established;
    return mayClaim ? changes.waitingMs() : Frame.Standing.UNKNOWN;
  }

  boolean isPaused() {
    return changes.isPaused();
  }

  boolean isEstablished() {
    return established;
  }

  /** What is spoken with the peer; 0 while nothing is. On the loop. */
  int protocol() {
    return protocol;
  }

  /** Whether the peer is likely to answer. */
  boolean isTrusted() {
    return established && pair.state().isTrusted();
  }

  /** Any thread. */
  RegionRouter.Way way() {
    return new RegionRouter.Way(health(), rttMs());
  }

  private RegionHealth health() {
    if (!established) {
      return RegionHealth.AWAY;
    }
    if (!pair.state().isTrusted()) {
      return RegionHealth.DOUBTED;
    }
    return isPausedOnEitherSide() ? RegionHealth.PAUSED : RegionHealth.WELL;
  }

  /** The peer has acknowledged all that was published here. */
  boolean isDrained() {
    return changes.isDrained();
  }

  /** The peer needs no journal entry at or before this position. */
  long neededAfter() {
    return changes.neededAfter();
  }

  double rttMs() {
    return trips.rttMs();
  }

  /** As {@link RoundTrips#pressure}. */
  double pressure() {
    return trips.pressure();
  }

  /** An operator wants no changes to be sent, of this node's or of the peer's. */
  boolean isPausedOnEitherSide() {
    return changes.isPaused() || pair.isPausedThere();
  }

  /** Whether the peer has this write of ours, durably. */
  boolean hasAcknowledged(Dot write) {
    return changes.hasAcknowledged(write);
  }

  PeerStats stats(RepairStats repair) {
    String toRead = changes.problem();
    String noConnection = problem;
    Frame.Refuse refusedHere = pair.refusedHere();
    if (refusedHere != null && !pair.isRefused()) {
      noConnection = peer + " was refused here: " + refusedHere.message();
    }
    String toSend = toRead != null ? toRead : noConnection;
    boolean waits = pair.state() != PeerState.EVICTED;
    long oldestMs = waits ? changes.lag().oldestMs() : 0;
    return new PeerStats(
        peer,
        pair.state(),
        pair.phi(),
        pair.flaps(),
        pair.probationMs(),
        trips.rttMs(),
        waits ? Math.max(oldestMs, pair.missingMs()) : 0,
        waits ? changes.lag().changes() : 0,
        oldestMs,
        waits ? pair.missingChanges() : 0,
        waits ? pair.missingMs() : 0,
        changes.inFlightBytes(),
        changes.waitingBytes(),
        changes.coalesced(),
        changes.lackingEntries(),
        changes.timesBehindRetention(),
        changes.isPaused(),
        pair.isPausedThere(),
        pair.clockOffsetMs(),
        connects.get(),
        changes.resends(),
        repair,
        pair.violations(),
        pair.refusal(),
        problemOf(toSend));
  }

  /** What the peer was cut off for is told also where it cannot be dialled. */
  private @Nullable String problemOf(@Nullable String toSend) {
    String notTaken = pair.notTaken();
    if (toSend == null || notTaken == null || pair.violations() == 0) {
      return toSend == null ? notTaken : toSend;
    }
    return toSend + "; " + notTaken;
  }

  /** What comes on one connection; what begins and ends it is the link's own. */
  private final class Incoming extends LinkFrames {
    Incoming(PeerConnection from) {
      super(from, peer, config, changes, heartbeats, standing, events);
    }

    @Override
    public void onWelcome(Frame.Welcome welcome) {
      if (established) {
        unexpected(welcome);
      } else {
        welcomed(from(), welcome);
      }
    }

    @Override
    public void onRefuse(Frame.Refuse refuse) {
      refused(from(), refuse.reason(), peer + " refused this node: " + refuse.message());
    }

    @Override
    public void onCutOff(Frame.CutOff cutOff) {
      refused(from(), cutOff.reason(), peer + " has cut off this node: " + cutOff.message());
    }

    @Override
    public void onHeartbeatReply(Frame.HeartbeatReply reply) {
      dialling.answered(heartbeats.sentNanos());
      super.onHeartbeatReply(reply);
    }

    @Override
    void violation(String what) {
      violated(from(), what);
    }
  }
}
