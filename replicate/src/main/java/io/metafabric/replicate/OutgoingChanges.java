package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * This directory's changes on their way to one peer, over all of its connections: what is sent next
 * and how much of it, what comes back of it, when it is sent again, and what the peer lacks that
 * the journal does not have any more. While there is a connection it has a {@link ChangeStream}.
 *
 * <p>Everything but the volatile fields, which any thread reads, belongs to the loop.
 */
final class OutgoingChanges {
  private static final int TRIES_BEFORE_GAPS = 5;

  /** Batches after which other tasks of the loop have their turn. */
  private static final int BATCHES_PER_TURN = 8;

  private final RegionName peer;
  private final ReplicationConfig config;
  private final SerialExecutor loop;
  private final Clock clock;
  private final RecordStore store;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final OutgoingLag lag;
  private final DeltaSender deltas;
  private final RoundTrips trips;
  private final LinkEvents events;
  private final Runnable onAcknowledged;
  private final Runnable onDrained;
  private final Runnable pumpSoon;
  private final Progress progress;
  private final CatchUpTries catchUp;
  private final SentParts parts = new SentParts();
  private final Rewinds rewinds;

  private @Nullable PeerConnection connection;
  private @Nullable ChangeStream stream;
  private int protocol;
  private long credit;
  private boolean rewindPlanned;
  private boolean pumpAgain;
  private boolean pumpAtNextBeat;
  private long coalescedByEarlierStreams;
  private boolean comesEmpty;

  private volatile boolean paused;
  private volatile boolean drained;
  private volatile long neededAfter;
  private volatile long inFlightBytes;
  private volatile long waitingBytes;
  private volatile long coalesced;
  private volatile long lackingEntries;
  private final AtomicLong timesBehindRetention = new AtomicLong();
  private volatile VersionVector peerHas = VersionVector.EMPTY;

  // Of that, what leaves nothing out that is still to come.
  private volatile VersionVector peerHasWhole = VersionVector.EMPTY;
  private volatile @Nullable String unreadable;
  private volatile @Nullable String unanswered;

  /**
   * @param outgoing decides whether a record goes with its payload
   * @param onAcknowledged is run when the peer has acknowledged more
   * @param onDrained is run when it has acknowledged everything: it is to hear of that at once
   * @param pumpSoon calls {@link #pump}, now or after a rest
   */
  OutgoingChanges(
      RegionName peer,
      ReplicationConfig config,
      SerialExecutor loop,
      Clock clock,
      RecordStore store,
      Function<MetadataRecord, MetadataRecord> outgoing,
      OutgoingLag lag,
      DeltaSender deltas,
      RoundTrips trips,
      LinkEvents events,
      Runnable onAcknowledged,
      Runnable onDrained,
      Runnable pumpSoon) {
    this.peer = peer;
    this.config = config;
    this.loop = loop;
    this.clock = clock;
    this.store = store;
    this.outgoing = outgoing;
    this.lag = lag;
    this.deltas = deltas;
    this.trips = trips;
    this.events = events;
    this.onAcknowledged = onAcknowledged;
    this.onDrained = onDrained;
    this.pumpSoon = pumpSoon;
    this.rewinds = new Rewinds(trips);
    this.progress = new Progress(peer, store, clock);
    this.catchUp =
        new CatchUpTries(
            loop,
            config.grantedPause(),
            () -> events.onBehindRetention(peer),
            progress::lackingUpTo,
            this::caughtUp);
    this.neededAfter = progress.position();
    this.lackingEntries = progress.lackingEntries();
  }

  /** Where to go on after a restart; the loop has ended. */
  void noteProgress() {
    progress.noteAtTheEnd();
  }

