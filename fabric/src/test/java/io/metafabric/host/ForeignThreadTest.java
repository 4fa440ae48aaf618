package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.node.ForeignCode;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ForeignThreadTest {
  @Test
  void codeThatIsLate_isInterrupted_andIsLate_whateverItThrowsThen() throws Exception {
    try (var foreign = new ForeignThread("test")) {
      for (int i = 0; i < 20; i++) {
        var interrupted = new CountDownLatch(1);
        var called =
            foreign.call(
                () -> {
                  try {
                    Thread.sleep(20_000);
                  } finally {
                    interrupted.countDown();
                  }
                  return "late";
                },
                Duration.ofMillis(10));
        assertThat(called)
            .failsWithin(Duration.ofSeconds(10))
            .withThrowableOfType(ExecutionException.class)
            .withCauseInstanceOf(ForeignCode.AbandonedException.class);
        assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(foreign.call(() -> "next", Duration.ofSeconds(10)))
          .succeedsWithin(Duration.ofSeconds(10))
          .isEqualTo("next");
    }
  }
}
