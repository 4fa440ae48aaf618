package io.metafabric.core.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteReaderTest {
  private static ByteReader of(String hex) {
    return new ByteReader(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
  }

  @Property(tries = 2_000)
  void whatWasWritten_isRead(
      @ForAll byte u8,
      @ForAll int i32,
      @ForAll long i64,
      @ForAll long varint,
      @ForAll byte[] bytes) {
    var out = new ByteWriter(0);
    out.u8(u8)
        .i32(i32)
        .i64(i64)
        .varint(varint)
        .bytes(bytes)
        .bytes(Bytes.copyOf(bytes))
        .text("\u20ac");
    var in = new ByteReader(out.written());

    assertThat(in.u8("u8")).isEqualTo(u8 & 0xff);
    assertThat(in.i32("i32")).isEqualTo(i32);
    assertThat(in.i64("i64")).isEqualTo(i64);
    assertThat(in.varint("varint")).isEqualTo(varint);
    assertThat(in.bytes(bytes.length, "bytes")).isEqualTo(bytes);
    assertThat(in.payload(bytes.length, "payload")).isEqualTo(Bytes.copyOf(bytes));
    assertThat(in.text("text", 3)).isEqualTo("\u20ac");
    in.end("all");
  }

  @ParameterizedTest
  @CsvSource({
    "00, 0",
    "7f, 127",
    "8001, 128",
    "ffffffff0f, 4294967295",
    "ffffffffffffffff7f, 9223372036854775807",
    "80808080808080808001, -9223372036854775808",
    "ffffffffffffffffff01, -1",
  })
  void aVarintHasOneForm(String hex, long value) {
    assertThat(of(hex).varint("n")).isEqualTo(value);
    assertThat(HexFormat.of().formatHex(new ByteWriter(0).varint(value).toArray())).isEqualTo(hex);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "80", "8000", "ff00", "ffffffffffffffffff02", "ffffffffffffffffff8101"})
  void anyOtherForm_isRefused(String hex) {
    assertThatThrownBy(() -> of(hex).varint("the count"))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("the count");
  }

  @Test
  void aVarintOutsideItsBounds_isRefused() {
    assertThat(of("05").varint("n", 5, 5)).isEqualTo(5);
    assertThatThrownBy(() -> of("06").varint("n", 5, 5))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("n must be 5 to 5, was 6");
    assertThatThrownBy(() -> of("04").varint("n", 5, 5)).isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> of("ffffffffffffffffff01").varint("n", 0, Integer.MAX_VALUE))
        .isInstanceOf(WireFormatException.class);
    assertThatThrownBy(() -> of("8080808010").varint("n", 0, Integer.MAX_VALUE))
        .as("2^32 is not 0")
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void lengthsBeyondTheEnd_areRefusedBeforeAnythingIsAllocated() {
    for (int length : new int[] {3, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> of("0102").bytes(length, "x"))
          .isInstanceOf(WireFormatException.class);
      assertThatThrownBy(() -> of("0102").payload(length, "x"))
          .isInstanceOf(WireFormatException.class);
    }
    assertThatThrownBy(() -> of("ffffffff0741").text("x", Integer.MAX_VALUE))
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void textThatIsNotUtf8_orTooLong_isRefused() {
    assertThatThrownBy(() -> of("02c0af").text("x", 10))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("x is not UTF-8");
    assertThatThrownBy(() -> of("0b6162636465666768696a6b").text("x", 10))
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void whatFollowsTheEnd_isRefused() {
    assertThatThrownBy(() -> of("00").end("the frame"))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("the frame is followed by 1 more bytes");
  }

  @Test
  void aPayload_isReadFromAnyKindOfBuffer() {
    byte[] bytes = {9, 1, 2, 3, 9};
    ByteBuffer part = ByteBuffer.wrap(bytes).position(1).limit(4).slice();
    ByteBuffer direct = ByteBuffer.allocateDirect(3).put(bytes, 1, 3).flip();

    for (ByteBuffer in : new ByteBuffer[] {part, part.asReadOnlyBuffer(), direct}) {
      assertThat(new ByteReader(in).payload(3, "x").toArray()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aWriterThatIsReset_beginsAnew_andGivesUpRoomItShouldNotKeep() {
    var out = new ByteWriter(16);
    out.bytes(new byte[1000]).reset(100);
    assertThat(out.length()).isZero();
    out.i32(7);
    out.putI32At(0, 8);
    assertThat(out.toArray()).containsExactly(0, 0, 0, 8);
    assertThat(out.crc32c(0)).isEqualTo(Checksums.crc32c(ByteBuffer.wrap(out.toArray())));
  }
}
