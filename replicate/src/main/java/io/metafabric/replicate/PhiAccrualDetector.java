package io.metafabric.replicate;

import java.time.Duration;

/**
 * How suspicious a peer's silence is, from the rhythm of its heartbeats so far.
 *
 * <p>Phi is {@code -log10} of the probability that a heartbeat comes later than now although the
 * peer is well: at 8, one silence in a hundred million is that long. Gaps between heartbeats are
 * taken as normally distributed; mean and deviation are those of the last {@value #WINDOW}. Any
 * other sign of life ends a silence too, but says nothing about the rhythm.
 *
 * <p>Knows no clock: callers pass monotonic nanoseconds. The same calls give the same bits on every
 * machine. Thread-safe.
 *
 * @see <a href="https://doi.org/10.1109/RELDIS.2004.1353004">Hayashibara et al., The phi accrual
 *     failure detector, SRDS 2004</a>
 * @see <a href="https://doi.org/10.3926/jiem.2009.v2n1.p114-127">Bowling et al., A logistic
 *     approximation to the cumulative normal distribution, 2009</a>
 */
final class PhiAccrualDetector {
  static final int WINDOW = 200;

  // Longer gaps are outages, not rhythm; nor must their squares overflow.
  private static final double LONGEST_GAP_MS = 600_000;

  private final double expectedMs;
  private final double minDeviationMs;
  private final double[] gapsMs = new double[WINDOW];
  private int gaps;
  private int nextGap;
  private double sumMs;
  private double sumOfSquares;
  private boolean begun;
  private long lastHeartbeatNanos;
  private long lastHeardNanos;

  /**
   * @param expected the gap that stands for all that have not been seen yet; with it comes a
   *     deviation of a quarter
   * @param minDeviation a rhythm is never trusted to be more even than this
   */
  PhiAccrualDetector(Duration expected, Duration minDeviation) {
    this.expectedMs = expected.toNanos() / 1e6;
    this.minDeviationMs = minDeviation.toNanos() / 1e6;
    if (expectedMs <= 0 || minDeviationMs <= 0) {
      throw new IllegalArgumentException(
          "gap and deviation must be more than 0, were " + expected + " and " + minDeviation);
    }
    addPrior();
  }

  /** Forgets the rhythm; the silence begins with the next call. */
  synchronized void forget() {
    gaps = 0;
    nextGap = 0;
    sumMs = 0;
    sumOfSquares = 0;
    begun = false;
    addPrior();
  }

  private void addPrior() {
    double deviation = expectedMs / 4;
    add(expectedMs - deviation);
    add(expectedMs + deviation);
  }

  /** A connection begins: the time since the last heartbeat is no gap of the rhythm. */
  synchronized void begin(long nowNanos) {
    begun = true;
    lastHeartbeatNanos = nowNanos;
    lastHeardNanos = nowNanos;
  }

  synchronized void heartbeat(long nowNanos) {
    if (begun) {
      add(Math.min(LONGEST_GAP_MS, Math.max(0, (nowNanos - lastHeartbeatNanos) / 1e6)));
    }
    begin(nowNanos);
  }

  /** A sign of life other than a heartbeat. */
  synchronized void heard(long nowNanos) {
    if (begun) {
      lastHeardNanos = nowNanos;
    } else {
      begin(nowNanos);
    }
  }

  private void add(double gapMs) {
    if (gaps == WINDOW) {
      double oldest = gapsMs[nextGap];
      sumMs -= oldest;
      sumOfSquares -= oldest * oldest;
    } else {
      gaps++;
    }
    gapsMs[nextGap] = gapMs;
    nextGap = (nextGap + 1) % WINDOW;
    sumMs += gapMs;
    sumOfSquares += gapMs * gapMs;
  }

  synchronized double meanMs() {
    return sumMs / gaps;
  }

  synchronized double deviationMs() {
    double mean = meanMs();
    double variance = Math.max(0, sumOfSquares / gaps - mean * mean);
    return Math.max(minDeviationMs, Math.sqrt(variance));
  }

  /** For how long nothing was heard; 0 before the first sign of life. */
  synchronized long silentNanos(long nowNanos) {
    return begun ? Math.max(0, nowNanos - lastHeardNanos) : 0;
  }

  /** Phi now; 0 before the first sign of life. Never falls while nothing is heard. */
  double phi(long nowNanos) {
    return phi(nowNanos, Duration.ZERO);
  }

  /** Phi of a peer that is granted a pause: what it was that long ago. */
  synchronized double phi(long nowNanos, Duration granted) {
    if (!begun) {
      return 0;
    }
    double silentMs = (silentNanos(nowNanos) - granted.toNanos()) / 1e6;
    return phi(silentMs, meanMs(), deviationMs());
  }

  /**
   * With {@code y} deviations beyond the mean, the probability of a longer silence is about {@code
   * 1 / (1 + e^x)}, {@code x = 1.5976 y + 0.070566 y^3}. It errs by 0.00014 at most; far out, where
   * that is much, it is too small, which suspects a little earlier.
   */
  static double phi(double silentMs, double meanMs, double deviationMs) {
    double y = (silentMs - meanMs) / deviationMs;
    double x = y * (1.5976 + 0.070566 * y * y);
    // log10(1 + e^x) without overflow. StrictMath: the same bits compiled or not.
    return (Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)))) / StrictMath.log(10);
  }
}
