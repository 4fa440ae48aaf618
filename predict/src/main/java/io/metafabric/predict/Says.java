package io.metafabric.predict;

import java.util.ArrayList;
import java.util.List;

/**
 * Which sources proposed a key, and how likely each alone would have had it. Immutable by
 * convention; what it is made of is not copied.
 */
final class Says {
  static final Says NONE = new Says(List.of(), List.of(), new float[0], 0);

  private final List<Source> sources;
  private final List<String> names;
  private final float[] probabilities;
  private final int cause;

  /**
   * @param names of the sources' scores
   * @param probabilities of each source; NaN of one that said nothing
   * @param cause the reference of the key that it follows from, as its predictor knows it; 0 if
   *     there is none
   */
  Says(List<Source> sources, List<String> names, float[] probabilities, int cause) {
    this.sources = sources;
    this.names = names;
    this.probabilities = probabilities;
    this.cause = cause;
  }

  /** What the same sources said another time. */
  Says with(float[] probabilities, int cause) {
    return new Says(sources, names, probabilities, cause);
  }

  int cause() {
    return cause;
  }

  /** NaN of a source that said nothing, or that there is not. */
  float probability(int source) {
    return source < probabilities.length ? probabilities[source] : Float.NaN;
  }

  /** The name of the first source that said something; empty if none did. */
  String firstSource() {
    for (int i = 0; i < probabilities.length; i++) {
      if (!Float.isNaN(probabilities[i])) {
        return sources.get(i).id();
      }
    }
    return "";
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
}
