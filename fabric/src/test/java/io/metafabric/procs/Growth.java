package io.metafabric.procs;

import java.util.List;
import java.util.Optional;

/**
 * Whether something of which a process should need no more after hours than after minutes grows, in
 * samples that were taken at even distances.
 *
 * <p>The first quarter of them is warm-up and says nothing. It grows if the median of the last
 * quarter is above that of the second by more than is allowed, and the two hardly overlap: three
 * quarters of the samples of the last one are above three quarters of those of the second. So peaks
 * do not count, nor does a saw-tooth that is shorter than a quarter. A leak at an even rate adds to
 * the difference what it adds in half of the run.
 *
 * @param allowed in the unit of the samples
 * @param allowedPercent of the median of the second quarter; the larger of the two counts
 */
record Growth(long allowed, int allowedPercent) {
  /** Fewer samples say nothing. */
  static final int MIN_SAMPLES = 16;

  /** How much it has grown; empty if that is as it should be. */
  Optional<String> in(List<Long> samples) {
    if (samples.size() < MIN_SAMPLES) {
      throw new IllegalArgumentException("too few samples to say anything: " + samples.size());
    }
    int quarter = samples.size() / 4;
    List<Long> second = samples.subList(quarter, 2 * quarter).stream().sorted().toList();
    List<Long> last =
        samples.subList(samples.size() - quarter, samples.size()).stream().sorted().toList();
    long before = at(second, 50);
    long more = at(last, 50) - before;
    long most = Math.max(allowed, before * allowedPercent / 100);
    if (more <= most || at(last, 25) <= at(second, 75)) {
      return Optional.empty();
    }
    return Optional.of("from %,d by %,d, where %,d is allowed".formatted(before, more, most));
  }

  private static long at(List<Long> sorted, int percent) {
    return sorted.get((sorted.size() - 1) * percent / 100);
  }
}
