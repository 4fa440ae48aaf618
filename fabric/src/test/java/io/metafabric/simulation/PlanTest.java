package io.metafabric.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.sim.SimSeeds;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The seeds of the build meet everything that there is to meet. */
class PlanTest {
  @Test
  void everyFaultAndOperation_isInManyPlans_andSomePlansAreCalm() {
    var plansWith = new EnumMap<Fault, Integer>(Fault.class);
    var actions = new HashMap<Class<?>, Integer>();
    var regions = new HashMap<Integer, Integer>();
    int calm = 0;
    int mixed = 0;
    for (long seed : SimSeeds.many().toArray()) {
      Plan plan = Simulation.planOf(seed);
      plan.setting().weather().keySet().forEach(fault -> plansWith.merge(fault, 1, Integer::sum));
      plan.steps().forEach(step -> actions.merge(step.action().getClass(), 1, Integer::sum));
      regions.merge(plan.setting().regions(), 1, Integer::sum);
      mixed += MixedProtocols.of(seed).isMixed() ? 1 : 0;
      calm += plan.setting().weather().isEmpty() ? 1 : 0;
    }
    for (Fault fault : Fault.values()) {
      assertThat(plansWith.getOrDefault(fault, 0))
          .as("plans with %s", fault)
          .isGreaterThanOrEqualTo(40);
    }
    for (Class<?> operation : Operations.class.getDeclaredClasses()) {
      if (Action.class.isAssignableFrom(operation)) {
        assertThat(actions.getOrDefault(operation, 0)).as("of %s", operation).isGreaterThan(800);
      }
    }
    assertThat(countOf(actions, Operations.class)).isGreaterThan(400_000);
    assertThat(countOf(actions, Faults.class)).isGreaterThan(4_000);
    assertThat(regions).containsOnlyKeys(2, 3, 4, 5);
    assertThat(calm).isGreaterThan(20);
    assertThat(mixed).as("seeds of several protocols").isGreaterThan(40);
  }

  private static int countOf(Map<Class<?>, Integer> actions, Class<?> in) {
    return actions.entrySet().stream()
        .filter(entry -> in.equals(entry.getKey().getDeclaringClass()))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }
}
