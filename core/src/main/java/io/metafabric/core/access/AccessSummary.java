package io.metafabric.core.access;

import io.metafabric.core.record.Key;
import java.util.List;

/**
 * What was read in one region for a while, for other regions to learn from: which keys, in which
 * order by each client, and how often. No payloads, no times, no names of clients. Immutable.
 *
 * @param whole whether no read of any client is missing in the runs: then they go on where those of
 *     the summary before ended
 * @param keys those that the rest speaks about, by number
 * @param more reads that are in no run, by ascending number of the key
 */
public record AccessSummary(boolean whole, List<Key> keys, List<Run> runs, List<More> more) {
  /** More than are read between two summaries; sums of them do not overflow in years. */
  public static final long MAX_READS = 1L << 40;

  /** Heap of a key with its place, beside its text. */
  private static final int KEY_HEAP_BYTES = 100;

  private static final int RUN_HEAP_BYTES = 64;
  private static final int READ_HEAP_BYTES = 20;
  private static final int MORE_HEAP_BYTES = 32;

  /**
   * What one client read, in order.
   *
   * @param client a hash that only the node knows whose summary it is
   * @param reads numbers of keys, at least one, none twice in succession
   */
  public record Run(int client, List<Integer> reads) {
    public Run {
      reads = List.copyOf(reads);
    }
  }

  /**
   * @param key its number
   * @param reads at least one, at most {@link #MAX_READS}
   */
  public record More(int key, long reads) {}

  public AccessSummary {
    keys = List.copyOf(keys);
    runs = List.copyOf(runs);
    more = List.copyOf(more);
  }

  /** An estimate of its heap, in bytes. */
  public long retainedBytes() {
    long bytes = (long) more.size() * MORE_HEAP_BYTES;
    for (Key key : keys) {
      bytes += KEY_HEAP_BYTES + 2L * key.path().length();
    }
    for (Run run : runs) {
      bytes += RUN_HEAP_BYTES + (long) READ_HEAP_BYTES * run.reads().size();
    }
    return bytes;
  }
}
