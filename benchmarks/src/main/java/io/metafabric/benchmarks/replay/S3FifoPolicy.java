package io.metafabric.benchmarks.replay;

/**
 * S3-FIFO: a small queue for what is new, a main queue with reinsertion, and a ghost queue of what
 * left the small one. Small queue 10 %, ghosts as many as the main queue holds, promotion at the
 * second hit, counters to 3: the parameters of the authors' simulator.
 *
 * @see <a href="https://doi.org/10.1145/3600006.3613147">Yang et al., FIFO Queues are All You Need
 *     for Cache Eviction, SOSP 2023</a>
 */
final class S3FifoPolicy implements ReplayPolicy {
  private static final double SMALL_SHARE = 0.1;
  private static final int MAX_HITS = 3;
  private static final int PROMOTED_AT = 2;

  private final Trace trace;
  private final int capacity;
  private final int smallCapacity;
  private final int mainCapacity;
  private final byte[] hits;
  private final IntLists resident;
  private final IntLists.List small;
  private final IntLists.List main;
  private final IntLists remembered;
  private final IntLists.List ghosts;

  S3FifoPolicy(Trace trace, int capacity) {
    this.trace = trace;
    this.capacity = capacity;
    this.smallCapacity = (int) Math.max(1, capacity * SMALL_SHARE);
    this.mainCapacity = Math.max(0, capacity - smallCapacity);
    int keys = trace.keys().size();
    this.hits = new byte[keys];
    this.resident = new IntLists(keys);
    this.small = resident.new List();
    this.main = resident.new List();
    this.remembered = new IntLists(keys);
    this.ghosts = remembered.new List();
  }

  @Override
  public boolean request(int row, long nowMs) {
    int key = trace.key()[row];
    if (!holds(key)) {
      return false;
    }
    hits[key] = (byte) Math.min(MAX_HITS, hits[key] + 1);
    return true;
  }

  @Override
  public boolean holds(int key) {
    return resident.holderOf(key) != null;
  }

  @Override
  public void arrived(int row) {
    int key = trace.key()[row];
    if (holds(key)) {
      return;
    }
    while (small.size() + main.size() >= capacity) {
      evict();
    }
    hits[key] = 0;
    if (remembered.holderOf(key) == null) {
      small.addFirst(key);
    } else {
      ghosts.remove(key);
      main.addFirst(key);
    }
  }

  private void evict() {
    if (small.size() >= smallCapacity || main.size() == 0) {
      evictFromSmall();
    } else {
      evictFromMain();
    }
  }

  private void evictFromSmall() {
    while (small.size() > 0) {
      int key = small.removeLast();
      if (hits[key] < PROMOTED_AT) {
        remember(key);
        return;
      }
      hits[key] = 0;
      main.addFirst(key);
      if (main.size() > mainCapacity) {
        evictFromMain();
        return;
      }
    }
  }

  private void remember(int key) {
    if (remembered.holderOf(key) == null && mainCapacity > 0) {
      ghosts.addFirst(key);
      if (ghosts.size() > mainCapacity) {
        ghosts.removeLast();
      }
    }
  }

  private void evictFromMain() {
    while (main.size() > 0) {
      int key = main.removeLast();
      if (hits[key] == 0) {
        return;
      }
      hits[key]--;
      main.addFirst(key);
    }
  }

  @Override
  public void outdated(int key) {
    IntLists.List holder = resident.holderOf(key);
    if (holder != null) {
      holder.remove(key);
    }
  }
}
