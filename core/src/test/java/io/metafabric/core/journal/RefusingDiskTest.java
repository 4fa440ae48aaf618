package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What becomes of a journal's writes where the disk is full or refuses. */
class RefusingDiskTest {
  private static final String FIRST = "journal-0000000000000001.log";

  private final SimDisk disk = new SimDisk(1);
  private final Journal journal = JournalTest.open(disk, new ArrayList<>());

  private static JournalEntry entry(int payloadBytes) {
    return JournalTest.entry(1, Bytes.copyOf(new byte[payloadBytes]));
  }

  private void assertReadOnly() {
    for (int times = 0; times < 2; times++) {
      assertThatThrownBy(() -> journal.append(List.of(entry(1))))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("read-only since a failure");
      assertThatThrownBy(journal::makeDurable)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("read-only since a failure");
    }
    journal.close();
    assertThat(journal.image()).isNull();
    assertThat(disk.openFiles()).isEmpty();
  }

  private List<JournalEntry> replayed() {
    var replayed = new ArrayList<JournalEntry>();
    JournalTest.open(disk, replayed).abandon();
    return replayed;
  }

  @Test
  void theFramesOfABatch_areWhereItSays() {
    List<JournalEntry> entries = List.of(entry(10), entry(200), entry(3));
    JournalTest.append(journal, 0, 2);
    long before = journal.sizeBytes();
    List<FrameLocation> locations = journal.append(entries);
    for (int i = 0; i < entries.size(); i++) {
      FrameLocation at = locations.get(i);
      assertThat(at.position()).isEqualTo(3 + i);
      assertThat(at.segment.readFrame(at.offset, at.lengthBytes).entry()).isEqualTo(entries.get(i));
    }
    FrameLocation last = locations.get(2);
    assertThat(locations.get(0).offset).isEqualTo(before);
    assertThat(last.offset + last.lengthBytes).isEqualTo(journal.sizeBytes());
  }

  @Test
  void aSegmentIsFull_onceItHasItsBytes() {
    FrameLocation first = journal.append(List.of(entry(1000))).get(0);
    int overhead = first.lengthBytes - 1000;
    int left = (int) (JournalTest.CONFIG.segmentBytes() - journal.sizeBytes()) - overhead;
    journal.append(List.of(entry(left - 1)));
    assertThat(journal.sizeBytes()).isEqualTo(JournalTest.CONFIG.segmentBytes() - 1);
    journal.append(List.of(entry(1)));
    assertThat(journal.segmentCount()).isEqualTo(1);
    journal.append(List.of(entry(4096 - Segment.HEADER_BYTES - overhead)));
    assertThat(journal.segmentCount()).isEqualTo(2);
    assertThat(journal.segmentWith(4).endOffset()).isEqualTo(JournalTest.CONFIG.segmentBytes());
    journal.append(List.of(entry(1)));
    assertThat(journal.segmentCount()).isEqualTo(3);
  }

  @Test
  void whatDidNotFit_leavesNothingInTheFile_whetherThereWasRoomInAdvanceOrNot() {
    for (boolean syncFollows : new boolean[] {true, false}) {
      journal.append(List.of(entry(100)), false);
      long size = journal.sizeBytes();
      disk.setCapacityBytes(disk.usedBytes() + 50);
      assertThatThrownBy(() -> journal.append(List.of(entry(100)), syncFollows))
          .isInstanceOf(StorageFullException.class);
      assertThat(disk.contentOf(FIRST)).hasSize((int) size);
      assertThat(journal.sizeBytes()).isEqualTo(size);
      disk.setCapacityBytes(Long.MAX_VALUE);
    }
    journal.append(List.of(entry(7)));
    journal.makeDurable();
    journal.abandon();
    assertThat(replayed()).containsExactly(entry(100), entry(100), entry(7));
  }

