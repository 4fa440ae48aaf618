package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Places of frames, and what is read there. */
class FrameTableTest {
  private static final long CACHE_BYTES = 64 << 10;

  private final SimDisk disk = new SimDisk(1);
  private final FrameTable frames = new FrameTable(CACHE_BYTES);

  /** A segment with entry {@code i} at position {@code i}, not added. */
  private Segment segment(int i) {
    String file = HandMadeSegment.written(i).entries(i, i).putInto(disk);
    Segment segment = Segment.open(disk, SegmentName.parse(file));
    segment.extend(i + 1, segment.file().sizeBytes());
    return segment;
  }

  private Segment added(int i) {
    Segment segment = segment(i);
    frames.add(segment);
    return segment;
  }

  private static FrameLocation frameOf(Segment segment) {
    return new FrameLocation(
        segment,
        segment.framesAt(),
        (int) (segment.endOffset() - segment.framesAt()),
        segment.firstPosition());
  }

  private static long placeIn(Segment segment) {
    return frameOf(segment).place();
  }

  private static Key keyOf(int i) {
    return ((JournalEntry.Stored) JournalTest.entry(i)).record().key();
  }

  @Test
  void segmentsAreNumberedInTurn_howeverManyThereAre() {
    Map<Integer, Long> places = new HashMap<>();
    for (int i = 1; i <= 300; i++) {
      Segment segment = added(i);
      assertThat(segment.number).isEqualTo(i);
      places.put(i, placeIn(segment));
    }
    places.forEach((i, place) -> assertThat(frames.read(place)).isEqualTo(JournalTest.entry(i)));
    assertThat(frames.read(FramePlace.of(301, 24, 100))).isNull();
    assertThat(frames.read(FramePlace.of(100_000, 24, 100))).isNull();
    assertThat(frames.read(FramePlace.of(100_000, 24, 100), keyOf(1))).isNull();
  }

  @Test
  void aSegmentThatIsRemoved_isFoundNoMore_andItsNumberIsNotTheNextOnes() {
    Segment first = added(1);
    Segment second = added(2);
    long place = placeIn(first);
    frames.remove(first);
    assertThat(frames.read(place)).isNull();
    assertThat(frames.read(place, keyOf(1))).isNull();
    assertThat(frames.read(placeIn(second))).isEqualTo(JournalTest.entry(2));
    assertThat(added(3).number).isEqualTo(3);
  }

  @Test
  void numbersGoRound_leavingOutThoseThatAreTaken() {
    Segment first = added(1);
    Segment second = added(2);
    Segment last = segment(3);
    frames.restore(last, FramePlace.MAX_SEGMENTS - 2);
    assertThat(added(4).number).isEqualTo(FramePlace.MAX_SEGMENTS - 1);
    frames.remove(second);
    assertThat(added(5).number).isEqualTo(2);
    assertThat(added(6).number).isEqualTo(3);
    assertThat(frames.read(placeIn(first))).isEqualTo(JournalTest.entry(1));
    assertThat(frames.read(placeIn(last))).isEqualTo(JournalTest.entry(3));
  }

  @Test
  void aSegmentGetsBackItsNumber_andTheNextOneAHigherOne() {
    for (int number : new int[] {64, 5, 200}) {
      Segment segment = segment(number);
      frames.restore(segment, number);
      assertThat(segment.number).isEqualTo(number);
      assertThat(frames.read(placeIn(segment))).isEqualTo(JournalTest.entry(number));
    }
    assertThat(added(201).number).isEqualTo(201);
    var other = new FrameTable();
    other.restore(segment(7), FramePlace.MAX_SEGMENTS - 1);
    Segment next = segment(8);
    other.add(next);
    assertThat(next.number).as("numbers go round").isEqualTo(1);
  }

  @Test
  void whatWasReadOfLate_isNotReadFromTheFileAgain() {
    Segment segment = added(1);
    long place = placeIn(segment);
    long empty = frames.cacheBytes();
    assertThat(frames.read(place, keyOf(1))).isEqualTo(JournalTest.entry(1));
    assertThat(frames.cacheBytes()).isBetween(empty + 1, frames.maxCacheBytes());
    assertThat(frames.maxCacheBytes()).isBetween(CACHE_BYTES, CACHE_BYTES * 9 / 8);
    long operations = disk.operations();
    assertThat(frames.read(place, keyOf(1))).isEqualTo(JournalTest.entry(1));
    assertThat(frames.read(place, keyOf(2))).as("a guess").isEqualTo(JournalTest.entry(1));
    assertThat(disk.operations()).isEqualTo(operations);
    assertThat(frames.read(place)).isEqualTo(JournalTest.entry(1));
    assertThat(disk.operations()).isGreaterThan(operations);
  }

  @Test
  void withoutACache_theFileIsReadEachTime() {
    var none = new FrameTable();
    Segment segment = segment(1);
    none.add(segment);
    for (int times = 0; times < 2; times++) {
      long operations = disk.operations();
      assertThat(none.read(placeIn(segment), keyOf(1))).isEqualTo(JournalTest.entry(1));
      assertThat(disk.operations()).isGreaterThan(operations);
    }
  }

  /** Of the same number and at the same offset. */
  @Test
  void whatIsKeptOfASegmentThatIsGone_isNotTakenForAnothers() {
    Segment gone = added(1);
    long place = placeIn(gone);
    assertThat(frames.read(place, keyOf(1))).isEqualTo(JournalTest.entry(1));
    frames.remove(gone);
    Segment other = segment(2);
    frames.restore(other, gone.number);
    assertThat(FramePlace.offset(placeIn(other))).isEqualTo(FramePlace.offset(place));
    assertThat(frames.read(placeIn(other), keyOf(2))).isEqualTo(JournalTest.entry(2));
    Segment again = segment(3);
    frames.remove(other);
    frames.restore(again, gone.number);
    assertThat(frames.read(placeIn(again), keyOf(3))).isEqualTo(JournalTest.entry(3));
  }

