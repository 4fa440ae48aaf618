package io.metafabric.predict;

import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Best-first search along likely successors: likeliest first, each key once (Dijkstra 1959, with
 * products of probabilities for sums of lengths). Ties go to what was found first. Not thread-safe.
 */
final class LikelyPath {
  /**
   * @param probability of the likeliest path to this key
   */
  record Step(int reference, double probability, int found) implements Comparable<Step> {
    @Override
    public int compareTo(Step that) {
      int likelierFirst = Double.compare(that.probability, probability);
      return likelierFirst != 0 ? likelierFirst : Integer.compare(found, that.found);
    }
  }

  private final double leastProbability;
  private final PriorityQueue<Step> open = new PriorityQueue<>();
  private final Map<Integer, Double> best = new HashMap<>();
  private int found;

  LikelyPath(int from, double leastProbability) {
    this.leastProbability = leastProbability;
    add(from, 1);
  }

  void add(int reference, double probability) {
    if (reference == 0 || probability < leastProbability) {
      return;
    }
    Double known = best.get(reference);
    if (known == null || probability > known) {
      best.put(reference, probability);
      open.add(new Step(reference, probability, found++));
    }
  }

  /** The likeliest key that was not returned yet, or null. */
  @Nullable Step next() {
    while (true) {
      Step step = open.poll();
      if (step == null) {
        return null;
      }
      if (best.getOrDefault(step.reference(), 0.0) == step.probability()) {
        return step;
      }
    }
  }
}
