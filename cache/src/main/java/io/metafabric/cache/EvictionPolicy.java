package io.metafabric.cache;

import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who goes when there is no room. A <em>window</em> for what is new, a <em>main</em> queue in which
 * what was read gets another turn (CLOCK), <em>ghosts</em> of what was let go early, a sketch of
 * how often each key was seen, and a <em>probation</em> queue for what was prefetched and not yet
 * read. A read moves nothing, it is only counted; so reading needs no lock.
 *
 * <p>Five {@link Mode modes} share these queues and can be changed at any time; which one is best
 * depends on what is read, and {@link ShadowRace} finds out. What leaves probation unread is
 * wasted; how much probation may hold follows from which of two ghosts comes back more often, one
 * that more probation would have kept, or one that more room for the rest would have. What waits
 * there for longer than a read was expected goes first of all.
 *
 * <p>Deterministic. Not thread-safe.
 *
 * @see <a href="https://doi.org/10.1145/3600006.3613147">Yang et al., S3-FIFO, SOSP 2023</a>
 * @see <a href="https://doi.org/10.1145/3149371">Einziger, Friedman, Manes, TinyLFU, 2017</a>
 */
final class EvictionPolicy {
  /** How the window's oldest is dealt with. */
  enum Mode {
    /** Stays if it was read twice, was let go too early before, or is seen more often. */
    PROMOTING,
    /** Stays if it is seen more often than what would go for it, and only then. */
    FREQUENT,
    /**
     * The same with a smaller window and less inclined to change, so that of a loop larger than the
     * whole as much stays as can. What is fetched ahead would pass through that window after its
     * first read, and be gone.
     */
    STEADY,
    /** There is no window: everything stays for a turn of the main queue. */
    RECENT,
    /**
     * The same, but what was read goes to where its last read puts it, almost as in LRU, and has no
     * whole turn before it: what a burst has left behind goes sooner.
     */
    LAST_READ
  }

  private static final double WINDOW_SHARE = 0.1;
  private static final double STEADY_WINDOW_SHARE = 0.01;
  private static final int PROMOTED_AT = 2;
  private static final int MAX_CREDIT = 7;

  /**
   * From here on one read more is not enough to take a place in {@link Mode#STEADY}: who is read in
   * this round of a loop has been counted once more than who will be.
   */
  private static final int STEADY_FROM = 2;

  private static final double FIRST_PROBATION_SHARE = 0.06;
  private static final double LEAST_PROBATION_SHARE = 0.02;

  /** Of what comes in. Up to here what is prefetched is too little to say which mode suits all. */
  private static final double FEW_PREFETCHED_SHARE = 0.04;

  private static final double MOST_PROBATION_SHARE = 0.3;
  private static final double PROBATION_STEP = 0.002;

  /** Of so many that go one is overdue, however few there are on probation. */
  private static final int GONE_PER_OVERDUE = 32;

  /** What a little more room would have kept: the last of so many entries that went. */
  private static final double MARGIN = 0.05;

  private final long maxWeight;
  private final LongSupplier nanoTime;
  private final Consumer<QueueNode> evicted;
  private final NodeQueue window = new NodeQueue();
  private final RecencyQueue main = new RecencyQueue();
  private final NodeQueue probation = new NodeQueue();
  private final Ghosts ghosts = new Ghosts();
  private final Ghosts unreadGhosts = new Ghosts();
  private final FrequencySketch sketch = new FrequencySketch();
  private double probationShare = FIRST_PROBATION_SHARE;
  private Mode mode = Mode.PROMOTING;
  private boolean makingRoom;
  private int goneSinceOverdue;

  /**
   * What came in since about so much of it came as there is room for, in all and ahead of reads.
   */
  private long cameIn;

  private long prefetched;

  /**
   * @param nanoTime that expectations are held against; asked only about entries with one
   * @param evicted is told who went
   */
  EvictionPolicy(long maxWeight, LongSupplier nanoTime, Consumer<QueueNode> evicted) {
    this.maxWeight = maxWeight;
    this.nanoTime = nanoTime;
    this.evicted = evicted;
  }

