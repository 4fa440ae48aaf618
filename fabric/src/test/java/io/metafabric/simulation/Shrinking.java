package io.metafabric.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Leaves steps out of a plan that fails for as long as it goes on failing. */
final class Shrinking {
  private static final int MAX_RUNS = 400;

  private final long seed;
  private int runs;

  private Shrinking(long seed) {
    this.seed = seed;
  }

  /** What is left of the plan of a seed that fails, and how it fails then. */
  static String of(long seed) {
    return new Shrinking(seed).shrink();
  }

  private String shrink() {
    Plan plan = Simulation.planOf(seed);
    String failure = String.valueOf(failureOf(plan));
    for (int chunk = plan.steps().size() / 2; chunk > 0 && runs < MAX_RUNS; chunk /= 2) {
      for (int from = 0; from < plan.steps().size() && runs < MAX_RUNS; ) {
        Plan smaller = without(plan, from, chunk);
        String now = failureOf(smaller);
        if (now == null) {
          from += chunk;
        } else {
          plan = smaller;
          failure = now;
        }
      }
    }
    return plan.steps().stream()
        .map(step -> step.waitNanos() / 1e6 + " ms later " + step.action())
        .collect(
            Collectors.joining("\n  ", "these steps are enough:\n  ", "\nto fail with " + failure));
  }

  private static Plan without(Plan plan, int from, int count) {
    List<Plan.Step> left = new ArrayList<>(plan.steps().subList(0, from));
    left.addAll(
        plan.steps().subList(Math.min(from + count, plan.steps().size()), plan.steps().size()));
    return new Plan(plan.setting(), left);
  }

  private @Nullable String failureOf(Plan plan) {
    runs++;
    try {
      Simulation.of(seed, plan).go();
      return null;
    } catch (RuntimeException | Error e) {
      return e.getMessage();
    }
  }
}
