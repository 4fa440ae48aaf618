package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.Checksums;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RangeCrc32cTest {
  @Test
  void isThatOfTheJdk_ofWhateverRange() {
    var random = new Random(1);
    for (int size : new int[] {0, 1, 4095, 4096, 4097, 100_000}) {
      byte[] bytes = new byte[size];
      random.nextBytes(bytes);
      var crcs = new RangeCrc32c(ByteBuffer.wrap(bytes));
      assertThat(crcs.of(0, size)).isEqualTo(Checksums.crc32c(bytes, 0, size));
      for (int i = 0; i < 1_000; i++) {
        int from = random.nextInt(size + 1);
        int to = from + random.nextInt(size - from + 1);
        assertThat(crcs.of(from, to))
            .as("%d to %d of %d", from, to, size)
            .isEqualTo(Checksums.crc32c(bytes, from, to - from));
      }
    }
  }
}