  /** Of a batch one frame fits as a whole. */
  @Test
  void whatDidNotFit_doesNotComeBackWhenThePowerGoes() {
    for (int seed = 0; seed < 50; seed++) {
      var disk = new SimDisk(seed);
      Journal journal = JournalTest.open(disk, new ArrayList<>());
      int length = journal.append(List.of(entry(100)), false).get(0).lengthBytes;
      journal.makeDurable();
      disk.setCapacityBytes(disk.usedBytes() + length + 50);
      assertThatThrownBy(() -> journal.append(List.of(entry(100), entry(100)), false))
          .isInstanceOf(StorageFullException.class);
      disk.crash(SimDisk.Loss.SOME);
      disk.setCapacityBytes(Long.MAX_VALUE);
      var replayed = new ArrayList<JournalEntry>();
      JournalTest.open(disk, replayed).abandon();
      assertThat(replayed).as("seed %d", seed).containsExactly(entry(100));
    }
  }

  @Test
  void whereThereIsNoRoomInAdvance_theLastByteOfTheDiskIsUsed_andNoneThatIsNotNeeded() {
    int length = journal.append(List.of(entry(100)), false).get(0).lengthBytes;
    for (int spare : new int[] {0, 50}) {
      disk.setCapacityBytes(disk.usedBytes() + length + spare);
      journal.append(List.of(entry(100)), true);
      assertThat(disk.contentOf(FIRST)).hasSize((int) journal.sizeBytes());
    }
    disk.setCapacityBytes(Long.MAX_VALUE);
    JournalTest.append(journal, 4, 6);
    assertThat(disk.contentOf(FIRST).length).isGreaterThan((int) journal.sizeBytes());
    journal.abandon();
    assertThat(replayed())
        .containsExactly(
            entry(100), entry(100), entry(100), JournalTest.entry(4), JournalTest.entry(5));
  }

  @Test
  void afterAWriteThatFailed_nothingIsAcceptedAnyMore() {
    JournalTest.append(journal, 0, 2);
    disk.failNext(SimDisk.Operation.WRITE);
    assertThatThrownBy(() -> journal.append(List.of(entry(1))))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("simulated fault");
    assertReadOnly();
    assertThat(replayed()).containsExactly(JournalTest.entry(0), JournalTest.entry(1));
  }

  @Test
  void norIfWhatDidNotFitCannotBeTakenBack() {
    journal.append(List.of(entry(100)), false);
    disk.setCapacityBytes(disk.usedBytes() + 50);
    disk.failNext(SimDisk.Operation.TRUNCATE);
    assertThatThrownBy(() -> journal.append(List.of(entry(100)), false))
        .as("it may come back")
        .isInstanceOf(StorageException.class)
        .isNotInstanceOf(StorageFullException.class);
    disk.setCapacityBytes(Long.MAX_VALUE);
    assertThatThrownBy(() -> journal.append(List.of(entry(1))))
        .hasMessageContaining("read-only since a failure: cannot TRUNCATE")
        .cause()
        .satisfies(
            refused ->
                assertThat(refused.getSuppressed())
                    .hasSize(1)
                    .hasOnlyElementsOfType(StorageFullException.class));
    assertReadOnly();
  }

  @Test
  void afterASyncThatFailed_noLaterOneProvesAnything() {
    JournalTest.append(journal, 0, 2);
    journal.append(List.of(entry(1)));
    SimFault fault = disk.failNextSyncs(1);
    assertThatThrownBy(journal::makeDurable).hasMessageContaining("simulated fault");
    assertThat(fault.hits()).isEqualTo(1);
    assertThat(journal.isUsable()).isFalse();
    assertThat(journal.durablePosition()).isEqualTo(2);
    journal.publish(3);
    assertThatThrownBy(journal::makePublishedDurable)
        .hasMessageContaining("read-only since a failure");
    assertReadOnly();
  }

  /** The caller of a full disk would take it that nothing was written. */
  @Test
  void aMarkThatDoesNotFit_isAFailure() {
    journal.append(List.of(entry(1)), false);
    disk.setCapacityBytes(disk.usedBytes());
    assertThatThrownBy(journal::makeDurable)
        .isInstanceOf(StorageException.class)
        .isNotInstanceOf(StorageFullException.class)
        .hasCauseInstanceOf(StorageFullException.class);
    assertReadOnly();
  }

