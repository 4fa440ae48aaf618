package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RepairTest {
  private static final JournalConfig CONFIG = new JournalConfig(4096);
  private static final int ENTRIES = 2000;

  /** Counts what is read. */
  private static final class CountingDisk implements Disk {
    private final Disk disk;
    private long bytesRead;

    CountingDisk(Disk disk) {
      this.disk = disk;
    }

    @Override
    public DirectoryLock lock() {
      return disk.lock();
    }

    @Override
    public List<String> list() {
      return disk.list();
    }

    @Override
    public DiskFile open(String name) {
      return new CountingFile(disk.open(name));
    }

    @Override
    public void delete(String name) {
      disk.delete(name);
    }

    @Override
    public void syncDirectory() {
      disk.syncDirectory();
    }

    @Override
    public String describe() {
      return disk.describe();
    }

    private final class CountingFile implements DiskFile {
      private final DiskFile file;

      CountingFile(DiskFile file) {
        this.file = file;
      }

      @Override
      public String name() {
        return file.name();
      }

      @Override
      public long sizeBytes() {
        return file.sizeBytes();
      }

      @Override
      public int read(long offset, ByteBuffer target) {
        int read = file.read(offset, target);
        bytesRead += read;
        return read;
      }

      @Override
      public void write(long offset, ByteBuffer source) {
        file.write(offset, source);
      }

      @Override
      public void truncate(long sizeBytes) {
        file.truncate(sizeBytes);
      }

      @Override
      public void sync() {
        file.sync();
      }

      @Override
      public void close() {
        file.close();
      }
    }
  }

  /** What a crash leaves between the end of a compaction and the deletion of what went into it. */
  private static SimDisk compactedBesideItsSource() {
    var disk = new SimDisk(1);
    var all = new ByteWriter(1 << 20);
    try (var compacted = new JournalCopy(disk, Long.MAX_VALUE)) {
      for (int i = 0; i < ENTRIES; i++) {
        JournalFrame.encode(all, JournalTest.entry(i), i + 1, 0);
        if (i % 2 == 0) {
          compacted.add(JournalTest.entry(i), i + 1);
        }
      }
      compacted.finish(ENTRIES);
    }
    try (DiskFile source = Segment.create(disk, 1).file()) {
      source.write(Segment.HEADER_BYTES, all.written());
    }
    return disk;
  }

  @Test
  void repair_readsEachFrameOnce_howeverFilesInterleave() {
    var disk = new CountingDisk(compactedBesideItsSource());
    var target = new SimDisk(1);

    JournalFiles.Repair repair = new JournalFiles(disk).repairInto(target, 1 << 20);

    assertThat(repair.unreadable()).isEmpty();
    var repaired = new ArrayList<JournalEntry>();
    Journal.open(CONFIG, target, new FrameTable(), (entry, at) -> repaired.add(entry)).abandon();
    assertThat(repaired)
        .isEqualTo(IntStream.range(0, ENTRIES).mapToObj(JournalTest::entry).toList());
    long size = disk.list().stream().mapToLong(name -> disk.open(name).sizeBytes()).sum();
    assertThat(disk.bytesRead).isBetween(size / 2, 2 * size);
  }
}
