package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A journal that is written at one go into an empty directory. */
class JournalCopyTest {
  private static final long SEGMENT_BYTES = 4096;

  private final SimDisk disk = new SimDisk(1);
  private final List<JournalEntry> found = new ArrayList<>();
  private final List<Long> positions = new ArrayList<>();

  private Journal open() {
    found.clear();
    positions.clear();
    return Journal.open(
        JournalTest.CONFIG,
        disk,
        new FrameTable(),
        (entry, at) -> {
          found.add(entry);
          positions.add(at.position());
        });
  }

  private List<String> segments() {
    return disk.files().stream().filter(name -> name.endsWith(".log")).toList();
  }

  private static void add(JournalCopy copy, int from, int to) {
    for (int i = from; i <= to; i++) {
      copy.add(JournalTest.entry(i), i);
    }
  }

  private static List<JournalEntry> entries(int from, int to) {
    return IntStream.rangeClosed(from, to).mapToObj(JournalTest::entry).toList();
  }

  @Test
  void itHasWhatWasAdded_atItsPosition_andAllUpToTheLast() {
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      add(copy, 3, 50);
      add(copy, 90, 100);
      assertThat(copy.finish(120)).isEqualTo(48 + 11);
    }
    disk.crash(SimDisk.Loss.ALL);
    Journal journal = open();
    assertThat(found.subList(0, 48)).isEqualTo(entries(3, 50));
    assertThat(found.subList(48, found.size())).isEqualTo(entries(90, 100));
    assertThat(positions).startsWith(3L, 4L).endsWith(99L, 100L);
    assertThat(journal.publishedPosition()).isEqualTo(120);
    assertThat(journal.durablePosition()).isEqualTo(120);
    assertThat(journal.keptFrom()).isEqualTo(121);
  }

  @Test
  void aDirectoryThatHasAJournal_isRefused() {
    HandMadeSegment.put(disk, "something else", new byte[1]);
    HandMadeSegment.put(disk, "journal-1.log", new byte[1]);
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      copy.finish(0);
    }
    assertThatThrownBy(() -> new JournalCopy(disk, SEGMENT_BYTES))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(DurableMark.NAME);
    disk.delete(DurableMark.NAME);
    String segment = HandMadeSegment.written(1).putInto(disk);
    assertThatThrownBy(() -> new JournalCopy(disk, SEGMENT_BYTES))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(segment);
  }

  @Test
  void positionsAscend() {
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      copy.add(JournalTest.entry(1), 5);
      assertThatThrownBy(() -> copy.add(JournalTest.entry(2), 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("position 5 comes after 5");
      copy.add(JournalTest.entry(2), 6);
      assertThat(copy.finish(6)).isEqualTo(2);
    }
  }

  @Test
  void aSegmentIsFull_onceItHasItsBytes() {
    int header = Segment.COMPACTED_HEADER_BYTES;
    int empty = HandMadeSegment.compacted(1, 2, 1).frame(filling(0), 1, 0).length() - header;
    // Of a length that has more digits.
    int overhead = HandMadeSegment.compacted(1, 2, 1).frame(filling(1000), 1, 0).length() - header;
    assertThat(overhead).isGreaterThanOrEqualTo(1000 + empty);
    int exactly = (int) SEGMENT_BYTES - header - (overhead - 1000);
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      copy.add(filling(exactly - 1), 1);
      assertThat(segments()).as("it has room for one byte").hasSize(1);
      copy.add(filling(exactly - 1), 2);
      copy.add(filling(exactly), 3);
      copy.add(filling(exactly), 4);
      copy.finish(4);
    }
    assertThat(segments())
        .containsExactly(
            new SegmentName(1, 1).file(),
            new SegmentName(3, 1).file(),
            new SegmentName(4, 1).file());
    open();
    assertThat(found).hasSize(4);
  }

  private static JournalEntry filling(int payloadBytes) {
    return JournalTest.entry(1, Bytes.copyOf(new byte[payloadBytes]));
  }

  @Test
  void whatIsAdded_isWrittenNowAndThen_notHeld() {
    try (var copy = new JournalCopy(disk, 1 << 30)) {
      for (int i = 1; i <= 3_000; i++) {
        copy.add(JournalTest.entry(i, Bytes.copyOf(new byte[1000])), i);
        long written = disk.contentOf(segments().get(0)).length;
        assertThat(i * 1000L - written).isLessThan(300_000);
      }
      copy.finish(3_000);
    }
    open();
    assertThat(found).hasSize(3_000);
  }

  @Test
  void ofNothing_itIsAJournalThatBeginsBehindAPosition() {
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      assertThat(copy.finish(0)).isZero();
    }
    assertThat(segments()).isEmpty();
    assertThat(open().publishedPosition()).isZero();
    disk.delete(DurableMark.NAME);
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      assertThat(copy.finish(7)).isZero();
    }
    assertThat(segments()).hasSize(1);
    assertThat(open().publishedPosition()).isEqualTo(7);
    assertThat(found).isEmpty();
  }

  @Test
  void whatIsNotFinished_isNoJournal_andIsNotLeftOpen() {
    try (var copy = new JournalCopy(disk, SEGMENT_BYTES)) {
      add(copy, 1, 101);
      assertThat(disk.openFiles()).hasSize(1);
    }
    assertThat(disk.openFiles()).isEmpty();
    disk.crash(SimDisk.Loss.ALL);
    assertThatThrownBy(this::open)
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("a copy that was not finished");
  }

  @Test
  void wheneverPowerIsLost_itIsAllThere_orNotBegun_orRefused() {
    var whole = new SimDisk(1);
    write(whole);
    long operations = whole.operations();
    for (int seed = 0; seed < 30; seed++) {
      for (long before = 0; before <= operations; before++) {
        var dying = new SimDisk(seed);
        if (before < operations) {
          dying.beforeOperation(before, dying::crash);
          Throwable thrown = catchThrowable(() -> write(dying));
          assertThat(thrown).isInstanceOf(StorageException.class);
        } else {
          write(dying);
          dying.crash(SimDisk.Loss.ALL);
        }
        var entries = new ArrayList<JournalEntry>();
        Throwable thrown = catchThrowable(() -> JournalTest.open(dying, entries));
        boolean notBegun = dying.files().stream().noneMatch(name -> name.endsWith(".log"));
        if (before == operations || (thrown == null && !notBegun)) {
          assertThat(entries).as("seed %d, operation %d", seed, before).isEqualTo(entries(1, 60));
        } else if (thrown != null) {
          assertThat(thrown).isInstanceOf(CorruptJournalException.class);
        }
      }
    }
  }

  private static void write(SimDisk target) {
    try (var copy = new JournalCopy(target, SEGMENT_BYTES)) {
      add(copy, 1, 60);
      copy.finish(60);
    }
  }
}
