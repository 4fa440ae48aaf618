package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The connection that this node dials to one peer: handshake, changes, heartbeats, fetches; dialled
 * again, with backoff, for as long as the fabric is open.
 *
 * <p>Everything but the volatile fields belongs to the loop.
 */
final class Outbound implements PeerHandler {
  /** What the link tells the rest; on the loop. */
  interface Events {
    void onReply(RegionName from, Frame.FetchReply reply);

    void onDone(RegionName from, Frame.Done done);

    void onShadowReply(RegionName from, Frame.ShadowReply reply);

    /** The peer has acknowledged more, or said how things stand there. */
    void onAdvance();

    /** The peer has no copy any more. */
    void onDropped(RegionName from, Key key);

    /** How often the peer reads its copies. */
    void onReads(RegionName from, Frame.Reads reads);

    void onDisconnected(RegionName from);

    /**
     * The peer may be spoken to.
     *
     * @param hasLost whether it had acknowledged changes that it does not know any more
     */
    void onWelcomed(RegionName from, Frame.Welcome welcome, boolean hasLost);

    /** It will not be, before something changes there or here. */
    void onRefused(RegionName from);

    void onCompared(RegionName from, Frame.Compared compared);

    void onRepair(RegionName from, Frame.Repair repair);

    /** What is wrong with what came. */
    Provenance provenance();

    /** A peer did what it must not, and is cut off. */
    void onViolation(RegionName from, String what);

    /** Whether this node is not waiting for writes of its own that it has lost. */
    boolean mayClaimAll(RegionName to);

    /** The peer's clock seems to be ahead by so much, give or take half of the round trip. */
    void onClock(RegionName from, double offsetMs, double rttMs);

    /** What this node holds for the cluster. */
    Frame.Belonging belonging();

    /** What it tells of its configuration; null while no region ever was evicted. */
    Frame.@Nullable Configured configured();

    void onConfigured(RegionName from, Frame.Configured configured);

    /** As {@link CatchUp#onBehindRetention}. */
    CompletableFuture<Void> onBehindRetention(RegionName peer);
  }

  private static final int TRIES_BEFORE_GAPS = 5;
  private static final Duration PROGRESS_EVERY = Duration.ofSeconds(10);
  private static final double RTT_WEIGHT = 0.2;

  private static final double MAX_PRESSURE = 100;
  private static final int RESEND_RTTS = 4;
  private static final Duration RESEND_AT_LEAST = Duration.ofSeconds(2);
  private static final double FIRST_REWIND_PAUSE_MS = 20;
  private static final double LONGEST_REWIND_PAUSE_MS = 5000;

  /** Batches after which other tasks of the loop have their turn. */
  private static final int BATCHES_PER_TURN = 8;

  private final RegionName peer;
  private final PeerAddress address;
  private final ReplicationConfig config;
  private final PeerTransport transport;
  private final SerialExecutor loop;
  private final Clock clock;
  private final RandomGenerator random;
  private final RecordStore store;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final Events events;
  private final RegionPair pair;
  private final OutgoingLag lag;
  private final PeerStanding standing;
  private final DeltaSender deltas;

  private @Nullable PeerConnection connection;
  private @Nullable ChangeStream stream;
  private SerialExecutor.@Nullable Task handshakeTimer;
  private final Progress progress;
  private final CatchUpTries catchUp;
  private final SentParts parts = new SentParts();
  // Since a connection was of use: one that ends as soon as it was made is a failed attempt too.
  private int failedAttempts;
  private long establishedNanos;
  private long heartbeatSequence;
  private long heartbeatSentNanos;
  private long lastProgressNanos;
  private int rewindsWithoutProgress;
  private long nextRewindNanos;
  private boolean rewindPlanned;
  private boolean pumpAgain;
  private boolean pumpAtNextBeat;
  private long credit;
  private boolean stopped;
  private boolean evicted;
  private boolean idle;
  private int protocol;
  private Frame.@Nullable Configured configuredSent;
  private @Nullable VersionVector progressSent;
  private long progressSentNanos;

  private volatile boolean established;
  private volatile boolean paused;
  private volatile double rttMs = Double.NaN;
  private volatile double leastRttMs = Double.NaN;
  private volatile long neededAfter;
  private volatile long inFlightBytes;
  private volatile long waitingBytes;
  private volatile long coalesced;
  private volatile long lackingEntries;
  private final AtomicLong timesBehindRetention = new AtomicLong();
  private long coalescedByEarlierStreams;
  private volatile VersionVector peerHas = VersionVector.EMPTY;