  /**
   * The peer is welcome, and nothing is sent before {@link #pump}.
   *
   * @return whether it still has what it acknowledged, as far as is known
   */
  boolean begin(PeerConnection to, Frame.Welcome welcome, long now) {
    protocol = welcome.protocol();
    rewinds.reset(now);
    pumpAtNextBeat = false;
    boolean wasKept = progress.isStillThere(welcome.applied());
    connection = to;
    stream =
        new ChangeStream(
            store,
            config.batchBytes(),
            welcome.applied(),
            progress.resumeAt(welcome.applied()),
            outgoing);
    parts.reset();
    // What is noted from now on is of what it has now, be it less than it had.
    noteAdvance(stream);
    deltas.understood(protocol, false);
    deltas.connected();
    if (!wasKept || comesEmpty) {
      deltas.forgetAll();
    }
    catchUp.connected();
    lag.reset();
    comesEmpty = false;
    peerHas = welcome.applied();
    peerHasWhole = peerHas;
    lag.acknowledged(peerHas);
    return wasKept;
  }

  /** The connection has ended, or there was none. */
  void end() {
    ChangeStream ended = stream;
    if (ended != null) {
      noteAdvance(ended);
      coalescedByEarlierStreams += ended.coalesced();
    }
    connection = null;
    stream = null;
    deltas.interrupted();
    catchUp.disconnected();
    drained = false;
    inFlightBytes = 0;
    waitingBytes = 0;
    credit = 0;
    unreadable = null;
    unanswered = null;
  }

  /** Nobody waits for the peer any more. If it ever comes back, then with nothing. */
  void evict() {
    comesEmpty = true;
    peerHas = VersionVector.EMPTY;
    peerHasWhole = VersionVector.EMPTY;
    neededAfter = Long.MAX_VALUE;
    lag.evicted();
  }

  void readmit() {
    lag.readmitted();
    neededAfter = progress.position();
  }

  /** From now on nothing is sent. */
  void pause() {
    paused = true;
  }

  void resume() {
    paused = false;
    pump();
  }

  /** From time to time: what is stuck is sent again, what could not be read is tried again. */
  void beat(long now) {
    pumpAtNextBeat = false;
    resendIfStuck(now);
    pump();
  }

  private void resendIfStuck(long now) {
    ChangeStream current = stream;
    if (current == null || !current.hasInFlight() || paused) {
      rewinds.notStuck(now);
    } else if (rewinds.isDue(now)) {
      rewind(current, now);
    }
  }

  /**
   * Each frame behind a gap is answered with the wish to send again, and one rewind serves them
   * all; a peer whose disk is full would wish so for every frame, for as long as it is full.
   */
  private void rewindOnce(ChangeStream current, long now) {
    long waitNanos = rewinds.waitNanos(now);
    if (waitNanos <= 0) {
      rewind(current, now);
    } else if (!rewindPlanned) {
      rewindPlanned = true;
      loop.schedule(Duration.ofNanos(waitNanos), this::rewindAsPlanned);
    }
  }

  private void rewindAsPlanned() {
    rewindPlanned = false;
    ChangeStream current = stream;
    if (current != null && current.hasInFlight()) {
      rewind(current, clock.nanoTime());
    }
  }

  private void rewind(ChangeStream current, long now) {
    current.rewind();
    deltas.interrupted();
    rewinds.rewound(now);
    if (rewinds.isProbing()) {
      unanswered =
          peer
              + " acknowledges nothing, however often it is sent: see there what is held because of"
              + " clocks that differ (stats().storage().held()), and whether its disk is full";
    }
    pump();
  }

  /** Sends what the window and the connection take. What fails here fails for this peer alone. */
  void pump() {
    ChangeStream from = stream;
    PeerConnection to = connection;
    if (from == null || to == null || pumpAtNextBeat) {
      return;
    }
    try {
      sendChanges(from, to);
      unreadable = null;
    } catch (StorageException e) {
      // The rest of the link lives on; what is behind the bad place waits until it can be read.
      pumpAtNextBeat = true;
      drained = false;
      unreadable = "changes for " + peer + " cannot be read: " + e.getMessage();
    } catch (RuntimeException e) {
      to.close("changes cannot be sent: " + e);
    }
  }