  void setMode(Mode next) {
    mode = next;
  }

  Mode mode() {
    return mode;
  }

  /** What {@link QueueNode#touch} is told; any thread. */
  byte generation() {
    return main.generation();
  }

  /** Takes in what somebody has asked for. */
  void add(QueueNode node) {
    fitTables();
    int hash = node.hash();
    sketch.add(hash, 1);
    weighMargins(hash);
    makeRoom(node.weightBytes());
    noteIncoming(node.weightBytes());
    place(node);
  }

  /** Takes in what nobody has asked for yet. */
  void addUnread(QueueNode node) {
    fitTables();
    while (!probation.isEmpty() && probation.weight() + node.weightBytes() > probationWeight()) {
      evictUnread();
    }
    makeRoom(node.weightBytes());
    probation.addFirst(node);
    noteIncoming(node.weightBytes());
    prefetched += node.weightBytes();
  }

  private void noteIncoming(int bytes) {
    cameIn += bytes;
    if (cameIn > maxWeight) {
      cameIn /= 2;
      prefetched /= 2;
    }
  }

  /** What was on probation has been read. */
  void firstRead(QueueNode node) {
    if (node.queue == probation) {
      probation.remove(node);
      sketch.add(node.hash(), 1);
      node.takeTouches();
      place(node);
    }
  }

  /** The key has another value; it may be larger. */
  void reweigh(QueueNode node, int bytes) {
    NodeQueue queue = node.queue;
    if (queue == null) {
      return;
    }
    queue.reweigh(node, bytes);
    makeRoom(0);
  }

  void remove(QueueNode node) {
    NodeQueue queue = node.queue;
    if (queue != null) {
      queue.remove(node);
    }
  }

  private void fitTables() {
    int entries = entries();
    sketch.ensureEntries(entries);
    ghosts.ensureCapacity(entries);
    unreadGhosts.ensureCapacity(Math.max(1, (int) (entries * MARGIN)));
  }

  private void place(QueueNode node) {
    node.credit = 0;
    int hash = node.hash();
    if (hasNoWindow()) {
      main.addFirst(node);
    } else if (mode == Mode.PROMOTING && ghosts.age(hash) <= main.size() + window.size()) {
      ghosts.remove(hash);
      main.addFirst(node);
    } else {
      window.addFirst(node);
    }
  }

  private boolean hasNoWindow() {
    return mode == Mode.RECENT || mode == Mode.LAST_READ;
  }

  private void weighMargins(int hash) {
    int margin = (int) Math.max(1, entries() * MARGIN);
    if (unreadGhosts.age(hash) <= margin) {
      unreadGhosts.remove(hash);
      probationShare = Math.min(MOST_PROBATION_SHARE, probationShare + PROBATION_STEP);
    } else if (!probation.isEmpty() && ghosts.age(hash) <= margin) {
      probationShare = Math.max(LEAST_PROBATION_SHARE, probationShare - PROBATION_STEP);
    }
  }

  private long probationWeight() {
    return (long) (maxWeight * probationShare);
  }

  private void makeRoom(long weight) {
    makingRoom = true;
    while (weight() + weight > maxWeight && entries() > 0) {
      evictOne();
    }
    makingRoom = false;
  }

  /** Whether who goes just now goes for want of room in the whole, not on probation. */
  boolean isMakingRoom() {
    return makingRoom;
  }

  private void evictOne() {
    if (isOverdue(probation.last())
        && (probation.weight() > maxWeight * LEAST_PROBATION_SHARE
            || ++goneSinceOverdue > GONE_PER_OVERDUE)) {
      goneSinceOverdue = 0;
      evictUnread();
    } else if (!probation.isEmpty()
        && (probation.weight() > probationWeight() || (window.isEmpty() && main.isEmpty()))) {
      evictUnread();
    } else if (!window.isEmpty()
        && (window.weight() >= windowWeight() || main.isEmpty() || hasNoWindow())) {
      evictFromWindow();
    } else {
      evictVictim();
    }
  }

