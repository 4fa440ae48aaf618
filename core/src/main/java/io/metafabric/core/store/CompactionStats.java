package io.metafabric.core.store;

import org.jspecify.annotations.Nullable;

/**
 * @param runs compactions that were finished
 * @param readBytes of frames, by them, by the one under way, and by those that were given up
 * @param writtenBytes by them, by the one under way, and by those that were given up
 * @param freedBytes of disk
 * @param failures compactions that were given up; each is tried again
 * @param problem the newest failure; null if there was none
 */
public record CompactionStats(
    long runs,
    long readBytes,
    long writtenBytes,
    long freedBytes,
    long failures,
    @Nullable String problem) {
  static final CompactionStats NONE = new CompactionStats(0, 0, 0, 0, 0, null);
}
