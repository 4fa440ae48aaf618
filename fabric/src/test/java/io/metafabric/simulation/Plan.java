package io.metafabric.simulation;

import java.util.ArrayList;
import java.util.List;

/** What is done in a seed, in which order, and after which waits. */
record Plan(Setting setting, List<Step> steps) {
  /**
   * @param waitNanos before it is done
   */
  record Step(long waitNanos, Action action) {}

  static Plan draw(Dice dice) {
    Setting setting = Setting.draw(dice);
    var workload = new Workload(dice, setting);
    var steps = new ArrayList<Step>();
    for (int i = 0; i < Workload.OPERATIONS; i++) {
      setting
          .weather()
          .forEach(
              (fault, often) -> {
                if (dice.chance(often)) {
                  steps.add(new Step(0, fault.draw(dice, setting)));
                }
              });
      steps.add(new Step(waitNanos(dice), workload.draw()));
    }
    return new Plan(setting, steps);
  }

  /** Bursts, an even pace, and now and then a rest. */
  private static long waitNanos(Dice dice) {
    int pace = dice.below(100);
    int mostMs = pace < 50 ? 5 : pace < 97 ? 100 : 2000;
    return dice.random().nextLong(mostMs * 1_000_000L);
  }
}
