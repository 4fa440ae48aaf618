package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/**
 * Keys that are needed close to each other again and again, in whatever order and with whatever in
 * between, each too rarely for a successor table to hold on to; in the manner of Mithril (Yang et
 * al., Mithril: Mining Sporadic Associations for Cache Prefetching, SoCC 2017).
 *
 * <p>When each key was needed is recorded until that has happened {@value #MIN_SUPPORT} times; then
 * it is a candidate. When there are {@value #MOST_CANDIDATES} of them, fewer in a small predictor,
 * or it has been long, they are <em>mined</em>: two that were needed equally often, give or take
 * one, and each time within {@value #LOOK_AHEAD} needs of each other are associated. What is needed
 * too often is no candidate: others see it better.
 */
final class CoAccessSource implements CandidateSource {
  static final int KINDS = Evidence.CLASSES;
  static final long OWN_BYTES = 192 << 10;

  private static final int MIN_SUPPORT = 2;
  private static final int MAX_SUPPORT = 8;
  private static final int TOO_OFTEN = MAX_SUPPORT + 1;
  private static final int LOOK_AHEAD = 20;
  private static final int TOLERATED = 1;
  private static final int MOST_CANDIDATES = 2048;

  /** They are mined in any case once there were so many needs for each that there is room for. */
  private static final int NEEDS_PER_CANDIDATE = 4;

  /** Reference, how often it was needed, and when. */
  private static final int ROW_INTS = 2 + MAX_SUPPORT;

  private static final int ROW_BYTES = ROW_INTS * Integer.BYTES;
  private static final int COUNT = 1;
  private static final int TIMES = 2;

  /** One who was needed once, and when; two of them for each candidate. */
  private static final int ONCE_BYTES = 2 * Integer.BYTES;

  /** Candidates are found by hash, with empty rows between them. */
  private static final double LOAD = 0.75;

  private final int[] once;
  private final int[] candidates;
  private final int mostCandidates;
  private final ContextTable associated;
  private int candidateCount;
  private int clock;
  private int minedAt;

  CoAccessSource(long tableBytes, long ownBytes) {
    int rows = (int) Math.max(64, Long.highestOneBit(ownBytes / (ROW_BYTES + 2 * ONCE_BYTES)));
    this.candidates = new int[rows * ROW_INTS];
    this.once = new int[2 * rows * 2];
    this.mostCandidates = (int) Math.min(MOST_CANDIDATES, rows * LOAD);
    this.associated = new ContextTable(tableBytes);
  }

  @Override
  public void fit(int trackedKeys) {
    associated.ensureContexts(trackedKeys);
  }

  @Override
  public void observe(Sighting read) {
    if (!read.need || !read.own) {
      return;
    }
    clock++;
    if (candidateCount == mostCandidates
        || clock - minedAt == NEEDS_PER_CANDIDATE * mostCandidates) {
      mine();
      Arrays.fill(candidates, 0);
      candidateCount = 0;
      minedAt = clock;
    }
    int row = rowOf(read.reference);
    if (candidates[row] == read.reference) {
      int count = candidates[row + COUNT];
      if (count < MAX_SUPPORT) {
        candidates[row + TIMES + count] = clock;
      }
      candidates[row + COUNT] = Math.min(TOO_OFTEN, count + 1);
      return;
    }
    int place = 2 * (ContextTable.context(0, read.reference) & (once.length / 2 - 1));
    if (once[place] != read.reference) {
      once[place] = read.reference;
      once[place + 1] = clock;
      return;
    }
    once[place] = 0;
    candidates[row] = read.reference;
    candidates[row + COUNT] = MIN_SUPPORT;
    candidates[row + TIMES] = once[place + 1];
    candidates[row + TIMES + 1] = clock;
    candidateCount++;
  }

  /** The candidate's row, or the empty one that it would take. */
  private int rowOf(int reference) {
    int rows = candidates.length / ROW_INTS;
    int row = ContextTable.context(0, reference) & (rows - 1);
    while (candidates[row * ROW_INTS] != 0 && candidates[row * ROW_INTS] != reference) {
      row = (row + 1) & (rows - 1);
    }
    return row * ROW_INTS;
  }

  private void mine() {
    // By the age of the first need, which the wrap of the clock does not disturb; oldest first.
    var order = new long[candidateCount];
    int count = 0;
    for (int row = 0; row < candidates.length; row += ROW_INTS) {
      if (candidates[row] != 0 && candidates[row + COUNT] <= MAX_SUPPORT) {
        order[count++] = -((long) (clock - candidates[row + TIMES]) << Integer.SIZE) + row;
      }
    }
    Arrays.sort(order, 0, count);
    for (int i = 0; i < count; i++) {
      int one = (int) order[i];
      boolean nearest = true;
      for (int j = i + 1; j < count; j++) {
        int other = (int) order[j];
        if (candidates[other + TIMES] - candidates[one + TIMES] > LOOK_AHEAD) {
          break;
        }
        if (Math.abs(candidates[one + COUNT] - candidates[other + COUNT]) <= TOLERATED) {
          if (areAssociated(one, other, nearest)) {
            associated.add(ContextTable.context(0, candidates[one]), candidates[other]);
          }
          nearest = false;
        }
      }
    }
  }

  /** Close to each other but for an exception, and once side by side unless it is the nearest. */
  private boolean areAssociated(int one, int other, boolean nearest) {
    int errors = 0;
    boolean adjacent = nearest;
    for (int i = 0; i < Math.min(candidates[one + COUNT], candidates[other + COUNT]); i++) {
      int apart = Math.abs(candidates[one + TIMES + i] - candidates[other + TIMES + i]);
      if (apart > LOOK_AHEAD && ++errors > TOLERATED) {
        return false;
      }
      adjacent |= apart == 1;
    }
    return adjacent;
  }

  @Override
  public void propose(Sighting read, int depth, Sink sink) {
    if (!read.need) {
      return;
    }
    int row = associated.find(ContextTable.context(0, read.reference));
    if (row == ContextTable.ABSENT) {
      return;
    }
    for (int i = 0; i < ContextTable.SUCCESSORS; i++) {
      int reference = associated.reference(row, i);
      if (reference != 0) {
        int kind = Evidence.of(associated.count(row, i), associated.seen(row));
        sink.propose(reference, kind, read.reference);
      }
    }
  }

  @Override
  public void save(ByteWriter out) {
    out.i32(once.length).i32(clock);
    Saved.ints(out, once);
    Saved.ints(out, candidates);
    associated.save(out);
  }

  @Override
  public void restore(ByteReader in) {
    if (in.i32("keys needed once") != once.length) {
      throw new WireFormatException("the co-access table was of another size");
    }
    clock = in.i32("needs");
    minedAt = clock;
    Saved.ints(in, once, "keys needed once");
    Saved.ints(in, candidates, "candidates");
    candidateCount = 0;
    for (int row = 0; row < candidates.length; row += ROW_INTS) {
      if (candidates[row] != 0) {
        candidateCount++;
        int count = candidates[row + COUNT];
        if (count < MIN_SUPPORT || count > TOO_OFTEN) {
          throw new WireFormatException("a candidate cannot have been needed " + count + " times");
        }
      }
    }
    if (candidateCount > mostCandidates) {
      throw new WireFormatException("there were too many candidates: " + candidateCount);
    }
    associated.restore(in);
  }

  @Override
  public long retainedBytes() {
    return (long) Integer.BYTES * (once.length + candidates.length) + associated.retainedBytes();
  }
}
