package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/**
 * Keys that are read at regular intervals, and keys that are read at the same hour of the day.
 *
 * <p>A key has a period if the median of its last {@value #INTERVALS} intervals is much larger than
 * their spread; it is proposed a little before it is due. An hour is one of UTC; that of the same
 * weekday counts for more. All by the time of the reads, which need not pass: then nothing is ever
 * due. Reads less than {@value #VISIT_MS} ms apart are one.
 */
final class PeriodicSource implements CandidateSource {
  static final long OWN_BYTES = 128 << 10;

  private static final int INTERVALS = 5;
  private static final int LEAST_INTERVALS = 3;
  private static final int VISIT_MS = 1000;
  private static final int WAYS = 8;
  private static final int ROW_BYTES = 4 + 8 + 8 + 4 * INTERVALS + 1 + 1 + 8 + 4 + 4;

  /** A period's median over its spread, at least; what is more regular has a kind of its own. */
  private static final int REGULAR = 8;

  private static final int REGULARITIES = 4;
  private static final int PERIOD_KINDS = (INTERVALS - LEAST_INTERVALS + 1) * REGULARITIES;
  private static final int MOST_COUNTED = 3;
  private static final int LEAST_DAYS = 2;
  static final int KINDS = PERIOD_KINDS + (MOST_COUNTED - LEAST_DAYS + 1) * (MOST_COUNTED + 1);

  private static final int HOUR_MS = 3_600_000;
  private static final int HOURS = 24;
  private static final int DAYS = 7;
  private static final long NEVER = Long.MAX_VALUE;
  private static final int MOST_AT_ONCE = 64;
  private static final int MOST_BY_HOUR_AT_ONCE = 8;
  private static final int MOST_ROWS_BY_HOUR_AT_ONCE = 64;
  private static final int MOST_STRENGTH = 3;

  private final int rows;
  private final int[] references;
  private final long[] lastAt;
  private final long[] dueAt;
  private final int[] intervals;
  private final byte[] intervalCount;

  /** How many newcomers a key holds its row against. */
  private final byte[] strength;

  /** Two bits for each hour of the day, and for each day of the week; and the last hour counted. */
  private final long[] hours;

  private final int[] days;
  private final int[] lastHour;
  private final int[] sorted = new int[INTERVALS];
  private long nextDueAt = NEVER;
  private long nowHour;

  /** The next row to be looked at for the hour that has begun; all were if it is {@link #rows}. */
  private int hourHand;

  PeriodicSource(long ownBytes) {
    this.rows = WAYS * (int) Math.max(1, Long.highestOneBit(ownBytes / (WAYS * ROW_BYTES)));
    this.hourHand = rows;
    this.references = new int[rows];
    this.lastAt = new long[rows];
    this.dueAt = new long[rows];
    this.intervals = new int[rows * INTERVALS];
    this.intervalCount = new byte[rows];
    this.strength = new byte[rows];
    this.hours = new long[rows];
    this.days = new int[rows];
    this.lastHour = new int[rows];
    Arrays.fill(dueAt, NEVER);
  }

  @Override
  public void observe(Sighting read) {
    if (!read.own) {
      return;
    }
    int row = rowFor(read.reference, read.atMs);
    if (row < 0) {
      return;
    }
    long gap = read.atMs - lastAt[row];
    if (gap >= VISIT_MS) {
      System.arraycopy(intervals, row * INTERVALS, intervals, row * INTERVALS + 1, INTERVALS - 1);
      intervals[row * INTERVALS] = (int) Math.min(Integer.MAX_VALUE, gap);
      intervalCount[row] = (byte) Math.min(INTERVALS, intervalCount[row] + 1);
      strength[row] = MOST_STRENGTH;
      schedule(row, read.atMs);
    }
    lastAt[row] = read.atMs;
    countHour(row, hourOf(read.atMs));
  }

  /** The key's row; that of another, which it takes; or -1 while all in its place are stronger. */
  private int rowFor(int reference, long nowMs) {
    int first = (ContextTable.context(0, reference) & (rows / WAYS - 1)) * WAYS;
    int weakest = first;
    for (int row = first; row < first + WAYS; row++) {
      if (references[row] == reference) {
        return row;
      }
      boolean isWeaker =
          strength[row] < strength[weakest]
              || (strength[row] == strength[weakest]
                  && lastAt(row, nowMs) < lastAt(weakest, nowMs));
      if (isWeaker) {
        weakest = row;
      }
    }
    if (references[weakest] != 0 && strength[weakest] > 0) {
      strength[weakest]--;
      return -1;
    }
    references[weakest] = reference;
    lastAt[weakest] = nowMs;
    dueAt[weakest] = NEVER;
    intervalCount[weakest] = 0;
    strength[weakest] = 0;
    hours[weakest] = 0;
    days[weakest] = 0;
    lastHour[weakest] = 0;
    return weakest;
  }

  /** What was read when the clock was ahead is not the youngest for ever. */
  private long lastAt(int row, long nowMs) {
    return lastAt[row] > nowMs ? Long.MIN_VALUE : lastAt[row];
  }

  private void schedule(int row, long nowMs) {
    dueAt[row] = NEVER;
    int kind = periodKind(row);
    if (kind >= 0) {
      int median = sorted[intervalCount[row] / 2];
      // Before the earliest of the intervals that were seen, by what it takes to fetch and more.
      dueAt[row] = nowMs + Math.max(1, sorted[0] - median / REGULAR);
      nextDueAt = Math.min(nextDueAt, dueAt[row]);
    }
  }

