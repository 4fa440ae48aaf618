package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Proves that the leak checks of the other tests can fail. */
class RecordingLeakDetectorTest {
  @Test
  void aBufferThatNobodyReleasesIsFound() {
    loseBuffer();
    Awaitility.await("the leak is reported")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              System.gc();
              Unpooled.directBuffer(1).release();
              return !RecordingLeakDetector.leaks().isEmpty();
            });
    assertThat(RecordingLeakDetector.leaks()).hasSize(1);
    RecordingLeakDetector.leaks().clear();
  }

  private static void loseBuffer() {
    Unpooled.directBuffer(64).writeByte(1);
  }
}
