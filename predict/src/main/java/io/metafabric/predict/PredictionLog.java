package io.metafabric.predict;

import io.metafabric.core.access.Prediction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last predictions of each key, and what came of them, in a ring that grows up to a bound in
 * bytes: the oldest go first.
 *
 * <p>Keys are known by two hashes of their names, so that a row for each prediction is all that is
 * kept. Of two keys with the same hashes one may be told what was said of the other, which costs an
 * explanation and nothing else. A reason is put into words when it is asked for, if the predictor
 * can. Not thread-safe.
 */
final class PredictionLog {
  static final int PER_KEY = 4;

  private static final int FIRST_ROWS = 64;
  private static final long ALWAYS_BYTES = 16 << 10;
  private static final int NOBODY = -1;

  /**
   * Of all bytes one in so many at most is for rows; the rest is for reasons that came in words.
   */
  private static final int ROWS_SHARE = 2;

  /** Of a row without what its sources said: its fields, and one chain for each row. */
  private static final int ROW_BYTES = 4 + 4 + 4 + 4 + 4 + 4 + 8 + 8 + 1 + 1 + 1;

  private static final PastPrediction.Result[] RESULTS = PastPrediction.Result.values();

  private final List<String> predictors;
  private final int sources;
  private final long maxBytes;
  private int capacity = FIRST_ROWS;
  private int[] hashes;
  private int[] checks;
  private int[] next;
  private float[] probabilities;
  private int[] causes;
  private @Nullable String[] reasons;
  private long[] atMs;
  private long[] untilMs;

  /** {@link #NOBODY} in a row whose prediction was taken back. */
  private byte[] saidBy;

  private byte[] results;
  private boolean[] foreseen;
  private float[] said;

  /** The newest row of each chain, and in {@link #next} the one before it; from 1, 0 is none. */
  private int[] chains;

  private int oldest;
  private int count;
  private long reasonBytes;

  /** Of each predictor, something that it said: its sources and their names. */
  private final Says[] patterns;

  /**
   * @param predictors the names that predictions carry, at most 127
   * @param sources that one of them has, at most
   */
  PredictionLog(List<String> predictors, int sources, long maxBytes) {
    this.predictors = List.copyOf(predictors);
    this.sources = sources;
    this.maxBytes = maxBytes;
    this.patterns = new Says[predictors.size()];
    Arrays.fill(patterns, Says.NONE);
    this.hashes = new int[capacity];
    this.checks = new int[capacity];
    this.next = new int[capacity];
    this.probabilities = new float[capacity];
    this.causes = new int[capacity];
    this.reasons = new @Nullable String[capacity];
    this.atMs = new long[capacity];
    this.untilMs = new long[capacity];
    this.saidBy = new byte[capacity];
    this.results = new byte[capacity];
    this.foreseen = new boolean[capacity];
    this.said = new float[capacity * sources];
    this.chains = new int[capacity];
  }

  /** Whose word a prediction was. */
  record Said(String predictor, Says says) {}

  /** Puts into words why something was said. */
  interface Reasons {
    String of(String predictor, Says says);
  }

  /**
   * The same again, before anything came of it, takes the place of the one before.
   *
   * @param mayRetain how many bytes rows may take now if they are few; what is taken is kept
   */
  void add(Prediction prediction, Says says, long nowMs, long mayRetain) {
    String path = prediction.key().path();
    int predictor = predictors.indexOf(prediction.predictor());
    if (predictor == NOBODY) {
      return;
    }
    int hash = path.hashCode();
    int check = check(path);
    makeWay(hash, check, predictor);
    if (count == capacity) {
      makeRoom(mayRetain);
    }
    int row = (oldest + count) % capacity;
    count++;
    hashes[row] = hash;
    checks[row] = check;
    probabilities[row] = (float) prediction.probability();
    atMs[row] = nowMs;
    untilMs[row] = nowMs + prediction.horizon().toMillis();
    saidBy[row] = (byte) predictor;
    results[row] = (byte) PastPrediction.Result.NOT_NEEDED.ordinal();
    foreseen[row] = false;
    causes[row] = says.cause();
    for (int source = 0; source < sources; source++) {
      said[row * sources + source] = says.probability(source);
    }
    if (says == Says.NONE) {
      reasons[row] = prediction.reason();
      reasonBytes += HeapSize.of(prediction.reason());
    } else {
      patterns[predictor] = says;
    }
    int chain = chain(hash);
    next[row] = chains[chain];
    chains[chain] = row + 1;
    while (retainedBytes() > maxBytes && count > 0) {
      removeOldest();
    }
  }

