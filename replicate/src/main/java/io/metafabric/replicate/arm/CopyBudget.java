package io.metafabric.replicate.arm;

import io.metafabric.core.error.ConfigurationException;

/**
 * What one region may pay for copies: those that it fetches ahead, those that it sends to others
 * unasked, and shadows that it makes. Immutable. What is charged never exceeds any of the three,
 * but for missing copies, which count in dollars and are owed; what others send here is in their
 * budgets. Another opening begins anew with bytes, and goes on with dollars.
 *
 * @param bytesPerSecond on the links, at least 1; a second's worth may go at once. A missing copy,
 *     or a shadow that was asked for by name, that is larger goes whole, and nothing after it
 *     before that has been earned
 * @param dollarsPerDay in any 24 hours of time passed, whatever the wall clock says; 0 to {@value
 *     #MAX_DOLLARS}. With 0, only what is free is copied
 * @param storedBytes of all copies here together: those that are on their way or not read yet,
 *     those that are kept, and shadows; at least 1
 */
public record CopyBudget(long bytesPerSecond, double dollarsPerDay, long storedBytes) {
  public static final long MAX_BYTES = TokenBucket.MAX_BYTES;
  public static final double MAX_DOLLARS = 1e6;

  /**
   * 4 MiB/s, which at {@link Prices#DEFAULT} is 7.25 dollars a day; 10 dollars a day; 256 MiB of
   * copies.
   */
  public static final CopyBudget DEFAULT = new CopyBudget(4L << 20, 10, 256L << 20);

  public CopyBudget {
    requireBytes("bytesPerSecond", bytesPerSecond);
    requireBytes("storedBytes", storedBytes);
    if (!(dollarsPerDay >= 0 && dollarsPerDay <= MAX_DOLLARS)) {
      throw new ConfigurationException(
          "dollarsPerDay of a copy budget must be 0 to " + MAX_DOLLARS + ", was " + dollarsPerDay);
    }
  }

  private static void requireBytes(String name, long bytes) {
    if (bytes < 1 || bytes > MAX_BYTES) {
      throw new ConfigurationException(
          name + " of a copy budget must be 1 to " + MAX_BYTES + ", was " + bytes);
    }
  }

  public CopyBudget withBytesPerSecond(long bytes) {
    return new CopyBudget(bytes, dollarsPerDay, storedBytes);
  }

  public CopyBudget withDollarsPerDay(double dollars) {
    return new CopyBudget(bytesPerSecond, dollars, storedBytes);
  }

  public CopyBudget withStoredBytes(long bytes) {
    return new CopyBudget(bytesPerSecond, dollarsPerDay, bytes);
  }
}
