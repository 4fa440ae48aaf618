package io.metafabric;

/**
 * What a read may be answered with. Immutable; {@link #DEFAULT} is what {@link Records#get(String)}
 * takes.
 */
public final class ReadOptions {
  /** The newest value; if nobody who has it can be reached, an older one that says so. */
  public static final ReadOptions DEFAULT = new ReadOptions(true);

  private static final ReadOptions NEVER_STALE = new ReadOptions(false);

  private final boolean allowsStale;

  private ReadOptions(boolean allowsStale) {
    this.allowsStale = allowsStale;
  }

  /**
   * Rather no value than one of which this region knows that a newer one has been written. What
   * other regions have written and this one has not heard of is not seen with this either.
   */
  public static ReadOptions neverStale() {
    return NEVER_STALE;
  }

  boolean allowsStale() {
    return allowsStale;
  }
}