  /** Another hash than the string's own. */
  private static int check(String path) {
    int check = path.length();
    for (int i = 0; i < path.length(); i++) {
      check = (check ^ path.charAt(i)) * 0x0100_0193;
    }
    return check;
  }

  private int chain(int hash) {
    int mixed = hash * 0x9E37_79B9;
    return (mixed ^ mixed >>> 15) & chains.length - 1;
  }

  /** Takes back what is said again, and what is too much for one key. */
  private void makeWay(int hash, int check, int predictor) {
    int others = 0;
    int last = -1;
    for (int row = newest(hash, check); row >= 0; row = before(row, hash, check)) {
      if (saidBy[row] == predictor && isOpen(row)) {
        takeBack(row);
      } else {
        others++;
        last = row;
      }
    }
    if (others == PER_KEY) {
      takeBack(last);
    }
  }

  private boolean isOpen(int row) {
    return !foreseen[row] && result(row) == PastPrediction.Result.NOT_NEEDED;
  }

  private PastPrediction.Result result(int row) {
    return RESULTS[results[row]];
  }

  /** The newest row of a key; -1 if there is none. */
  private int newest(int hash, int check) {
    return ofKey(chains[chain(hash)] - 1, hash, check);
  }

  private int before(int row, int hash, int check) {
    return ofKey(next[row] - 1, hash, check);
  }

  private int ofKey(int row, int hash, int check) {
    int at = row;
    while (at >= 0 && !(hashes[at] == hash && checks[at] == check && saidBy[at] != NOBODY)) {
      at = next[at] - 1;
    }
    return at;
  }

  private void takeBack(int row) {
    saidBy[row] = NOBODY;
    forgetReason(row);
  }

  private void forgetReason(int row) {
    String reason = reasons[row];
    if (reason != null) {
      reasonBytes -= HeapSize.of(reason);
      reasons[row] = null;
    }
  }

  /** It is the last of its chain, which is in the order in which things were said. */
  private void removeOldest() {
    forgetReason(oldest);
    int chain = chain(hashes[oldest]);
    int row = chains[chain] - 1;
    if (row == oldest) {
      chains[chain] = 0;
    } else {
      while (next[row] - 1 != oldest) {
        row = next[row] - 1;
      }
      next[row] = 0;
    }
    oldest = (oldest + 1) % capacity;
    count--;
  }

  private void makeRoom(long mayRetain) {
    long forRows = Math.min(Math.max(ALWAYS_BYTES, mayRetain), maxBytes / ROWS_SHARE);
    if (2 * (capacity * bytesPerRow()) > forRows) {
      removeOldest();
      return;
    }
    // From the oldest on, so that each keeps its place in the order.
    int grown = 2 * capacity;
    hashes = ordered(hashes, new int[grown], 1);
    checks = ordered(checks, new int[grown], 1);
    probabilities = ordered(probabilities, new float[grown], 1);
    causes = ordered(causes, new int[grown], 1);
    reasons = ordered(reasons, new @Nullable String[grown], 1);
    atMs = ordered(atMs, new long[grown], 1);
    untilMs = ordered(untilMs, new long[grown], 1);
    saidBy = ordered(saidBy, new byte[grown], 1);
    results = ordered(results, new byte[grown], 1);
    foreseen = ordered(foreseen, new boolean[grown], 1);
    said = ordered(said, new float[grown * sources], sources);
    oldest = 0;
    capacity = grown;
    next = new int[grown];
    chains = new int[grown];
    for (int row = 0; row < count; row++) {
      int chain = chain(hashes[row]);
      next[row] = chains[chain];
      chains[chain] = row + 1;
    }
  }

