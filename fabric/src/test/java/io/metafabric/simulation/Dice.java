package io.metafabric.simulation;

import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/** Draws from one stream of randomness. */
record Dice(RandomGenerator random) {
  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  /** From 0 to {@code bound - 1}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** Both ends included. */
  int between(int least, int most) {
    return random.nextInt(least, most + 1);
  }

  <T> T oneOf(List<T> choices) {
    return choices.get(below(choices.size()));
  }

  /** All orders of magnitude are as likely as each other. */
  double scaled(double least, double most) {
    return least * Math.pow(most / least, random.nextDouble());
  }

  /** The same for a time. */
  Duration time(Duration least, Duration most) {
    return Duration.ofMillis((long) scaled(least.toMillis(), most.toMillis()));
  }
}
