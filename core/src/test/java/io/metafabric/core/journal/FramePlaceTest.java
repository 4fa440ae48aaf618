package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FramePlaceTest {
  @Test
  void whatGoesInComesOut_andNoLengthIsTooShort() {
    var random = new Random(3);
    for (int i = 0; i < 200_000; i++) {
      int segment = 1 + random.nextInt(FramePlace.MAX_SEGMENTS - 1);
      long offset = random.nextLong() & 0xffffffffL;
      int length = i < 70_000 ? i : random.nextInt(Integer.MAX_VALUE - (1 << 23));
      long place = FramePlace.of(segment, offset, length);
      assertThat(place).isPositive();
      assertThat(FramePlace.segment(place)).isEqualTo(segment);
      assertThat(FramePlace.offset(place)).isEqualTo(offset);
      int longest = FramePlace.maxLengthBytes(place);
      assertThat(longest).isBetween(length, length < 512 ? length : (int) (length * 1.004));
    }
  }

  @Test
  void aSegmentOfMoreThan4GiBIsRefused() {
    assertThatThrownBy(() -> FramePlace.of(1, 1L << 32, 100))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
