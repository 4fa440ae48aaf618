package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.digest.ComparedDots;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.digest.LiveDots;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One comparison of all headers with one peer, by the side that began it: down the hash trees where
 * they differ, lists of the dots below what differs, then the records that either side lacks. A
 * record is sent only to where it is newer, so both sides come closer with each step, whatever was
 * lost on the way and wherever it ends.
 *
 * <p>What differs is looked for with one question at a time; records are brought with up to {@value
 * #MAX_UNDER_WAY} under way, fewer where answers then wait for each other on the link. They are
 * asked again when no answer comes. What is still to be looked at is kept as paths in the tree, at
 * most some thousand. Belongs to the loop; what passes over the index or reads the journal runs in
 * the background.
 */
final class CompareRun {
  /** The peer, as far as a comparison is concerned. */
  interface Link {
    /** False if there is no room now. */
    boolean send(Frame frame);

    /** Never given before on this link. */
    long nextRequest();

    /** NaN if it is not known. */
    double rttMs();
  }

  /** What is counted while it goes on. */
  static final class Counts {
    final AtomicLong rangesCompared = new AtomicLong();
    final AtomicLong rangesDiffering = new AtomicLong();
    final AtomicLong received = new AtomicLong();
    final AtomicLong sent = new AtomicLong();
    final AtomicLong bytes = new AtomicLong();
  }

  /** From here on a list of the dots is shorter than the digests of sixteen children. */
  private static final int LISTED_DOTS = 32;

  static final int FIRST_DEPTH = 2 * HeaderTree.STEP;
  private static final int FAMILIES = 256;
  private static final int LISTED_NODES = 128;
  private static final int MAX_PARTS = 4096;
  private static final int MAX_DEFERRED = 20_000;
  private static final int ATTEMPTS = 5;

  /** So often at most all is looked through for what was replaced before it came. */
  private static final int ROUNDS = 4;

  private static final int ANSWER_RTTS = 4;
  private static final Duration ANSWER_WITHIN = Duration.ofSeconds(2);

  /** Of a part's size each: with 200 ms there and back these are 10 MiB a second. */
  private static final int MAX_UNDER_WAY = 16;

  /**
   * Beyond a round trip. An answer that took longer waited, and what else is asked for would too.
   */
  private static final double MAX_WAIT_MS = 250;

  private static final Duration NO_ROOM_PAUSE = Duration.ofMillis(50);

  private final RecordStore store;
  private final LocalCopies copies;
  private final Link link;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Clock clock;
  private final ByteBudget budget;
  private final Function<MetadataRecord, Inbound> inbound;
  private final Function<MetadataRecord, MetadataRecord> outgoing;
  private final Consumer<List<MetadataRecord>> taken;
  private final long salt;
  private final long beganNanos;
  private final Counts counts = new Counts();

  /** In the background only. */
  private final ComparedDots dots;

  private final CompletableFuture<Comparison> result = new CompletableFuture<>();

  // The deepest first: what is begun is ended before anything else, so little is ever waiting.
  private final Deque<Step> todo = new ArrayDeque<>();

  // What the peer lacks, as far as is known. Given last: by then, what it has newer has come, and
  // what that replaced here is not given.
  private final List<Dot> deferred = new ArrayList<>();

  // What is lacking here beside its header, as far as is known. All that differs is listed before
  // any of it is asked for, so that what was written last comes first.
  private final List<MetadataRecord> wantedLater = new ArrayList<>();

  // By request, the oldest first.
  private final Map<Long, Step> unanswered = new LinkedHashMap<>();
  private int underWay;
  private long bytesUnderWay;

  /** How many transfers may be under way: more with each answer that came at once. */
  private int window = 1;

  /** Since it began: what is under way makes the round trips longer that it is measured by. */
  private double leastRttMs = Double.POSITIVE_INFINITY;

  /**
   * Whether the peer was silent with several: before this was so, a region answered one at a time.
   */
  private boolean oneByOne;

  private int round = 1;

  /** Whether a merged value that was listed has been replaced in the peer before it came. */
  private boolean replaced;

  private SerialExecutor.@Nullable Task pause;
  private SerialExecutor.@Nullable Task silence;
  private boolean ended;

  /**
   * Something is stamped too far ahead to be taken by either side now, or cannot be read by one;
   * all else was compared.
   */
  private @Nullable FabricException leftOut;

  CompareRun(
      RecordStore store,
      LocalCopies copies,
      Link link,
      SerialExecutor loop,
      SerialExecutor background,
      Clock clock,
      ByteBudget budget,
      Function<MetadataRecord, Inbound> inbound,
      Function<MetadataRecord, MetadataRecord> outgoing,
      Consumer<List<MetadataRecord>> taken,
      long salt) {
    this.store = store;
    this.copies = copies;
    this.link = link;
    this.loop = loop;
    this.background = background;
    this.clock = clock;
    this.budget = budget;
    this.inbound = inbound;
    this.outgoing = outgoing;
    this.taken = taken;
    this.salt = salt;
    this.beganNanos = clock.nanoTime();
    this.dots = store.liveDots().compared();
  }

  /**
   * Completes on the loop, exceptionally if the peer stopped answering or a disk refused; with a
   * {@link ClockSkewException} if all was compared but what is stamped too far ahead, and with a
   * {@link StorageException} if all but what one of the two cannot read.
   */
  CompletableFuture<Comparison> result() {
    return result;
  }

  Counts counts() {
    return counts;
  }

  void begin() {
    noteRtt();
    todo.push(everything());
    proceed();
  }

  private Digests everything() {
    return new Digests(FIRST_DEPTH, IntStream.range(0, Frame.Family.CHILDREN).toArray());
  }

  /** Gives up; what came so far stays. */
  void fail(String why) {
    if (!ended) {
      ended = true;
      cancel(pause);
      cancel(silence);
      unanswered.values().forEach(Step::giveBack);
      result.completeExceptionally(new RegionUnreachableException("comparison ended: " + why));
    }
  }

  private static void cancel(SerialExecutor.@Nullable Task task) {
    if (task != null) {
      task.cancel();
    }
  }

  /** Asks what may be asked now; whoever is done with an answer calls it. */
  private void proceed() {
    cancel(pause);
    while (!ended && mayAsk()) {
      long waitNanos = budget.waitNanos(clock.nanoTime());
      if (waitNanos > 0) {
        pause = loop.schedule(Duration.ofNanos(waitNanos), this::proceed);
        return;
      }
      Step next = underWay > 0 ? todo.poll() : next();
      if (next == null) {
        return;
      }
      underWay++;
      bytesUnderWay += next.expectedBytes();
      ask(next);
    }
  }

  /** Beside what is under way already: then nothing but a transfer among transfers. */
  private boolean mayAsk() {
    return underWay == 0
        || (todo.peek() instanceof Transfer next
            && underWay < window
            && bytesUnderWay + next.expectedBytes() <= (long) window * RepairServer.PART_BYTES);
  }

  private void done(Step step) {
    underWay--;
    bytesUnderWay -= step.expectedBytes();
    proceed();
  }

  /** Null if it is over, or goes on once something has been looked up. */
  private @Nullable Step next() {
    if (isDue(wantedLater)) {
      wantedTransfers().forEach(todo::push);
    } else if (isDue(deferred)) {
      underWay++; // nothing else is asked meanwhile
      inBackground(this::gifts, this::give);
      return null;
    }
    Step next = todo.poll();
    if (next == null && replaced) {
      // What replaced it is elsewhere in the trees.
      replaced = false;
      round++;
      next = everything();
    }
    if (next == null) {
      end();
    }
    return next;
  }

  private void end() {
    ended = true;
    cancel(silence);
    if (leftOut != null) {
      result.completeExceptionally(leftOut);
      return;
    }
    result.complete(
        new Comparison(
            counts.rangesCompared.get(),
            counts.rangesDiffering.get(),
            counts.received.get(),
            counts.sent.get(),
            counts.bytes.get(),
            Duration.ofNanos(clock.nanoTime() - beganNanos)));
  }

  /** Of a list that grows while what differs is looked for. */
  private boolean isDue(List<?> later) {
    return later.size() > MAX_DEFERRED || (todo.isEmpty() && !later.isEmpty());
  }

  /** The oldest first: the last one that is put on a stack is done first. */
  private static void sort(List<MetadataRecord> records) {
    records.sort(Comparator.comparing(each -> each.header().version().stamp().packed()));
  }

  private List<Transfer> wantedTransfers() {
    sort(wantedLater);
    var transfers = new ArrayList<Transfer>();
    var wanted = new ArrayList<MetadataRecord>();
    long bytes = 0;
    for (MetadataRecord theirs : wantedLater) {
      long more = wholeBytes(theirs);
      if (!wanted.isEmpty() && bytes + more > RepairServer.PART_BYTES) {
        transfers.add(new Transfer(wanted, List.of(), bytes));
        wanted.clear();
        bytes = 0;
      }
      wanted.add(theirs);
      bytes += more;
    }
    transfers.add(new Transfer(wanted, List.of(), bytes));
    wantedLater.clear();
    return transfers;
  }

  /** What was put off and is still a key's state, in frames of a bounded size. */
  private List<Transfer> gifts() {
    var batches = new ArrayList<Transfer>();
    var batch = new ArrayList<Dot>();
    long bytes = 0;
    var lacked = new HashSet<>(deferred);
    List<MetadataRecord> all = dots.headers(lacked, none -> {});
    sort(all);
    for (MetadataRecord ours : all) {
      long more = wholeBytes(ours);
      if (!batch.isEmpty() && bytes + more > RepairServer.PART_BYTES) {
        batches.add(new Transfer(List.of(), List.copyOf(batch), bytes));
        batch.clear();
        bytes = 0;
      }
      batch.add(oneOf(ours, lacked));
      bytes += more;
    }
    if (!batch.isEmpty()) {
      batches.add(new Transfer(List.of(), batch, bytes));
    }
    return batches;
  }

  /** By which all of the record is found again, for as long as the peer lacks any of it. */
  private static Dot oneOf(MetadataRecord record, Set<Dot> lacked) {
    for (Sibling each : record.siblings()) {
      Dot dot = each.header().version().dot();
      if (lacked.contains(dot)) {
        return dot;
      }
    }
    return record.header().version().dot();
  }

  private void give(List<Transfer> batches) {
    deferred.clear();
    batches.forEach(todo::push);
    underWay--;
    proceed();
  }

  /** With its payloads, whether or not they are held here. */
  private static long wholeBytes(MetadataRecord record) {
    long bytes =
        (long) RecordCodec.estimatedBytes(record.withoutPayload()) + record.header().payloadBytes();
    for (Sibling each : record.siblings()) {
      bytes += each.header().payloadBytes();
    }
    return bytes;
  }

  /** Whether {@code known} lacks one of the versions. */
  private static boolean hasNews(MetadataRecord record, @Nullable MetadataRecord known) {
    if (known == null || !known.covers(record.header().version().dot())) {
      return true;
    }
    for (Sibling each : record.siblings()) {
      if (!known.covers(each.header().version().dot())) {
        return true;
      }
    }
    return false;
  }

  private void ask(Step asking) {
    if (++asking.attempts > ATTEMPTS) {
      fail("no answer after " + ATTEMPTS + " questions");
      return;
    }
    asking.begin();
    long asked = link.nextRequest();
    unanswered.put(asked, asking);
    asking.prepare(asked);
  }

  private void send(Frame frame, long asked) {
    Step asking = unanswered.get(asked);
    if (ended || asking == null) {
      return;
    }
    if (!link.send(frame)) {
      loop.schedule(NO_ROOM_PAUSE, () -> send(frame, asked));
      return;
    }
    asking.sentNanos = clock.nanoTime();
    spend(frame, asking);
    awaitAnswers();
  }

  /** Whatever comes shows that the peer is at it. */
  private void awaitAnswers() {
    cancel(silence);
    if (ended || unanswered.isEmpty()) {
      return;
    }
    int attempts = unanswered.values().iterator().next().attempts;
    double rtts = Double.isNaN(link.rttMs()) ? 0 : ANSWER_RTTS * link.rttMs();
    long withinMs = Math.max(ANSWER_WITHIN.toMillis(), (long) rtts) << (attempts - 1);
    silence = loop.schedule(Duration.ofMillis(withinMs), this::silent);
  }

  /** Asks the oldest again, and the others after it. */
  private void silent() {
    oneByOne |= unanswered.size() > 1;
    window = 1;
    var again = new ArrayDeque<Step>();
    unanswered.values().forEach(again::push);
    unanswered.clear();
    again.forEach(Step::giveBack);
    Step oldest = again.removeLast();
    for (Step later : again) {
      underWay--;
      bytesUnderWay -= later.expectedBytes();
      todo.push(later);
    }
    ask(oldest);
  }

  private void spend(Frame frame, Step of) {
    int bytes = FrameCodec.encode(frame).length;
    counts.bytes.addAndGet(bytes);
    long alreadySpent = Math.min(of.reservedBytes, bytes);
    of.reservedBytes -= alreadySpent;
    budget.spend(bytes - alreadySpent);
  }

  void onCompared(Frame.Compared compared) {
    if (!ended && unanswered.get(compared.request()) instanceof Digests digests) {
      unanswered.remove(compared.request());
      cancel(silence);
      spend(compared, digests);
      digests.answered(compared);
      done(digests);
    }
  }

  void onRepair(Frame.Repair part) {
    Step asking = unanswered.get(part.request());
    if (ended || asking == null || part.part() >= MAX_PARTS) {
      return;
    }
    if (!asking.parts.containsKey(part.part())) {
      if (asking.parts.isEmpty()) {
        adjustWindow(asking);
      }
      spend(part, asking);
      asking.parts.put(part.part(), asking.arrived(part));
      if (part.last()) {
        asking.partsDue = part.part() + 1;
      }
      if (asking.parts.size() >= asking.partsDue) {
        unanswered.remove(part.request());
        asking.giveBack();
        List<Frame.Repair> answer = List.copyOf(asking.parts.values());
        asking.parts.clear();
        asking.complete(answer);
      }
      awaitAnswers();
    }
  }

  private void noteRtt() {
    if (!Double.isNaN(link.rttMs())) {
      leastRttMs = Math.min(leastRttMs, link.rttMs());
    }
  }

  /** One more where the answer came at once, one fewer where it had to wait. */
  private void adjustWindow(Step answered) {
    noteRtt();
    if (answered instanceof Transfer && !oneByOne && leastRttMs < Double.POSITIVE_INFINITY) {
      double tookMs = (clock.nanoTime() - answered.sentNanos) / 1e6;
      boolean waited = tookMs > leastRttMs + MAX_WAIT_MS;
      window = waited ? Math.max(1, window - 1) : Math.min(MAX_UNDER_WAY, window + 1);
    }
  }

  private <T> void inBackground(Supplier<T> work, Consumer<T> then) {
    background.execute(
        () -> {
          try {
            T done = work.get();
            loop.execute(
                () -> {
                  if (!ended) {
                    then.accept(done);
                  }
                });
          } catch (RuntimeException e) {
            loop.execute(() -> fail(e.toString()));
          }
        });
  }

  /** Joins records with what is here, and calls {@code then} on the loop once they are durable. */
  private void apply(List<MetadataRecord> records, Runnable then) {
    counts.received.addAndGet(records.size());
    CompletableFuture<?> applying;
    try {
      applying = store.applyAll(records.stream().map(inbound).toList());
    } catch (FabricException e) {
      fail(e.toString());
      return;
    }
    applying.whenComplete(
        (applied, failure) ->
            loop.execute(
                () -> {
                  if (failure instanceof ClockSkewException skew) {
                    leftOut = skew;
                  } else if (failure != null) {
                    fail(failure.toString());
                    return;
                  }
                  taken.accept(records);
                  then.run();
                }));
  }

  /** A question, and what follows from its answer. On the loop. */
  private abstract class Step {
    final Map<Integer, Frame.Repair> parts = new TreeMap<>();
    int partsDue = Integer.MAX_VALUE;
    int attempts;
    long sentNanos;

    /** Taken from the budget for what is still to come. */
    long reservedBytes;

    void begin() {
      parts.clear();
      partsDue = Integer.MAX_VALUE;
      reservedBytes = expectedBytes();
      budget.spend(reservedBytes);
    }

    /** What was not needed. */
    void giveBack() {
      budget.spend(-reservedBytes);
      reservedBytes = 0;
    }

    /**
     * Of records, which are asked for while others are under way; else there is no need to know.
     */
    long expectedBytes() {
      return 0;
    }

    /** Makes the question and sends it. */
    abstract void prepare(long asked);

    /** What is to be kept of a part until all are there. */
    Frame.Repair arrived(Frame.Repair part) {
      return part;
    }

    void complete(List<Frame.Repair> answer) {
      fail("an answer to something else");
    }
  }

  /** Which of the children of these nodes differ? */
  private final class Digests extends Step {
    private final int depth;
    private final int[] parents;

    Digests(int depth, int[] parents) {
      this.depth = depth;
      this.parents = parents;
    }

    @Override
    void prepare(long asked) {
      inBackground(() -> question(asked), frame -> send(frame, asked));
    }

    private Frame question(long asked) {
      // Another salt each time: what looked the same by chance does not do so again.
      long salted = salt + asked;
      if (depth == FIRST_DEPTH) {
        dots.beginAgain();
      }
      long[] digests = dots.digests(depth, parents);
      var families = new ArrayList<Frame.Family>(parents.length);
      for (int i = 0; i < parents.length; i++) {
        var bytes = ByteBuffer.allocate(Frame.Family.BYTES);
        for (int child = 0; child < Frame.Family.CHILDREN; child++) {
          bytes.putInt(HeaderTree.shortened(digests[i * Frame.Family.CHILDREN + child], salted));
        }
        families.add(new Frame.Family(parents[i], Bytes.copyOf(bytes.array())));
      }
      return new Frame.Compare(asked, salted, depth, families);
    }

    void answered(Frame.Compared compared) {
      counts.rangesCompared.addAndGet((long) parents.length * Frame.Family.CHILDREN);
      int[] differing =
          compared.differing().stream()
              .filter(each -> Arrays.binarySearch(parents, each.parent()) >= 0)
              .flatMapToInt(Digests::paths)
              .toArray();
      counts.rangesDiffering.addAndGet(differing.length);
      long keys = Math.max(compared.keys(), store.liveDots().keys());
      boolean list = keys >> depth <= LISTED_DOTS || depth == HeaderTree.MAX_DEPTH;
      int batch = list ? LISTED_NODES : FAMILIES;
      for (int from = 0; from < differing.length; from += batch) {
        int to = Math.min(differing.length, from + batch);
        int[] some = Arrays.copyOfRange(differing, from, to);
        todo.push(list ? new Listing(depth, some) : new Digests(depth + HeaderTree.STEP, some));
      }
    }

    private static IntStream paths(Frame.Differing family) {
      return IntStream.range(0, Frame.Family.CHILDREN)
          .filter(child -> (family.children() >>> child & 1) != 0)
          .map(child -> family.parent() * Frame.Family.CHILDREN + child);
    }
  }

  /** This is what is below these nodes here: what else is there, and what of it is not? */
  private final class Listing extends Step {
    private final int depth;
    private final int[] prefixes;
    private Set<Dot> listed = Set.of();

    Listing(int depth, int[] prefixes) {
      this.depth = depth;
      this.prefixes = prefixes;
    }

    @Override
    void prepare(long asked) {
      inBackground(() -> question(asked), frame -> send(frame, asked));
    }

    private Frame question(long asked) {
      List<List<Dot>> ours = dots.below(depth, prefixes);
      listed = new HashSet<>();
      ours.forEach(listed::addAll);
      var nodes = new ArrayList<Frame.Below>(prefixes.length);
      for (int i = 0; i < prefixes.length; i++) {
        nodes.add(new Frame.Below(prefixes[i], ours.get(i)));
      }
      return new Frame.Dots(asked, depth, nodes);
    }

    @Override
    Frame.Repair arrived(Frame.Repair part) {
      // Payloads are not due here, and all parts are kept until the last has come.
      return new Frame.Repair(
          part.request(),
          part.part(),
          part.last(),
          part.wanted(),
          part.records().stream().map(MetadataRecord::withoutPayload).toList());
    }

    @Override
    void complete(List<Frame.Repair> answer) {
      inBackground(() -> decide(answer), this::decided);
    }

    private Decision decide(List<Frame.Repair> answer) {
      var decision = new Decision();
      var theirs = new HashMap<Key, MetadataRecord>();
      for (Frame.Repair part : answer) {
        for (MetadataRecord header : part.records()) {
          theirs.put(header.key(), header);
          decision.consider(header);
        }
      }
      var wanted = new HashSet<Dot>();
      answer.forEach(part -> wanted.addAll(part.wanted()));
      if (!listed.containsAll(wanted)) {
        decision.unreadable = new StorageException("the peer cannot read all that it has");
      }
      for (MetadataRecord ours : dots.headers(wanted, none -> {})) {
        MetadataRecord there = theirs.get(ours.key());
        for (Sibling each : ours.versions()) {
          Dot dot = each.header().version().dot();
          if (wanted.contains(dot) && (there == null || !there.covers(dot))) {
            decision.given.add(dot);
          }
        }
      }
      return decision;
    }

    private void decided(Decision decision) {
      wantedLater.addAll(decision.wanted);
      deferred.addAll(decision.given);
      leftOut = decision.unreadable == null ? leftOut : decision.unreadable;
      apply(decision.headers, () -> done(this));
    }
  }

  /** What is to be done about the differences of some nodes. */
  private final class Decision {
    final List<MetadataRecord> headers = new ArrayList<>();
    final List<MetadataRecord> wanted = new ArrayList<>();
    final List<Dot> given = new ArrayList<>();
    @Nullable StorageException unreadable;

    /** A header from there that may be news here. */
    void consider(MetadataRecord theirs) {
      MetadataRecord ours;
      try {
        ours = store.read(theirs.key());
      } catch (StorageException e) {
        // Nothing can be joined with what cannot be read; the other keys can.
        unreadable = e;
        return;
      }
      if (!hasNews(theirs, ours)) {
        return;
      }
      boolean withPayload = !theirs.header().isTombstone() && inbound.apply(theirs).keepPayload();
      (withPayload ? wanted : headers).add(theirs);
    }
  }

  /** Here are records that are newer than yours; give me those that are newer than mine. */
  private final class Transfer extends Step {
    private final List<Dot> wanted;
    private final List<Dot> given;
    private final long bytes;

    // By key, what was listed and has not come: what is replaced by the time it is asked for does
    // not, nor does the rest of its key then.
    private final Map<Key, MetadataRecord> missing = new LinkedHashMap<>();
    private int applying;
    private boolean complete;

    Transfer(List<MetadataRecord> wanted, List<Dot> given, long bytes) {
      var all = new TreeSet<Dot>(LiveDots.ORDER);
      for (MetadataRecord theirs : wanted) {
        missing.put(theirs.key(), theirs);
        // By all of its versions: any that is left finds the key.
        theirs.versions().forEach(each -> all.add(each.header().version().dot()));
      }
      this.wanted = List.copyOf(all);
      this.given = given;
      this.bytes = bytes;
    }

    @Override
    long expectedBytes() {
      return bytes;
    }

    @Override
    void prepare(long asked) {
      inBackground(
          () -> RepairServer.withPayloads(dots, copies, given),
          records -> {
            List<MetadataRecord> out =
                records.stream().filter(this::mayBeGiven).map(outgoing).toList();
            if (attempts == 1) {
              counts.sent.addAndGet(out.size());
            }
            send(new Frame.Repair(asked, 0, true, wanted, out), asked);
          });
    }

    /** A peer would refuse it, and with it what comes along. */
    private boolean mayBeGiven(MetadataRecord record) {
      if (store.isTooFarAhead(record)) {
        leftOut = store.tooFarAhead(record.key());
        return false;
      }
      return true;
    }

    @Override
    Frame.Repair arrived(Frame.Repair part) {
      part.records().forEach(each -> missing.remove(each.key()));
      take(part.records());
      return new Frame.Repair(part.request(), part.part(), part.last(), List.of(), List.of());
    }

    private void take(List<MetadataRecord> records) {
      applying++;
      apply(records, this::applied);
    }

    private void applied() {
      applying--;
      proceedIfDone();
    }

    /**
     * Afterwards all that was listed is known here, as its own disk may be marked to know it; the
     * payload of what has not come is looked for like any other that is missing. Of merged values
     * every region that has the header is to have the payload, so rather what replaced them is
     * brought.
     */
    @Override
    void complete(List<Frame.Repair> answer) {
      complete = true;
      var headers = new ArrayList<MetadataRecord>();
      for (MetadataRecord theirs : missing.values()) {
        if (round < ROUNDS && store.conflictRules().of(theirs.key()).merge() != null) {
          replaced = true;
        } else {
          headers.add(theirs);
        }
      }
      missing.clear();
      if (!headers.isEmpty()) {
        take(headers);
      }
      proceedIfDone();
    }

    private void proceedIfDone() {
      if (complete && applying == 0) {
        complete = false; // once
        done(this);
      }
    }
  }
}
