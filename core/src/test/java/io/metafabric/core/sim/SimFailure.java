package io.metafabric.core.sim;

/**
 * A task that threw.
 *
 * @param atNanos virtual time
 * @param where node and executor, or what the event was called
 */
public record SimFailure(long atNanos, String where, Throwable cause) {
  @Override
  public String toString() {
    return SimTrace.timeOf(atNanos) + " " + where + ": " + cause;
  }
}
