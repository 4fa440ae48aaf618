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

  // What a record makes of these itself is called through method handles, which costs where every
  // write compares several dots.
  @Override
  public boolean equals(Object that) {
    return that instanceof Dot dot && counter == dot.counter && actor.equals(dot.actor);
  }

  @Override
  public int hashCode() {
    return 31 * actor.hashCode() + Long.hashCode(counter);
  }

  @Override
  public String toString() {
    return actor + ":" + counter;
  }
}
