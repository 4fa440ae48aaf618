package io.metafabric.core.store;

import org.jspecify.annotations.Nullable;

/**
 * @param runs compactions that were finished
 * @param readBytes by them and by the one under way
 * @param freedBytes of disk
 * @param failures compactions that were given up; each is tried again
 * @param problem the newest failure; null if there was none
 */
public record CompactionStats(
    long runs, long readBytes, long freedBytes, long failures, @Nullable String problem) {
  static final CompactionStats NONE = new CompactionStats(0, 0, 0, 0, null);
}
