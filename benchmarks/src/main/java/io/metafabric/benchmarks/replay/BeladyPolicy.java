package io.metafabric.benchmarks.replay;

import java.util.Arrays;
import java.util.PriorityQueue;
import java.util.function.IntPredicate;

/**
 * The key that its region requests last goes, and before it those that are written first: the best
 * that can be done without fetching ahead, by whoever takes in all that comes. Who leaves some of
 * it out can be better by what one entry more is worth. It knows the order of the trace; where
 * clients wait and so change the order, it is a little off.
 *
 * @see <a href="https://doi.org/10.1147/sj.52.0078">Belady, 1966</a>
 */
final class BeladyPolicy implements ReplayPolicy {
  private static final int NEVER = Integer.MAX_VALUE;

  private final Trace trace;
  private final int capacity;

  /**
   * Of each row's key, the row at which the region requests it next, unless it is written first.
   */
  private final int[] nextUse;

  /** The row at which a resident key is needed next; -1 if it is not resident. */
  private final int[] neededAt;

  /** Of those that were overtaken by a later use, the entry is stale and is passed over. */
  private final PriorityQueue<long[]> latestFirst =
      new PriorityQueue<>((a, b) -> Long.compare(b[0], a[0]));

  private int resident;

  /**
   * @param here which rows are of the cache's own region
   */
  BeladyPolicy(Trace trace, int capacity, IntPredicate here, PutMode puts) {
    this.trace = trace;
    this.capacity = capacity;
    int rows = trace.rows();
    int[] seen = new int[trace.keys().size()];
    this.neededAt = new int[seen.length];
    this.nextUse = new int[rows];
    Arrays.fill(seen, NEVER);
    Arrays.fill(neededAt, -1);
    for (int row = rows - 1; row >= 0; row--) {
      int key = trace.key()[row];
      nextUse[row] = seen[key];
      if (puts.writes(trace.put()[row])) {
        // A copy from before is no longer good, and whoever writes has one without asking.
        seen[key] = NEVER;
      }
      if (puts.requests(trace.put()[row]) && here.test(row)) {
        seen[key] = row;
      }
    }
  }

  @Override
  public boolean request(int row, long nowMs) {
    int key = trace.key()[row];
    if (!holds(key)) {
      return false;
    }
    expect(key, nextUse[row]);
    return true;
  }

  private void expect(int key, int row) {
    neededAt[key] = row;
    latestFirst.add(new long[] {row, key});
  }

  @Override
  public boolean holds(int key) {
    return neededAt[key] != -1;
  }

  @Override
  public void arrived(int row) {
    int key = trace.key()[row];
    if (holds(key)) {
      expect(key, nextUse[row]);
      return;
    }
    while (resident >= capacity) {
      long[] latest = latestFirst.remove();
      if (neededAt[(int) latest[1]] == latest[0]) {
        neededAt[(int) latest[1]] = -1;
        resident--;
      }
    }
    expect(key, nextUse[row]);
    resident++;
  }

  @Override
  public void outdated(int key) {
    if (holds(key)) {
      neededAt[key] = -1;
      resident--;
    }
  }
}
