package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import org.junit.jupiter.api.Test;

class InvalidatedCopiesTest {
  private final InvalidatedCopies copies = new InvalidatedCopies();

  private static Key key(int i) {
    return Key.of("n/" + "x".repeat(900) + i);
  }

  @Test
  void holdsBytesWithinItsBound_andForgetsTheEldest() {
    for (int i = 0; i < 5_000; i++) {
      copies.add(key(i));
      assertThat(copies.estimatedBytes()).isLessThanOrEqualTo(InvalidatedCopies.MAX_BYTES);
    }
    assertThat(copies.estimatedBytes()).isGreaterThan(InvalidatedCopies.MAX_BYTES / 2);
    assertThat(copies.contains(key(0))).isFalse();
    assertThat(copies.contains(key(4_999))).isTrue();
  }

  @Test
  void whatIsRemoved_takesNothing() {
    for (int i = 0; i < 100; i++) {
      copies.add(key(i));
      copies.add(key(i));
    }
    for (int i = 0; i < 100; i++) {
      copies.remove(key(i));
      copies.remove(key(i));
    }
    assertThat(copies.estimatedBytes()).isZero();
  }
}
