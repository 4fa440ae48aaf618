package io.metafabric.replicate;

import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When all headers are compared with which peer: at once where writes of this region are missing
 * here, soon after a connection was made, from time to time, and when it is asked for. One
 * comparison at a time, within a budget of bytes. Of two regions the first by name begins, unless
 * there is a reason.
 *
 * <p>Also knows whether this directory has lost writes of its own region, which it hears from its
 * peers: until it has them back, it must not say that a key was never written.
 *
 * <p>Belongs to the loop; {@link #hasOwnWrites}, {@link #wasWelcomedByAll}, {@link
 * #heardFromPeers}, {@link #compare} and {@link #stats} are for any thread.
 */
final class Repairs {
  private static final Duration CHECK_EVERY = Duration.ofSeconds(1);

  /** After a connection was made; what is under way then would look like a difference. */
  private static final Duration SETTLE_WITHIN = Duration.ofSeconds(10);

  private static final Duration FIRST_RETRY = Duration.ofSeconds(2);
  private static final int MAX_RETRY_DOUBLINGS = 5;
  private static final long NEVER = Long.MAX_VALUE;

  private final ReplicationConfig config;
  private final RecordStore store;
  private final LocalCopies copies;
  private final SerialExecutor loop;
  private final SerialExecutor background;
  private final Clock clock;
  private final RandomGenerator random;
  private final Function<MetadataRecord, Inbound> inbound;
  private final Consumer<List<MetadataRecord>> taken;
  private final ByteBudget budget;
  private final long startNanos;
  private final Map<RegionName, Peer> peers = new TreeMap<>();
  private final CompletableFuture<Void> heardFromPeers = new CompletableFuture<>();
  private volatile @Nullable Peer running;
  private boolean stopped;

  /** What is known of one peer, and the comparison with it. */
  private static final class Peer implements CompareRun.Link {
    final RegionName region;
    final Outbound link;
    final Function<MetadataRecord, MetadataRecord> outgoing;
    final List<CompletableFuture<Comparison>> asked = new ArrayList<>();
    boolean heard;
    volatile boolean welcomed;
    volatile boolean excluded;
    long welcomedNanos;
    // Nanoseconds since the start; when the next comparison is due, if the peer is in sync.
    long due = NEVER;
    long lastRequest;
    int failures;
    VersionVector appliedThere = VersionVector.EMPTY;
    @Nullable CompareRun run;

    /** It has writes of this region that are missing here. */
    volatile boolean lacksOwn;

    /** It may lack some that came back from another peer. */
    volatile boolean mustCompare;

    /** It has been compared since, but another still had what is missing here: again after that. */
    boolean comparedEarly;

    /** What it had is being marked as applied. */
    boolean regaining;

    final AtomicLong completed = new AtomicLong();
    final AtomicLong failed = new AtomicLong();
    volatile @Nullable String problem;
    volatile CompareRun.Counts current = new CompareRun.Counts();
    // Of the comparisons that have ended.
    volatile Comparison total = new Comparison(0, 0, 0, 0, 0, Duration.ZERO);

    Peer(RegionName region, Outbound link, Function<MetadataRecord, MetadataRecord> outgoing) {
      this.region = region;
      this.link = link;
      this.outgoing = outgoing;
    }

    @Override
    public boolean send(Frame frame) {
      return link.send(frame);
    }

    @Override
    public long nextRequest() {
      return ++lastRequest;
    }

    @Override
    public double rttMs() {
      return link.rttMs();
    }

    void mustCompare() {
      mustCompare = true;
      comparedEarly = false;
    }
  }

  Repairs(
      ReplicationConfig config,
      RecordStore store,
      LocalCopies copies,
      SerialExecutor loop,
      SerialExecutor background,
      Clock clock,
      RandomGenerator random,
      Function<MetadataRecord, Inbound> inbound,
      Consumer<List<MetadataRecord>> taken) {
    this.config = config;
    this.store = store;
    this.copies = copies;
    this.loop = loop;
    this.background = background;
    this.clock = clock;
    this.random = random;
    this.inbound = inbound;
    this.taken = taken;
    this.startNanos = clock.nanoTime();
    this.budget = new ByteBudget(config.repairBytesPerSecond(), startNanos);
  }

  void add(RegionName peer, Outbound link, Function<MetadataRecord, MetadataRecord> outgoing) {
    peers.put(peer, new Peer(peer, link, outgoing));
  }

  /** Answers the comparisons that a peer begins. */
  RepairServer serverOf(RegionName peer) {
    return new RepairServer(store, copies, loop, background, inbound, peer(peer).outgoing, taken);
  }

  /** The peer was evicted: nothing is expected of it. */
  void exclude(RegionName region) {
    Peer peer = peer(region);
    peer.excluded = true;
    peer.lacksOwn = false;
    peer.mustCompare = false;
    peer.due = NEVER;
    peer.failures = 0; // else what must be compared once it is back would wait until it is due
    heard(peer);
  }

  /** It was taken in again. */
  void include(RegionName region) {
    peer(region).excluded = false;
  }

  /** Nothing is said of what is here before it has been compared with these peers. */
  void mustCompareWith(Predicate<RegionName> which) {
    for (Peer peer : peers.values()) {
      if (which.test(peer.region)) {
        peer.mustCompare();
      }
    }
  }

  /** Whether no comparison is due that something must wait for. */
  boolean hasComparedWithAll() {
    return heardFromPeers.isDone() && peers.values().stream().noneMatch(each -> each.mustCompare);
  }

  void start() {
    if (peers.isEmpty()) {
      heardFromPeers.complete(null);
      return;
    }
    loop.schedule(config.grantedPause().multipliedBy(3), () -> heardFromPeers.complete(null));
    loop.schedule(CHECK_EVERY, this::checkRegularly);
  }

  /**
   * Completes once every peer has said how much of this region it has, or cannot be reached for
   * longer than three times the granted pause. On the loop, or at once.
   */
  CompletableFuture<Void> heardFromPeers() {
    return heardFromPeers;
  }

  /** Whether no peer is known to have writes of this region that are missing here. */
  boolean hasOwnWrites() {
    if (!heardFromPeers.isDone()) {
      return false;
    }
    return !lacksOwn();
  }

  /** Whether a peer is known to have writes of this region that are missing here. Any thread. */
  boolean lacksOwn() {
    return peers.values().stream().anyMatch(peer -> peer.lacksOwn);
  }

  /** Whether every member has said since this region was opened what it has of its writes. */
  boolean wasWelcomedByAll() {
    return peers.values().stream().allMatch(each -> each.excluded || each.welcomed);
  }

  /** Whether the peer may be told that it has everything once it has acknowledged everything. */
  boolean mayClaimAll(RegionName peer) {
    return !peer(peer).mustCompare;
  }

  private Peer peer(RegionName region) {
    Peer peer = peers.get(region);
    if (peer == null) {
      throw new IllegalArgumentException("region " + region + " is not a peer");
    }
    return peer;
  }

  void onWelcomed(RegionName region, Frame.Welcome welcome, boolean hasLost) {
    Peer peer = peer(region);
    peer.welcomedNanos = clock.nanoTime();
    peer.welcomed = true;
    // Of before this connection nothing counts: another disk may answer there now, and a comparison
    // with that one brings nothing of what the one before had applied.
    peer.appliedThere = welcome.applied();
    peer.lacksOwn = store.lacksOwn(peer.appliedThere);
    if (peer.lacksOwn) {
      peers.values().stream().filter(each -> !each.excluded).forEach(Peer::mustCompare);
    }
    if (hasLost || isFirst(peer)) {
      peer.due = Math.min(peer.due, now());
    }
    heard(peer);
    loop.execute(this::check);
  }

  void onRefused(RegionName region) {
    heard(peer(region));
  }

  private void heard(Peer peer) {
    peer.heard = true;
    if (peers.values().stream().allMatch(each -> each.heard)) {
      heardFromPeers.complete(null);
    }
  }

  private boolean isFirst(Peer peer) {
    return config.region().compareTo(peer.region) < 0;
  }

  private long now() {
    return clock.nanoTime() - startNanos;
  }

  void onDisconnected(RegionName region) {
    Peer peer = peer(region);
    CompareRun run = peer.run;
    if (run != null) {
      run.fail("the connection to " + region + " ended");
    }
    failAsked(peer, new RegionUnreachableException("the connection to " + region + " ended"));
  }

  private static void failAsked(Peer peer, RuntimeException failure) {
    List<CompletableFuture<Comparison>> asked = List.copyOf(peer.asked);
    peer.asked.clear();
    asked.forEach(each -> each.completeExceptionally(failure));
  }

  void onCompared(RegionName from, Frame.Compared compared) {
    CompareRun run = peer(from).run;
    if (run != null) {
      run.onCompared(compared);
    }
  }

  void onRepair(RegionName from, Frame.Repair repair) {
    CompareRun run = peer(from).run;
    if (run != null) {
      run.onRepair(repair);
    }
  }

  /** Compares as soon as the peer is reachable and no other comparison is under way. */
  CompletableFuture<Comparison> compare(RegionName region) {
    Peer peer = peer(region);
    var result = new CompletableFuture<Comparison>();
    loop.execute(
        () -> {
          if (stopped || !peer.link.isEstablished()) {
            result.completeExceptionally(
                new RegionUnreachableException("there is no connection to " + region));
          } else {
            peer.asked.add(result);
            check();
          }
        });
    return result;
  }

  private void checkRegularly() {
    if (stopped) {
      return;
    }
    try {
      check();
    } finally {
      loop.schedule(CHECK_EVERY, this::checkRegularly);
    }
  }

  private void check() {
    if (running != null || stopped) {
      return;
    }
    Peer next = next();
    if (next != null) {
      begin(next);
    }
  }

  /** First who has what is missing here, then who may lack it too, then whose turn it is. */
  private @Nullable Peer next() {
    Peer best = null;
    for (Peer peer : peers.values()) {
      if (isDue(peer) && (best == null || rank(peer) < rank(best))) {
        best = peer;
      }
    }
    return best;
  }

  private boolean isDue(Peer peer) {
    if (!peer.link.isEstablished()) {
      return false;
    }
    if (!peer.asked.isEmpty()) {
      return true;
    }
    boolean waits = peer.failures > 0 && now() < peer.due;
    if (hasReason(peer)) {
      return !waits;
    }
    boolean settled =
        peer.link.isDrained() || clock.nanoTime() - peer.welcomedNanos > SETTLE_WITHIN.toNanos();
    return now() >= peer.due && settled && !peer.link.isPausedOnEitherSide();
  }

  /** Without being asked: one that can be answered now. */
  private boolean hasReason(Peer peer) {
    return (peer.lacksOwn && !peer.regaining)
        || (peer.mustCompare && !(peer.comparedEarly && isMissingFromOthersThan(peer)));
  }

  /** Whether another peer still has writes of this region that are missing here. */
  private boolean isMissingFromOthersThan(Peer peer) {
    return peers.values().stream().anyMatch(each -> each != peer && each.lacksOwn);
  }

  private static int rank(Peer peer) {
    if (peer.lacksOwn) {
      return 0;
    }
    if (peer.mustCompare) {
      return 1;
    }
    return peer.asked.isEmpty() ? 3 : 2;
  }

  private void begin(Peer peer) {
    List<CompletableFuture<Comparison>> asked = List.copyOf(peer.asked);
    peer.asked.clear();
    // It has to be seen whether others have it as well, once everybody's is here.
    boolean othersAreHere = !isMissingFromOthersThan(peer);
    VersionVector appliedThere = peer.appliedThere;
    var run =
        new CompareRun(
            store,
            copies,
            peer,
            loop,
            background,
            clock,
            budget,
            inbound,
            peer.outgoing,
            taken,
            random.nextLong());
    peer.run = run;
    peer.current = run.counts();
    running = peer;
    run.result()
        .whenComplete(
            (comparison, failure) -> {
              ended(peer, run);
              if (failure == null) {
                completed(peer, appliedThere, othersAreHere, asked, comparison);
              } else {
                failed(peer, asked, failure);
              }
              loop.execute(this::check);
            });
    run.begin();
  }

  private void ended(Peer peer, CompareRun run) {
    CompareRun.Counts counts = run.counts();
    Comparison before = peer.total;
    peer.total =
        new Comparison(
            before.rangesCompared() + counts.rangesCompared.get(),
            before.rangesDiffering() + counts.rangesDiffering.get(),
            before.received() + counts.received.get(),
            before.sent() + counts.sent.get(),
            before.bytes() + counts.bytes.get(),
            Duration.ZERO);
    peer.current = new CompareRun.Counts();
    peer.run = null;
    running = null;
  }

  private void completed(
      Peer peer,
      VersionVector appliedThere,
      boolean othersAreHere,
      List<CompletableFuture<Comparison>> asked,
      Comparison comparison) {
    peer.completed.incrementAndGet();
    peer.failures = 0;
    peer.problem = null;
    peer.due = isFirst(peer) ? now() + config.compareEvery().toNanos() : NEVER;
    peer.comparedEarly = !othersAreHere;
    if (othersAreHere) {
      peer.mustCompare = false;
    }
    if (peer.lacksOwn) {
      peer.regaining = true;
      store
          .regained(appliedThere)
          .whenComplete((durable, failure) -> loop.execute(() -> regained(peer)));
    }
    asked.forEach(each -> each.complete(comparison));
  }

  private void regained(Peer peer) {
    peer.regaining = false;
    if (peer.excluded) {
      return;
    }
    peer.lacksOwn = store.lacksOwn(peer.appliedThere);
    if (peer.lacksOwn) {
      waitLonger(peer); // the disk refused
    }
    check();
  }

  private void failed(Peer peer, List<CompletableFuture<Comparison>> asked, Throwable failure) {
    peer.failed.incrementAndGet();
    peer.problem = failure.getMessage();
    waitLonger(peer);
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    asked.forEach(each -> each.completeExceptionally(cause));
  }

  private void waitLonger(Peer peer) {
    peer.due = now() + (FIRST_RETRY.toNanos() << Math.min(peer.failures++, MAX_RETRY_DOUBLINGS));
  }

  RepairStats stats(RegionName region) {
    Peer peer = peer(region);
    CompareRun.Counts current = peer.current;
    Comparison total = peer.total;
    return new RepairStats(
        running == peer,
        peer.lacksOwn,
        peer.completed.get(),
        peer.failed.get(),
        total.rangesCompared() + current.rangesCompared.get(),
        total.rangesDiffering() + current.rangesDiffering.get(),
        total.received() + current.received.get(),
        total.sent() + current.sent.get(),
        total.bytes() + current.bytes.get(),
        peer.problem);
  }

  /** The loop has ended: nothing else runs here any more. */
  void close() {
    stopped = true;
    var closed = new RegionUnreachableException("the fabric is closed");
    for (Peer peer : peers.values()) {
      CompareRun run = peer.run;
      if (run != null) {
        run.fail("the fabric is closed");
      }
      failAsked(peer, closed);
    }
    heardFromPeers.complete(null);
  }
}
