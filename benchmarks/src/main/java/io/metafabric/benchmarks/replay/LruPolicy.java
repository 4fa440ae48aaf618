package io.metafabric.benchmarks.replay;

/** The least recently used key goes. */
class LruPolicy implements ReplayPolicy {
  final Trace trace;
  private final int capacity;
  private final IntLists lists;
  private final IntLists.List recent;

  LruPolicy(Trace trace, int capacity) {
    this.trace = trace;
    this.capacity = capacity;
    this.lists = new IntLists(trace.keys().size());
    this.recent = lists.new List();
  }

  @Override
  public boolean request(int row, long nowMs) {
    int key = trace.key()[row];
    if (!holds(key)) {
      return false;
    }
    recent.remove(key);
    recent.addFirst(key);
    return true;
  }

  @Override
  public boolean holds(int key) {
    return lists.holderOf(key) != null;
  }

  @Override
  public void arrived(int row) {
    add(trace.key()[row]);
  }

  void add(int key) {
    if (holds(key)) {
      return;
    }
    while (recent.size() >= capacity) {
      evicted(recent.removeLast());
    }
    recent.addFirst(key);
  }

  void evicted(int key) {}

  @Override
  public void outdated(int key) {
    if (holds(key)) {
      recent.remove(key);
    }
  }
}
