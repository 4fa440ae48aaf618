package io.metafabric.predict;

import java.util.Arrays;

/** The last outcomes with the features of their proposals, in a ring. Not thread-safe. */
final class ExampleWindow {
  private final int features;
  private final int capacity;
  private final float[] values;
  private final boolean[] outcomes;
  private long added;

  ExampleWindow(int features, int capacity) {
    this.features = features;
    this.capacity = capacity;
    this.values = new float[features * capacity];
    this.outcomes = new boolean[capacity];
  }

  void add(float[] from, int at, boolean cameTrue) {
    int place = (int) (added % capacity);
    System.arraycopy(from, at, values, place * features, features);
    outcomes[place] = cameTrue;
    added++;
  }

  int features() {
    return features;
  }

  int count() {
    return (int) Math.min(added, capacity);
  }

  RankingExamples copy() {
    int count = count();
    int oldest = added > capacity ? (int) (added % capacity) : 0;
    float[] copiedValues = Arrays.copyOf(values, count * features);
    boolean[] copiedOutcomes = Arrays.copyOf(outcomes, count);
    if (oldest > 0) {
      int tail = capacity - oldest;
      System.arraycopy(values, oldest * features, copiedValues, 0, tail * features);
      System.arraycopy(values, 0, copiedValues, tail * features, oldest * features);
      System.arraycopy(outcomes, oldest, copiedOutcomes, 0, tail);
      System.arraycopy(outcomes, 0, copiedOutcomes, tail, oldest);
    }
    return new RankingExamples(features, copiedValues, copiedOutcomes);
  }

  long retainedBytes() {
    return (long) capacity * (Float.BYTES * features + 1);
  }
}
