package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as the mark beside a good journal: believed if their checksum is right, and then more than
 * the journal has is damage; as good as none otherwise.
 */
class MarkFuzz {
  private static final Map<String, byte[]> JOURNAL = Samples.small();
  private static final long LAST_POSITION = 10;

  static Stream<byte[]> seeds() {
    return Stream.of(JOURNAL.get(Samples.MARK));
  }

  @MethodSource("seeds")
  @FuzzTest
  void open(byte[] bytes) {
    openWith(bytes);
    openWith(Resealed.mark(bytes));
  }

  private static void openWith(byte[] mark) {
    var files = new TreeMap<>(JOURNAL);
    files.put(Samples.MARK, mark);
    boolean believed = mark.length >= 12 && Arrays.equals(mark, Resealed.mark(mark));
    boolean tooMuch = believed && ByteBuffer.wrap(mark).getLong() > LAST_POSITION;
    assertThat(JournalProbe.holds(files)).isEqualTo(!tooMuch);
  }
}
