package io.metafabric.replicate.arm;

import io.metafabric.core.version.Dot;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one copy in another region: how often it is read there, as that says or as its
 * fetches show, how often the key is written, and what was sent for the last write. Rates fade by
 * half in five minutes, as those of {@link EventRates} do, so that both are of the same past. Not
 * thread-safe; the caller owns the clock.
 */
final class RemoteCopy {
  private static final double HALF_LIFE_NANOS = 300e9;
  private static final double PER_COUNT = StrictMath.log(2) / 300;

  /** For so long it has not been worth an update, and nobody there has fetched it. */
  static final long DROP_AFTER_NANOS = 300_000_000_000L;

  private double fetches;
  private double writes;
  private long fadedNanos;
  private double toldReadsPerSecond = Double.NaN;
  private @Nullable Dot decidedOn;
  private Update last = Update.PUSH;
  private boolean decided;
  private long notWorthSinceNanos;

  RemoteCopy(long nowNanos) {
    this.fadedNanos = nowNanos;
  }

  void fetched(long nowNanos) {
    fade(nowNanos);
    fetches++;
    notWorthSinceNanos = nowNanos;
  }

  void told(double readsPerSecond) {
    toldReadsPerSecond = readsPerSecond;
  }

  void written(long nowNanos) {
    fade(nowNanos);
    writes++;
  }

  private void fade(long nowNanos) {
    long passed = nowNanos - fadedNanos;
    if (passed > 0) {
      double left = StrictMath.pow(2, -passed / HALF_LIFE_NANOS);
      fetches *= left;
      writes *= left;
      fadedNanos = nowNanos;
    }
  }

  /**
   * That somebody reads it there before the next write: of two that happen by chance at their rates
   * the first.
   */
  double readFirst() {
    double reads = readsPerSecond();
    double sum = reads + writesPerSecond();
    return sum > 0 ? reads / sum : 0;
  }

  double readsPerSecond() {
    return Double.isNaN(toldReadsPerSecond) ? fetches * PER_COUNT : toldReadsPerSecond;
  }

  double writesPerSecond() {
    return writes * PER_COUNT;
  }

  /** What was decided for this very write; null if nothing was. */
  @Nullable Update decidedOn(Dot write) {
    return write.equals(decidedOn) ? last : null;
  }

  /** Null if nothing was decided yet. */
  @Nullable Update last() {
    return decided ? last : null;
  }

  void decided(Dot write, Update update, long nowNanos) {
    if (last == Update.PUSH || !decided) {
      notWorthSinceNanos = nowNanos;
    }
    decided = true;
    decidedOn = write;
    last = update;
  }

  boolean isForLongNotWorthIt(long nowNanos) {
    return decided && last != Update.PUSH && nowNanos - notWorthSinceNanos >= DROP_AFTER_NANOS;
  }
}