  private void sendChanges(ChangeStream from, PeerConnection to) {
    boolean more = true;
    for (int i = 0; more && i < BATCHES_PER_TURN; i++) {
      more = mayBeSent(from) && sendOne(from, to);
    }
    inFlightBytes = from.inFlightBytes();
    waitingBytes = from.waitingBytes();
    coalesced = coalescedByEarlierStreams + from.coalesced();
    noteAdvance(from);
    neededAfter = from.acknowledgedPosition();
    noteLacking(from);
    if (hasBroughtAll(from)) {
      endParts(from, to);
    }
    lackingEntries = progress.lackingEntries();
    boolean wasDrained = drained;
    drained = hasAll(from) && !progress.isLacking();
    if (drained && !wasDrained) {
      onDrained.run();
    }
    if (more || (mayBeSent(from) && credit > 0 && from.mustReadOn())) {
      pumpLater();
    }
  }

  private boolean hasAll(ChangeStream from) {
    // While it is paused, nothing reads on over what others wrote.
    return from.isDrained() || (paused && lag.changes() == 0);
  }

  /** What a peer has of a stream in parts is no more than it said before: it may all come again. */
  private void noteAdvance(ChangeStream from) {
    if (!parts.isOn()) {
      progress.advance(from.acknowledged(), from.acknowledgedPosition());
    }
  }

  /** What was not kept for the peer is not passed over in silence. */
  private void noteLacking(ChangeStream from) {
    if (from.lackingUpTo() > 0) {
      boolean isNews = progress.lacks(from.lackingFrom(), from.lackingUpTo());
      from.lackingIsNoted();
      if (isNews) {
        timesBehindRetention.incrementAndGet();
        catchUp.lacksMore();
      }
    }
  }

  private void caughtUp() {
    parts.compared(store.publishedPosition());
    pump();
  }

  private boolean hasBroughtAll(ChangeStream from) {
    long needed = Math.max(progress.lackingUpTo(), parts.comparedUpTo());
    return catchUp.isDone()
        && progress.isLacking()
        && (from.acknowledgedPosition() >= needed || hasAll(from));
  }

  private void endParts(ChangeStream from, PeerConnection to) {
    if (!parts.isOn()) {
      progress.lacksNothing();
      return;
    }
    parts.end();
    if (!from.hasInFlight()) {
      to.send(parts.whole(from.acknowledged()));
    }
  }

  private boolean mayBeSent(ChangeStream from) {
    return !paused
        && !parts.isEnding()
        && !mustCatchUpFirst()
        && from.inFlightBytes() < Math.min(credit, rewinds.windowBytes(config.windowBytes()));
  }

  /**
   * A peer that knows of no parts would take what has gaps for complete. It is brought what has
   * replaced what is left out before; unless that fails again and again, as where a disk is
   * damaged.
   */
  private boolean mustCatchUpFirst() {
    return protocol < Frame.Part.SINCE
        && progress.isLacking()
        && !catchUp.isDone()
        && catchUp.failures() < TRIES_BEFORE_GAPS;
  }

  /** Returns whether there may be more. */
  private boolean sendOne(ChangeStream from, PeerConnection to) {
    ChangeStream.Batch batch = from.next();
    noteLacking(from);
    if (batch == null) {
      return false;
    }
    if (mustCatchUpFirst()) {
      from.refused(batch);
      return false;
    }
    if (progress.isLacking() && protocol >= Frame.Part.SINCE) {
      parts.begin();
    }
    Frame frame =
        parts.isOn() ? new Frame.Part(batch.frame()) : deltas.encoded(batch.frame(), to::send);
    if (!to.send(frame)) {
      from.refused(batch);
      return false;
    }
    from.sent(batch);
    deltas.sent(batch.frame(), frame);
    return true;
  }

  /** Goes on after the other tasks had their turn. */
  private void pumpLater() {
    if (!pumpAgain) {
      pumpAgain = true;
      loop.execute(
          () -> {
            pumpAgain = false;
            pump();
          });
    }
  }

