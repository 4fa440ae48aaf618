package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

/**
 * A directory that was closed in order, byte for byte. A hint that is laid out in another way has
 * another format, so that it is not used: who changes its bytes raises the number in its magic, and
 * lets {@link #main} write the files of the new one.
 */
class GoldenHintTest {
  private static final String FORMAT = "hint-10";
  private static final List<String> FILES =
      List.of("journal-0000000000000001.log", "journal.mark", "index.hint");

  private static Key key(int i) {
    return Key.of("golden/" + i);
  }

  private static void write(StoreMachine machine) {
    machine.open();
    for (int i = 0; i < 6; i++) {
      machine.write(key(i), Bytes.utf8("before " + i));
    }
    machine.close();
    machine.open();
    machine.write(key(1), null);
    machine.write(key(2), Bytes.utf8("after 2"));
    machine.close();
  }

  @Test
  void aHintOfThisFormat_isStillReadAlike() throws IOException {
    var machine = new StoreMachine(2, Durability.SYNC);
    machine.node.mount(golden());
    RecordStore store = machine.open();
    assertThat(store.stats().replayedBytes()).as("by the hint alone").isZero();
    assertThat(store.stats().keys()).isEqualTo(6);
    assertThat(store.stats().tombstones()).isEqualTo(1);
    for (int i = 0; i < 6; i++) {
      MetadataRecord record = store.read(key(i));
      assertThat(record).isNotNull();
      assertThat(store.isOwn(record.header().version().dot().actor())).isTrue();
      assertThat(record.payload())
          .isEqualTo(i == 1 ? null : Bytes.utf8((i == 2 ? "after " : "before ") + i));
    }
    machine.close();
  }

  private static SimDisk golden() throws IOException {
    var disk = new SimDisk(1);
    for (String name : FILES) {
      try (InputStream in = GoldenHintTest.class.getResourceAsStream(FORMAT + "/" + name + ".gz");
          DiskFile file = disk.open(name)) {
        assertThat(in).as(name).isNotNull();
        file.write(0, ByteBuffer.wrap(new GZIPInputStream(in).readAllBytes()));
      }
    }
    return disk;
  }

  /**
   * @param args a directory for the files
   */
  public static void main(String[] args) throws IOException {
    var machine = new StoreMachine(1, Durability.SYNC);
    write(machine);
    assertThat(machine.disk().files()).containsAll(FILES);
    for (String name : FILES) {
      Path file = Path.of(args[0], name + ".gz");
      try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
        out.write(machine.disk().contentOf(name));
      }
    }
  }
}
