package io.metafabric.core.journal;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The name of a segment's file: {@code journal-<first position>.log} as it was written, {@code
 * journal-<first position>-<generation>.log} after compaction; numbers in hexadecimal.
 *
 * @param generation 0 as written; a compacted segment's is above those of all that went into it
 */
record SegmentName(long firstPosition, int generation) implements Comparable<SegmentName> {
  private static final String PREFIX = "journal-";
  private static final String SUFFIX = ".log";
  private static final int POSITION_DIGITS = 16;
  private static final int GENERATION_DIGITS = 8;

  /** Null if a file of this name is no segment. */
  static @Nullable SegmentName parse(String name) {
    int digits = name.length() - PREFIX.length() - SUFFIX.length();
    boolean asWritten = digits == POSITION_DIGITS;
    boolean compacted = digits == POSITION_DIGITS + 1 + GENERATION_DIGITS;
    if (!name.startsWith(PREFIX) || !name.endsWith(SUFFIX) || !(asWritten || compacted)) {
      return null;
    }
    int at = PREFIX.length();
    try {
      long first = HexFormat.fromHexDigitsToLong(name, at, at + POSITION_DIGITS);
      int generation =
          compacted
              ? HexFormat.fromHexDigits(
                  name, at + POSITION_DIGITS + 1, at + POSITION_DIGITS + 1 + GENERATION_DIGITS)
              : 0;
      var parsed = new SegmentName(first, generation);
      boolean inRange = first >= 1 && first <= Segment.MAX_END_POSITION && generation >= 0;
      return inRange && parsed.file().equals(name) ? parsed : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  String file() {
    String position = HexFormat.of().toHexDigits(firstPosition);
    return generation == 0
        ? PREFIX + position + SUFFIX
        : PREFIX + position + "-" + HexFormat.of().toHexDigits(generation) + SUFFIX;
  }

  /** By position; of one position, the newest generation first. */
  @Override
  public int compareTo(SegmentName that) {
    int byPosition = Long.compareUnsigned(firstPosition, that.firstPosition);
    return byPosition != 0 ? byPosition : Integer.compare(that.generation, generation);
  }
}
