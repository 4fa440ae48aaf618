package io.metafabric.predict;

import java.util.Arrays;

/**
 * Proposals that were followed up, the oldest first: what was known of each when it was made, and
 * whether it came true. Immutable.
 */
public final class RankingExamples {
  private final int features;
  private final float[] values;
  private final boolean[] outcomes;

  /**
   * @param features of each; the first is 1 in all of them
   * @param values one example after the other; not to be changed any more
   * @param outcomes one for each example; the same
   */
  public RankingExamples(int features, float[] values, boolean[] outcomes) {
    if (values.length != features * outcomes.length) {
      throw new IllegalArgumentException(
          values.length + " values are not " + features + " for each of " + outcomes.length);
    }
    this.features = features;
    this.values = values;
    this.outcomes = outcomes;
  }

  public int count() {
    return outcomes.length;
  }

  /** How many features each has. The first is 1 in all of them. */
  public int features() {
    return features;
  }

  public float value(int example, int feature) {
    return values[example * features + feature];
  }

  public boolean cameTrue(int example) {
    return outcomes[example];
  }

  /** Whether some came true and some did not. */
  boolean differ() {
    for (boolean outcome : outcomes) {
      if (outcome != outcomes[0]) {
        return true;
      }
    }
    return false;
  }

  /** The features of all examples, one example after the other. */
  float[] values() {
    return values;
  }

  /** The first so many. */
  RankingExamples first(int count) {
    return new RankingExamples(
        features, Arrays.copyOf(values, count * features), Arrays.copyOf(outcomes, count));
  }

  /** The same with all products of two features in place of the features. */
  RankingExamples crossed() {
    int products = Ranking.products(features);
    var crossed = new float[products * count()];
    int next = 0;
    for (int example = 0; example < count(); example++) {
      for (int i = 0; i < features; i++) {
        for (int j = i; j < features; j++) {
          crossed[next] = value(example, i) * value(example, j);
          next++;
        }
      }
    }
    return new RankingExamples(products, crossed, outcomes);
  }
}
