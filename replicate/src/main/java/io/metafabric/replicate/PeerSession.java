package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A connection that a peer dialled: it is asked who it is, then served. Belongs to the loop. */
final class PeerSession implements PeerHandler {
  /** What serving needs of the rest. */
  interface Host extends PrefetchAnswers.Counts {
    ReplicationConfig config();

    long nodeId();

    ConflictRules conflictRules();

    /** What this node holds for the cluster. */
    Frame.Belonging belonging();

    /** Whether this region takes part, with the state that it has. */
    boolean isAdmitted();

    /** What a peer is told of the configuration that this node holds. */
    Frame.Configured configured();

    /** Goes over to a configuration that follows; completes on the loop. */
    CompletableFuture<Boolean> adopt(Configuration theirs);

    void configured(RegionName peer, Frame.Configured configured);

    RegionPair pair(RegionName peer);

    /** The peer is who it says; a connection it had before is closed. */
    Frame.Welcome welcome(RegionName peer, Frame.Hello hello, PeerSession by);

    /** What the peer has applied; returns what is wrong with that, or null. */
    @Nullable String progress(RegionName peer, Frame.Progress progress);

    /** As {@link SummaryListener#told}. */
    void summary(RegionName peer, ActorId opening, Frame.Summary summary);

    /** As {@link Freshness#standing}. */
    Frame.Standing standing(RegionName peer, long sequence, @Nullable VersionVector told);

    IncomingChanges incoming();

    @Nullable MetadataRecord find(Key key);

    /** An older value that may be shown; null if there is none. */
    @Nullable MetadataRecord findSuperseded(Key key);

    /** Whether this region may say of a key that nobody wrote it. */
    boolean answersFor(Key key);

    void gaveCopy(MetadataRecord record, RegionName peer);

    /** As {@link OutgoingPayloads#shadowsFor}. */
    SortedMap<RegionName, Long> shadowsFor(RegionName peer, Key key);

    /** Takes over what is of use, and returns the keys of which it is not. */
    List<Key> push(RegionName from, List<MetadataRecord> records);

    CompletableFuture<HomeMoves.Result> moveHome(Frame.MoveHome move);

    CompletableFuture<HomeMoves.Result> hold(MetadataRecord record);

    ShadowWork shadows();

    /** Answers comparisons that the peer begins. */
    RepairServer repairServer(RegionName peer);

    /** Somebody who says that it is this region, which may be none that is known. */
    void refusedPeer(RegionName region, Frame.Refuse refusal);

    Provenance provenance();

    /** A peer did what it must not, and is cut off. */
    void violated(RegionName peer, String what);

    /** A connection ended before it had said who it was. */
    void endedWithoutHandshake();

    void ended(RegionName peer, PeerSession by);
  }

  /** A reply of several answers is no larger; one of one answer fits whatever it is. */
  private static final int REPLY_BYTES = 128 * 1024;

  /** What is told in between is what has grown: a frame that is lost costs time. */
  private static final int WHOLE_STANDING_EVERY = 16;

  /** What an answer takes beside its key or record. */
  private static final int ANSWER_BYTES = 16;

  private final Host host;
  private final PeerConnection connection;
  private final SerialExecutor loop;
  private final Clock clock;
  private SerialExecutor.Task timer;
  private boolean ended;
  private @Nullable RegionName peer;
  private @Nullable ActorId opening;
  private boolean refused;
  private boolean adopting;
  private int protocol;
  private @Nullable RepairServer repairs;
  private @Nullable PrefetchAnswers prefetches;
  private final ReceivedParts parts = new ReceivedParts();
  private final ReceivedDictionaries dictionaries;
  private VersionVector told = VersionVector.EMPTY;
  private long standings;

