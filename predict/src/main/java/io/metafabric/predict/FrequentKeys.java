package io.metafabric.predict;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The most frequent of many keys, with how often each came at least.
 *
 * <p>Space-saving (Metwally et al., ICDT 2005) in sets of {@value #WAYS}: a key that has no place
 * takes that of the one in its set that came least, and goes on from its count, which may not have
 * been its own. Not thread-safe.
 */
final class FrequentKeys {
  static final int PLACES = 128;

  private static final int WAYS = 8;
  private static final int SETS = PLACES / WAYS;

  /**
   * @param reads at least so many
   */
  record Count(String path, long reads) {}

  private final @Nullable String[] paths = new @Nullable String[PLACES];
  private final long[] counts = new long[PLACES];

  /** What a count may be too high by. */
  private final long[] errors = new long[PLACES];

  void add(String path, long reads) {
    int hash = path.hashCode() * 0x9E3779B9;
    int first = (hash >>> 16 & SETS - 1) * WAYS;
    int least = first;
    for (int place = first; place < first + WAYS; place++) {
      if (path.equals(paths[place])) {
        counts[place] += reads;
        return;
      }
      if (counts[place] < counts[least]) {
        least = place;
      }
    }
    paths[least] = path;
    errors[least] = counts[least];
    counts[least] += reads;
  }

  /** Most first; those of which it is known that they came. */
  List<Count> mostFirst() {
    var all = new ArrayList<Count>();
    for (int place = 0; place < PLACES; place++) {
      String path = paths[place];
      if (path != null) {
        all.add(new Count(path, counts[place] - errors[place]));
      }
    }
    all.sort(Comparator.comparingLong(Count::reads).reversed().thenComparing(Count::path));
    return all;
  }

  void clear() {
    for (int place = 0; place < PLACES; place++) {
      paths[place] = null;
      counts[place] = 0;
      errors[place] = 0;
    }
  }

  long retainedBytes() {
    long bytes = (long) PLACES * (Long.BYTES + 2 * Long.BYTES);
    for (String path : paths) {
      bytes += path == null ? 0 : HeapSize.of(path);
    }
    return bytes;
  }
}
