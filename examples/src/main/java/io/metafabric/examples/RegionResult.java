package io.metafabric.examples;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * What a region did in one replay.
 *
 * @param readNanos of every read
 * @param stallNanos time of the reads that took longer than a millisecond
 * @param wrong reads that found nothing where the trace had a value
 */
record RegionResult(
    long hot,
    long prefetched,
    long warm,
    long remote,
    long origin,
    long wideAreaBytes,
    long made,
    long used,
    long wasted,
    long stallNanos,
    long wrong,
    Histogram readNanos) {
  static final long MAX_NANOS = 60_000_000_000L;

  long reads() {
    return readNanos.getTotalCount();
  }

  RegionResult plus(RegionResult that) {
    Histogram both = readNanos.copy();
    both.add(that.readNanos);
    return new RegionResult(
        hot + that.hot,
        prefetched + that.prefetched,
        warm + that.warm,
        remote + that.remote,
        origin + that.origin,
        wideAreaBytes + that.wideAreaBytes,
        made + that.made,
        used + that.used,
        wasted + that.wasted,
        stallNanos + that.stallNanos,
        wrong + that.wrong,
        both);
  }

  /** One line, for the parent process. */
  String encode() {
    ByteBuffer buffer = ByteBuffer.allocate(readNanos.getNeededByteBufferCapacity());
    int length = readNanos.encodeIntoCompressedByteBuffer(buffer);
    byte[] bytes = new byte[length];
    buffer.flip().get(bytes);
    return String.join(
        " ",
        Long.toString(hot),
        Long.toString(prefetched),
        Long.toString(warm),
        Long.toString(remote),
        Long.toString(origin),
        Long.toString(wideAreaBytes),
        Long.toString(made),
        Long.toString(used),
        Long.toString(wasted),
        Long.toString(stallNanos),
        Long.toString(wrong),
        Base64.getEncoder().encodeToString(bytes));
  }

  static RegionResult decode(String line) {
    String[] cells = line.split(" ", -1);
    try {
      return new RegionResult(
          Long.parseLong(cells[0]),
          Long.parseLong(cells[1]),
          Long.parseLong(cells[2]),
          Long.parseLong(cells[3]),
          Long.parseLong(cells[4]),
          Long.parseLong(cells[5]),
          Long.parseLong(cells[6]),
          Long.parseLong(cells[7]),
          Long.parseLong(cells[8]),
          Long.parseLong(cells[9]),
          Long.parseLong(cells[10]),
          Histogram.decodeFromCompressedByteBuffer(
              ByteBuffer.wrap(Base64.getDecoder().decode(cells[11])), MAX_NANOS));
    } catch (DataFormatException e) {
      throw new IllegalArgumentException("not a result: " + line, e);
    }
  }
}
