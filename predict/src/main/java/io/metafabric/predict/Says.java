package io.metafabric.predict;

import java.util.ArrayList;
import java.util.List;

/**
 * Which sources proposed a key, and how likely each alone would have had it. Immutable by
 * convention; what it is made of is not copied.
 */
final class Says {
  static final Says NONE = new Says(List.of(), List.of(), new float[0]);

  private static final int BYTES = 40;

  private final List<Source> sources;
  private final List<String> names;
  private final float[] probabilities;

  /**
   * @param names of the sources' scores
   * @param probabilities of each source; NaN of one that said nothing
   */
  Says(List<Source> sources, List<String> names, float[] probabilities) {
    this.sources = sources;
    this.names = names;
    this.probabilities = probabilities;
  }

  /** The names of their scores. */
  List<String> scoredAs() {
    var those = new ArrayList<String>(probabilities.length);
    for (int i = 0; i < probabilities.length; i++) {
      if (!Float.isNaN(probabilities[i])) {
        those.add(names.get(i));
      }
    }
    return those;
  }

  /** The surest first. */
  List<PastPrediction.Say> all() {
    var all = new ArrayList<PastPrediction.Say>(probabilities.length);
    for (int i = 0; i < probabilities.length; i++) {
      if (!Float.isNaN(probabilities[i])) {
        all.add(new PastPrediction.Say(sources.get(i).id(), probabilities[i]));
      }
    }
    all.sort((a, b) -> Double.compare(b.probability(), a.probability()));
    return all;
  }

  long retainedBytes() {
    return this == NONE ? 0 : BYTES + (long) Float.BYTES * probabilities.length;
  }
}
