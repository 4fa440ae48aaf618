package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.Checksums;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What is told of files that nobody has open, to the byte, and what a repair takes out of them. */
class InspectionTest {
  private static final String FIRST = "journal-0000000000000001.log";
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(7);
  private static final ActorId EARLIER = new ActorId(6);

  private final SimDisk disk = new SimDisk(1);

  private List<JournalFiles.Report> reports() {
    List<JournalFiles.Report> reports = new JournalFiles(disk).inspect();
    assertThat(disk.openFiles()).isEmpty();
    return reports;
  }

  private List<JournalFiles.Damage> damages() {
    return reports().stream().flatMap(report -> report.damages().stream()).toList();
  }

  private void mark(long durable) {
    try (var mark = new DurableMark(disk)) {
      mark.write(durable);
    }
  }

  private static JournalFiles.Damage damage(String file, long from, long to, String why) {
    return new JournalFiles.Damage(file, from, to, why);
  }

  private List<JournalEntry> repaired(SimDisk target) {
    var entries = new ArrayList<JournalEntry>();
    JournalTest.open(target, entries).abandon();
    return entries;
  }

  @Test
  void aReport_countsFramesAndPayloads_andSaysWhereTheyAre() {
    JournalEntry.Stored whole = (JournalEntry.Stored) JournalTest.entry(4);
    HandMadeSegment first =
        HandMadeSegment.compacted(1, 8, 3)
            .frame(new JournalEntry.Opened(ACTOR, 42, "cluster", EU), 3, 0)
            .frame(whole, 4, 0)
            .frame(new JournalEntry.Stored(whole.record().withoutPayload()), 6, 0)
            .seal(3, 8);
    HandMadeSegment second = HandMadeSegment.written(8).entries(8, 9);
    HandMadeSegment third = HandMadeSegment.written(10);
    for (HandMadeSegment each : List.of(third, second, first)) {
      each.putInto(disk);
    }
    mark(9);
    assertThat(reports())
        .containsExactly(
            new JournalFiles.Report(first.file(), first.length(), true, 3, 1, 3, 6, List.of()),
            new JournalFiles.Report(second.file(), second.length(), false, 2, 2, 8, 9, List.of()),
            new JournalFiles.Report(third.file(), third.length(), false, 0, 0, 0, 0, List.of()));
  }

  @Test
  void whatIsNoSegmentButTheJournals_isNamed() {
    mark(0);
    HandMadeSegment.written(1).putInto(disk);
    String torn = TornTail.PREFIX + "4-" + FIRST;
    HandMadeSegment.put(disk, torn, new byte[3]);
    HandMadeSegment.put(disk, "other", new byte[3]);
    assertThat(new JournalFiles(disk).companions()).containsExactly(DurableMark.NAME, torn);
  }

  @Test
  void whereNothingIs_nothingIsTold() {
    mark(5);
    assertThat(reports()).isEmpty();
  }

