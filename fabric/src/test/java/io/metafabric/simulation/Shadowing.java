package io.metafabric.simulation;

import io.metafabric.core.sim.SimWorld;
import io.metafabric.node.ShadowConfig;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Shadows in half of the seeds: by rules, with room for few or for all, and asked for and dropped
 * by operators. Drawn apart from the plan, into which the operators' steps are put.
 */
final class Shadowing {
  private static final double OFTEN = 0.03;

  private final Dice dice;
  private final boolean shadowed;

  private Shadowing(Dice dice) {
    this.dice = dice;
    this.shadowed = dice.chance(0.5);
  }

  static Shadowing of(long seed) {
    return new Shadowing(new Dice(new SimWorld(seed).fork("shadows")));
  }

  private static Duration timeToLive(Dice dice) {
    return dice.time(Duration.ofSeconds(1), Duration.ofMinutes(2));
  }

  /** What the regions of a run are opened with; drawn before the steps. */
  ShadowConfig config() {
    if (!shadowed) {
      return ShadowConfig.DEFAULT;
    }
    ShadowRules rules =
        ShadowRules.of(
                ShadowRule.forNamespace("sync", dice.between(1, 5), timeToLive(dice)),
                ShadowRule.forPrefix("soon/1", dice.between(1, 5), timeToLive(dice)),
                ShadowRule.forClient("client 1", dice.between(1, 5), timeToLive(dice)))
            .withConfidence(dice.oneOf(List.of(0.1, 0.5, 0.9)));
    return new ShadowConfig(
        dice.chance(0.5) ? rules : ShadowRules.NONE, dice.oneOf(List.of(8L << 10, 1L << 20)));
  }

  /** The plan with the operators' steps in it. */
  Plan into(Plan plan) {
    config(); // so that the steps are the same, whether or not it was asked for before
    if (!shadowed) {
      return plan;
    }
    var steps = new ArrayList<Plan.Step>();
    for (Plan.Step step : plan.steps()) {
      steps.add(step);
      if (dice.chance(OFTEN)) {
        steps.add(new Plan.Step(0, draw(plan.setting())));
      }
    }
    return new Plan(plan.setting(), steps);
  }

  private Action draw(Setting setting) {
    int site = dice.below(setting.regions());
    var key = dice.oneOf(dice.chance(0.1) ? setting.concurrentKeys() : setting.keys());
    return dice.chance(0.3)
        ? new Operations.DropShadows(site, key)
        : new Operations.MakeShadows(
            site, key, dice.between(1, setting.regions()), timeToLive(dice));
  }
}
