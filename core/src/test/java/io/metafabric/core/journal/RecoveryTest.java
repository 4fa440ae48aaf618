package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an opening makes of files that a crash or worse has left, by example. */
class RecoveryTest {
  private static final String FIRST = "journal-0000000000000001.log";

  private final SimDisk disk = new SimDisk(1);
  private final List<JournalEntry> replayed = new ArrayList<>();

  private Journal open() {
    replayed.clear();
    return JournalTest.open(disk, replayed);
  }

  private static List<JournalEntry> entries(int from, int to) {
    return IntStream.rangeClosed(from, to).mapToObj(JournalTest::entry).toList();
  }

  private Map<String, String> files() {
    var content = new TreeMap<String, String>();
    for (String file : disk.files()) {
      content.put(file, Arrays.toString(disk.contentOf(file)));
    }
    // Opening makes an empty one.
    content.remove(DurableMark.NAME, "[]");
    return content;
  }

  private void mark(long durable) {
    try (var mark = new DurableMark(disk)) {
      mark.write(durable);
    }
  }

  /** It says where, changes nothing, and leaves nothing open. */
  private void assertDamaged(String file, long offset, String why) {
    Map<String, String> before = files();
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            CorruptJournalException.class,
            damaged -> {
              assertThat(damaged.file()).isEqualTo(file);
              assertThat(damaged.offset()).isEqualTo(offset);
            })
        .hasMessageContaining(why);
    assertThat(files()).isEqualTo(before);
    assertThat(disk.openFiles()).isEmpty();
  }

  private TornTail assertCut(int entries) {
    Journal journal = open();
    assertThat(replayed).isEqualTo(entries(1, entries));
    assertThat(journal.tornTails()).hasSize(1);
    journal.abandon();
    assertThat(disk.openFiles()).isEmpty();
    return journal.tornTails().get(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 200, 5 << 19})
  void aTornTail_isKeptByteForByte_beforeItIsCutOff(int bytes) {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 5);
    int offset = segment.length();
    var tail = new byte[bytes];
    new Random(7).nextBytes(tail);
    segment.raw(tail).putInto(disk);
    String keptIn = "torn-6-" + FIRST;
    HandMadeSegment.put(disk, keptIn, new byte[bytes + 10]);

    TornTail torn = assertCut(5);

    assertThat(torn)
        .isEqualTo(new TornTail(FIRST, offset, bytes, keptIn, torn.why()))
        .satisfies(told -> assertThat(told.why()).contains("frame"));
    disk.crash(SimDisk.Loss.ALL);
    assertThat(disk.contentOf(keptIn)).as("also without power").isEqualTo(tail);
    assertThat(disk.contentOf(FIRST)).hasSize(offset);
    assertThat(open().tornTails()).isEmpty();
    assertThat(replayed).isEqualTo(entries(1, 5));
  }

  /** Of each operation it is unknown whether the disk has it when power is lost. */
  @Test
  void aTornTail_isInOneOfTwoPlaces_wheneverPowerIsLost() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 5);
    int offset = segment.length();
    byte[] tail = Bytes.utf8("half a frame").toArray();
    segment.raw(tail);
    var whole = new SimDisk(1);
    segment.putInto(whole);
    long from = whole.operations();
    JournalTest.open(whole, new ArrayList<>());
    long operations = whole.operations() - from;
    for (int seed = 0; seed < 40; seed++) {
      for (long before = 0; before < operations; before++) {
        var dying = new SimDisk(seed);
        segment.putInto(dying);
        dying.beforeOperation(before, dying::crash);
        Throwable thrown = catchThrowable(() -> JournalTest.open(dying, new ArrayList<>()));
        assertThat(thrown).isInstanceOf(StorageException.class);
        byte[] left = dying.contentOf(FIRST);
        byte[] there =
            left.length > offset
                ? Arrays.copyOfRange(left, offset, left.length)
                : dying.contentOf("torn-6-" + FIRST);
        assertThat(there).as("seed %d, operation %d", seed, before).isEqualTo(tail);
      }
    }
  }

  @Test
  void whatWasMarkedAsDurable_isNoTornTail() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
    int offset = segment.length();
    segment.badFrame(JournalTest.entry(4), 4).putInto(disk);
    for (long durable : new long[] {5, 4}) {
      mark(durable);
      assertDamaged(FIRST, offset, "position 4 had been made durable");
    }
    mark(3);
    assertCut(3);
  }

  @Test
  void whatAGoodFrameBehindItSaysWasDurable_isNoTornTail() {
    for (long[] told : new long[][] {{4}, {4, 2}, {2, 4}, {2, 9, 2}}) {
      HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
      int offset = segment.length();
      segment.badFrame(JournalTest.entry(4), 4);
      for (int i = 0; i < told.length; i++) {
        segment.frame(JournalTest.entry(5 + i), 5 + i, told[i]);
      }
      segment.putInto(disk);
      assertDamaged(FIRST, offset, "position 4 had been made durable");
    }
    HandMadeSegment.written(1)
        .entries(1, 3)
        .badFrame(JournalTest.entry(4), 4)
        .frame(JournalTest.entry(5), 5, 3)
        .putInto(disk);
    assertCut(3);
  }

  @Test
  void aFrameWithinTheTornOne_provesNothing_unlessItComesLater() {
    for (int within : new int[] {3, 4}) {
      byte[] value = new byte[200];
      var inner = new ByteWriter(100);
      JournalFrame.encode(inner, new JournalEntry.Closed(), within, 4);
      System.arraycopy(inner.toArray(), 0, value, 100, inner.length());
      HandMadeSegment.written(1)
          .entries(1, 3)
          .badFrame(JournalTest.entry(4, Bytes.copyOf(value)), 4)
          .putInto(disk);
      assertCut(3);
    }
  }

  @Test
  void aFrame_provesNoMoreThanWhatIsInFrontOfIt() {
    HandMadeSegment.written(1)
        .entries(1, 2)
        .frame(JournalTest.entry(3), 3, 1000)
        .badFrame(JournalTest.entry(4), 4)
        .putInto(disk);
    assertCut(3);
    assertThat(open().durablePosition()).isEqualTo(2);
  }

  @Test
  void aBadFrameInASegmentThatIsNotTheLast_isDamage() {
    HandMadeSegment first = HandMadeSegment.written(1).entries(1, 3);
    int offset = first.length();
    first.badFrame(JournalTest.entry(4), 4).putInto(disk);
    HandMadeSegment.written(5).entries(5, 6).putInto(disk);
    assertDamaged(FIRST, offset, "position 4 had been made durable");
  }

  @Test
  void theSealOfACompactedSegment_endsNoOther() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
    int offset = segment.length();
    segment.seal(3, 4).putInto(disk);
    assertThat(assertCut(3))
        .isEqualTo(
            new TornTail(
                FIRST,
                offset,
                segment.length() - offset,
                "torn-4-" + FIRST,
                "the seal of a compacted segment is here"));
    segment.putInto(disk);
    HandMadeSegment.written(4).entries(4, 5).putInto(disk);
    assertDamaged(FIRST, offset, "the seal of a compacted segment is here");
  }

  @Test
  void aFileWhoseCreationWasCutShort_isDeleted() {
    byte[] header = HandMadeSegment.written(4).toArray();
    for (long first : new long[] {4, 6}) {
      for (int length = 0; length <= header.length; length++) {
        HandMadeSegment.written(1).entries(1, 3).putInto(disk);
        byte[] torn = Arrays.copyOf(header, length);
        if (length > 3) {
          torn[3] ^= 1;
        }
        String file = new SegmentName(first, 0).file();
        HandMadeSegment.put(disk, file, torn);

        Journal journal = open();

        assertThat(replayed).isEqualTo(entries(1, 3));
        assertThat(journal.tornTails()).isEmpty();
        assertThat(journal.segmentCount()).isEqualTo(1);
        assertThat(disk.files()).doesNotContain(file);
        journal.abandon();
        assertThat(disk.openFiles()).isEmpty();
      }
    }
  }

  @Test
  void theFirstFile_mayHaveBeenCutShortToo() {
    HandMadeSegment.put(disk, FIRST, new byte[7]);
    Journal journal = open();
    assertThat(journal.segmentCount()).isZero();
    JournalTest.append(journal, 1, 2);
    journal.abandon();
    open();
    assertThat(replayed).isEqualTo(entries(1, 1));
  }

  @Test
  void aFileThatCannotBeACreationCutShort_isDamaged() {
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    String second = "journal-0000000000000004.log";
    // A frame follows the header.
    HandMadeSegment.put(disk, second, new byte[Segment.HEADER_BYTES + 1]);
    assertDamaged(second, 0, "header");
    // Something of it was durable.
    HandMadeSegment.put(disk, second, new byte[Segment.HEADER_BYTES]);
    mark(4);
    assertDamaged(second, 0, "header");
    // Something was created after it.
    disk.delete(DurableMark.NAME);
    HandMadeSegment.written(5).entries(5, 5).putInto(disk);
    assertDamaged(second, 0, "header");
    HandMadeSegment.put(disk, second, new byte[3]);
    assertDamaged(second, 0, "");
  }

  @Test
  void aSegmentWithoutAFrame_isThere_andSaysThatTheOneBeforeWasDurable() {
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    String second = HandMadeSegment.written(4).putInto(disk);
    Journal journal = open();
    assertThat(journal.segmentCount()).isEqualTo(2);
    assertThat(journal.durablePosition()).isEqualTo(3);
    JournalTest.append(journal, 4, 6);
    journal.abandon();
    assertThat(disk.contentOf(second).length).isGreaterThan(Segment.HEADER_BYTES);
    open();
    assertThat(replayed).isEqualTo(entries(1, 5));
  }

  @Test
  void whatIsMissing_isDamage() {
    mark(5);
    assertDamaged(DurableMark.NAME, 0, "ends at position 0, but 5 was durable");
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
    segment.putInto(disk);
    assertDamaged(FIRST, segment.length(), "ends at position 3, but 5 was durable");
    mark(3);
    HandMadeSegment.written(6).entries(6, 7).putInto(disk);
    assertDamaged("journal-0000000000000006.log", 0, "begins at position 6, but 4 is due");
    mark(DurableMark.UNFINISHED);
    assertDamaged(DurableMark.NAME, 0, "a copy that was not finished");
  }

  /** How a compacted segment of positions 1 to 6 can be other than its writer leaves it. */
  private enum Flaw {
    NO_SEAL("the end of a compacted segment is missing") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 5);
      }
    },
    HALF_A_SEAL("bytes") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 5).raw((byte) 0, (byte) 0, (byte) 0, (byte) 1);
      }
    },
    SEAL_OF_MORE_FRAMES("the seal of a compacted segment is wrong") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 5).seal(5, 7);
      }
    },
    SEAL_OF_LESS_POSITIONS("the seal of a compacted segment is wrong") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 5).seal(4, 6);
      }
    },
    FRAMES_BEHIND_THE_SEAL("the seal of a compacted segment is wrong") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 5).seal(4, 7).entries(6, 6);
      }
    },
    ONE_POSITION_TWICE("the frame has position 4, but 5 is due here") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 4).entries(4, 5).seal(5, 7);
      }
    },
    BAD_FRAME("the frame's checksum is wrong") {
      @Override
      HandMadeSegment apply(HandMadeSegment segment) {
        return segment.entries(2, 4).badFrame(JournalTest.entry(5), 5).seal(4, 7);
      }
    };

    private final String why;

    Flaw(String why) {
      this.why = why;
    }

    abstract HandMadeSegment apply(HandMadeSegment segment);
  }

  @ParameterizedTest
  @EnumSource
  void anUnfinishedCompaction_isDeleted_andWhatWentIntoItIsThere(Flaw flaw) {
    String unfinished = flaw.apply(HandMadeSegment.compacted(1, 7, 1)).putInto(disk);
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    HandMadeSegment.written(4).entries(4, 6).putInto(disk);
    HandMadeSegment.written(7).entries(7, 8).putInto(disk);

    Journal journal = open();

    assertThat(replayed).isEqualTo(entries(1, 8));
    assertThat(journal.keptFrom()).isEqualTo(1);
    journal.abandon();
    assertThat(disk.files()).doesNotContain(unfinished);
    assertThat(disk.openFiles()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void withoutWhatWentIntoIt_itIsDamage(Flaw flaw) {
    String file = flaw.apply(HandMadeSegment.compacted(1, 7, 1)).putInto(disk);
    HandMadeSegment.written(7).entries(7, 8).putInto(disk);
    Map<String, String> before = files();
    assertThatThrownBy(this::open)
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining(file)
        .hasMessageContaining(flaw.why);
    assertThat(files()).isEqualTo(before);
    assertThat(disk.openFiles()).isEmpty();
  }

  @Test
  void whatWentIntoAFinishedCompaction_isDeleted() {
    HandMadeSegment.compacted(1, 7, 2).entries(2, 2).entries(5, 5).seal(2, 7).putInto(disk);
    List<String> sources =
        List.of(
            HandMadeSegment.compacted(1, 4, 1).entries(1, 3).seal(3, 4).putInto(disk),
            HandMadeSegment.written(4).entries(4, 6).putInto(disk));
    HandMadeSegment.written(7).entries(7, 8).putInto(disk);

    Journal journal = open();

    assertThat(replayed)
        .containsExactly(
            JournalTest.entry(2), JournalTest.entry(5), JournalTest.entry(7), JournalTest.entry(8));
    assertThat(journal.keptFrom()).isEqualTo(7);
    assertThat(journal.durablePosition()).isEqualTo(6);
    assertThat(disk.files()).doesNotContainAnyElementsOf(sources);
  }

  @Test
  void aCompactedSegment_endsBehindWhereItBegins_andBeforeTheLastPosition() {
    long most = Segment.MAX_END_POSITION;
    for (long end : new long[] {1, 0, -1, most + 1}) {
      String file = HandMadeSegment.compacted(1, end, 1).seal(0, end).putInto(disk);
      assertDamaged(file, 0, "its header is not that of segment 1");
    }
    HandMadeSegment.compacted(1, most, 1).seal(0, most).putInto(disk);
    Journal journal = open();
    assertThat(journal.publishedPosition()).isEqualTo(most - 1);
    journal.abandon();
  }

  @Test
  void whereAnythingIsDamaged_noLeftoverIsDeletedEither() {
    HandMadeSegment.compacted(1, 4, 1).entries(1, 2).putInto(disk);
    HandMadeSegment.written(1).entries(1, 3).putInto(disk);
    String last = HandMadeSegment.written(5).entries(5, 6).putInto(disk);
    assertDamaged(last, 0, "4 is due");
  }

  /** Each read gives less than there is once, as of a file that somebody cuts meanwhile. */
  @Test
  void whoReadsLessThanThereIs_cutsAllOrNothing() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 3);
    int offset = segment.length();
    segment.badFrame(JournalTest.entry(4), 4).entries(5, 5).raw(new byte[500]).putInto(disk);
    byte[] whole = disk.contentOf(FIRST);
    byte[] tail = Arrays.copyOfRange(whole, offset, whole.length);
    for (int seed = 0; seed < 20; seed++) {
      boolean hit = true;
      for (int skipped = 0; hit; skipped++) {
        SimDisk reading = disk.copy("copy", new Random(seed));
        int[] left = {skipped};
        SimFault fault =
            reading.failNext(
                SimDisk.Operation.READ_ALL, file -> file.equals(FIRST) && --left[0] < 0);
        Throwable thrown = catchThrowable(() -> JournalTest.open(reading, new ArrayList<>()));
        if (thrown == null) {
          assertThat(reading.contentOf("torn-4-" + FIRST)).isEqualTo(tail);
        } else {
          assertThat(thrown).isInstanceOf(CorruptJournalException.class);
          assertThat(((CorruptJournalException) thrown).offset())
              .isBetween(0L, (long) whole.length);
          assertThat(reading.contentOf(FIRST)).isEqualTo(whole);
        }
        hit = fault.hits() > 0;
        assertThat(hit || thrown == null).isTrue();
      }
    }
  }

  @Test
  void roomThatWasMadeInAdvance_isNoTail_andIsUsed() {
    String first = HandMadeSegment.written(1).entries(1, 3).raw(new byte[3000]).putInto(disk);
    String second = HandMadeSegment.written(4).entries(4, 5).raw(new byte[3000]).putInto(disk);
    int length = disk.contentOf(second).length;

    Journal journal = open();

    assertThat(replayed).isEqualTo(entries(1, 5));
    assertThat(journal.tornTails()).isEmpty();
    long before = disk.operations();
    journal.append(List.of(JournalTest.entry(6)));
    assertThat(disk.operations() - before).as("the frame alone is written").isEqualTo(1);
    assertThat(disk.contentOf(second)).hasSize(length);
    assertThat(disk.contentOf(first)).hasSizeGreaterThan(3000);
  }

  /** A reader that begins in the middle of a large segment does not begin at its front. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void fromAnyPositionOfALargeSegment_theNextEntryIsRead(boolean compacted) {
    int entries = 900;
    HandMadeSegment segment =
        compacted ? HandMadeSegment.compacted(1, entries + 1, 1) : HandMadeSegment.written(1);
    Bytes payload = Bytes.copyOf(new byte[1000]);
    for (int i = 1; i <= entries; i++) {
      segment.frame(JournalTest.entry(i, payload), i, 0);
    }
    if (compacted) {
      segment.seal(entries, entries + 1);
    }
    segment.putInto(disk);
    Journal journal = open();
    for (int after = 0; after < entries; after++) {
      assertThat(journal.cursorAfter(after).next())
          .isEqualTo(JournalTest.entry(after + 1, payload));
    }
    Segment opened = journal.segmentWith(entries);
    assertThat(opened.before(entries).offset()).isGreaterThan(768 << 10);
    assertThat(opened.before(1)).isEqualTo(new Checkpoints.Checkpoint(1, opened.framesAt()));
  }
}
