package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.sim.SimDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which segments are compacted next; by example. */
class CompactionChoiceTest {
  private static final long FULL = 1_000;
  private static final double HALF = 0.5;
  private static final long FRAMES_AT = Segment.COMPACTED_HEADER_BYTES;

  private final SimDisk disk = new SimDisk(1);
  private final List<Segment> segments = new ArrayList<>();
  private long next = 1;

  /** Of ten positions behind those of the last one. */
  private Segment segment(long frameBytes, long liveBytes) {
    var segment = Segment.createCompacted(disk, next, next + 10, 1);
    segment.extend(next + 10, FRAMES_AT + frameBytes);
    segment.addLiveBytes(liveBytes);
    segments.add(segment);
    next += 10;
    return segment;
  }

  private List<Segment> chosen() {
    return CompactionChoice.of(segments, FULL, HALF);
  }

  private List<Segment> toForget() {
    return CompactionChoice.toForget(segments);
  }

  @Test
  void theOneWithTheLargestShareOfGarbage_isChosen_ifThatIsEnough() {
    segment(800, 800);
    Segment half = segment(800, 400);
    segment(800, 800);
    segment(800, 401);
    assertThat(chosen()).containsExactly(half);
    segment(800, 800);
    Segment worst = segment(800, 399);
    assertThat(chosen()).containsExactly(worst);
  }

  @Test
  void whereNoneHasEnough_noneIsChosen() {
    segment(800, 401);
    segment(800, 800);
    segment(800, 900);
    assertThat(chosen()).isEmpty();
    assertThat(CompactionChoice.of(List.of(), FULL, HALF)).isEmpty();
  }

  @Test
  void neighboursThatHaveSomeGarbageGoAlong_onBothSides_inTheirOrder() {
    segment(800, 601);
    Segment before = segment(800, 300);
    Segment worst = segment(800, 100);
    Segment after = segment(800, 600);
    segment(800, 601);
    assertThat(chosen()).containsExactly(before, worst, after);
  }

  @Test
  void smallNeighboursGoAlong_alsoWithoutGarbage() {
    Segment small = segment(250 - FRAMES_AT, 250);
    Segment worst = segment(800, 100);
    segment(251 - FRAMES_AT, 251);
    assertThat(chosen()).containsExactly(small, worst);
  }

  @Test
  void whatIsLive_fitsIntoOneSegment() {
    Segment early = segment(800, 300);
    Segment before = segment(800, 200);
    Segment worst = segment(800, 100);
    Segment after = segment(800, 400);
    assertThat(chosen()).containsExactly(early, before, worst, after);
    after.addLiveBytes(1);
    assertThat(chosen()).containsExactly(before, worst, after);
    after.addLiveBytes(199);
    before.addLiveBytes(201);
    assertThat(chosen()).containsExactly(worst, after);
  }

  @Test
  void noMoreThanEightFullOnesAreReadAtOnce() {
    for (int i = 0; i < 20; i++) {
      segment(FULL - FRAMES_AT, i == 10 ? 1 : 2);
    }
    assertThat(chosen()).isEqualTo(segments.subList(10, 18));
    segments.subList(14, 20).clear();
    assertThat(chosen()).isEqualTo(segments.subList(6, 14));
  }

  @Test
  void whatIsNotAdjacent_isNotJoined() {
    segment(800, 200);
    next += 5;
    Segment worst = segment(800, 100);
    next += 5;
    segment(800, 200);
    assertThat(chosen()).containsExactly(worst);
  }

  @Test
  void twoSmallOnesBesideEachOther_areJoined_soThatTheirNumberStaysBounded() {
    segment(800, 800);
    segment(100, 100);
    next += 5;
    segment(100, 100);
    segment(800, 800);
    assertThat(chosen()).isEmpty();
    Segment one = segment(150, 150);
    Segment two = segment(0, 0);
    Segment three = segment(150, 150);
    assertThat(chosen()).containsExactly(one, two, three);
  }

  @Test
  void forForgottenHeaders_eachIsRewrittenOnce_fromTheOldestUpToTheLastThatHasSome() {
    Segment first = segment(800, 800);
    Segment second = segment(800, 800);
    segment(800, 800);
    assertThat(toForget()).isEmpty();

    second.addForgottenBytes(10);
    assertThat(toForget()).containsExactly(first);
    first.rewritten(19, true);
    assertThat(toForget()).as("not after the last was written").containsExactly(first);
    first.rewritten(20, true);
    assertThat(toForget()).containsExactly(second);
    second.rewritten(20, true);
    assertThat(toForget()).isEmpty();
  }

  @Test
  void whatWasRewrittenBeforeWhatIsInFrontOfIt_isRewrittenAgain() {
    Segment first = segment(800, 800);
    Segment second = segment(800, 800);
    second.addForgottenBytes(10);
    second.rewritten(30, true);
    first.rewritten(31, true);
    assertThat(toForget()).containsExactly(second);
    second.rewritten(31, true);
    assertThat(toForget()).isEmpty();
    first.addForgottenBytes(10);
    assertThat(toForget()).isEmpty();
  }

  @Test
  void headersInTheFirstSegment_areForgottenToo() {
    Segment only = segment(800, 800);
    only.addForgottenBytes(1);
    assertThat(toForget()).containsExactly(only);
  }
}
