package io.metafabric.core.journal;

import java.util.ArrayList;
import java.util.List;

/**
 * Which segments to compact: the one with the largest share of garbage, together with neighbours
 * that have some too, as long as what is live fits into one segment. A run of small segments is
 * joined even without garbage, so that their number stays bounded. Pure.
 */
final class CompactionChoice {
  /** A segment of at most this share of the full size is small. */
  private static final int SMALL = 4;

  /**
   * Segments of one compaction have at most so many times the full size together, and at most so
   * many bytes: all of it may turn out to be needed by somebody.
   */
  private static final int READ = 8;

  private static final long READ_BYTES = 1L << 30;

  private CompactionChoice() {}

  /**
   * @param segments in order, each adjacent to the next unless something between them is missing
   */
  static List<Segment> of(List<Segment> segments, long segmentBytes, double minGarbage) {
    int worst = -1;
    double most = 0;
    for (int i = 0; i < segments.size(); i++) {
      double garbage = garbage(segments.get(i));
      if (garbage >= minGarbage && garbage > most) {
        worst = i;
        most = garbage;
      }
    }
    if (worst < 0) {
      worst = smallBesideSmall(segments, segmentBytes);
    }
    if (worst < 0) {
      return List.of();
    }
    return widened(segments, worst, segmentBytes, minGarbage / 2);
  }

  private static double garbage(Segment segment) {
    long bytes = Math.max(1, segment.endOffset() - segment.framesAt());
    // An empty segment as written has nothing that could be freed.
    return segment.endOffset() == segment.framesAt()
        ? 0
        : Math.max(0, 1 - (double) segment.liveBytes() / bytes);
  }

  private static int smallBesideSmall(List<Segment> segments, long segmentBytes) {
    for (int i = 0; i + 1 < segments.size(); i++) {
      if (isSmall(segments.get(i), segmentBytes)
          && isSmall(segments.get(i + 1), segmentBytes)
          && areAdjacent(segments.get(i), segments.get(i + 1))) {
        return i;
      }
    }
    return -1;
  }

  private static boolean isSmall(Segment segment, long segmentBytes) {
    return segment.endOffset() <= segmentBytes / SMALL;
  }

  private static boolean areAdjacent(Segment one, Segment next) {
    return one.endPosition() == next.firstPosition();
  }

  private static List<Segment> widened(
      List<Segment> segments, int worst, long segmentBytes, double someGarbage) {
    var chosen = new ArrayList<Segment>();
    chosen.add(segments.get(worst));
    long live = segments.get(worst).liveBytes();
    long room = Math.min(READ * segmentBytes, READ_BYTES) - segments.get(worst).endOffset();
    for (int i = worst + 1; i < segments.size(); i++) {
      Segment next = segments.get(i);
      if (!areAdjacent(segments.get(i - 1), next)
          || !gains(next, segmentBytes, someGarbage)
          || live + next.liveBytes() > segmentBytes
          || next.endOffset() > room) {
        break;
      }
      room -= next.endOffset();
      live += next.liveBytes();
      chosen.add(next);
    }
    for (int i = worst - 1; i >= 0; i--) {
      Segment before = segments.get(i);
      if (!areAdjacent(before, segments.get(i + 1))
          || !gains(before, segmentBytes, someGarbage)
          || live + before.liveBytes() > segmentBytes
          || before.endOffset() > room) {
        break;
      }
      room -= before.endOffset();
      live += before.liveBytes();
      chosen.add(0, before);
    }
    return chosen;
  }

  private static boolean gains(Segment segment, long segmentBytes, double someGarbage) {
    return garbage(segment) >= someGarbage || isSmall(segment, segmentBytes);
  }
}
