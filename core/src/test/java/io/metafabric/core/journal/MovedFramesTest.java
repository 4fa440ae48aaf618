package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MovedFramesTest {
  @Test
  void whatGoesInComesOut_inOrder_upToTheLargestThereIs() {
    var moved = new MovedFrames();
    int count = 10_000;
    for (int i = 0; i < count; i++) {
      moved.add(Integer.MAX_VALUE - i, 0xffff_ffffL - 28L * i, Integer.MAX_VALUE - 3 * i);
    }
    assertThat(moved.size()).isEqualTo(count);
    for (int i = 0; i < count; i++) {
      assertThat(moved.source(i)).isEqualTo(Integer.MAX_VALUE - i);
      assertThat(moved.offset(i)).isEqualTo(0xffff_ffffL - 28L * i);
      assertThat(moved.lengthBytes(i)).isEqualTo(Integer.MAX_VALUE - 3 * i);
    }
  }
}
