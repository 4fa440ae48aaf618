package io.metafabric.core.wire;

import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything peers say to each other; docs/PROTOCOL.md holds the byte layout.
 *
 * <p>The node that dialled sends {@link Hello}, {@link Heartbeat}, {@link Changes}, {@link Deltas},
 * {@link Dictionary}, {@link Fetch}, {@link Hurry}, {@link Forget}, {@link Push}, {@link Summary},
 * {@link ShadowRequest}, {@link HoldShadow}, {@link Compare}, {@link Dots}; the node that was
 * dialled answers with the others; both send {@link Repair} and {@link CutOff}. All frames are
 * immutable.
 */
public sealed interface Frame {
  void deliverTo(Handler handler);

  /** Control frames are small and never wait behind data. */
  default boolean isControl() {
    return true;
  }

  /** The version of the protocol that brought it. */
  default int since() {
    return 1;
  }

  /**
   * The first frame of a connection: who dials.
   *
   * @param minProtocol lowest protocol version the dialler speaks
   * @param maxProtocol highest
   * @param nodeId identity of the dialler's directory
   * @param actor of the dialler's present opening of it: a copy of the directory has another
   * @param regions all configured regions, sorted: homes follow from them, so they must agree
   * @param maxValueBytes the largest payload there; it bounds the frames, so it must agree too
   * @param conflictRules the names of the conflict rules by namespace, where they are not the
   *     default one: all must come to the same, so they must agree
   * @param belonging to which configuration of the cluster
   */
  record Hello(
      int minProtocol,
      int maxProtocol,
      String cluster,
      RegionName region,
      long nodeId,
      ActorId actor,
      List<RegionName> regions,
      int maxValueBytes,
      SortedMap<String, String> conflictRules,
      Belonging belonging)
      implements Frame {
    public Hello {
      regions = List.copyOf(regions);
      conflictRules = Collections.unmodifiableSortedMap(new TreeMap<>(conflictRules));
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onHello(this);
    }
  }

  /**
   * What the dialler holds for the cluster.
   *
   * @param fixedHomes of the namespaces that are given some: all must agree on them
   * @param admitted the epoch that admitted the region whose state the dialler has; 0 if it was not
   *     taken in again since the beginning
   */
  record Belonging(
      SortedMap<String, Homes> fixedHomes, Configuration configuration, long admitted) {
    public static final Belonging INITIAL =
        new Belonging(new TreeMap<>(), Configuration.INITIAL, 0);

    public Belonging {
      fixedHomes = Collections.unmodifiableSortedMap(new TreeMap<>(fixedHomes));
    }
  }

  /**
   * Which regions belong to the cluster, as the sender knows it.
   *
   * @param applied of each region: for each of its actors, up to which counter the sender has
   *     applied its changes; of its own region all that it issued; no regions if the sender has to
   *     be filled anew
   */
  record Configured(Configuration configuration, SortedMap<RegionName, VersionVector> applied)
      implements Frame {
    public Configured {
      applied = Collections.unmodifiableSortedMap(new TreeMap<>(applied));
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onConfigured(this);
    }
  }

