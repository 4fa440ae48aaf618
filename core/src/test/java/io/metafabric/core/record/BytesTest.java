package io.metafabric.core.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class BytesTest {
  @Test
  void whatTheCallerDoesToItsArray_changesNothing() {
    byte[] array = {1, 2, 3};
    Bytes bytes = Bytes.copyOf(array);
    Bytes part = Bytes.copyOf(array, 1, 2);
    array[1] = 9;
    bytes.toArray()[2] = 9;

    assertThat(bytes.toArray()).containsExactly(1, 2, 3);
    assertThat(part.toArray()).containsExactly(2, 3);
    assertThatThrownBy(() -> bytes.asBuffer().put((byte) 9))
        .isInstanceOf(ReadOnlyBufferException.class);
  }

  @Property
  void equalBytes_areEqual_andHaveOneChecksum(@ForAll byte[] a, @ForAll byte[] b) {
    Bytes one = Bytes.copyOf(a);
    Bytes same = Bytes.copyOf(a.clone(), 0, a.length);
    assertThat(one).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(one.crc32c()).isEqualTo(same.crc32c());
    assertThat(one.equals(Bytes.copyOf(b))).isEqualTo(java.util.Arrays.equals(a, b));
    assertThat(one.length()).isEqualTo(a.length);

    var copied = ByteBuffer.allocate(a.length);
    one.putInto(copied);
    assertThat(copied.array()).isEqualTo(a);
    assertThat(one.asBuffer().remaining()).isEqualTo(a.length);
  }

  @Test
  void theChecksumIsCrc32c() {
    assertThat(Bytes.utf8("123456789").crc32c()).as("check value").isEqualTo(0xe3069283);
    assertThat(Bytes.copyOf(new byte[32]).crc32c()).as("RFC 3720, B.4").isEqualTo(0x8a9136aa);
    assertThat(Bytes.EMPTY.crc32c()).isZero();
  }

  @Test
  void aPartThatIsNotThere_isRefused() {
    byte[] array = {1, 2, 3};
    assertThatThrownBy(() -> Bytes.copyOf(array, 1, 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Bytes.copyOf(array, 4, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Bytes.copyOf(array, -1, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Bytes.copyOf(array, 0, -1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void textIsUtf8() {
    assertThat(Bytes.utf8("\u20ac").toArray()).containsExactly(0xe2, 0x82, 0xac);
    assertThat(Bytes.utf8("\u20ac").toUtf8()).isEqualTo("\u20ac");
    assertThat(Bytes.utf8("")).isEqualTo(Bytes.EMPTY);
  }

  @Test
  void contentIsNotPrinted() {
    assertThat(Bytes.utf8("secret")).hasToString("6 bytes");
  }
}