  @SuppressWarnings("SuspiciousSystemArraycopy")
  private <T> T ordered(T ring, T grown, int each) {
    int tail = (capacity - oldest) * each;
    System.arraycopy(ring, oldest * each, grown, 0, tail);
    System.arraycopy(ring, 0, grown, tail, oldest * each);
    return grown;
  }

  /** A key is needed: the predictions that foresaw it, each of which is returned once. */
  List<Said> needed(String path, long nowMs) {
    int hash = path.hashCode();
    if (chains[chain(hash)] == 0) {
      return List.of();
    }
    int check = check(path);
    var foreseeing = new ArrayList<Said>(1);
    for (int row = newest(hash, check); row >= 0; row = before(row, hash, check)) {
      if (!foreseen[row] && nowMs <= untilMs[row]) {
        foreseen[row] = true;
        foreseeing.add(new Said(predictors.get(saidBy[row]), says(row)));
        if (result(row) == PastPrediction.Result.NOT_NEEDED) {
          become(row, PastPrediction.Result.NEEDED);
        }
      }
    }
    return foreseeing;
  }

  private Says says(int row) {
    if (reasons[row] != null) {
      return Says.NONE;
    }
    float[] probabilities = Arrays.copyOfRange(said, row * sources, (row + 1) * sources);
    return patterns[saidBy[row]].with(probabilities, causes[row]);
  }

  /** What came of the newest prediction of a key that was fetched; whose word that was. */
  Says resolved(String predictor, String path, PastPrediction.Result result) {
    return become(newest(predictor, path, true), result);
  }

  /** The newest prediction of a key is being fetched; whose word that was. */
  Says fetched(String predictor, String path) {
    return become(newest(predictor, path, false), PastPrediction.Result.FETCHED);
  }

  private Says become(int row, PastPrediction.Result result) {
    if (row < 0) {
      return Says.NONE;
    }
    results[row] = (byte) result.ordinal();
    return says(row);
  }

  private int newest(String predictor, String path, boolean fetched) {
    int hash = path.hashCode();
    int check = check(path);
    int row = newest(hash, check);
    while (row >= 0
        && !(predictors.get(saidBy[row]).equals(predictor)
            && (result(row) == PastPrediction.Result.FETCHED) == fetched)) {
      row = before(row, hash, check);
    }
    return row;
  }

  /** What a predictor said followed from keys that it no longer knows by the same references. */
  void forgetCauses(String predictor) {
    int number = predictors.indexOf(predictor);
    for (int row = 0; row < capacity; row++) {
      if (saidBy[row] == number) {
        causes[row] = 0;
      }
    }
  }

  /** Newest last. */
  List<PastPrediction> on(String path, Reasons inWords) {
    int hash = path.hashCode();
    int check = check(path);
    var found = new ArrayList<PastPrediction>();
    for (int row = newest(hash, check); row >= 0; row = before(row, hash, check)) {
      String predictor = predictors.get(saidBy[row]);
      Says says = says(row);
      String reason = reasons[row];
      found.add(
          new PastPrediction(
              predictor,
              probabilities[row],
              reason == null ? inWords.of(predictor, says) : reason,
              says.all(),
              atMs[row],
              result(row)));
    }
    Collections.reverse(found);
    return found;
  }

  private long bytesPerRow() {
    return ROW_BYTES + (long) Float.BYTES * sources;
  }

  long retainedBytes() {
    return capacity * bytesPerRow() + reasonBytes;
  }
}