  PeerSession(Host host, PeerConnection connection, SerialExecutor loop, Clock clock) {
    this.host = host;
    this.connection = connection;
    this.loop = loop;
    this.clock = clock;
    this.dictionaries = host.incoming().dictionaries();
    this.timer =
        loop.schedule(
            host.config().handshakeTimeout(),
            () -> {
              if (peer == null) {
                connection.close("no handshake in time");
              }
            });
  }

  /** How often keys are read here; a peer of an older protocol is not told. */
  void tellReads(List<Frame.Reading> readings) {
    if (peer != null && protocol >= 3) {
      connection.send(new Frame.Reads(readings));
    }
  }

  void close(String reason) {
    if (prefetches != null) {
      prefetches.close();
    }
    connection.close(reason);
  }

  @Override
  public void onOpen(PeerConnection opened) {}

  @Override
  public void onWritable(PeerConnection to) {
    if (prefetches != null) {
      prefetches.goOn();
    }
    if (repairs != null) {
      repairs.goOn(to);
    }
  }

  @Override
  public void onFrame(PeerConnection from, Frame frame) {
    RegionName known = peer;
    if (known != null) {
      host.pair(known).heardOnSession();
    }
    frame.deliverTo(known == null ? new Stranger(from) : new Served(from, known));
  }

  private void grant(PeerConnection to) {
    to.send(new Frame.Credit(host.config().windowBytes(), to.takesCompressed()));
  }

  private void closeIfSilent(RegionPair pair) {
    if (ended) {
      return;
    }
    if (pair.isSessionDead()) {
      connection.close("silent for " + pair.sessionSilence().toMillis() + " ms");
    } else {
      pair.observe();
      timer = loop.schedule(host.config().heartbeatEvery(), () -> closeIfSilent(pair));
    }
  }

  @Override
  public void onClosed(@Nullable PeerConnection closed, String reason) {
    ended = true;
    dictionaries.clear();
    timer.cancel();
    if (prefetches != null) {
      prefetches.close();
    }
    if (repairs != null) {
      repairs.close();
      repairs = null;
    }
    if (peer != null) {
      host.ended(peer, this);
    } else if (!refused) {
      host.endedWithoutHandshake();
    }
  }

  @Override
  public void onUntrusted(@Nullable PeerConnection untrusted, String reason) {
    cutOff(Refusal.CERTIFICATE, reason);
  }

  /** Ends the connection, and says why to whom can be told. */
  private void cutOff(Refusal reason, String message) {
    if (protocol >= 2) {
      connection.send(new Frame.CutOff(reason, message));
    }
    connection.close(
        (reason == Refusal.VIOLATION ? "protocol violation: " : "not trusted: ") + message);
  }

  static int estimatedBytes(Frame.Answer answer) {
    return ANSWER_BYTES
        + (answer instanceof Frame.Answer.Found found
            ? RecordCodec.estimatedBytes(found.record())
            : answer instanceof Frame.Answer.Superseded older
                ? RecordCodec.estimatedBytes(older.record())
                : answer.key().utf8Length());
  }

  private final class Stranger extends UnexpectedFrames {
    Stranger(PeerConnection from) {
      super(from);
    }

    @Override
    public void onHello(Frame.Hello hello) {
      Frame.Refuse refusal = Handshake.refusal(hello, from().provenAs(), host);
      if (refusal == null && isNews(hello.belonging().configuration())) {
        adopt(hello);
        return;
      }
      if (refusal == null) {
        refusal = Handshake.notOfOneCluster(hello, host);
      }
      if (refusal != null) {
        refused = true;
        tellConfiguration(hello);
        host.refusedPeer(hello.region(), refusal);
        from()
            .send(
                new Frame.Refuse(refusal.reason().toldIn(hello.maxProtocol()), refusal.message()));
        from().close("refused: " + refusal.message());
        return;
      }
      peer = hello.region();
      opening = hello.actor();
      timer.cancel();
      protocol = host.config().protocols().agreedWith(hello.maxProtocol());
      from().established();
      from().speaks(protocol);
      tellConfiguration(hello);
      from().send(host.welcome(hello.region(), hello, PeerSession.this));
      grant(from());
      closeIfSilent(host.pair(hello.region()));
    }