  /** How a period would be said; -1 if the key has none. Leaves its intervals sorted. */
  private int periodKind(int row) {
    int count = intervalCount[row];
    if (count < LEAST_INTERVALS) {
      return -1;
    }
    System.arraycopy(intervals, row * INTERVALS, sorted, 0, count);
    Arrays.sort(sorted, 0, count);
    long spread = (long) sorted[count - 1] - sorted[0];
    long median = sorted[count / 2];
    int regularity = -1;
    while (regularity + 1 < REGULARITIES && spread * (REGULAR << (regularity + 1)) <= median) {
      regularity++;
    }
    return regularity < 0 ? -1 : (count - LEAST_INTERVALS) * REGULARITIES + regularity;
  }

  private static long hourOf(long atMs) {
    return Math.floorDiv(atMs, HOUR_MS);
  }

  private static int dayOf(long hour) {
    return Math.floorMod(Math.floorDiv(hour, HOURS), DAYS);
  }

  private static int hourOfDay(long hour) {
    return Math.floorMod(hour, HOURS);
  }

  private void countHour(int row, long hour) {
    // 0 is no hour yet; the low bits are enough to tell one hour from the next.
    int lately = (int) hour | 1 << 30;
    if (lastHour[row] == lately) {
      return;
    }
    lastHour[row] = lately;
    int shift = 2 * hourOfDay(hour);
    if (((hours[row] >>> shift) & MOST_COUNTED) < MOST_COUNTED) {
      hours[row] += 1L << shift;
    }
    int dayShift = 2 * dayOf(hour);
    if (((days[row] >>> dayShift) & MOST_COUNTED) < MOST_COUNTED) {
      days[row] += 1 << dayShift;
    }
    if (((hours[row] >>> shift) & MOST_COUNTED) >= LEAST_DAYS) {
      strength[row] = MOST_STRENGTH;
    }
  }

  @Override
  public void propose(Sighting read, int depth, Sink sink) {
    if (read.atMs >= nextDueAt) {
      sayDue(read.atMs, sink);
    }
    long hour = hourOf(read.atMs);
    if (hour != nowHour) {
      nowHour = hour;
      hourHand = 0;
    }
    int end = Math.min(rows, hourHand + MOST_ROWS_BY_HOUR_AT_ONCE);
    for (int said = 0; hourHand < end && said < MOST_BY_HOUR_AT_ONCE; hourHand++) {
      int kind = hourKind(hourHand);
      if (kind >= 0) {
        sink.propose(references[hourHand], kind, 0);
        said++;
      }
    }
  }

  private void sayDue(long nowMs, Sink sink) {
    nextDueAt = NEVER;
    int said = 0;
    for (int row = 0; row < rows; row++) {
      if (dueAt[row] <= nowMs && said < MOST_AT_ONCE) {
        said++;
        int kind = periodKind(row);
        dueAt[row] = NEVER;
        if (kind >= 0) {
          sink.propose(references[row], kind, 0);
        }
      }
      nextDueAt = Math.min(nextDueAt, dueAt[row]);
    }
  }

  private int hourKind(int row) {
    if (references[row] == 0) {
      return -1;
    }
    int counted = (int) (hours[row] >>> (2 * hourOfDay(nowHour))) & MOST_COUNTED;
    int onDay = (days[row] >>> (2 * dayOf(nowHour))) & MOST_COUNTED;
    return counted < LEAST_DAYS
        ? -1
        : PERIOD_KINDS + (counted - LEAST_DAYS) * (MOST_COUNTED + 1) + onDay;
  }

  @Override
  public void consult(Sighting standing, Sink sink) {
    for (int row = 0; row < rows; row++) {
      int kind = dueAt[row] <= standing.atMs ? periodKind(row) : -1;
      if (kind < 0 && hourOf(standing.atMs) == nowHour) {
        kind = hourKind(row);
      }
      if (kind >= 0) {
        sink.propose(references[row], kind, 0);
      }
    }
  }

  @Override
  public void save(ByteWriter out) {
    out.i32(rows);
    for (int row = 0; row < rows; row++) {
      out.i32(references[row]).i64(lastAt[row]).i64(dueAt[row]).i64(hours[row]).i32(days[row]);
      out.i32(lastHour[row]).u8(intervalCount[row]).u8(strength[row]);
    }
    Saved.ints(out, intervals);
  }

  @Override
  public void restore(ByteReader in) {
    if (in.i32("periodic keys") != rows) {
      throw new WireFormatException("the table of periodic keys was of another size");
    }
    nextDueAt = NEVER;
    for (int row = 0; row < rows; row++) {
      references[row] = in.i32("a periodic key");
      lastAt[row] = in.i64("when it was read");
      dueAt[row] = in.i64("when it is due");
      hours[row] = in.i64("its hours");
      days[row] = in.i32("its days");
      lastHour[row] = in.i32("its last hour");
      intervalCount[row] = (byte) in.varint("its intervals", 0, INTERVALS);
      strength[row] = (byte) in.varint("its strength", 0, MOST_STRENGTH);
      nextDueAt = Math.min(nextDueAt, dueAt[row]);
    }
    Saved.ints(in, intervals, "intervals");
  }

  @Override
  public long retainedBytes() {
    return (long) ROW_BYTES * rows;
  }
}