  @Test
  void frameByFrame_aSegmentsOwnAreKeptApart() {
    String file = HandMadeSegment.written(1).entries(1, 20).putInto(disk);
    var places = new ArrayList<Long>();
    Segment segment = Segment.open(disk, SegmentName.parse(file));
    frames.add(segment);
    var reader = new FrameReader(segment.file(), segment.framesAt());
    for (int i = 1; i <= 20; i++) {
      JournalFrame frame = reader.next(segment.file().sizeBytes(), i);
      places.add(new FrameLocation(segment, frame.offset(), frame.lengthBytes(), i).place());
      segment.extend(i + 1, frame.endOffset());
    }
    for (int times = 0; times < 2; times++) {
      for (int i = 1; i <= 20; i++) {
        assertThat(frames.read(places.get(i - 1), keyOf(i))).isEqualTo(JournalTest.entry(i));
      }
    }
  }

  /** Its reader has just looked the segment up, and is overtaken by a compaction. */
  @Test
  void aFileThatIsClosedUnderAReader_isAFailure_unlessItsFramesHaveMoved() {
    Segment moved = added(1);
    Segment broken = added(2);
    moved.retire();
    broken.file().close();
    assertThat(frames.read(placeIn(moved))).isNull();
    assertThat(frames.read(placeIn(moved), keyOf(1))).isNull();
    assertThatThrownBy(() -> frames.read(placeIn(broken))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> frames.read(placeIn(broken), keyOf(2)))
        .isInstanceOf(StorageException.class);
  }

  @Test
  void aFrameThatIsDamaged_isToldWithItsPlace_andNotKept() {
    Segment segment = added(1);
    Runnable mended = disk.damage(segment.name().file(), segment.endOffset() - 1);
    for (int times = 0; times < 2; times++) {
      assertThatThrownBy(() -> frames.read(placeIn(segment), keyOf(1)))
          .isInstanceOfSatisfying(
              CorruptJournalException.class,
              damaged -> {
                assertThat(damaged.file()).isEqualTo(segment.name().file());
                assertThat(damaged.offset()).isEqualTo(segment.framesAt());
              });
    }
    mended.run();
    assertThat(frames.read(placeIn(segment), keyOf(1))).isEqualTo(JournalTest.entry(1));
  }

  @Test
  void aFrameOfAnotherPositionThanTheSegmentHas_isDamage() {
    String file = HandMadeSegment.written(3).entries(3, 4).putInto(disk);
    Segment segment = Segment.open(disk, SegmentName.parse(file));
    long end = segment.file().sizeBytes();
    segment.extend(4, end);
    frames.add(segment);
    int first = HandMadeSegment.written(3).entries(3, 3).length();
    var behind = new FrameLocation(segment, first, (int) end - first, 4);
    assertThatThrownBy(() -> frames.read(behind.place()))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("the frame has position 4");
  }

  @Test
  void aPlaceAtWhichTheFileEnds_isDamage() {
    Segment segment = added(1);
    for (int left : new int[] {0, 3, JournalFrame.HEADER_BYTES}) {
      long offset = segment.endOffset() - left;
      assertThatThrownBy(() -> frames.read(FramePlace.of(segment.number, offset, 100)))
          .isInstanceOf(CorruptJournalException.class);
    }
  }

  @Test
  void aPlaceOfAnImage_isAFramesLocation_ifThereIsItsSegment() {
    Segment segment = added(1);
    FrameLocation at = frames.locate(placeIn(segment), 1);
    assertThat(at.isSameAs(frameOf(segment))).isTrue();
    assertThat(at.position()).isEqualTo(1);
    assertThat(at.place()).isEqualTo(placeIn(segment));
    assertThatThrownBy(() -> frames.locate(FramePlace.of(9, 24, 100), 1))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("segment 9");
  }

  @Test
  void whatIsLive_isCounted_whereThereIsAFrame_andWhatIsHeldForAWhile() {
    Segment segment = added(1);
    long place = placeIn(segment);
    int length = FrameTable.maxLengthBytes(place);
    assertThat(frames.markLive(place)).isTrue();
    assertThat(segment.liveBytes()).isEqualTo(length);
    frames.markForgotten(place);
    assertThat(segment.forgottenBytes()).isEqualTo(length);
    frames.markDead(place);
    assertThat(segment.liveBytes()).isZero();
    long end = segment.endOffset();
    assertThat(frames.markLive(FramePlace.of(segment.number, end - 1, 10))).isTrue();
    assertThat(frames.markLive(FramePlace.of(segment.number, end, 10))).isFalse();
    assertThat(segment.liveBytes()).isEqualTo(10);
    assertThat(frames.markLive(FramePlace.of(9, 24, 10))).isFalse();
    segment.addHeldBytes(7);
    segment.holdUntil(100);
    segment.releaseHeld(99);
    assertThat(segment.liveBytes()).as("held for as long").isEqualTo(10);
    for (long appended : new long[] {100, 101}) {
      segment.releaseHeld(appended);
      assertThat(segment.liveBytes()).as("once").isEqualTo(3);
    }
    for (long nowhere : List.of(FramePlace.of(9, 24, 10), FramePlace.of(70, 24, 10))) {
      frames.markForgotten(nowhere);
      frames.markDead(nowhere);
    }
  }
}
