package io.metafabric.core.version;

/**
 * The name of one write.
 *
 * @param counter counts the actor's writes over all keys; starts at 1 and never repeats
 */
public record Dot(ActorId actor, long counter) {
  public Dot {
    if (counter < 1) {
      throw new IllegalArgumentException("the counter of " + actor + " must be >= 1: " + counter);
    }
  }

  @Override
  public String toString() {
    return actor + ":" + counter;
  }
}
