package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What prediction brings on the bundled trace, without the noise of a machine. */
class PredictionPaysTest {
  private static final long HOT_TIER_BYTES = 192 << 10;

  @Test
  void onRealAccesses_muchLessIsWaitedFor_atNoMoreBytes() throws IOException {
    List<TraceReplay.Row> rows = TraceReplay.rows(7, 300);

    TraceReplay.Figures off = TraceReplay.replay(rows, false, 6, HOT_TIER_BYTES);
    TraceReplay.Figures on = TraceReplay.replay(rows, true, 6, HOT_TIER_BYTES);

    System.out.println("prediction off: " + off);
    System.out.println("prediction on:  " + on);
    assertThat(off.failedReads()).isZero();
    assertThat(off.made()).isZero();
    assertThat(on.failedReads()).isZero();
    assertThat(on.hurried()).as("prefetches that a read joined").isPositive();
    assertThat(on.reads()).isEqualTo(off.reads());
    assertThat((double) on.remoteReads()).isLessThan(0.6 * off.remoteReads());
    assertThat((double) on.stallMs()).isLessThan(0.6 * off.stallMs());
    assertThat((double) on.sentBytes()).isLessThan(1.1 * off.sentBytes());
    assertThat(off.summaryBytes()).isZero();
    assertThat(on.summaryBytes()).as("before compression").isBetween(1L, 10 * on.reads());
    assertThat(on.copies().made()).isEqualTo(on.made());
    assertThat((double) on.copies().used()).isBetween(0.98 * on.used(), 1.0 * on.used());
    double savedMs = off.stallMs() - on.stallMs();
    assertThat(on.copies().savedMs())
        .as("of first reads alone, so no more than there was")
        .isBetween(0.2 * savedMs, savedMs);
    assertThat(on.copies().savedDollars()).isGreaterThan(on.copies().spentDollars());
  }

  @Test
  void regionsThatLearnTogether_waitForLess_thanThoseThatLearnAlone() throws IOException {
    List<TraceReplay.Row> rows = TraceReplay.rows(7, 300);

    TraceReplay.Figures alone = TraceReplay.replayAlone(rows, 6, HOT_TIER_BYTES);
    TraceReplay.Figures together = TraceReplay.replay(rows, true, 6, HOT_TIER_BYTES);

    System.out.println("alone:    " + alone);
    System.out.println("together: " + together);
    assertThat(alone.summaryBytes()).isZero();
    assertThat((double) together.remoteReads()).isLessThan(0.85 * alone.remoteReads());
    assertThat((double) together.stallMs()).isLessThan(0.85 * alone.stallMs());
    assertThat((double) together.sentBytes()).isLessThan(1.1 * alone.sentBytes());
  }

  @Test
  void theSameTrace_givesTheSameFigures() throws IOException {
    List<TraceReplay.Row> rows = TraceReplay.rows(40, 300);

    TraceReplay.Figures once = TraceReplay.replay(rows, true, 6, HOT_TIER_BYTES);

    assertThat(TraceReplay.replay(rows, true, 6, HOT_TIER_BYTES)).isEqualTo(once);
  }
}
