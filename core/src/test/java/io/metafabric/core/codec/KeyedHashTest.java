package io.metafabric.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Against the vectors of the reference implementation: key 00 01 .. 0f, input 00 01 ... */
class KeyedHashTest {
  private final KeyedHash hash = new KeyedHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);

  @Test
  void hashesNothing() {
    hash.of("");

    assertThat(hash.low()).isEqualTo(0xe6a825ba047f81a3L);
    assertThat(hash.high()).isEqualTo(0x930255c71472f66dL);
  }

  @Test
  void hashesTheBytesOfUtf16() {
    hash.of("\u0100");

    assertThat(hash.low()).isEqualTo(0xc75da4a48d227781L);
    assertThat(hash.high()).isEqualTo(0xe4ff0af6de8ba3fcL);
  }
}