  /**
   * The dialler is known and may speak.
   *
   * @param applied for each actor of the dialler's region, up to which counter its changes were
   *     durably applied: the stream goes on from there
   */
  record Welcome(
      int protocol, String cluster, RegionName region, long nodeId, VersionVector applied)
      implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onWelcome(this);
    }
  }

  /** The dialler may not speak; the connection is closed after this. */
  record Refuse(Refusal reason, String message) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onRefuse(this);
    }
  }

  /**
   * The sender ends the connection, because of what the other side did or can prove no more. From
   * protocol 2 on; whoever speaks an older one hears nothing.
   */
  record CutOff(Refusal reason, String message) implements Frame {
    @Override
    public int since() {
      return 2;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onCutOff(this);
    }
  }

  /**
   * The dialler lives.
   *
   * @param sequence echoed by the reply
   * @param wallMs the dialler's wall clock, epoch milliseconds
   * @param backlog how the other side's copy of the dialler's changes stands
   */
  record Heartbeat(long sequence, long wallMs, Backlog backlog) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onHeartbeat(this);
    }
  }

  /**
   * What the dialler has for the other side.
   *
   * @param allAcknowledged every change that the dialler has published was acknowledged
   * @param upToDate what was not acknowledged is of late; holds if all was acknowledged
   * @param paused the dialler sends no changes until its operator says so
   * @param changes how many were not acknowledged, those replaced since included
   * @param oldestMs for how long the oldest of them has been waiting; 0 if there is none
   */
  record Backlog(
      boolean allAcknowledged, boolean upToDate, boolean paused, long changes, long oldestMs) {
    public static final Backlog NONE = new Backlog(true, true, false, 0, 0);

    public Backlog {
      if (changes < 0 || oldestMs < 0) {
        throw new IllegalArgumentException("less than nothing waits: " + changes + ", " + oldestMs);
      }
    }
  }

  /**
   * @param wallMs the wall clock of the side that was dialled, epoch milliseconds
   */
  record HeartbeatReply(long sequence, long wallMs) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onHeartbeatReply(this);
    }
  }

  /**
   * Changes that the dialler's region made, in the order of the actor's counters.
   *
   * @param after counter that must have been applied before
   * @param upTo counter up to which everything is applied with this; counters without a record were
   *     never used, or replaced by later ones
   */
  record Changes(ActorId actor, long after, long upTo, List<MetadataRecord> records)
      implements Frame {
    public Changes {
      if (after < 0 || upTo < after) {
        throw new IllegalArgumentException("not a range of counters: " + after + " to " + upTo);
      }
      records = List.copyOf(records);
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onChanges(this);
    }
  }

  /**
   * Changes of which some that are left out were replaced by what comes later, or was written
   * elsewhere: the journal that they are read from has dropped entries that the other side has not
   * had. Each is what it says, but the counters are no more than a place in the stream, before a
   * {@link Whole} says otherwise. From protocol 3 on.
   */
  record Part(Changes changes) implements Frame {
    /** The first version of the protocol that has it, and {@link Whole}. */
    public static final int SINCE = 3;

    @Override
    public int since() {
      return SINCE;
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onPart(this);
    }
  }

  /**
   * What was sent in parts is whole, up to these counters: with what was acknowledged of it and
   * what a comparison has brought the other side has everything. The dialler says it, and the other
   * side says the same once it is durable there. From protocol 3 on.
   */
  record Whole(VersionVector upTo) implements Frame {
    @Override
    public int since() {
      return Part.SINCE;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onWhole(this);
    }
  }

  /**
   * Changes of which some payloads are told as what is not as in another version, which the other
   * side has acknowledged, or by a {@link Dictionary}. From protocol 3 on, to a side that takes
   * compressed frames.
   *
   * @param changes without the payloads that are told otherwise
   * @param deltas in the order of their changes
   * @param told by dictionaries, in the order of their changes, none of which has a delta
   */
  record Deltas(Changes changes, List<Delta> deltas, List<Told> told) implements Frame {
    public Deltas {
      deltas = List.copyOf(deltas);
      told = List.copyOf(told);
    }

    /** Without dictionaries. */
    public Deltas(Changes changes, List<Delta> deltas) {
      this(changes, deltas, List.of());
    }

    /** By the counter of the change. */
    public Map<Long, Delta> byCounter() {
      var byCounter = new HashMap<Long, Delta>();
      deltas.forEach(each -> byCounter.put(each.counter(), each));
      return byCounter;
    }

    /** By the counter of the change. */
    public Map<Long, Told> toldByCounter() {
      var byCounter = new HashMap<Long, Told>();
      told.forEach(each -> byCounter.put(each.counter(), each));
      return byCounter;
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onDeltas(this);
    }
  }

  /**
   * The payload of one change.
   *
   * @param counter of the change, which comes without its payload
   * @param base the version whose payload it is told by
   * @param baseCrc32c of that payload, so that another one is never taken for it
   * @param bytes what a {@link DeltaCoding} made
   */
  record Delta(long counter, Dot base, int baseCrc32c, Bytes bytes) {
    /** What one takes beside its bytes, at the least: its change, base, checksum and length. */
    public static final int OVERHEAD_BYTES = 7;
  }

  /**
   * The payload of one change.
   *
   * @param counter of the change, which comes without its payload
   * @param dictionary the number of what it is told by
   * @param bytes what a {@link DeltaCoding} made
   */
  record Told(long counter, long dictionary, Bytes bytes) {
    /** What one takes beside its bytes, at the least: its change, dictionary and length. */
    public static final int OVERHEAD_BYTES = 3;
  }

  /**
   * What payloads have in common: those that follow over the same connection may be told by it.
   * From protocol 3 on, to a side that takes compressed frames.
   *
   * @param place it takes that of another, and is forgotten with the connection
   * @param number what it is called by; the sender gives each number once
   */
  record Dictionary(int place, long number, Bytes bytes) implements Frame {
    /** So many may be known at a time. */
    public static final int PLACES = 16;

    public static final int MAX_BYTES = 4096;

    @Override
    public int since() {
      return 3;
    }

    /** It must come before what is told by it. */
    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onDictionary(this);
    }
  }

  /**
   * Payloads were told by dictionaries of these numbers, which are not here. From protocol 3 on.
   */
  record NoDictionary(List<Long> numbers) implements Frame {
    public NoDictionary {
      numbers = List.copyOf(numbers);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onNoDictionary(this);
    }
  }

  /**
   * The payloads by which deltas of these keys were told are not here, or their dictionary is not:
   * the next ones are to come whole. From protocol 3 on.
   */
  record NoBase(List<Key> keys) implements Frame {
    public NoBase {
      keys = List.copyOf(keys);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onNoBase(this);
    }
  }

  /**
   * How often the answering side reads keys whose home the dialler is and that it need not hold.
   * From protocol 3 on.
   */
  record Reads(List<Reading> readings) implements Frame {
    public Reads {
      readings = List.copyOf(readings);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onReads(this);
    }
  }

  /**
   * @param microReads reads in a million seconds, at the present rate
   */
  record Reading(Key key, long microReads) {
    public Reading {
      if (microReads < 0) {
        throw new IllegalArgumentException("less than no reads: " + microReads);
      }
    }
  }

  /**
   * What the dialler's clients have read of late: statistics, which may be lost. From protocol 3
   * on.
   *
   * @param sequence ascends within an opening of the dialler's directory
   */
  record Summary(long sequence, AccessSummary summary) implements Frame {
    /** The first version of the protocol that has it. */
    public static final int SINCE = 3;

    @Override
    public int since() {
      return SINCE;
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onSummary(this);
    }
  }

  /**
   * The actor's changes up to {@code counter} are durably applied.
   *
   * @param resend something in between is missing: go on from {@code counter}
   */
  record Ack(ActorId actor, long counter, boolean resend) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onAck(this);
    }
  }

  /** Asks for payloads that the other side holds itself; it never asks anyone else. */
  record Fetch(long requestId, boolean prefetch, List<Wanted> wanted) implements Frame {
    public Fetch {
      wanted = List.copyOf(wanted);
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onFetch(this);
    }
  }

  /**
   * A read waits for a key of a prefetch: it is to be answered next. Nothing comes of it if it was
   * answered already.
   *
   * @param requestId of the {@link Fetch}
   */
  record Hurry(long requestId, Key key) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onHurry(this);
    }
  }

  /**
   * Nobody wants these keys of a prefetch any more: those that are not answered yet need not be.
   *
   * @param requestId of the {@link Fetch}
   */
  record Forget(long requestId, List<Key> keys) implements Frame {
    public Forget {
      keys = List.copyOf(keys);
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onForget(this);
    }
  }

  /**
   * @param atLeast the version that is known; an older one is of no use. Null if none is known
   */
  record Wanted(Key key, @Nullable Dot atLeast) {}

  record FetchReply(long requestId, List<Answer> answers) implements Frame {
    public FetchReply {
      answers = List.copyOf(answers);
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onFetchReply(this);
    }
  }

  /** What the other side knows of one key that was asked for. */
  sealed interface Answer {
    Key key();

    /** Its header, and its payload unless it is a tombstone. */
    record Found(MetadataRecord record) implements Answer {
      @Override
      public Key key() {
        return record.key();
      }
    }

    /** It has a header, but no payload that could be shown, or would not say. */
    record NotHeld(Key key) implements Answer {}

    /** It has not what is wanted, but an older value with its payload. */
    record Superseded(MetadataRecord record) implements Answer {
      @Override
      public Key key() {
        return record.key();
      }
    }

    /** It has no header. */
    record Unknown(Key key) implements Answer {}
  }

  /** The home hands payloads on to regions that hold a copy; the headers come from the writer. */
  record Push(List<MetadataRecord> records) implements Frame {
    public Push {
      records = List.copyOf(records);
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onPush(this);
    }
  }

  /** No copies of these are held here any more: send headers alone. */
  record NotHolding(List<Key> keys) implements Frame {
    public NotHolding {
      keys = List.copyOf(keys);
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onNotHolding(this);
    }
  }

  /**
   * Goes with an answer to a fetch: which other regions have a shadow of the key as far as the
   * answering region, its home or backup, knows. From protocol 3 on.
   *
   * @param leftMs for how long each has it at least
   */
  record Copies(Key key, SortedMap<RegionName, Long> leftMs) implements Frame {
    public Copies {
      leftMs = Collections.unmodifiableSortedMap(new TreeMap<>(leftMs));
      if (leftMs.size() > FrameCodec.MAX_REGIONS
          || leftMs.values().stream().anyMatch(left -> left < 0)) {
        throw new IllegalArgumentException("times left must be >= 0, of few regions: " + leftMs);
      }
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onCopies(this);
    }
  }

  /**
   * The answer to a heartbeat of a node that is to know how fresh its copies are: what the
   * answering region had been told of others when it answered. From protocol 2 on.
   *
   * @param sequence of the heartbeat
   * @param ownMs everything that the answering region published so long before is durable at the
   *     dialler; {@link #UNKNOWN} if that cannot be said
   * @param othersMs the same of other regions' changes and the answering region; without those of
   *     which it cannot be said
   * @param whole whether {@code applied} is all, and not only what has grown
   * @param applied up to which counter each actor's changes are durable at the answering region
   */
  record Standing(
      long sequence,
      long ownMs,
      SortedMap<RegionName, Long> othersMs,
      boolean whole,
      VersionVector applied)
      implements Frame {
    public static final long UNKNOWN = -1;

    public Standing {
      othersMs = Collections.unmodifiableSortedMap(new TreeMap<>(othersMs));
      if (ownMs < UNKNOWN || othersMs.values().stream().anyMatch(ms -> ms < 0)) {
        throw new IllegalArgumentException("ages must be >= 0: " + ownMs + ", " + othersMs);
      }
    }

    @Override
    public int since() {
      return 2;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onStanding(this);
    }
  }

  /**
   * Up to which counters the dialler has durably applied each actor's changes, its own included.
   *
   * @param whole replaces what it said before; otherwise only what has grown is here
   */
  record Progress(boolean whole, VersionVector applied) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onProgress(this);
    }
  }

  /** Asks the home of a key to make another region its home. */
  record MoveHome(long requestId, Key key, RegionName to) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onMoveHome(this);
    }
  }

  /**
   * The other side is about to become the home: it is to hold this, with its payload, durably.
   *
   * @param record the newest that the present home knows, whoever wrote it
   */
  record Hold(long requestId, MetadataRecord record) implements Frame {
    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onHold(this);
    }
  }

  /** What became of a {@link MoveHome} or a {@link Hold}. */
  record Done(long requestId, MoveOutcome outcome, String message) implements Frame {
    @Override
    public void deliverTo(Handler handler) {
      handler.onDone(this);
    }
  }

  /**
   * Something about the shadows of a key; answered with {@link ShadowReply}. From protocol 3 on.
   *
   * @param reason why there is to be one; {@link ShadowReason#REQUESTED} where nothing is said
   * @param factor how many regions are to hold the payload, home and backup included; 0 where
   *     nothing is said
   * @param ttlMs for how long at first; 0 where nothing is said
   * @param dot what the asking region's shadow has; null if it has none
   */
  record ShadowRequest(
      long requestId,
      ShadowVerb verb,
      Key key,
      ShadowReason reason,
      int factor,
      long ttlMs,
      @Nullable Dot dot)
      implements Frame {
    public ShadowRequest {
      requireTerms(factor, ttlMs);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onShadowRequest(this);
    }
  }

  /**
   * The other side is to have a shadow of this, with its payload; answered with {@link
   * ShadowReply}. From protocol 3 on.
   *
   * @param factor as of {@link ShadowRequest}
   * @param ttlMs for how long at first
   */
  record HoldShadow(
      long requestId, MetadataRecord record, ShadowReason reason, int factor, long ttlMs)
      implements Frame {
    public HoldShadow {
      requireTerms(factor, ttlMs);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onHoldShadow(this);
    }
  }

  private static void requireTerms(int factor, long ttlMs) {
    if (factor < 0 || factor > FrameCodec.MAX_REGIONS || ttlMs < 0) {
      throw new IllegalArgumentException(
          "no terms of a shadow: factor " + factor + ", " + ttlMs + " ms");
    }
  }

  /** What became of what was asked about shadows, region by region. From protocol 3 on. */
  record ShadowReply(long requestId, List<ShadowAnswer> answers) implements Frame {
    public ShadowReply {
      answers = List.copyOf(answers);
    }

    @Override
    public int since() {
      return 3;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onShadowReply(this);
    }
  }

  /**
   * @param region whose answer it is
   * @param message why, where it is not as was asked
   * @param facts null if it has no shadow
   */
  record ShadowAnswer(
      RegionName region, MoveOutcome outcome, String message, @Nullable ShadowFacts facts) {}

  /**
   * A shadow.
   *
   * @param dot names the version of its payload
   * @param ageMs since it was made
   * @param leftMs until it ends, unless it is read
   * @param hits how often it was read there
   */
  record ShadowFacts(Dot dot, ShadowReason reason, long ageMs, long leftMs, long hits) {
    public ShadowFacts {
      if (ageMs < 0 || leftMs < 0 || hits < 0) {
        throw new IllegalArgumentException(
            "less than nothing: " + ageMs + ", " + leftMs + ", " + hits);
      }
    }
  }

  /**
   * Digests of nodes of the dialler's {@link io.metafabric.core.digest.HeaderTree}: which of them
   * are other ones there?
   *
   * @param salt of the digests, another one each time
   * @param depth of the nodes, a multiple of 4 up to 28
   * @param families ascending
   */
  record Compare(long request, long salt, int depth, List<Family> families) implements Frame {
    public Compare {
      families = List.copyOf(families);
      requireAscending(families.stream().mapToInt(Family::parent).toArray());
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onCompare(this);
    }
  }

  /**
   * The children of one node.
   *
   * @param parent its path
   * @param digests sixteen of four bytes
   */
  record Family(int parent, Bytes digests) {
    public static final int CHILDREN = 16;
    public static final int BYTES = CHILDREN * Integer.BYTES;

    public Family {
      if (digests.length() != BYTES) {
        throw new IllegalArgumentException("a family has " + BYTES + " bytes of digests");
      }
    }
  }

  /**
   * The answer to {@link Compare}: the nodes whose digests are other ones here.
   *
   * @param keys how many the answering side has
   * @param differing families with a node that differs, ascending
   */
  record Compared(long request, long keys, List<Differing> differing) implements Frame {
    public Compared {
      differing = List.copyOf(differing);
      requireAscending(differing.stream().mapToInt(Differing::parent).toArray());
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onCompared(this);
    }
  }

  /**
   * @param parent path of the node whose children are meant
   * @param children a bit for each, the lowest for the first
   */
  record Differing(int parent, int children) {
    public Differing {
      if (children < 1 || children > 0xffff) {
        throw new IllegalArgumentException("not one to sixteen children: " + children);
      }
    }
  }

  /**
   * What the dialler has below nodes that differ; it is answered with {@link Repair}.
   *
   * @param depth of the nodes
   * @param nodes ascending
   */
  record Dots(long request, int depth, List<Below> nodes) implements Frame {
    public Dots {
      nodes = List.copyOf(nodes);
      requireAscending(nodes.stream().mapToInt(Below::prefix).toArray());
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onDots(this);
    }
  }

  /**
   * @param dots the present writes below the node, in order
   */
  record Below(int prefix, List<Dot> dots) {
    public Below {
      dots = List.copyOf(dots);
    }
  }

  /**
   * Records that the other side lacks, of whatever region, and writes that are lacking here. As an
   * answer to {@link Dots} the records come without payloads. The dialler's is answered with what
   * it wants once its records are durable; with request 0 it is an offer without an answer.
   *
   * @param part counts the frames of one answer from 0
   * @param last whether the answer ends with this
   * @param wanted in order
   */
  record Repair(
      long request, int part, boolean last, List<Dot> wanted, List<MetadataRecord> records)
      implements Frame {
    public Repair {
      wanted = List.copyOf(wanted);
      records = List.copyOf(records);
    }

    @Override
    public boolean isControl() {
      return false;
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onRepair(this);
    }
  }

  /**
   * How much the dialler may have sent and not acknowledged; replaces what was granted before.
   *
   * @param bytes of changes, as {@link io.metafabric.core.codec.RecordCodec#estimatedBytes} counts
   * @param takesCompressed whether frames may be compressed, and payloads be told as deltas
   */
  record Credit(int bytes, boolean takesCompressed) implements Frame {
    public Credit {
      if (bytes < 0) {
        throw new IllegalArgumentException("a credit must be >= 0, was " + bytes);
      }
    }

    @Override
    public void deliverTo(Handler handler) {
      handler.onCredit(this);
    }
  }

  private static void requireAscending(int[] paths) {
    for (int i = 1; i < paths.length; i++) {
      if (paths[i - 1] >= paths[i]) {
        throw new IllegalArgumentException("nodes are not in order at " + paths[i]);
      }
    }
  }

  /** A new frame breaks every handler at compile time. */
  interface Handler {
    void onHello(Hello hello);

    void onWelcome(Welcome welcome);

    void onRefuse(Refuse refuse);

    void onCutOff(CutOff cutOff);

    void onHeartbeat(Heartbeat heartbeat);

    void onHeartbeatReply(HeartbeatReply reply);

    void onChanges(Changes changes);

    void onAck(Ack ack);

    void onFetch(Fetch fetch);

    void onFetchReply(FetchReply reply);

    void onPush(Push push);

    void onNotHolding(NotHolding notHolding);

    void onProgress(Progress progress);

    void onStanding(Standing standing);

    void onMoveHome(MoveHome moveHome);

    void onHold(Hold hold);

    void onDone(Done done);

    void onShadowRequest(ShadowRequest request);

    void onHoldShadow(HoldShadow hold);

    void onShadowReply(ShadowReply reply);

    void onCompare(Compare compare);

    void onCompared(Compared compared);

    void onDots(Dots dots);

    void onRepair(Repair repair);

    void onCredit(Credit credit);

    void onConfigured(Configured configured);

    void onHurry(Hurry hurry);

    void onForget(Forget forget);

    void onDeltas(Deltas deltas);

    void onNoBase(NoBase noBase);

    void onDictionary(Dictionary dictionary);

    void onNoDictionary(NoDictionary noDictionary);

    void onPart(Part part);

    void onWhole(Whole whole);

    void onReads(Reads reads);

    void onCopies(Copies copies);

    void onSummary(Summary summary);
  }
}
