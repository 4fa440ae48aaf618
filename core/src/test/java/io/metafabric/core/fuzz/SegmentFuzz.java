package io.metafabric.core.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as the whole file of a journal's only segment. The first byte says of which kind it is, and
 * whether its checksums are made right.
 */
class SegmentFuzz {
  private static final int COMPACTED = 1;
  private static final int RESEALED = 2;

  static Stream<byte[]> seeds() {
    byte[] written = Samples.segmentsOf(Samples.small()).get(0);
    byte[] compacted = Samples.segmentsOf(Samples.smallBackup()).get(0);
    return Stream.of(
        input(0, written),
        input(RESEALED, written),
        input(COMPACTED, compacted),
        input(COMPACTED | RESEALED, compacted));
  }

  private static byte[] input(int mode, byte[] segment) {
    var bytes = new byte[1 + segment.length];
    bytes[0] = (byte) mode;
    System.arraycopy(segment, 0, bytes, 1, segment.length);
    return bytes;
  }

  @MethodSource("seeds")
  @FuzzTest
  void open(byte[] bytes) {
    if (bytes.length == 0) {
      return;
    }
    byte[] segment = Arrays.copyOfRange(bytes, 1, bytes.length);
    boolean compacted = (bytes[0] & COMPACTED) != 0;
    if ((bytes[0] & RESEALED) != 0) {
      segment = compacted ? Resealed.compacted(segment) : Resealed.segment(segment);
    }
    String name =
        compacted ? "journal-0000000000000001-00000001.log" : "journal-0000000000000001.log";
    JournalProbe.holds(Map.of(name, segment));
  }
}
