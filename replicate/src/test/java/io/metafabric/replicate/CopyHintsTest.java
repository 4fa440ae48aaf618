package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CopyHintsTest {
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final Key KEY = Key.of("n/1");

  private long nowMs;
  private final CopyHints hints =
      new CopyHints(
          new Clock() {
            @Override
            public long wallMs() {
              return 0;
            }

            @Override
            public long nanoTime() {
              return nowMs * 1_000_000;
            }
          });

  @Test
  void whatIsToldIsForgotten_whenItsTimeIsOver_orSomethingElseIsTold() {
    hints.told(KEY, Map.of(US, 100L, AP, 200L));
    nowMs = 99;
    assertThat(hints.of(KEY)).containsExactly(AP, US);
    nowMs = 100;
    assertThat(hints.of(KEY)).containsExactly(AP);
    hints.told(KEY, Map.of(US, 100L));
    assertThat(hints.of(KEY)).containsExactly(US);
    hints.told(KEY, Map.of());
    assertThat(hints.of(KEY)).isEmpty();
    assertThat(hints.stats()).isEqualTo(new HintStats(2, 0, 0, 0, CopyHints.MAX_BYTES));
  }

  @Test
  void whoDoesNotHaveIt_isStruckOff() {
    hints.told(KEY, Map.of(US, 100L, AP, 200L));
    hints.answered(KEY, US, true);
    hints.answered(KEY, AP, false);
    hints.answered(KEY, AP, false);
    hints.answered(Key.of("n/2"), US, false);
    assertThat(hints.of(KEY)).containsExactly(US);
    assertThat(hints.stats().answered()).isOne();
    assertThat(hints.stats().wrong()).isOne();
  }

  @Test
  void nothingIsHeededForEver_whateverIsTold() {
    hints.told(KEY, Map.of(US, Long.MAX_VALUE));
    nowMs = 31L * 24 * 3_600_000;
    assertThat(hints.of(KEY)).isEmpty();
    assertThat(hints.stats().bytes()).isZero();
  }

  @Test
  void theyStayWithinTheirBound_andWhatWasLookedUpLongestAgoGoesFirst() {
    for (int i = 0; i < 20_000; i++) {
      hints.told(Key.of("n/" + i), Map.of(US, 100L));
      assertThat(hints.of(Key.of("n/0"))).containsExactly(US);
    }
    assertThat(hints.stats().bytes()).isBetween(CopyHints.MAX_BYTES / 2, CopyHints.MAX_BYTES);
    assertThat(hints.of(Key.of("n/1"))).isEmpty();
  }
}
