package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That leaks are told from what comes and goes. */
class GrowthTest {
  private static final int SAMPLES = 120;
  private static final long MEBIBYTE = 1 << 20;
  private static final Growth HEAP = new Growth(2 * MEBIBYTE, 10);
  private static final Growth THREADS = new Growth(2, 0);

  private static List<Long> samples(IntToLongFunction at) {
    return IntStream.range(0, SAMPLES).mapToObj(at::applyAsLong).toList();
  }

  private static long noise(Random random, long most) {
    return (long) (random.nextDouble() * most);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whatComesAndGoes_isNoGrowth(int seed) {
    var random = new Random(seed);
    assertThat(HEAP.in(samples(i -> 20 * MEBIBYTE))).isEmpty();
    assertThat(HEAP.in(samples(i -> 20 * MEBIBYTE + noise(random, 20 * MEBIBYTE)))).isEmpty();
    assertThat(THREADS.in(samples(i -> 20 + noise(random, 8)))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5, 9, 15, 24, 29})
  void aSawTooth_isNoGrowth(int period) {
    for (int phase = 0; phase < period; phase++) {
      int begin = phase;
      long step = 30 * MEBIBYTE / period;
      assertThat(HEAP.in(samples(i -> 10 * MEBIBYTE + (i + begin) % period * step)))
          .as("phase %d", phase)
          .isEmpty();
    }
  }

  @Test
  void warmingUp_isNoGrowth() {
    assertThat(HEAP.in(samples(i -> Math.min(i, SAMPLES / 4) * MEBIBYTE))).isEmpty();
  }

  @Test
  void peaks_areNoGrowth() {
    assertThat(HEAP.in(samples(i -> i > 100 && i % 5 == 0 ? 100 * MEBIBYTE : 20 * MEBIBYTE)))
        .isEmpty();
    assertThat(THREADS.in(samples(i -> i > 100 && i % 3 == 0 ? 500 : 20))).isEmpty();
  }

  @Test
  void whatGoesDown_isNoGrowth() {
    assertThat(HEAP.in(samples(i -> (SAMPLES - i) * MEBIBYTE))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void aLeak_isGrowth_belowNoiseToo(int seed) {
    var random = new Random(seed);
    // 80 KiB between samples of five seconds: a connection's buffers now and then.
    assertThat(HEAP.in(samples(i -> 20 * MEBIBYTE + i * 80 * 1024 + noise(random, 2 * MEBIBYTE))))
        .hasValueSatisfying(grown -> assertThat(grown).startsWith("from 2").contains("allowed"));
    assertThat(THREADS.in(samples(i -> 20 + i / 12 + noise(random, 3)))).isPresent();
  }

  @Test
  void aLeak_isGrowth_belowASawToothToo() {
    assertThat(HEAP.in(samples(i -> (10 + i % 10) * MEBIBYTE + i * 400 * 1024))).isPresent();
  }

  @Test
  void whatGoesUpOnce_andStays_isGrowth() {
    assertThat(THREADS.in(samples(i -> i < 70 ? 20 : 23))).isPresent();
    assertThat(THREADS.in(samples(i -> i < 70 ? 20 : 22))).isEmpty();
  }

  @Test
  void aShareOfWhatThereIs_isAllowed_ifThatIsMore() {
    assertThat(HEAP.in(samples(i -> i < 70 ? 50 * MEBIBYTE : 54 * MEBIBYTE))).isEmpty();
    assertThat(HEAP.in(samples(i -> i < 70 ? 50 * MEBIBYTE : 56 * MEBIBYTE))).isPresent();
    assertThat(HEAP.in(samples(i -> i < 70 ? 5 * MEBIBYTE : 6 * MEBIBYTE))).isEmpty();
  }

  @Test
  void aFewSamples_sayNothing() {
    assertThatThrownBy(() -> HEAP.in(samples(i -> 1).subList(0, Growth.MIN_SAMPLES - 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
