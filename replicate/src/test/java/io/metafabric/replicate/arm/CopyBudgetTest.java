package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CopyBudgetTest {
  private static final long SECOND = 1_000_000_000;

  private record Grant(long atNanos, long bytes) {}

  @Property
  void inAnyWindow_noMoreIsGrantedThanTheBurstAndTheRateAllow(
      @ForAll @LongRange(min = 1, max = 100_000) long bytesPerSecond,
      @ForAll @LongRange(min = 1, max = 100_000) long burstBytes,
      @ForAll long startNanos,
      @ForAll @Size(max = 60) List<@IntRange(max = 2_000_000_000) Integer> pausesNanos,
      @ForAll @Size(min = 60, max = 60) List<@IntRange(max = 50_000) Integer> asked) {
    var budget = new CopyBudget(bytesPerSecond, burstBytes, startNanos);
    var grants = new ArrayList<Grant>();
    long passed = 0;
    for (int i = 0; i < pausesNanos.size(); i++) {
      passed += pausesNanos.get(i);
      if (budget.take(asked.get(i), startNanos + passed)) {
        grants.add(new Grant(passed, asked.get(i)));
      }
    }
    for (int from = 0; from < grants.size(); from++) {
      long granted = 0;
      for (int to = from; to < grants.size(); to++) {
        granted += grants.get(to).bytes();
        long window = grants.get(to).atNanos() - grants.get(from).atNanos();
        assertThat(BigInteger.valueOf(granted).multiply(BigInteger.valueOf(SECOND)))
            .isLessThanOrEqualTo(
                BigInteger.valueOf(window)
                    .multiply(BigInteger.valueOf(bytesPerSecond))
                    .add(BigInteger.valueOf(burstBytes).multiply(BigInteger.valueOf(SECOND))));
      }
    }
    long refused = asked.subList(0, pausesNanos.size()).stream().mapToLong(n -> n).sum();
    assertThat(budget.grantedBytes() + budget.refusedBytes()).isEqualTo(refused);
  }

  @Test
  void askedOften_itGrantsTheWholeRate_toTheByte() {
    var budget = new CopyBudget(1_000, 2, 0);
    long granted = 0;
    for (long now = 0; now < 10 * SECOND; now += 333_333) {
      if (budget.take(1, now)) {
        granted++;
      }
    }

    assertThat(granted).isBetween(9_999L, 10_002L);
  }

  @Test
  void afterALongPause_theBucketIsFullAndNoFuller() {
    // The clock's numbers may run over; only their differences count.
    long[] now = {Long.MAX_VALUE - 5};
    var budget = new CopyBudget(CopyBudget.MAX_BYTES, CopyBudget.MAX_BYTES, now[0]);
    assertThat(budget.take(CopyBudget.MAX_BYTES, now[0])).isTrue();
    now[0] += 3600 * SECOND;

    assertThat(budget.take(CopyBudget.MAX_BYTES, now[0])).isTrue();
    assertThat(budget.take(1, now[0])).isFalse();
  }

  @Test
  void aClockThatGoesBack_earnsNothing() {
    var budget = new CopyBudget(1_000, 1_000, 0);
    assertThat(budget.take(1_000, 5 * SECOND)).isTrue();

    assertThat(budget.take(1, 0)).isFalse();
    assertThat(budget.take(1, 5 * SECOND)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MAX_VALUE})
  void ratesAndBurstsOutOfRange_areRefused(long bytes) {
    assertThatThrownBy(() -> new CopyBudget(bytes, 1, 0))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new CopyBudget(1, bytes, 0))
        .isInstanceOf(ConfigurationException.class);
  }
}