    private boolean isNews(Configuration theirs) {
      return theirs.follows(host.belonging().configuration());
    }

    /** It counts once it is in the journal; then the dialler is judged by it. */
    private void adopt(Frame.Hello hello) {
      if (adopting) {
        return;
      }
      adopting = true;
      host.adopt(hello.belonging().configuration())
          .whenComplete(
              (adopted, failure) -> {
                adopting = false;
                if (ended) {
                  return;
                }
                if (isNews(hello.belonging().configuration())) {
                  from().close("its configuration is not taken here yet: " + failure);
                } else {
                  onHello(hello);
                }
              });
    }

    /** Whoever has an older one, or was evicted, learns of it before the answer. */
    private void tellConfiguration(Frame.Hello hello) {
      Configuration ours = host.belonging().configuration();
      Configuration theirs = hello.belonging().configuration();
      boolean isEvicted = Handshake.isEvicted(hello, ours) || !host.isAdmitted();
      if (ours.follows(theirs) || (ours.equals(theirs) && isEvicted)) {
        from().send(host.configured());
      }
    }
  }

  private final class Served extends UnexpectedFrames {
    private final RegionName by;

    Served(PeerConnection from, RegionName by) {
      super(from);
      this.by = by;
    }

    @Override
    void violation(String what) {
      host.violated(by, what);
      cutOff(Refusal.VIOLATION, what);
    }

    /** What this node dials itself is told the same. */
    @Override
    public void onCutOff(Frame.CutOff cutOff) {
      from().close("cut off by " + by + ": " + cutOff.message());
    }

    private boolean canBe(List<MetadataRecord> records) {
      String problem = host.provenance().problemOf(by, records);
      if (problem == null && !records.stream().allMatch(host.config()::allows)) {
        problem = by + " sent more than maxValueBytes";
      }
      if (problem != null) {
        violation(problem);
      }
      return problem == null;
    }

    private RepairServer repairs() {
      RepairServer known = repairs;
      if (known == null) {
        known = host.repairServer(by);
        repairs = known;
      }
      return known;
    }

    @Override
    public void onCompare(Frame.Compare compare) {
      repairs().onCompare(from(), compare);
    }

    @Override
    public void onDots(Frame.Dots dots) {
      repairs().onDots(from(), dots);
    }

    /** Of whatever region: what somebody lost, others may have. */
    @Override
    public void onRepair(Frame.Repair repair) {
      if (canBe(repair.records())) {
        repairs().onRepair(from(), repair);
      }
    }

    @Override
    public void onHello(Frame.Hello hello) {
      // A duplicate of the first frame; answering again does no harm. Another one would.
      String problem =
          Handshake.notProven(
              from().provenAs(), hello.cluster(), hello.region(), hello.nodeId(), by + " now");
      if (!hello.region().equals(by) || problem != null) {
        violation(problem != null ? problem : by + " says now that it is " + hello.region());
        return;
      }
      from().send(host.welcome(by, hello, PeerSession.this));
      grant(from());
    }

    @Override
    public void onHeartbeat(Frame.Heartbeat heartbeat) {
      host.pair(by).heartbeat(heartbeat.backlog());
      from().send(new Frame.HeartbeatReply(heartbeat.sequence(), clock.wallMs()));
      sayHowThingsStand(heartbeat.sequence());
      // Again, because it may have been lost.
      grant(from());
    }

    private void sayHowThingsStand(long sequence) {
      if (protocol < 2) {
        return;
      }
      boolean whole = ++standings % WHOLE_STANDING_EVERY == 1;
      Frame.Standing standing = host.standing(by, sequence, whole ? null : told);
      if (from().send(standing)) {
        told = told.merge(standing.applied());
      }
    }