  /** Whether a read was expected, and did not come in time. */
  private boolean isOverdue(@Nullable QueueNode node) {
    return node != null
        && node.expectedUntilNanos() != QueueNode.NOT_EXPECTED
        && nanoTime.getAsLong() - node.expectedUntilNanos() > 0;
  }

  /** The oldest on probation leaves it, and the cache with it if it has not been read. */
  private void evictUnread() {
    QueueNode node = probation.last();
    if (node == null) {
      return;
    }
    if (node.wasTouched()) {
      // Its reader found the lock taken.
      firstRead(node);
    } else {
      probation.remove(node);
      unreadGhosts.add(node.hash());
      evicted.accept(node);
    }
  }

  private void evictFromWindow() {
    for (QueueNode node = window.last(); node != null; node = window.last()) {
      window.remove(node);
      look(node);
      if (goesToMain(node)) {
        node.credit = 0;
        if (mode == Mode.LAST_READ) {
          main.addWhereRead(node);
        } else {
          main.addFirst(node);
        }
        if (main.weight() > mainWeight()) {
          evictVictim();
          return;
        }
      } else {
        contend(node);
        return;
      }
    }
  }

  private boolean goesToMain(QueueNode node) {
    return switch (mode) {
      case PROMOTING -> node.credit >= PROMOTED_AT;
      case FREQUENT, STEADY -> main.weight() + node.weightBytes() <= mainWeight();
      case RECENT, LAST_READ -> node.credit > 0;
    };
  }

  /** What of the rest is not window. */
  private long mainWeight() {
    return maxWeight - windowWeight() - probation.weight();
  }

  private long windowWeight() {
    double share = mode == Mode.STEADY ? STEADY_WINDOW_SHARE : WINDOW_SHARE;
    return (long) Math.max(1, maxWeight * share);
  }

  /** Either the node goes or, if it is seen more often, the one of the main queue. */
  private void contend(QueueNode node) {
    QueueNode victim = hasNoWindow() ? null : victim();
    if (victim != null && isSeenMoreOften(node, victim)) {
      main.remove(victim);
      letGo(victim);
      node.credit = 0;
      main.addFirst(node);
    } else {
      letGo(node);
    }
  }

  private boolean isSeenMoreOften(QueueNode node, QueueNode victim) {
    int least = sketch.estimate(victim.hash());
    if (mode == Mode.STEADY && least >= STEADY_FROM) {
      least++;
    }
    return sketch.estimate(node.hash()) > least;
  }

  private void evictVictim() {
    QueueNode victim = victim();
    if (victim != null) {
      main.remove(victim);
      evicted.accept(victim);
    }
  }

  /** Gives those that were read another turn, until there is one that was not. */
  private @Nullable QueueNode victim() {
    QueueNode node = main.last();
    while (node != null) {
      look(node);
      if (node.credit == 0) {
        return node;
      }
      main.remove(node);
      node.credit = hasNoWindow() ? 0 : (byte) (node.credit - 1);
      if (mode == Mode.LAST_READ) {
        main.addWhereRead(node);
      } else {
        main.addFirst(node);
      }
      node = main.last();
    }
    return null;
  }

  /** Takes note of the reads since the last look. */
  private void look(QueueNode node) {
    int touches = node.takeTouches();
    if (touches > 0) {
      sketch.add(node.hash(), touches);
      node.credit = (byte) Math.min(MAX_CREDIT, node.credit + touches);
    }
  }

  private void letGo(QueueNode node) {
    ghosts.add(node.hash());
    evicted.accept(node);
  }

  int entries() {
    return window.size() + main.size() + probation.size();
  }

  long weight() {
    return window.weight() + main.weight() + probation.weight();
  }

  /** Whether more than a little of what comes in is prefetched. */
  boolean isPrefetchedInto() {
    return prefetched > cameIn * FEW_PREFETCHED_SHARE;
  }

  boolean isOnProbation(QueueNode node) {
    return node.queue == probation;
  }

  /** The share of the whole that may be on probation now. */
  double probationShare() {
    return probationShare;
  }

  /** Of sketch and ghosts. */
  long retainedBytes() {
    return sketch.retainedBytes() + ghosts.retainedBytes() + unreadGhosts.retainedBytes();
  }
}
