package io.metafabric.core.journal;

import io.metafabric.core.error.ConfigurationException;
import java.time.Duration;
import java.util.Objects;

/** What a write waits for before it is reported as done. Immutable. */
public final class Durability {
  /** The disk has it (fsync); concurrent writers share one. Survives loss of power. */
  public static final Durability SYNC = new Durability(Duration.ZERO, "SYNC");

  /** The operating system has it. Survives the death of the process, not loss of power. */
  public static final Durability OS = new Durability(Duration.ofDays(365L * 100), "OS");

  private static final Duration LONGEST = Duration.ofDays(1);

  private final Duration syncWithin;
  private final String name;

  private Durability(Duration syncWithin, String name) {
    this.syncWithin = syncWithin;
    this.name = name;
  }

  /**
   * The operating system has it, and the disk within {@code every}. Loss of power takes no more
   * than the writes of that time.
   *
   * @param every 1 ms to one day
   * @throws ConfigurationException if it is not
   */
  public static Durability interval(Duration every) {
    Objects.requireNonNull(
        every, "every must not be null; use OS for writes that are never synced");
    if (every.compareTo(Duration.ofMillis(1)) < 0 || every.compareTo(LONGEST) > 0) {
      throw new ConfigurationException(
          "a durability interval must be 1 ms to one day, was " + every);
    }
    return new Durability(every, "INTERVAL(" + every + ")");
  }

  /** Whether a write waits for the disk itself. */
  public boolean waitsForDisk() {
    return syncWithin.isZero();
  }

  /** Whether a write has to reach the disk in a bounded time, without being waited for. */
  public boolean hasInterval() {
    return !equals(OS) && !waitsForDisk();
  }

  /** Within this time the disk has it; zero if that is waited for. */
  public Duration syncWithin() {
    return syncWithin;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Durability that && syncWithin.equals(that.syncWithin);
  }

  @Override
  public int hashCode() {
    return syncWithin.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