  // Of that, what leaves nothing out that is still to come.
  private volatile VersionVector peerHasWhole = VersionVector.EMPTY;
  private boolean comesEmpty;
  private volatile boolean drained;
  private final AtomicLong connects = new AtomicLong();
  private final AtomicLong resends = new AtomicLong();
  private volatile @Nullable String problem;
  private volatile @Nullable String unreadable;

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
      Events events) {
    this.peer = peer;
    this.address = address;
    this.config = config;
    this.transport = transport;
    this.loop = loop;
    this.clock = clock;
    this.random = random;
    this.store = store;
    this.outgoing = outgoing;
    this.pair = pair;
    this.lag = lag;
    this.standing = new PeerStanding(clock);
    this.deltas = deltas;
    this.events = events;
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

  void start() {
    dial();
    beat();
  }

  /** Where to go on after a restart; the loop has ended. */
  void noteProgress() {
    progress.noteAtTheEnd();
  }

  void stop() {
    stopped = true;
    if (connection != null) {
      connection.close("the fabric is closed");
    }
  }

  private void dial() {
    idle = evicted;
    if (stopped || evicted) {
      return;
    }
    handshakeTimer = loop.schedule(config.handshakeTimeout(), this::handshakeTookTooLong);
    try {
      transport.connect(address, this);
    } catch (RuntimeException e) {
      // Only a defect gets here, and it must not end the dialling.
      onClosed(null, "cannot connect to " + address + ": " + e);
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
    if (stopped) {
      opened.close("the fabric is closed");
      return;
    }
    connection = opened;
    if (evicted) {
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
    if (from != connection) {
      return;
    }
    var incoming = new Incoming(from);
    if (established) {
      pair.heardOnLink();
    } else if (!isDueBeforeWelcome(frame)) {
      incoming.unexpected(frame);
      return;
    }
    frame.deliverTo(incoming);
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
    if (handshakeTimer != null) {
      handshakeTimer.cancel();
    }
    if (established) {
      established = false;
      pair.unlinked(reason);
      standing.disconnected();
      events.onDisconnected(peer);
    }
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
    if (!stopped) {
      if (!pair.isRefused()) {
        problem = reason;
      }
      loop.schedule(config.backoff().before(failedAttempts++, random), this::dial);
    }
  }

  private void welcomed(PeerConnection by, Frame.Welcome welcome) {
    Frame.Refuse refusal = refusal(welcome);
    if (refusal != null) {
      refused(by, refusal.reason(), refusal.message());
      return;
    }
    String wrong = events.provenance().problemOf(peer, welcome.applied());
    if (wrong != null) {
      violated(by, wrong);
      return;
    }
    if (handshakeTimer != null) {
      handshakeTimer.cancel();
    }
    protocol = welcome.protocol();
    by.speaks(protocol);
    long now = clock.nanoTime();
    lastProgressNanos = now;
    rewindsWithoutProgress = 0;
    nextRewindNanos = now;
    establishedNanos = now;
    pumpAtNextBeat = false;
    connects.incrementAndGet();
    problem = null;
    boolean wasKept = progress.isStillThere(welcome.applied());
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
    if (!wasKept || comesEmpty) {
      deltas.forgetAll();
    }
    catchUp.connected();
    lag.reset();
    comesEmpty = false;
    peerHas = welcome.applied();
    peerHasWhole = peerHas;
    lag.acknowledged(peerHas);
    established = true;
    pair.linked(welcome.nodeId());
    events.onWelcomed(peer, welcome, !wasKept);
    sendHeartbeat(by);
    progressSent = null;
    configuredSent = null;
    tellConfiguration();
    sendProgress(by, now);
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

  private Frame.@Nullable Refuse refusal(Frame.Welcome welcome) {
    if (!welcome.cluster().equals(config.cluster())) {
      return new Frame.Refuse(
          Refusal.CLUSTER,
          "a node of cluster \""
              + welcome.cluster()
              + "\" answers at "
              + address
              + ", region "
              + config.region()
              + " is of cluster \""
              + config.cluster()
              + "\"; give both the same cluster name, or the peer another address");
    }
    if (!welcome.region().equals(peer)) {
      return new Frame.Refuse(
          Refusal.REGION,
          "region " + welcome.region() + " answers at " + address + ", not " + peer);
    }
    if (!config.protocols().contains(welcome.protocol())) {
      return new Frame.Refuse(
          Refusal.PROTOCOL,
          "region "
              + welcome.region()
              + " answers in protocol "
              + welcome.protocol()
              + ", region "
              + config.region()
              + " speaks "
              + config.protocols()
              + "; use versions of the library that have one in common");
    }
    PeerIdentity proven = connection == null ? null : connection.provenAs();
    String notProven =
        Handshake.notProven(
            proven, config.cluster(), peer, welcome.nodeId(), "what answers at " + address);
    if (notProven != null) {
      return new Frame.Refuse(Refusal.CERTIFICATE, notProven);
    }
    String contradiction = pair.contradiction(welcome.nodeId());
    return contradiction == null ? null : new Frame.Refuse(Refusal.REGION_TAKEN, contradiction);
  }

  private void beat() {
    if (stopped) {
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
    pumpAtNextBeat = false;
    resendIfStuck(now);
    pump();
    sendHeartbeat(to);
    if (now - progressSentNanos >= PROGRESS_EVERY.toNanos()) {
      sendProgress(to, now);
    }
  }

  /** The peer must know what is applied here before it may forget what is deleted. */
  private void sendProgress(PeerConnection to, long now) {
    store.syncWithin(PROGRESS_EVERY);
    tellConfiguration();
    VersionVector applied = store.durablyApplied();
    VersionVector before = progressSent;
    VersionVector news = before == null ? applied : applied.beyond(before);
    if ((before == null || !news.isEmpty()) && to.send(new Frame.Progress(before == null, news))) {
      progressSent = applied;
    }
    progressSentNanos = now;
  }

  /** Tells the peer which configuration this node holds, unless it was told. */
  void tellConfiguration() {
    Frame.Configured now = events.configured();
    if (now != null && !now.equals(configuredSent) && send(now)) {
      configuredSent = now;
    }
  }

  /** Nobody waits for the peer any more, and it is not dialled. */
  void evict(String why) {
    evicted = true;
    // If it ever comes back, then with nothing.
    comesEmpty = true;
    peerHas = VersionVector.EMPTY;
    peerHasWhole = VersionVector.EMPTY;
    neededAfter = Long.MAX_VALUE;
    pair.evicted(why);
    PeerConnection to = connection;
    if (to != null) {
      to.close(why);
    }
  }

  /** The peer comes with an empty directory. */
  void readmit(String why) {
    evicted = false;
    neededAfter = progress.position();
    pair.readmitted(why);
    if (idle) {
      dial();
    }
  }

  private void sendHeartbeat(PeerConnection to) {
    heartbeatSentNanos = clock.nanoTime();
    boolean mayClaimAll = events.mayClaimAll(peer);
    boolean held = paused && lag.changes() > 0;
    boolean upToDate =
        mayClaimAll && lag.upToDate(drained, rttMs) && !held && !progress.isLacking();
    boolean allAcknowledged = mayClaimAll && drained;
    var backlog =
        new Frame.Backlog(allAcknowledged, upToDate, paused, lag.changes(), lag.oldestMs());
    pair.sentUpToDate(upToDate);
    standing.sent(++heartbeatSequence);
    to.send(new Frame.Heartbeat(heartbeatSequence, clock.wallMs(), backlog));
  }

  private void resendIfStuck(long now) {
    ChangeStream current = stream;
    if (current == null || !current.hasInFlight() || paused) {
      lastProgressNanos = now;
      return;
    }
    double rtts = Double.isNaN(rttMs) ? 0 : RESEND_RTTS * rttMs;
    boolean stuck =
        now - lastProgressNanos > Math.max(RESEND_AT_LEAST.toNanos(), (long) (rtts * 1e6));
    if (stuck && now - nextRewindNanos >= 0) {
      rewind(current, now);
    }
  }

  /**
   * Each frame behind a gap is answered with the wish to send again, and one rewind serves them
   * all; a peer whose disk is full would wish so for every frame, for as long as it is full.
   */
  private void rewindOnce(ChangeStream current, long now) {
    long waitNanos = nextRewindNanos - now;
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
    resends.incrementAndGet();
    lastProgressNanos = now;
    nextRewindNanos = now + rewindPauseNanos(rewindsWithoutProgress++);
    pump();
  }

  /** A round trip at first, in which the answer can come; then twice as long each time. */
  private long rewindPauseNanos(int rewinds) {
    double first =
        Double.isNaN(rttMs) ? FIRST_REWIND_PAUSE_MS : Math.max(FIRST_REWIND_PAUSE_MS, rttMs);
    return (long) (1e6 * Math.min(Math.scalb(first, rewinds), LONGEST_REWIND_PAUSE_MS));
  }

  /** Sends what the window and the connection take. What fails here fails for this peer alone. */
  void pump() {
    ChangeStream from = stream;
    PeerConnection to = connection;
    if (from == null || to == null || !established || pumpAtNextBeat) {
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
      sendHeartbeat(to);
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
        && from.inFlightBytes() < Math.min(credit, config.windowBytes());
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
    Frame frame = parts.isOn() ? new Frame.Part(batch.frame()) : deltas.encoded(batch.frame());
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
    paused = true;
    beatEarly();
  }

  void resume() {
    paused = false;
    pump();
    beatEarly();
  }

  /** The peer learns at once what it is to expect. */
  private void beatEarly() {
    PeerConnection to = connection;
    if (to != null && established) {
      sendHeartbeat(to);
    }
  }

  /** Has the peer say how things stand, unless it has been asked and may still answer. */
  void ask() {
    PeerConnection to = connection;
    if (to != null && established && !standing.isAsked(config.heartbeatEvery().toNanos())) {
      sendHeartbeat(to);
    }
  }

  /** What it has said. Any thread. */
  PeerStanding standing() {
    return standing;
  }

  /** Which of this region's changes the peer has, and all that they had replaced. Any thread. */
  VersionVector applied() {
    return peerHasWhole;
  }

  /**
   * Everything that was published here so long before is durable at the peer; {@link
   * Frame.Standing#UNKNOWN} if that cannot be said.
   */
  long waitingMs() {
    boolean mayClaim = events.mayClaimAll(peer) && established && !progress.isLacking();
    return mayClaim ? lag.waitingMs() : Frame.Standing.UNKNOWN;
  }

  boolean isPaused() {
    return paused;
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
    return new RegionRouter.Way(health(), rttMs);
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
    return drained;
  }

  /** The peer needs no journal entry at or before this position. */
  long neededAfter() {
    return neededAfter;
  }

  double rttMs() {
    return rttMs;
  }

  /**
   * 1 on an idle link; what queues on the way lengthens the round trip. Under a millisecond it is
   * the machines that differ, not the link.
   */
  double pressure() {
    double least = leastRttMs;
    double now = rttMs;
    return Double.isNaN(least) || Double.isNaN(now)
        ? 1
        : Math.max(1, Math.min(MAX_PRESSURE, (now + 1) / (least + 1)));
  }

  /** An operator wants no changes to be sent, of this node's or of the peer's. */
  boolean isPausedOnEitherSide() {
    return paused || pair.isPausedThere();
  }

  /** Whether the peer has this write of ours, durably. */
  boolean hasAcknowledged(Dot write) {
    return peerHasWhole.contains(write);
  }

  PeerStats stats(RepairStats repair) {
    String toRead = unreadable;
    String noConnection = problem;
    Frame.Refuse refusedHere = pair.refusedHere();
    if (refusedHere != null && !pair.isRefused()) {
      noConnection = peer + " was refused here: " + refusedHere.message();
    }
    String toSend = toRead != null ? toRead : noConnection;
    boolean waits = pair.state() != PeerState.EVICTED;
    long oldestMs = waits ? lag.oldestMs() : 0;
    return new PeerStats(
        peer,
        pair.state(),
        pair.phi(),
        pair.flaps(),
        pair.probationMs(),
        rttMs,
        waits ? Math.max(oldestMs, pair.missingMs()) : 0,
        waits ? lag.changes() : 0,
        oldestMs,
        waits ? pair.missingChanges() : 0,
        waits ? pair.missingMs() : 0,
        inFlightBytes,
        waitingBytes,
        coalesced,
        lackingEntries,
        timesBehindRetention.get(),
        paused,
        pair.isPausedThere(),
        pair.clockOffsetMs(),
        connects.get(),
        resends.get(),
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

  private final class Incoming extends UnexpectedFrames {
    Incoming(PeerConnection from) {
      super(from);
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
    public void onConfigured(Frame.Configured configured) {
      if (isRight(events.provenance().problemOf(peer, configured))) {
        events.onConfigured(peer, configured);
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
    void violation(String what) {
      violated(from(), what);
    }

    private boolean canBe(List<MetadataRecord> records) {
      String wrong = events.provenance().problemOf(peer, records);
      if (wrong == null && !records.stream().allMatch(config::allows)) {
        wrong = peer + " sent more than maxValueBytes";
      }
      return isRight(wrong);
    }

    private boolean canHave(VersionVector applied) {
      return isRight(events.provenance().problemOf(peer, applied));
    }

    private boolean isRight(@Nullable String wrong) {
      if (wrong != null) {
        violation(wrong);
      }
      return wrong == null;
    }

    @Override
    public void onHeartbeatReply(Frame.HeartbeatReply reply) {
      if (heartbeatSentNanos - establishedNanos >= config.heartbeatEvery().toNanos()) {
        failedAttempts = 0;
      }
      if (reply.sequence() == heartbeatSequence) {
        pair.answered(heartbeatSentNanos, reply.wallMs());
        double sampleMs = (clock.nanoTime() - heartbeatSentNanos) / 1e6;
        rttMs = Double.isNaN(rttMs) ? sampleMs : rttMs + RTT_WEIGHT * (sampleMs - rttMs);
        leastRttMs = Double.isNaN(leastRttMs) ? sampleMs : Math.min(leastRttMs, sampleMs);
        events.onClock(peer, pair.clockOffsetMs(), sampleMs);
      }
    }

    @Override
    public void onAck(Frame.Ack ack) {
      ChangeStream current = stream;
      boolean canBe = isRight(events.provenance().problemOf(peer, ack));
      if (!canBe || current == null || comesEmpty) {
        return;
      }
      long now = clock.nanoTime();
      deltas.acknowledged(ack.actor(), ack.counter());
      // Also one of what came twice says that the peer is at work, and a queue on the way moves.
      lastProgressNanos = now;
      if (current.acknowledge(ack.actor(), ack.counter())) {
        rewindsWithoutProgress = 0;
        failedAttempts = 0;
        peerHas = current.acknowledged();
        peerHasWhole = parts.isOn() ? peerHasWhole : peerHas;
        lag.acknowledged(peerHas);
        events.onAdvance();
      }
      if (ack.resend()) {
        rewindOnce(current, now);
      } else {
        pump();
      }
    }

    @Override
    public void onStanding(Frame.Standing said) {
      for (RegionName region : said.othersMs().keySet()) {
        if (!region.equals(config.region()) && !config.peers().containsKey(region)) {
          violation(peer + " speaks of region " + region + ", which there is not");
          return;
        }
      }
      if (!canHave(said.applied())) {
        return;
      }
      if (standing.heard(said)) {
        events.onAdvance();
      } else {
        violation(Provenance.tooManyTold(peer));
      }
    }

    @Override
    public void onCredit(Frame.Credit granted) {
      credit = granted.bytes();
      from().otherSideTakesCompressed(granted.takesCompressed());
      deltas.understood(protocol, granted.takesCompressed());
      pump();
    }

    @Override
    public void onNotHolding(Frame.NotHolding notHolding) {
      deltas.forget(notHolding.keys());
      notHolding.keys().forEach(key -> events.onDropped(peer, key));
    }

    @Override
    public void onReads(Frame.Reads reads) {
      events.onReads(peer, reads);
    }

    @Override
    public void onNoBase(Frame.NoBase noBase) {
      deltas.forget(noBase.keys());
    }

    @Override
    public void onWhole(Frame.Whole whole) {
      ChangeStream current = stream;
      boolean canBe = canHave(whole.upTo());
      if (canBe && current != null && parts.isWhole(whole, current.acknowledged())) {
        peerHasWhole = whole.upTo();
        noteAdvance(current);
        progress.lacksNothing();
        events.onAdvance();
        pump();
      }
    }

    @Override
    public void onDone(Frame.Done done) {
      events.onDone(peer, done);
    }

    @Override
    public void onShadowReply(Frame.ShadowReply reply) {
      events.onShadowReply(peer, reply);
    }

    @Override
    public void onFetchReply(Frame.FetchReply reply) {
      if (canBe(foundIn(reply))) {
        events.onReply(peer, reply);
      }
    }

    private static List<MetadataRecord> foundIn(Frame.FetchReply reply) {
      var found = new ArrayList<MetadataRecord>();
      for (Frame.Answer answer : reply.answers()) {
        if (answer instanceof Frame.Answer.Found current) {
          found.add(current.record());
        } else if (answer instanceof Frame.Answer.Superseded older) {
          found.add(older.record());
        }
      }
      return found;
    }

    @Override
    public void onCompared(Frame.Compared compared) {
      events.onCompared(peer, compared);
    }

    @Override
    public void onRepair(Frame.Repair repair) {
      if (canBe(repair.records())) {
        events.onRepair(peer, repair);
      }
    }
  }
}
