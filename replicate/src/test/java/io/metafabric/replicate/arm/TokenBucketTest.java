package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
  private static final long SECOND = 1_000_000_000;

  private record Grant(long atNanos, long bytes) {}

  private static boolean take(TokenBucket bucket, long bytes, long nowNanos) {
    if (!bucket.has(bytes, nowNanos)) {
      return false;
    }
    bucket.take(bytes);
    return true;
  }

  @Property
  void inAnyWindow_noMoreIsGrantedThanASecondsWorthAndTheRateAllow(
      @ForAll @LongRange(min = 1, max = 100_000) long bytesPerSecond,
      @ForAll long startNanos,
      @ForAll @Size(max = 60) List<@IntRange(max = 2_000_000_000) Integer> pausesNanos,
      @ForAll @Size(min = 60, max = 60) List<@IntRange(max = 50_000) Integer> asked) {
    var bucket = new TokenBucket(bytesPerSecond, startNanos);
    var grants = new ArrayList<Grant>();
    long passed = 0;
    for (int i = 0; i < pausesNanos.size(); i++) {
      passed += pausesNanos.get(i);
      if (take(bucket, asked.get(i), startNanos + passed)) {
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
                    .add(BigInteger.valueOf(SECOND))
                    .multiply(BigInteger.valueOf(bytesPerSecond)));
      }
    }
  }

  @Test
  void askedOften_itGrantsTheWholeRate_toTheByte() {
    var bucket = new TokenBucket(1_000, 0);
    assertThat(take(bucket, 1_000, 0)).isTrue();
    long granted = 0;
    for (long now = 0; now < 10 * SECOND; now += 333_333) {
      if (take(bucket, 1, now)) {
        granted++;
      }
    }

    assertThat(granted).isBetween(9_998L, 10_000L);
  }

  @Test
  void afterALongPause_theBucketIsFullAndNoFuller() {
    // The clock's numbers may run over; only their differences count.
    long[] now = {Long.MAX_VALUE - 5};
    var bucket = new TokenBucket(TokenBucket.MAX_BYTES, now[0]);
    assertThat(take(bucket, TokenBucket.MAX_BYTES, now[0])).isTrue();
    now[0] += 3600 * SECOND;

    assertThat(take(bucket, TokenBucket.MAX_BYTES, now[0])).isTrue();
    assertThat(take(bucket, 1, now[0])).isFalse();
  }

  @Test
  void aClockThatGoesBack_earnsNothing() {
    var bucket = new TokenBucket(1_000, 0);
    assertThat(take(bucket, 1_000, 5 * SECOND)).isTrue();

    assertThat(take(bucket, 1, 0)).isFalse();
    assertThat(take(bucket, 1, 5 * SECOND)).isFalse();
  }

  @Test
  void anotherRate_countsFromThenOn_andLeavesNoMoreCreditThanItsOwnSecond() {
    var bucket = new TokenBucket(1_000, 0);
    bucket.setRate(10, 0);
    assertThat(take(bucket, 11, 0)).isFalse();
    assertThat(take(bucket, 10, 0)).isTrue();
    bucket.setRate(1_000, SECOND);

    assertThat(take(bucket, 11, SECOND)).as("a second at the rate before").isFalse();
    assertThat(take(bucket, 1_000, 2 * SECOND)).isTrue();
  }
}
