package io.metafabric.predict;

/**
 * Whether one source of a {@link SequencePredictor} is listened to. What its word is worth the
 * ranking learns by itself, and soon; the switch is for a source that is not worth asking. Its
 * <em>yield</em> is the share of the proposals in which it took part that were fair, as likely as a
 * fetch has to be, and came true, fetched or not.
 *
 * <p>A yield of less than {@value #OFF_AT} over {@value #OUTCOMES} proposals turns it off; then it
 * is heard after one in {@value #PROBE_EVERY} reads alone, and is on again once {@value #PROBES} of
 * its proposals in a row had a yield of {@value #ON_AT}. It goes on learning all the time. Counts,
 * and draws nothing by chance. Not thread-safe.
 */
final class SourceSwitch {
  static final double OFF_AT = 0.001;
  static final double ON_AT = 0.003;
  static final int OUTCOMES = 1024;
  static final int PROBES = 512;
  static final int PROBE_EVERY = 16;

  private boolean on = true;
  private int silent;

  /** Of those that are counted towards the next decision. */
  private int counted;

  private int earned;

  private long proposed;
  private long fair;
  private long cameTrue;
  private long switchedOff;

  /** Whether it is heard after this read; to be asked once for each. */
  boolean speaks() {
    if (on) {
      return true;
    }
    silent++;
    if (silent == PROBE_EVERY) {
      silent = 0;
      return true;
    }
    return false;
  }

  /** What came of a proposal in which it took part. */
  void outcome(boolean wasFair, boolean came) {
    proposed++;
    counted++;
    if (wasFair) {
      fair++;
      if (came) {
        cameTrue++;
        earned++;
      }
    }
    if (counted == (on ? OUTCOMES : PROBES)) {
      double yield = (double) earned / counted;
      if (on && yield < OFF_AT) {
        on = false;
        switchedOff++;
      } else if (!on && yield >= ON_AT) {
        on = true;
      }
      counted = 0;
      earned = 0;
    }
  }

  SourceStats stats(String predictor, Source source, long retainedBytes) {
    return new SourceStats(
        predictor, source.id(), on, proposed, fair, cameTrue, switchedOff, retainedBytes);
  }
}
