package io.metafabric.benchmarks.replay;

import java.util.Arrays;

/**
 * A trace as three regions see it that pay for what they hold and send. Immutable.
 *
 * <p>The first row of a key brings it into being, in the region of that row, which is its home; the
 * region nearest to it is its backup. Both always hold the payload, so there is one region left in
 * which it is a question, the key's reader. Time never goes back.
 */
final class CostWorld {
  /** What the fabric takes by default. */
  static final int MAX_PAYLOAD_BYTES = 1 << 20;

  static final int TYPICAL_PAYLOAD_BYTES = 200;
  private static final int NONE = -1;

  final Trace trace;
  final PriceSheet sheet;
  final long[] timeMs;

  /** Of each row. */
  final int[] region;

  /** Of each row: what its key's payload has after it. */
  final int[] payloadBytes;

  final boolean[] creates;
  final boolean[] reads;
  final boolean[] writes;

  /** Of each key. */
  final int[] home;

  final int[] backup;
  final int[] reader;

  /** Rows whose size was over the limit. */
  final int clipped;

  /** Versions of keys whose size the trace does not tell. */
  final int unknown;

  CostWorld(Trace trace, PriceSheet sheet, PutMode puts) {
    this.trace = trace;
    this.sheet = sheet;
    int rows = trace.rows();
    var regionOf = new RegionMap(trace, sheet.regions().size());
    timeMs = new long[rows];
    region = new int[rows];
    creates = new boolean[rows];
    reads = new boolean[rows];
    writes = new boolean[rows];
    home = new int[trace.keys().size()];
    backup = new int[home.length];
    reader = new int[home.length];
    Arrays.fill(home, NONE);
    for (int row = 0; row < rows; row++) {
      int key = trace.key()[row];
      timeMs[row] = row == 0 ? trace.timeMs()[0] : Math.max(timeMs[row - 1], trace.timeMs()[row]);
      region[row] = regionOf.of(row);
      if (home[key] == NONE) {
        creates[row] = true;
        place(key, region[row]);
      } else {
        boolean put = trace.put()[row];
        reads[row] = puts.requests(put);
        writes[row] = puts.writes(put);
      }
    }
    clipped = (int) Arrays.stream(trace.size()).filter(size -> size > MAX_PAYLOAD_BYTES).count();
    payloadBytes = new int[rows];
    unknown = sizes();
  }

  private void place(int key, int creator) {
    home[key] = creator;
    int nearest = (creator + 1) % 3;
    int other = (creator + 2) % 3;
    if (sheet.rttMs(creator, other) < sheet.rttMs(creator, nearest)) {
      nearest = other;
      other = (creator + 1) % 3;
    }
    backup[key] = nearest;
    reader[key] = other;
  }

  /** A version's size is the first that a row of it tells. */
  private int sizes() {
    int[] begins = new int[home.length];
    int[] known = new int[home.length];
    int untold = 0;
    for (int row = 0; row < payloadBytes.length; row++) {
      int key = trace.key()[row];
      if (creates[row] || writes[row]) {
        begins[key] = row;
        known[key] = 0;
      }
      if (known[key] == 0) {
        known[key] = Math.min(MAX_PAYLOAD_BYTES, trace.size()[row]);
        payloadBytes[begins[key]] = known[key];
      }
    }
    for (int row = 0; row < payloadBytes.length; row++) {
      int key = trace.key()[row];
      if (creates[row] || writes[row]) {
        untold += payloadBytes[row] == 0 ? 1 : 0;
        known[key] = payloadBytes[row] == 0 ? TYPICAL_PAYLOAD_BYTES : payloadBytes[row];
      }
      payloadBytes[row] = known[key];
    }
    return untold;
  }

  /** Whether a region always holds the payload. */
  boolean holdsAlways(int key, int where) {
    return where != reader[key];
  }

  /** The region that the key's reader asks: the nearer one of those that hold it. */
  int source(int key) {
    double fromHome = sheet.rttMs(home[key], reader[key]);
    return fromHome <= sheet.rttMs(backup[key], reader[key]) ? home[key] : backup[key];
  }

  double rttMs(int key) {
    return sheet.rttMs(source(key), reader[key]);
  }
}
