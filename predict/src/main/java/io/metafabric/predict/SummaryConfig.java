package io.metafabric.predict;

import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.error.ConfigurationException;
import java.time.Duration;

/**
 * How regions tell each other what is read in them.
 *
 * @param every how often, 100 ms to an hour, while there is something to tell; zero for never
 * @param maxBytes of each summary before it is compressed, {@value #MIN_BYTES} to 64 KiB
 */
public record SummaryConfig(Duration every, int maxBytes) {
  public static final int MIN_BYTES = 1 << 10;

  private static final Duration SHORTEST = Duration.ofMillis(100);
  private static final Duration LONGEST = Duration.ofHours(1);

  public static final SummaryConfig DEFAULT = new SummaryConfig(Duration.ofSeconds(2), 16 << 10);

  /** Nothing is told, and nothing taken in. */
  public static final SummaryConfig OFF = new SummaryConfig(Duration.ZERO, MIN_BYTES);

  public SummaryConfig {
    boolean never = every.isZero();
    if (!never && (every.compareTo(SHORTEST) < 0 || every.compareTo(LONGEST) > 0)) {
      throw new ConfigurationException(
          "access summaries go every " + SHORTEST + " to " + LONGEST + ", not " + every);
    }
    if (maxBytes < MIN_BYTES || maxBytes > SummaryCodec.MAX_BYTES) {
      throw new ConfigurationException(
          "access summaries have at most "
              + MIN_BYTES
              + " to "
              + SummaryCodec.MAX_BYTES
              + " bytes, not "
              + maxBytes);
    }
  }

  public boolean isOn() {
    return !every.isZero();
  }
}
