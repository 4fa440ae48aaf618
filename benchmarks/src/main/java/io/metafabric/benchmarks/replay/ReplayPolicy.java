package io.metafabric.benchmarks.replay;

import io.metafabric.predict.RankingStats;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What decides which keys are in the cache of one region, and which are fetched ahead. A replay
 * calls it in virtual time, from one thread: {@link #request} for every request, {@link #arrived}
 * when what was missing has come, {@link #takePrefetches} after either, and {@link #prefetched}
 * when that has come.
 */
interface ReplayPolicy {
  /**
   * A request for a key.
   *
   * @param row of the trace
   * @return whether it is in the cache
   */
  boolean request(int row, long nowMs);

  /** Whether a key is in the cache; counts as nothing. */
  boolean holds(int key);

  /** What a request missed has come. */
  void arrived(int row);

  /**
   * Keys to fetch ahead, each neither in the cache nor asked for yet.
   *
   * @return how many were written to the front of {@code into}
   */
  default int takePrefetches(int[] into, long nowMs) {
    return 0;
  }

  /**
   * What was fetched ahead has come.
   *
   * @param awaited whether a request waits for it by now; it is counted as used
   */
  default void prefetched(int key, boolean awaited, long nowMs) {
    throw new IllegalStateException("never asked for " + key);
  }

  /** Another region changed the key: a copy here is no longer good. */
  void outdated(int key);

  /**
   * The frame that tells other regions what was requested since the last one, as it goes over the
   * wire; null if none is due, or what is learned is not shared.
   */
  default byte @Nullable [] tellOthers(long nowMs) {
    return null;
  }

  /**
   * Another region has told what was requested there.
   *
   * @param from its number
   */
  default void learn(int from, byte[] frame, long nowMs) {}

  default long prefetchesUsed() {
    return 0;
  }

  /** Those that left the cache unread. */
  default long prefetchesWasted() {
    return 0;
  }

  /** How true the probabilities were; empty of what says none. */
  default List<RankingStats> ranking() {
    return List.of();
  }

  /** Heap of what predicts, by its own estimate. */
  default long predictorBytes() {
    return 0;
  }
}