  @Test
  void whatIsDurable_isNotSyncedAgain() {
    JournalTest.append(journal, 0, 2);
    long operations = disk.operations();
    journal.makeDurable();
    journal.makePublishedDurable();
    assertThat(disk.operations()).isEqualTo(operations);
    FrameLocation at = journal.append(List.of(entry(1))).get(0);
    journal.makePublishedDurable();
    assertThat(disk.operations()).as("it is not published").isEqualTo(operations + 1);
    journal.publish(at.position());
    journal.makePublishedDurable();
    assertThat(disk.operations()).isEqualTo(operations + 2);
    disk.crash(SimDisk.Loss.ALL);
    assertThat(replayed()).containsExactly(JournalTest.entry(0), JournalTest.entry(1), entry(1));
  }

  @Test
  void anEmptyJournal_hasNothingToMakeDurable() {
    long operations = disk.operations();
    journal.makeDurable();
    journal.makePublishedDurable();
    assertThat(disk.operations()).isEqualTo(operations);
    journal.close();
    assertThat(disk.files()).containsExactly(DurableMark.NAME);
    assertThat(disk.openFiles()).isEmpty();
  }

  /** Perhaps a sync failed: a later one that succeeds would prove nothing. */
  @Test
  void aSegmentThatCannotBeCreated_isAFailure_andIsNotLeftOpen() {
    for (SimDisk.Operation each :
        List.of(
            SimDisk.Operation.OPEN,
            SimDisk.Operation.TRUNCATE,
            SimDisk.Operation.WRITE,
            SimDisk.Operation.SYNC,
            SimDisk.Operation.SYNC_DIRECTORY)) {
      var fresh = new SimDisk(1);
      Journal refused = JournalTest.open(fresh, new ArrayList<>());
      fresh.failNext(each);
      assertThatThrownBy(() -> refused.append(List.of(entry(1))))
          .isInstanceOf(StorageException.class);
      assertThat(fresh.openFiles()).as("%s", each).containsExactly(DurableMark.NAME);
      assertThatThrownBy(() -> refused.append(List.of(entry(1))))
          .hasMessageContaining("read-only since a failure");
      refused.close();
      assertThat(fresh.openFiles()).isEmpty();
    }
  }

  @Test
  void aSegmentForWhichThereIsNoRoom_isCreatedOnceThereIs() {
    disk.setCapacityBytes(disk.usedBytes() + 10);
    assertThatThrownBy(() -> journal.append(List.of(entry(1))))
        .isInstanceOf(StorageFullException.class);
    assertThat(disk.openFiles()).containsExactly(DurableMark.NAME);
    disk.setCapacityBytes(Long.MAX_VALUE);
    JournalTest.append(journal, 0, 2);
    journal.close();
    assertThat(replayed())
        .containsExactly(JournalTest.entry(0), JournalTest.entry(1), new JournalEntry.Closed());
  }

  @Test
  void aCloseThatFails_leavesNothingOpen() {
    JournalTest.append(journal, 0, 2);
    disk.failNextSyncs(1);
    assertThatThrownBy(journal::close).hasMessageContaining("simulated fault");
    assertThat(disk.openFiles()).isEmpty();
    assertThat(journal.image()).isNull();
  }

  @Test
  void whoCannotNoteTheEnd_makesDurableWhatThereIs() {
    journal.append(List.of(entry(100)), false);
    journal.makeDurable();
    journal.append(List.of(entry(100)), false);
    disk.setCapacityBytes(disk.usedBytes());
    journal.close();
    assertThat(journal.image()).isNull();
    assertThat(disk.openFiles()).isEmpty();
    disk.crash(SimDisk.Loss.ALL);
    disk.setCapacityBytes(Long.MAX_VALUE);
    assertThat(replayed()).containsExactly(entry(100), entry(100));
  }
}
