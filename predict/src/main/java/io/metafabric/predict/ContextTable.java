package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/**
 * What followed each context, and how often: at most {@value #SUCCESSORS} references for each hash
 * of a context, in a table that holds a bounded number of contexts.
 *
 * <p>A context may be in any of {@value #WAYS} rows and takes the one that was seen least. Counts
 * are halved when a context was seen {@value #SEEN_LIMIT} times, so that old habits fade. Two
 * contexts with the same hash are taken for one, which costs accuracy and nothing else. Not
 * thread-safe.
 */
final class ContextTable {
  static final int SUCCESSORS = 2;
  static final int ROW_BYTES = (2 + SUCCESSORS) * Integer.BYTES;

  /** Of {@link #find}: the context is not here. */
  static final int ABSENT = -1;

  private static final int WAYS = 4;
  private static final int SEEN_LIMIT = 32;
  private static final int ROW_INTS = 2 + SUCCESSORS;
  private static final int COUNTS = 1;
  private static final int REFERENCES = 2;
  private static final int MIN_SETS = 16;

  private final long maxBytes;
  private int[] rows = new int[MIN_SETS * WAYS * ROW_INTS];
  private int sets = MIN_SETS;

  /**
   * @param maxBytes for all rows
   */
  ContextTable(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** A hash of the two that came last; in 0 for {@code before} of the last alone. */
  static int context(int before, int last) {
    int mixed = before * 0x85EB_CA6B ^ Integer.rotateLeft(last * 0xC2B2_AE35, 13);
    return mixed ^ (mixed >>> 16);
  }

  /** Makes room for about so many contexts, within the bound; cheap if there is room. */
  void ensureContexts(int contexts) {
    long affordable = Math.min(contexts, maxBytes / ROW_BYTES) / WAYS;
    if (affordable >= sets + sets / 4) {
      grow((int) Math.min(affordable, Integer.MAX_VALUE / (WAYS * ROW_INTS) - 1));
    }
  }

  private void grow(int grownSets) {
    int[] old = rows;
    rows = new int[grownSets * WAYS * ROW_INTS];
    sets = grownSets;
    for (int row = 0; row < old.length; row += ROW_INTS) {
      if (old[row + COUNTS] != 0) {
        System.arraycopy(old, row, rows, rowFor(old[row]), ROW_INTS);
      }
    }
  }

  /** Counts that {@code reference} followed the context. */
  void add(int context, int reference) {
    int row = find(context);
    if (row == ABSENT) {
      row = rowFor(context);
      Arrays.fill(rows, row, row + ROW_INTS, 0);
      rows[row] = context;
    }
    int rarest = 0;
    int place = -1;
    for (int i = 0; i < SUCCESSORS && place < 0; i++) {
      if (rows[row + REFERENCES + i] == reference) {
        place = i;
      } else if (count(row, i) < count(row, rarest)) {
        rarest = i;
      }
    }
    if (place < 0) {
      place = rarest;
      rows[row + REFERENCES + place] = reference;
      // A newcomer does not inherit the count of the one it replaces.
      setCount(row, place, 0);
    }
    setCount(row, place, count(row, place) + 1);
    setSeen(row, seen(row) + 1);
    if (seen(row) == SEEN_LIMIT) {
      rows[row + COUNTS] = (rows[row + COUNTS] >>> 1) & 0x7f7f_7f7f;
    }
  }

  /** The row of a context, or {@link #ABSENT}. */
  int find(int context) {
    int first = firstRow(context);
    for (int row = first; row < first + WAYS * ROW_INTS; row += ROW_INTS) {
      if (rows[row] == context && rows[row + COUNTS] != 0) {
        return row;
      }
    }
    return ABSENT;
  }

  private int rowFor(int context) {
    int first = firstRow(context);
    int least = first;
    for (int row = first; row < first + WAYS * ROW_INTS; row += ROW_INTS) {
      if (seen(row) < seen(least)) {
        least = row;
      }
    }
    return least;
  }

  private int firstRow(int context) {
    int mixed = context * 0x9E37_79B9;
    long unsigned = (mixed ^ (mixed >>> 15)) & 0xffff_ffffL;
    return (int) ((unsigned * sets) >>> 32) * WAYS * ROW_INTS;
  }

  /** How often the context was seen of late. */
  int seen(int row) {
    return rows[row + COUNTS] & 0xff;
  }

  private void setSeen(int row, int seen) {
    rows[row + COUNTS] = (rows[row + COUNTS] & ~0xff) | seen;
  }

  int reference(int row, int i) {
    return rows[row + REFERENCES + i];
  }

  int count(int row, int i) {
    return (rows[row + COUNTS] >>> (8 * (i + 1))) & 0xff;
  }

  private void setCount(int row, int i, int count) {
    int shift = 8 * (i + 1);
    rows[row + COUNTS] = (rows[row + COUNTS] & ~(0xff << shift)) | (count << shift);
  }

  void save(ByteWriter out) {
    out.i32(sets);
    Saved.ints(out, rows);
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or beyond the bound
   */
  void restore(ByteReader in) {
    int count = in.i32("sets of a context table");
    if (count < MIN_SETS) {
      throw new WireFormatException("a context table cannot have " + count + " sets");
    }
    long bytes = (long) count * WAYS * ROW_BYTES;
    Saved.requireWithin(
        bytes, Math.max(maxBytes, (long) MIN_SETS * WAYS * ROW_BYTES), "a context table");
    Saved.requireWithin(bytes, in.remaining(), "a context table");
    var read = new int[count * WAYS * ROW_INTS];
    Saved.ints(in, read, "rows of a context table");
    for (int row = 0; row < read.length; row += ROW_INTS) {
      for (int shift = 0; shift < Integer.SIZE; shift += 8) {
        if (((read[row + COUNTS] >>> shift) & 0xff) >= SEEN_LIMIT) {
          throw new WireFormatException("a count in a context table is too large");
        }
      }
    }
    rows = read;
    sets = count;
  }

  long retainedBytes() {
    return (long) rows.length * Integer.BYTES;
  }
}
