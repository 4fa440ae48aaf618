package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class DurableMarkTest {
  private final SimDisk disk = new SimDisk(1);

  @Test
  void whatWasWrittenLast_isRead() {
    try (var mark = new DurableMark(disk)) {
      assertThat(mark.read()).isZero();
      for (long position : new long[] {7, 1L << 40, DurableMark.UNFINISHED, 3}) {
        mark.write(position);
        mark.sync();
        assertThat(mark.read()).isEqualTo(position);
      }
    }
    assertThat(DurableMark.in(disk)).isEqualTo(3);
  }

  @Test
  void lookingForAMark_makesNone() {
    assertThat(DurableMark.in(disk)).isZero();
    assertThat(disk.list()).isEmpty();
  }

  @Test
  void aMarkThatIsTornOrNegative_saysNothing() {
    try (var mark = new DurableMark(disk)) {
      mark.write(7);
    }
    for (int at = 0; at < 12; at++) {
      flip(at);
      assertThat(DurableMark.in(disk)).as("byte %d", at).isZero();
      flip(at);
      assertThat(DurableMark.in(disk)).isEqualTo(7);
    }
    try (var mark = new DurableMark(disk)) {
      mark.write(-1);
      assertThat(mark.read()).isZero();
    }
    try (DiskFile file = disk.open(DurableMark.NAME)) {
      file.truncate(11);
    }
    assertThat(DurableMark.in(disk)).isZero();
  }

  private void flip(int at) {
    try (DiskFile file = disk.open(DurableMark.NAME)) {
      var bytes = ByteBuffer.allocate(1);
      file.read(at, bytes);
      bytes.put(0, (byte) (bytes.get(0) ^ 0x10)).rewind();
      file.write(at, bytes);
    }
  }
}