  @Test
  void aBadFrame_isToldFromItsBeginningToTheNextGoodOne() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 2);
    int from = segment.length();
    segment.badFrame(JournalTest.entry(3), 3);
    int to = segment.length();
    segment.entries(4, 5);
    int second = segment.length();
    segment.raw((byte) 0, (byte) 0, (byte) 9).putInto(disk);
    assertThat(reports())
        .containsExactly(
            new JournalFiles.Report(
                FIRST,
                segment.length(),
                false,
                4,
                4,
                1,
                5,
                List.of(
                    damage(FIRST, from, to, "no good frame is here"),
                    damage(FIRST, second, second + 3, "no good frame is here"))));
  }

  @Test
  void aFrameOfAnotherFormat_isToldAsThat_atTheVeryEndToo() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 2);
    int from = segment.length();
    segment.frame(new JournalEntry.Closed(), 3, 0).putInto(disk);
    byte[] content = disk.contentOf(FIRST);
    content[from + 9] = 2;
    var frame = ByteBuffer.wrap(content);
    frame.putInt(from + 4, Checksums.crc32c(content, from + 8, content.length - from - 8));
    HandMadeSegment.put(disk, FIRST, content);
    assertThat(damages())
        .containsExactly(
            damage(
                FIRST, from, segment.length(), "it has format 2, but this version reads format 1"));
  }

  @Test
  void zerosAtTheEnd_areRoom_inASegmentAsWrittenAlone() {
    HandMadeSegment.written(1).entries(1, 2).raw(new byte[500]).putInto(disk);
    assertThat(damages()).isEmpty();
    disk.delete(FIRST);
    HandMadeSegment compacted = HandMadeSegment.compacted(1, 3, 1).entries(1, 2).seal(2, 3);
    int end = compacted.length();
    String file = compacted.raw(new byte[500]).putInto(disk);
    assertThat(damages()).containsExactly(damage(file, end, end + 500, "no good frame is here"));
  }

  @Test
  void positionsThatAreMissing_areToldWithinASegmentAsWritten_andBetweenFiles() {
    HandMadeSegment first = HandMadeSegment.written(1).entries(1, 2);
    int gap = first.length();
    first.entries(5, 5).putInto(disk);
    String second = HandMadeSegment.compacted(9, 14, 1).entries(11, 12).seal(2, 14).putInto(disk);
    String third = HandMadeSegment.written(15).entries(15, 15).putInto(disk);
    assertThat(damages())
        .containsExactly(
            damage(FIRST, gap, gap, "positions 3 to 4 are missing"),
            damage(second, 0, 0, "positions 6 to 8 are missing"),
            damage(third, 0, 0, "positions 14 to 14 are missing"));
  }

  @Test
  void behindABadFrame_itIsNotToldOnceMoreThatItsPositionIsMissing() {
    HandMadeSegment.written(1)
        .entries(1, 2)
        .badFrame(JournalTest.entry(3), 3)
        .entries(6, 7)
        .putInto(disk);
    assertThat(damages())
        .extracting(JournalFiles.Damage::why)
        .containsExactly("no good frame is here");
  }

  @Test
  void aPositionThatComesAgain_isNotGood() {
    HandMadeSegment segment = HandMadeSegment.compacted(1, 6, 1).entries(1, 3);
    int from = segment.length();
    segment.entries(3, 3);
    int to = segment.length();
    String file = segment.entries(4, 4).seal(4, 6).putInto(disk);
    assertThat(damages()).containsExactly(damage(file, from, to, "no good frame is here"));
    assertThat(reports().get(0).frames()).isEqualTo(4);
  }

  @Test
  void whatIsBehindAllPositions_isNotGood() {
    HandMadeSegment segment = HandMadeSegment.written(Segment.MAX_END_POSITION - 1);
    segment.frame(JournalTest.entry(1), Segment.MAX_END_POSITION - 1, 0);
    int from = segment.length();
    String file = segment.frame(JournalTest.entry(2), Segment.MAX_END_POSITION, 0).putInto(disk);
    assertThat(damages()).contains(damage(file, from, segment.length(), "no good frame is here"));
    var target = new SimDisk(2);
    assertThat(new JournalFiles(disk).repairInto(target, 4096).entries()).isEqualTo(1);
    assertThat(repaired(target)).contains(JournalTest.entry(1));
  }

  @Test
  void aSealThatIsWrong_isTold() {
    for (long[] wrong : new long[][] {{2, 5}, {3, 6}, {3, 4}}) {
      HandMadeSegment segment = HandMadeSegment.compacted(1, 5, 1).entries(1, 3);
      int from = segment.length();
      String file = segment.seal(wrong[0], wrong[1]).putInto(disk);
      assertThat(damages())
          .as("%d frames up to %d", wrong[0], wrong[1])
          .containsExactly(
              damage(file, from, segment.length(), "the seal of a compacted segment is wrong"));
    }
  }

  @Test
  void aSealBehindABadFrame_isNotToldToo() {
    HandMadeSegment segment = HandMadeSegment.compacted(1, 5, 1).entries(1, 2);
    segment.badFrame(JournalTest.entry(3), 3).seal(3, 5).putInto(disk);
    assertThat(damages()).hasSize(1);
  }

  @Test
  void whatIsBehindTheSeal_isTold() {
    HandMadeSegment segment = HandMadeSegment.compacted(1, 9, 1).entries(1, 3).seal(3, 9);
    int from = segment.length();
    String file = segment.entries(4, 4).putInto(disk);
    assertThat(damages())
        .containsExactly(damage(file, from, segment.length(), "it is behind the seal"));
  }

  @Test
  void aSealInASegmentAsWritten_isTold() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
    int from = segment.length();
    segment.seal(3, 4).putInto(disk);
    assertThat(damages())
        .containsExactly(
            damage(FIRST, from, segment.length(), "the seal of a compacted segment is here"));
  }

  @Test
  void aCompactionThatWasNotFinished_isToldUnlessWhatWentIntoItIsThere() {
    HandMadeSegment unfinished = HandMadeSegment.compacted(1, 4, 1).entries(1, 2);
    unfinished.putInto(disk);
    JournalFiles.Damage told =
        damage(
            unfinished.file(),
            unfinished.length(),
            unfinished.length(),
            "the end of a compacted segment is missing");
    assertThat(damages()).containsExactly(told);
    String behind = HandMadeSegment.written(4).entries(4, 5).putInto(disk);
    assertThat(damages())
        .containsExactly(told, damage(behind, 0, 0, "positions 3 to 3 are missing"));
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    assertThat(damages()).isEmpty();
  }

  @Test
  void whatWentIntoAFinishedCompaction_isNoDamage() {
    HandMadeSegment.compacted(1, 7, 1).entries(2, 2).seal(1, 7).putInto(disk);
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    HandMadeSegment.written(4).entries(4, 6).putInto(disk);
    mark(6);
    assertThat(damages()).isEmpty();
    mark(7);
    assertThat(damages())
        .containsExactly(
            damage(DurableMark.NAME, 0, 0, "positions 7 to 7 were durable, and are missing"));
  }

  @Test
  void aCopyThatWasNotFinished_isTold() {
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    mark(DurableMark.UNFINISHED);
    assertThat(damages())
        .containsExactly(
            damage(DurableMark.NAME, 0, 0, "it says that this is a copy that was not finished"));
  }

  @Test
  void aCreationThatWasCutShort_isToldOnlyWhereSomethingWasCreatedAfterIt() {
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    byte[] header = HandMadeSegment.written(4).toArray();
    String second = "journal-0000000000000004.log";
    for (int length : new int[] {0, 7, Segment.HEADER_BYTES}) {
      byte[] torn = Arrays.copyOf(header, length);
      if (length > 3) {
        torn[3] ^= 1;
      }
      HandMadeSegment.put(disk, second, torn);
      assertThat(damages()).as("%d bytes", length).isEmpty();
      String third = HandMadeSegment.written(5).entries(5, 5).putInto(disk);
      assertThat(damages())
          .containsExactly(
              damage(second, 0, length, "its header is damaged"),
              damage(third, 0, 0, "positions 4 to 4 are missing"));
      disk.delete(third);
    }
    HandMadeSegment.put(disk, second, header);
    assertThat(damages()).as("a segment without a frame").isEmpty();
    HandMadeSegment.put(disk, second, new byte[Segment.HEADER_BYTES + 1]);
    assertThat(damages())
        .containsExactly(damage(second, 0, Segment.HEADER_BYTES, "its header is damaged"));
  }

  @Test
  void aCompactedSegmentWithLessThanAHeader_isDamage() {
    String file = "journal-0000000000000001-00000001.log";
    for (int length : new int[] {0, 7, Segment.COMPACTED_HEADER_BYTES}) {
      HandMadeSegment.put(disk, file, new byte[length]);
      assertThat(damages())
          .contains(damage(file, length, length, "the end of a compacted segment is missing"));
    }
  }

  private void openedTwice(boolean damaged) {
    HandMadeSegment segment =
        HandMadeSegment.written(1)
            .frame(new JournalEntry.Opened(EARLIER, 42, "cluster", EU), 1, 0)
            .frame(new JournalEntry.Applied(US, new ActorId(9), 300), 2, 0)
            .entries(3, 3)
            .frame(new JournalEntry.Closed(), 4, 0)
            .frame(new JournalEntry.Opened(ACTOR, 42, "cluster", EU), 5, 0);
    (damaged ? segment.badFrame(JournalTest.entry(6), 6) : segment).putInto(disk);
  }

  @Test
  void aRepairOfWhatIsWhole_copiesAllButTheNotesOfClosing() {
    openedTwice(false);
    var target = new SimDisk(2);
    assertThat(new JournalFiles(disk).repairInto(target, 4096))
        .isEqualTo(new JournalFiles.Repair(4, List.of()));
    assertThat(repaired(target))
        .containsExactly(
            new JournalEntry.Opened(EARLIER, 42, "cluster", EU),
            new JournalEntry.Applied(US, new ActorId(9), 300),
            JournalTest.entry(3),
            new JournalEntry.Opened(ACTOR, 42, "cluster", EU));
  }

  /** So that they send again, and give back what this one wrote. */
  @Test
  void aRepairOfWhatIsDamaged_doesNotClaimToHaveAnythingOfOtherRegions_norAllOfItsOwn() {
    openedTwice(true);
    var target = new SimDisk(2);
    JournalFiles.Repair repair = new JournalFiles(disk).repairInto(target, 4096);
    assertThat(repair.entries()).isEqualTo(5);
    assertThat(repair.unreadable()).hasSize(1);
    assertThat(repaired(target))
        .containsExactly(
            new JournalEntry.Opened(EARLIER, 42, "cluster", EU),
            JournalTest.entry(3),
            new JournalEntry.Opened(ACTOR, 42, "cluster", EU),
            new JournalEntry.Applied(EU, EARLIER, 0),
            new JournalEntry.Applied(EU, ACTOR, 0));
    Journal journal = JournalTest.open(target, new ArrayList<>());
    assertThat(journal.publishedPosition()).isEqualTo(7);
    journal.abandon();
  }

  @Test
  void ofTwoFilesWithAPosition_aRepairTakesTheNewestOnes() {
    HandMadeSegment.compacted(1, 4, 1)
        .frame(JournalTest.entry(2, Bytes.utf8("newer")), 2, 0)
        .seal(1, 4)
        .putInto(disk);
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    var target = new SimDisk(2);
    new JournalFiles(disk).repairInto(target, 4096);
    assertThat(repaired(target))
        .containsExactly(
            JournalTest.entry(1), JournalTest.entry(2, Bytes.utf8("newer")), JournalTest.entry(3));
  }

  @Test
  void aRepair_hasAFewFilesOpenAtATime_andNoneAtItsEnd() {
    int segments = 20;
    for (int i = 0; i < segments; i++) {
      HandMadeSegment.written(1 + 2 * i).entries(1 + 2 * i, 2 + 2 * i).putInto(disk);
    }
    var open = new TreeSet<Integer>();
    disk.failAll(
        SimDisk.Operation.READ,
        file -> {
          open.add(disk.openFiles().size());
          return false;
        });
    var target = new SimDisk(2);
    assertThat(new JournalFiles(disk).repairInto(target, 4096).entries()).isEqualTo(2 * segments);
    assertThat(open.last()).isLessThanOrEqualTo(3);
    assertThat(disk.openFiles()).isEmpty();
    assertThat(target.openFiles()).isEmpty();
    assertThat(repaired(target)).hasSize(2 * segments);
  }
}
