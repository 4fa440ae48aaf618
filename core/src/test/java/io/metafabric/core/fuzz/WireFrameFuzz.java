package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes as a peer's frame: refused with a type, skipped, or one that has no other bytes. */
class WireFrameFuzz {
  static Stream<byte[]> seeds() {
    return Samples.frames().stream().map(FrameCodec::encode).map(WireFrameFuzz::withoutLength);
  }

  private static byte[] withoutLength(byte[] whole) {
    return Arrays.copyOfRange(whole, Integer.BYTES, whole.length);
  }

  @MethodSource("seeds")
  @FuzzTest
  void decode(byte[] bytes) {
    check(bytes);
  }

  static void check(byte[] bytes) {
    decodeOne(bytes);
    if (bytes.length >= Integer.BYTES) {
      decodeOne(Resealed.wireFrame(bytes));
    }
  }

  private static void decodeOne(byte[] bytes) {
    Frame frame;
    try (var memory = new MemoryBound(bytes.length)) {
      frame = FrameCodec.decode(ByteBuffer.wrap(bytes));
    } catch (WireFormatException e) {
      return;
    }
    if (frame != null) {
      byte[] again = withoutLength(FrameCodec.encode(frame));
      assertThat(FrameCodec.decode(ByteBuffer.wrap(again))).isEqualTo(frame);
      assertThat(again).isEqualTo(bytes);
    }
  }
}