    @Override
    public void onChanges(Frame.Changes changes) {
      if (mayBe(changes)) {
        host.incoming().changes(by, from(), changes);
      }
    }

    @Override
    public void onDeltas(Frame.Deltas deltas) {
      if (!mayBe(deltas.changes())) {
        return;
      }
      try {
        host.incoming().deltas(by, from(), dictionaries, deltas);
      } catch (WireFormatException e) {
        violation(by + " sent a delta that is none: " + e.getMessage());
      }
    }

    @Override
    public void onDictionary(Frame.Dictionary dictionary) {
      if (!ended) {
        dictionaries.take(dictionary);
      }
    }

    @Override
    public void onPart(Frame.Part part) {
      if (!mayBe(part.changes())) {
        return;
      }
      if (parts.isFullFor(part.changes().actor())) {
        violation(by + " sent parts of more than " + ReceivedParts.MAX_ACTORS + " actors");
        return;
      }
      host.incoming().part(by, from(), parts, part.changes());
    }

    @Override
    public void onWhole(Frame.Whole whole) {
      String problem = host.provenance().problemOf(by, whole, parts);
      if (problem != null) {
        violation(problem);
        return;
      }
      host.incoming().whole(by, from(), parts, whole);
    }

    private boolean mayBe(Frame.Changes changes) {
      String problem = host.provenance().problemOf(by, changes);
      if (problem == null && !changes.records().stream().allMatch(host.config()::allows)) {
        problem = by + " sent more than maxValueBytes";
      }
      if (problem != null) {
        violation(problem);
      }
      return problem == null;
    }

    @Override
    public void onConfigured(Frame.Configured configured) {
      String problem = host.provenance().problemOf(by, configured);
      if (problem != null) {
        violation(problem);
        return;
      }
      Configuration ours = host.belonging().configuration();
      Configuration theirs = configured.configuration();
      if (ours.equals(theirs) || ours.follows(theirs) || theirs.follows(ours)) {
        host.configured(by, configured);
      } else {
        from().close("its configuration is another one: " + theirs + " there, " + ours + " here");
      }
    }

    @Override
    public void onProgress(Frame.Progress progress) {
      String problem = host.progress(by, progress);
      if (problem != null) {
        violation(problem);
      }
    }

    @Override
    public void onSummary(Frame.Summary summary) {
      host.summary(by, Objects.requireNonNull(opening), summary);
    }

    @Override
    public void onFetch(Frame.Fetch fetch) {
      if (fetch.prefetch()) {
        prefetches().add(fetch);
      } else {
        answerNow(fetch);
      }
    }

    @Override
    public void onHurry(Frame.Hurry hurry) {
      if (prefetches != null) {
        prefetches.hurry(hurry);
      }
    }

    @Override
    public void onForget(Frame.Forget forget) {
      if (prefetches != null) {
        prefetches.forget(forget);
      }
    }

    private PrefetchAnswers prefetches() {
      PrefetchAnswers known = prefetches;
      if (known == null) {
        known = new PrefetchAnswers(from(), loop, wanted -> answer(wanted, false), host);
        prefetches = known;
      }
      return known;
    }

    private void answerNow(Frame.Fetch fetch) {
      var answers = new ArrayList<Frame.Answer>();
      int bytes = 0;
      for (Frame.Wanted wanted : fetch.wanted()) {
        Frame.Answer answer = answer(wanted, true);
        int more = estimatedBytes(answer);
        if (!answers.isEmpty() && bytes + more > REPLY_BYTES) {
          reply(fetch, answers);
          answers.clear();
          bytes = 0;
        }
        answers.add(answer);
        bytes += more;
      }
      if (!answers.isEmpty()) {
        reply(fetch, answers);
      }
    }

    private void reply(Frame.Fetch fetch, List<Frame.Answer> answers) {
      if (!from().send(new Frame.FetchReply(fetch.requestId(), answers))) {
        host.replyDropped();
      }
    }

