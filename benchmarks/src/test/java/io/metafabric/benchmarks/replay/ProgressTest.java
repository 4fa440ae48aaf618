package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private long nanos;

  /** A run of half a minute. */
  private String shown(boolean isBar) {
    var progress =
        new Progress(new PrintStream(out, true, StandardCharsets.UTF_8), isBar, () -> nanos);
    progress.begin("small lru 5 %");
    for (int second = 0; second <= 30; second++) {
      nanos = Duration.ofSeconds(second).toNanos();
      progress.at(second, 30);
    }
    progress.end();
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whereNoTerminalIsKnown_thereIsALineEveryTenSeconds() {
    assertThat(shown(false).lines())
        .containsExactly("small lru 5 %: 33 %", "small lru 5 %: 66 %", "small lru 5 %: 100 %");
  }

  @Test
  void onATerminal_oneLineIsWrittenOver_andClearedInTheEnd() {
    assertThat(shown(true)).contains("[===============               ]  50 %").doesNotContain("\n");
  }
}
