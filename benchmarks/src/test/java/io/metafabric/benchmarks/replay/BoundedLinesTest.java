package io.metafabric.benchmarks.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class BoundedLinesTest {
  /** Gives a few characters at a time, so that lines end wherever a buffer does. */
  private static final class InPieces extends Reader {
    private final String text;
    private final Random random;
    private int at;

    InPieces(String text, Random random) {
      this.text = text;
      this.random = random;
    }

    @Override
    public int read(char[] into, int from, int most) {
      int length = Math.min(text.length() - at, 1 + random.nextInt(3));
      if (length == 0) {
        return -1;
      }
      text.getChars(at, at + length, into, from);
      at += length;
      return length;
    }

    @Override
    public void close() {}
  }

  @RepeatedTest(50)
  void linesEndWhereABufferedReaderEndsThem(RepetitionInfo run) throws IOException {
    var random = new Random(run.getCurrentRepetition());
    var text = new StringBuilder();
    for (int i = random.nextInt(60); i > 0; i--) {
      text.append(new String[] {"a", "bc", "\n", "\r", "\r\n"}[random.nextInt(5)]);
    }
    var expected = new BufferedReader(new StringReader(text.toString()));
    try (var lines = new BoundedLines(new InPieces(text.toString(), random))) {
      String line;
      do {
        line = lines.next();
        assertThat(line).as("seed %d", run.getCurrentRepetition()).isEqualTo(expected.readLine());
        assertThat(lines.isTooLong()).isFalse();
      } while (line != null);
    }
  }

  @Test
  void whatIsTooLong_isCut_andTheNextLineIsWhole() throws IOException {
    String most = "x".repeat(BoundedLines.MAX_CHARS);
    var text =
        new StringReader(most + "\n" + most + "x".repeat(100_000) + "\r\nshort\n" + most + "x");
    try (var lines = new BoundedLines(text)) {
      assertThat(lines.next()).hasSize(BoundedLines.MAX_CHARS);
      assertThat(lines.isTooLong()).isFalse();
      assertThat(lines.next()).hasSizeLessThan(1_000);
      assertThat(lines.isTooLong()).isTrue();
      assertThat(lines.next()).isEqualTo("short");
      assertThat(lines.isTooLong()).isFalse();
      assertThat(lines.next()).hasSizeLessThan(1_000);
      assertThat(lines.isTooLong()).isTrue();
      assertThat(lines.next()).isNull();
    }
  }
}