    private Frame.Answer answer(Frame.Wanted wanted, boolean orOlder) {
      try {
        Frame.Answer answer = find(wanted);
        return orOlder && answer instanceof Frame.Answer.NotHeld ? older(wanted.key()) : answer;
      } catch (StorageException e) {
        // Damaged here; who asks shall ask the next region, and not lose this connection.
        return new Frame.Answer.NotHeld(wanted.key());
      }
    }

    private Frame.Answer find(Frame.Wanted wanted) {
      MetadataRecord record = host.find(wanted.key());
      if (record == null) {
        return host.answersFor(wanted.key())
            ? new Frame.Answer.Unknown(wanted.key())
            : new Frame.Answer.NotHeld(wanted.key());
      }
      Dot atLeast = wanted.atLeast();
      if (!Fetches.hasOneOfUse(record, atLeast) || !host.config().allows(record)) {
        return new Frame.Answer.NotHeld(wanted.key());
      }
      if (record.header().isTombstone()) {
        return new Frame.Answer.Found(record);
      }
      host.gaveCopy(record, by);
      tellCopies(record.key());
      return new Frame.Answer.Found(record);
    }

    /** One of them may be nearer to the peer, which then asks that one the next time. */
    private void tellCopies(Key key) {
      if (protocol >= 3) {
        SortedMap<RegionName, Long> leftMs = host.shadowsFor(by, key);
        if (!leftMs.isEmpty()) {
          from().send(new Frame.Copies(key, leftMs));
        }
      }
    }

    private Frame.Answer older(Key key) {
      MetadataRecord record = host.find(key);
      MetadataRecord older =
          record == null || record.payload() != null ? record : host.findSuperseded(key);
      return older == null || older.payload() == null || !host.config().allows(older)
          ? new Frame.Answer.NotHeld(key)
          : new Frame.Answer.Superseded(older);
    }

    @Override
    public void onPush(Frame.Push push) {
      if (!canBe(push.records())) {
        return;
      }
      List<Key> useless = host.push(by, push.records());
      if (!useless.isEmpty()) {
        from().send(new Frame.NotHolding(useless));
      }
    }

    @Override
    public void onMoveHome(Frame.MoveHome move) {
      answer(move.requestId(), host.moveHome(move));
    }

    @Override
    public void onHold(Frame.Hold hold) {
      if (!canBe(List.of(hold.record()))) {
        return;
      }
      answer(hold.requestId(), host.hold(hold.record()));
    }

    @Override
    public void onShadowRequest(Frame.ShadowRequest request) {
      tell(request.requestId(), host.shadows().asked(by, request));
    }

    @Override
    public void onHoldShadow(Frame.HoldShadow hold) {
      if (!canBe(List.of(hold.record()))) {
        return;
      }
      var terms = ShadowTerms.said(hold.reason(), hold.factor(), hold.ttlMs());
      tell(hold.requestId(), host.shadows().hold(hold.record(), terms).thenApply(List::of));
    }

    private void tell(long requestId, CompletableFuture<List<Frame.ShadowAnswer>> step) {
      step.whenComplete(
          (answers, failure) -> {
            List<Frame.ShadowAnswer> said =
                failure == null
                    ? answers
                    : List.of(
                        new Frame.ShadowAnswer(
                            host.config().region(),
                            MoveOutcome.REFUSED,
                            String.valueOf(failure),
                            null));
            loop.execute(() -> from().send(new Frame.ShadowReply(requestId, said)));
          });
    }

    private void answer(long requestId, CompletableFuture<HomeMoves.Result> step) {
      step.whenComplete(
          (result, failure) -> {
            HomeMoves.Result said =
                failure == null
                    ? result
                    : new HomeMoves.Result(MoveOutcome.REFUSED, String.valueOf(failure));
            loop.execute(
                () -> from().send(new Frame.Done(requestId, said.outcome(), said.message())));
          });
    }
  }
}
