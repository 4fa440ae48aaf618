package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a reader meets that reads on while files break, and while they are compacted. */
class JournalCursorTest {
  private static final int ENTRIES = 120;

  private final SimDisk disk = new SimDisk(1);
  private final Journal journal = JournalTest.open(disk, new ArrayList<>());

  /** Every tenth position is kept. */
  private static final Liveness EVERY_TENTH =
      new Liveness() {
        @Override
        public @Nullable JournalEntry kept(JournalEntry entry, long position) {
          return position % 10 == 0 ? entry : null;
        }

        @Override
        public boolean isForgotten(JournalEntry entry) {
          return false;
        }

        @Override
        public boolean isReplaced(JournalEntry entry) {
          return false;
        }

        @Override
        public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {}
      };

  /** Entry {@code i} at position {@code i}. */
  @BeforeEach
  void append() {
    JournalTest.append(journal, 1, ENTRIES + 1);
  }

  private void compact() {
    Compaction compaction = Compaction.begin(journal, EVERY_TENTH, Long.MAX_VALUE, 0.5, false);
    while (compaction.step(1 << 20)) {}
  }

  private void assertReads(JournalCursor cursor, int from, int to) {
    for (int i = from; i <= to; i++) {
      assertThat(cursor.next()).isEqualTo(JournalTest.entry(i));
      assertThat(cursor.position()).isEqualTo(i);
    }
  }

  @Test
  void aDamagedFrame_isToldWithItsPlace_asOftenAsItIsReached() {
    Segment segment = journal.segmentWith(20);
    var reader = new FrameReader(segment.file(), segment.framesAt());
    for (long i = segment.firstPosition(); i < 20; i++) {
      reader.next(segment.endOffset(), i);
    }
    Runnable mended = disk.damage(segment.name().file(), reader.offset() + 40);
    JournalCursor cursor = journal.cursorAfter(10);
    assertReads(cursor, 11, 19);
    for (int times = 0; times < 2; times++) {
      assertThatThrownBy(cursor::next)
          .isInstanceOfSatisfying(
              CorruptJournalException.class,
              damaged -> {
                assertThat(damaged.file()).isEqualTo(segment.name().file());
                assertThat(damaged.offset()).isEqualTo(reader.offset());
              });
      assertThat(cursor.position()).isEqualTo(19);
    }
    mended.run();
    assertReads(cursor, 20, ENTRIES);
    assertThat(cursor.next()).isNull();
  }

  @Test
  void aReadThatFails_isNoDamage_andCanBeTriedAgain() {
    JournalCursor cursor = journal.cursorAfter(0);
    disk.failNext(SimDisk.Operation.READ);
    assertThatThrownBy(cursor::next)
        .isInstanceOf(StorageException.class)
        .isNotInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("simulated fault");
    assertReads(cursor, 1, ENTRIES);
  }

  @Test
  void aFileThatSomebodyHasCut_isDamaged() {
    Segment segment = journal.segmentWith(1);
    try (DiskFile file = disk.open(segment.name().file())) {
      file.truncate(segment.endOffset() - 1);
    }
    assertThatThrownBy(() -> journal.cursorAfter(0).next())
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("the file ends 1 bytes early");
  }

  @Test
  void aReaderThatIsOvertakenByACompaction_goesOnInWhatCameOut() {
    JournalCursor cursor = journal.cursorAfter(0);
    assertReads(cursor, 1, 5);
    compact();
    assertThat(cursor.next()).isEqualTo(JournalTest.entry(10));
    assertThat(cursor.position()).isEqualTo(10);
  }

  /** It has the segment, and its file is closed before it comes to read. */
  @Test
  void aReaderWhoseFileIsClosedUnderIt_goesOnInWhatCameOut() {
    JournalCursor cursor = journal.cursorAfter(0);
    var compacted = new boolean[1];
    disk.failAll(
        SimDisk.Operation.READ,
        file -> {
          if (!compacted[0]) {
            compacted[0] = true;
            compact();
          }
          return false;
        });
    assertThat(cursor.next()).isEqualTo(JournalTest.entry(10));
    assertThat(compacted[0]).isTrue();
    long kept = journal.keptFrom();
    for (int i = 20; i < kept; i += 10) {
      assertThat(cursor.next()).isEqualTo(JournalTest.entry(i));
    }
    assertReads(cursor, (int) kept, ENTRIES);
  }

  @Test
  void aCompleteReader_isToldFromWhereOnAllIsKept() {
    JournalCursor begun = journal.completeCursorAfter(3);
    JournalCursor later = journal.completeCursorAfter(0);
    assertReads(later, 1, 3);
    compact();
    long kept = journal.keptFrom();
    assertThat(kept).isGreaterThan(10);
    for (JournalCursor each : List.of(begun, later)) {
      assertThatThrownBy(each::next)
          .isInstanceOfSatisfying(
              PositionNotKeptException.class, told -> assertThat(told.keptFrom()).isEqualTo(kept))
          .hasMessageContaining("position 4 of the journal was asked for");
    }
    assertThatThrownBy(() -> journal.completeCursorAfter(kept - 2))
        .hasMessageContaining("position " + (kept - 1) + " of the journal");
    assertReads(journal.completeCursorAfter(kept - 1), (int) kept, ENTRIES);
  }
}
