package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.transport.TestFrames;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
  private static final int MAX_LENGTH = 10_000;

  private final List<Frame> read = new ArrayList<>();
  private final FrameReader reader =
      new FrameReader(() -> MAX_LENGTH, bytes -> read.add(FrameCodec.decode(bytes)));

  @RepeatedTest(50)
  void framesAreTheSameWhereverTheStreamIsCut(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition()); // the repetition is the seed
    var stream = new ByteArrayOutputStream();
    var expected = new ArrayList<Frame>();
    for (int i = 0; i < 50; i++) {
      Frame frame =
          random.nextBoolean()
              ? TestFrames.control(i)
              : TestFrames.data(i, random.nextInt(random.nextBoolean() ? 30 : 9000));
      expected.add(frame);
      stream.writeBytes(FrameCodec.encode(frame));
    }
    byte[] bytes = stream.toByteArray();
    int maxCut = random.nextBoolean() ? 12 : 20_000;
    for (int from = 0; from < bytes.length; ) {
      int length = Math.min(bytes.length - from, 1 + random.nextInt(maxCut));
      reader.read(Unpooled.wrappedBuffer(bytes, from, length));
      from += length;
    }
    assertThat(read).isEqualTo(expected);
  }

  @Test
  void aBadLengthIsRefusedWithItsLastByte_whereverItWasCut() {
    byte[] tooLong = {0, 0, (byte) ((MAX_LENGTH + 1) >> 8), (byte) (MAX_LENGTH + 1)};
    assertThatThrownBy(() -> reader.read(Unpooled.wrappedBuffer(tooLong)))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(String.valueOf(MAX_LENGTH + 1));

    var other = new FrameReader(() -> MAX_LENGTH, bytes -> {});
    other.read(Unpooled.wrappedBuffer(tooLong, 0, 3));
    assertThatThrownBy(() -> other.read(Unpooled.wrappedBuffer(tooLong, 3, 1)))
        .isInstanceOf(WireFormatException.class);
  }
}
