package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.ForwardingDisk;
import io.metafabric.core.sim.ForwardingFile;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class RepairTest {
  private static final JournalConfig CONFIG = new JournalConfig(4096);
  private static final int ENTRIES = 2000;

  /** Counts what is read. */
  private static final class CountingDisk extends ForwardingDisk {
    private long bytesRead;

    CountingDisk(Disk disk) {
      super(disk);
    }

    @Override
    protected DiskFile opened(DiskFile file) {
      return new ForwardingFile(file) {
        @Override
        public int read(long offset, ByteBuffer target) {
          int read = super.read(offset, target);
          bytesRead += read;
          return read;
        }
      };
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

  /** Segments as written, compacted ones before them, other regions' progress at the front. */
  private static SimDisk journalOfManyFiles() {
    var disk = new SimDisk(1);
    var progress = new JournalEntry.Applied(new RegionName("tokyo"), new ActorId(7), 42);
    try (var compacted = new JournalCopy(disk, 4096)) {
      compacted.add(progress, 1);
      for (int i = 2; i <= 200; i++) {
        compacted.add(JournalTest.entry(i), i);
      }
      compacted.finish(200);
    }
    try (var journal = Journal.open(CONFIG, disk, new FrameTable(), (entry, at) -> {})) {
      for (int i = 201; i <= 400; i++) {
        journal.append(List.of(JournalTest.entry(i)));
      }
    }
    return disk;
  }

  private static List<String> segments(Disk disk) {
    return disk.list().stream().filter(name -> name.endsWith(".log")).toList();
  }

  private static void assertToldAndRepaired(SimDisk disk, String what) {
    assertThatThrownBy(() -> Journal.open(CONFIG, disk, new FrameTable(), (entry, at) -> {}))
        .as(what)
        .isInstanceOf(CorruptJournalException.class);
    var files = new JournalFiles(disk);
    assertThat(files.inspect())
        .as(what)
        .anySatisfy(report -> assertThat(report.damages()).isNotEmpty());
    var target = new SimDisk(1);
    JournalFiles.Repair repair = files.repairInto(target, 4096);
    assertThat(repair.unreadable()).as(what).isNotEmpty();
    var repaired = new ArrayList<JournalEntry>();
    Journal.open(CONFIG, target, new FrameTable(), (entry, at) -> repaired.add(entry)).abandon();
    assertThat(repaired)
        .as(what + ": the other region is asked again for what may be missing")
        .noneMatch(entry -> entry instanceof JournalEntry.Applied)
        .hasSize((int) repair.entries());
    assertThat(new JournalFiles(target).inspect())
        .allSatisfy(report -> assertThat(report.damages()).isEmpty());
  }

  @Test
  void eachMissingFile_isTold() {
    int count = segments(journalOfManyFiles()).size();
    assertThat(count).isGreaterThan(8);
    for (int i = 0; i < count; i++) {
      SimDisk disk = journalOfManyFiles();
      String missing = segments(disk).get(i);
      disk.delete(missing);
      assertToldAndRepaired(disk, "without " + missing);
    }
  }

  @Test
  void eachFileThatEndsEarly_isTold() {
    int count = segments(journalOfManyFiles()).size();
    for (int i = 0; i < count; i++) {
      for (boolean atAFrame : new boolean[] {true, false}) {
        SimDisk disk = journalOfManyFiles();
        String shortened = segments(disk).get(i);
        byte[] content = disk.contentOf(shortened);
        int at = SegmentName.parse(shortened).generation() > 0 ? 32 : 24;
        for (int frame = 0; frame < 3; frame++) {
          at += JournalFrame.HEADER_BYTES + ByteBuffer.wrap(content).getInt(at);
        }
        try (DiskFile file = disk.open(shortened)) {
          file.truncate(atAFrame ? at : at - 1);
        }
        assertToldAndRepaired(disk, shortened + " ends at " + (atAFrame ? at : at - 1));
      }
    }
  }

  @Test
  void whatIsWhole_isNotToldAsDamaged() {
    SimDisk disk = journalOfManyFiles();
    assertThat(new JournalFiles(disk).inspect())
        .allSatisfy(report -> assertThat(report.damages()).isEmpty());
    var target = new SimDisk(1);
    assertThat(new JournalFiles(disk).repairInto(target, 4096).unreadable()).isEmpty();
  }

  /** Each looked at for itself, these would be read for minutes. */
  @Tag("long")
  @Test
  @Timeout(60)
  void aValueThatLooksLikeManyFrames_isReadAboutOnce() {
    int bytes = 16 << 20;
    var value = ByteBuffer.allocate(bytes);
    while (value.remaining() >= JournalFrame.HEADER_BYTES) {
      int left = value.remaining() - JournalFrame.HEADER_BYTES;
      value
          .putInt(left)
          .putInt(0)
          .put((byte) 2)
          .put((byte) JournalFrame.FORMAT)
          .putShort((short) 0);
      value.putLong(2).putLong(0);
    }
    var disk = new SimDisk(1);
    try (DiskFile file = Segment.create(disk, 1).file()) {
      file.write(Segment.HEADER_BYTES, ByteBuffer.wrap(value.array()));
    }
    JournalFiles.Repair repair = new JournalFiles(disk).repairInto(new SimDisk(1), 1 << 20);
    assertThat(repair.entries()).isZero();
    assertThat(repair.unreadable())
        .singleElement()
        .satisfies(
            damage -> assertThat(damage.toOffset()).isEqualTo(Segment.HEADER_BYTES + (long) bytes));
  }
}
