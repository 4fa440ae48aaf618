package io.metafabric.cache.chronicle;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as the marker of a clean stop, as they are and under a good checksum: none, refused with a
 * type, or exactly one that is written as the same bytes.
 */
class CleanStopFuzz {
  static Stream<byte[]> seeds() {
    var stop = new CleanStop("a map of some kind", 4_325_376, 0x01020304, 12_345);
    return Stream.of(array(stop.encode()));
  }

  private static byte[] array(ByteBuffer from) {
    var bytes = new byte[from.remaining()];
    from.get(bytes);
    return bytes;
  }

  @MethodSource("seeds")
  @FuzzTest
  void decode(byte[] bytes) {
    check(bytes);
    byte[] resealed = bytes.clone();
    int body = bytes.length - Integer.BYTES;
    if (body >= 0) {
      ByteBuffer.wrap(resealed).putInt(body, Checksums.crc32c(resealed, 0, body));
      check(resealed);
    }
  }

  private static void check(byte[] bytes) {
    CleanStop stop;
    try {
      stop = CleanStop.decode(ByteBuffer.wrap(bytes));
    } catch (WireFormatException e) {
      return;
    }
    if (stop != null) {
      assertThat(array(stop.encode())).isEqualTo(bytes);
    }
  }
}