  void onAck(Frame.Ack ack) {
    ChangeStream current = stream;
    if (current == null || comesEmpty) {
      return;
    }
    long now = clock.nanoTime();
    deltas.acknowledged(ack.actor(), ack.counter());
    // Also one of what came twice says that the peer is at work, and a queue on the way moves.
    rewinds.notStuck(now);
    if (current.acknowledge(ack.actor(), ack.counter())) {
      rewinds.gotOn();
      unanswered = null;
      onAcknowledged.run();
      peerHas = current.acknowledged();
      peerHasWhole = parts.isOn() ? peerHasWhole : peerHas;
      lag.acknowledged(peerHas);
      events.onAdvance();
    }
    if (ack.resend()) {
      rewindOnce(current, now);
    } else {
      goOn();
    }
  }

  /** Where there was nothing left to be sent, what there is since has its turn. */
  private void goOn() {
    if (drained) {
      pumpSoon.run();
    } else {
      pump();
    }
  }

  /** The peer says that what it has leaves nothing out. */
  void onWhole(Frame.Whole whole) {
    ChangeStream current = stream;
    if (current != null && parts.isWhole(whole, current.acknowledged())) {
      peerHasWhole = whole.upTo();
      noteAdvance(current);
      progress.lacksNothing();
      events.onAdvance();
      pump();
    }
  }

  void onCredit(Frame.Credit granted) {
    credit = granted.bytes();
    deltas.understood(protocol, granted.takesCompressed());
    goOn();
  }

  /** The peer does not hold these, whatever it has acknowledged. */
  void areNotHeld(List<Key> keys) {
    deltas.forget(keys);
  }

  /** The peer does not have these dictionaries. */
  void haveNoDictionary(List<Long> numbers) {
    deltas.refused(numbers);
  }

  /**
   * What the peer is told of what waits for it.
   *
   * @param mayClaimAll whether this node is not waiting for writes of its own that it has lost
   */
  Frame.Backlog backlog(boolean mayClaimAll) {
    boolean held = paused && lag.changes() > 0;
    boolean upToDate =
        mayClaimAll && lag.upToDate(drained, trips.rttMs()) && !held && !progress.isLacking();
    boolean allAcknowledged = mayClaimAll && drained && lag.changes() == 0;
    return new Frame.Backlog(allAcknowledged, upToDate, paused, lag.changes(), lag.oldestMs());
  }

  /**
   * Everything that was published here so long before is durable at the peer; {@link
   * Frame.Standing#UNKNOWN} if that cannot be said.
   */
  long waitingMs() {
    return progress.isLacking() ? Frame.Standing.UNKNOWN : lag.waitingMs();
  }

  /** Which of this region's changes the peer has, and all that they had replaced. */
  VersionVector applied() {
    return peerHasWhole;
  }

  /** Whether the peer has this write of ours, durably. */
  boolean hasAcknowledged(Dot write) {
    return peerHasWhole.contains(write);
  }

  /** The peer needs no journal entry at or before this position. */
  long neededAfter() {
    return neededAfter;
  }

  /** Whether the peer has acknowledged all that was published here. */
  boolean isDrained() {
    return drained;
  }

  boolean isPaused() {
    return paused;
  }

  OutgoingLag lag() {
    return lag;
  }

  long inFlightBytes() {
    return inFlightBytes;
  }

  /** Of changes that were read and wait to be sent. */
  long waitingBytes() {
    return waitingBytes;
  }

  /** Changes that were not sent, because a later one of the same key said all of it. */
  long coalesced() {
    return coalesced;
  }

  /** Entries of the journal, of which some were dropped before the peer had them. */
  long lackingEntries() {
    return lackingEntries;
  }

  long timesBehindRetention() {
    return timesBehindRetention.get();
  }

  /** How often all was sent again. */
  long resends() {
    return rewinds.resends();
  }

  /** Why nothing gets on, be it here or there; null if it does, as far as is known. */
  @Nullable String problem() {
    String here = unreadable;
    return here != null ? here : unanswered;
  }
}
