package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.TrainedDictionary;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class NamespaceDictionaryTest {
  private static final int SAMPLE_BYTES = 10_000;
  private static final Bytes PAYLOAD = Bytes.copyOf(new byte[200]);
  private static final Bytes BYTES = Bytes.copyOf(new byte[Frame.Dictionary.MAX_BYTES]);

  /** Half of what the payloads take otherwise. */
  private static final TrainedDictionary GOOD = new TrainedDictionary(BYTES, 0.8, 0.4);

  private final NamespaceDictionary dictionary = new NamespaceDictionary(3, SAMPLE_BYTES, 0);
  private long number;

  private static long after(Duration time) {
    return time.toNanos();
  }

  private boolean sampleUntilDue(long now) {
    for (int i = 0; i < 100; i++) {
      if (dictionary.sample(PAYLOAD, now)) {
        return true;
      }
    }
    return false;
  }

  private boolean train(TrainedDictionary as, long now) {
    assertThat(sampleUntilDue(now)).isTrue();
    assertThat(dictionary.train(now)).hasSizeBetween(20, 50);
    assertThat(dictionary.sample(PAYLOAD, now)).as("while it is trained").isFalse();
    return dictionary.trained(as, ++number);
  }

  private boolean tellAWindow(int asBytes) {
    boolean isOfUse = true;
    for (int i = 0; i < 256; i++) {
      isOfUse &= dictionary.told(200, asBytes);
    }
    return isOfUse;
  }

  @Test
  void whatSavesEnough_isUsed_andNotSampledFor() {
    assertThat(train(GOOD, 0)).isTrue();
    assertThat(dictionary.dictionary()).isEqualTo(new Frame.Dictionary(3, 1, BYTES));
    assertThat(dictionary.savedShare()).isEqualTo(0.6);
    assertThat(sampleUntilDue(after(Duration.ofDays(1)))).isFalse();
  }

  @Test
  void whatSavesLessThanAFifth_isNotUsed() {
    assertThat(train(new TrainedDictionary(BYTES, 0.5, 0.41), 0)).isFalse();
    assertThat(dictionary.dictionary()).isNull();
    assertThat(train(new TrainedDictionary(BYTES, 0.5, 0.39), after(Duration.ofHours(1)))).isTrue();
  }

  @Test
  void fromOneTrainingToTheNext_isAPauseThatDoubles_upToAnHour() {
    long now = 0;
    for (int minutes : new int[] {1, 2, 4, 8, 16, 32, 60, 60}) {
      assertThat(train(null, now)).isFalse();
      assertThat(sampleUntilDue(now + after(Duration.ofMinutes(minutes)) - 1)).isFalse();
      now += after(Duration.ofMinutes(minutes));
    }
    assertThat(sampleUntilDue(now)).isTrue();
  }

  @Test
  void whatSavesLessThanHalfOfWhatItPromised_isGivenUp() {
    train(GOOD, 0);
    assertThat(tellAWindow(119)).as("0.595 of the bytes").isTrue();
    assertThat(dictionary.dictionary()).isNotNull();
    assertThat(tellAWindow(121)).as("0.605 of the bytes").isFalse();
    assertThat(dictionary.dictionary()).isNull();
    assertThat(train(GOOD, after(Duration.ofMinutes(1)))).isTrue();
    assertThat(dictionary.dictionary()).isEqualTo(new Frame.Dictionary(3, 2, BYTES));
  }

  @Test
  void itTakesNoMoreThanItSays() {
    Bytes largest = Bytes.copyOf(new byte[NamespaceDictionary.MAX_PAYLOAD_BYTES]);
    long max = NamespaceDictionary.maxBytes(SAMPLE_BYTES);
    while (!dictionary.sample(largest, 0)) {
      assertThat(dictionary.estimatedBytes()).isLessThanOrEqualTo(max);
    }
    assertThat(dictionary.estimatedBytes()).isBetween((long) SAMPLE_BYTES, max);
    assertThat(dictionary.train(0)).as("too few of them train nothing").hasSize(16);
    dictionary.trained(GOOD, 1);
    assertThat(dictionary.estimatedBytes()).isBetween((long) BYTES.length(), max);
  }

  @Test
  void onlyWhatIsNotUsed_andNotBeingTrained_givesItsPlaceAway() {
    Duration minute = Duration.ofMinutes(1);
    assertThat(dictionary.isIdle(after(minute), minute)).isFalse();
    assertThat(dictionary.isIdle(after(minute) + 1, minute)).isTrue();
    dictionary.used(after(minute));
    assertThat(dictionary.isIdle(after(minute) + 1, minute)).isFalse();
    dictionary.train(0);
    assertThat(dictionary.isIdle(after(Duration.ofDays(1)), minute)).isFalse();
  }
}
