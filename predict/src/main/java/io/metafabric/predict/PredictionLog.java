package io.metafabric.predict;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.index.KeyHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last predictions of each key, and what came of them, in a ring that grows up to a bound in
 * bytes: the oldest go first.
 *
 * <p>Keys are known by a seeded hash of their names, so that a row for each prediction is all that
 * is kept. Of two keys with the same hash one may be told what was said of the other, which costs
 * an explanation and nothing else. A reason is put into words when it is asked for, if the
 * predictor can. Not thread-safe.
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
  private static final int ROW_BYTES = 8 + 4 + 4 + 4 + 4 + 4 + 8 + 8 + 1 + 1 + 1;

  private static final PastPrediction.Result[] RESULTS = PastPrediction.Result.values();

  private final List<String> predictors;
  private final int sources;
  private final long maxBytes;
  private final long seed;
  private int capacity = FIRST_ROWS;
  private long[] hashes;
  private int[] next;
  private float[] probabilities;
  private int[] causes;
  private @Nullable String[] reasons;
  private long[] atMs;
  private long[] untilMs;

  /** {@link #NOBODY} in a row whose prediction was taken back; no chain has it any more. */
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
   * @param seed should be drawn at random, so that nobody can choose keys that collide
   */
  PredictionLog(List<String> predictors, int sources, long maxBytes, long seed) {
    this.predictors = List.copyOf(predictors);
    this.sources = sources;
    this.maxBytes = maxBytes;
    this.seed = seed;
    this.patterns = new Says[predictors.size()];
    Arrays.fill(patterns, Says.NONE);
    this.hashes = new long[capacity];
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
    long hash = hash(path);
    makeWay(hash, predictor);
    if (count == capacity) {
      makeRoom(mayRetain);
    }
    int row = (oldest + count) % capacity;
    count++;
    hashes[row] = hash;
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
    chain(row);
    while (retainedBytes() > maxBytes && count > 0) {
      removeOldest();
    }
  }

  private long hash(String path) {
    return KeyHash.of(path, seed);
  }

  private void chain(int row) {
    int chain = chain(hashes[row]);
    next[row] = chains[chain];
    chains[chain] = row + 1;
  }

  private int chain(long hash) {
    return (int) hash & chains.length - 1;
  }

  /** Takes back what is said again, and what is too much for one key. */
  private void makeWay(long hash, int predictor) {
    int others = 0;
    int last = -1;
    for (int row = newest(hash); row >= 0; row = before(row, hash)) {
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
  private int newest(long hash) {
    return ofKey(chains[chain(hash)] - 1, hash);
  }

  private int before(int row, long hash) {
    return ofKey(next[row] - 1, hash);
  }

  private int ofKey(int row, long hash) {
    int at = row;
    while (at >= 0 && hashes[at] != hash) {
      at = next[at] - 1;
    }
    return at;
  }

  /** Its place in the ring stays empty until its turn comes. */
  private void takeBack(int row) {
    unchain(row);
    saidBy[row] = NOBODY;
    forgetReason(row);
  }

  /** The row still knows which one was before it. */
  private void unchain(int row) {
    int chain = chain(hashes[row]);
    int behind = chains[chain] - 1;
    if (behind == row) {
      chains[chain] = next[row];
      return;
    }
    while (next[behind] - 1 != row) {
      behind = next[behind] - 1;
    }
    next[behind] = next[row];
  }

  private void forgetReason(int row) {
    String reason = reasons[row];
    if (reason != null) {
      reasonBytes -= HeapSize.of(reason);
      reasons[row] = null;
    }
  }

  private void removeOldest() {
    if (saidBy[oldest] != NOBODY) {
      takeBack(oldest);
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
    hashes = ordered(hashes, new long[grown], 1);
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
      if (saidBy[row] != NOBODY) {
        chain(row);
      }
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
    long hash = hash(path);
    if (chains[chain(hash)] == 0) {
      return List.of();
    }
    var foreseeing = new ArrayList<Said>(1);
    for (int row = newest(hash); row >= 0; row = before(row, hash)) {
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
    long hash = hash(path);
    int row = newest(hash);
    while (row >= 0
        && !(predictors.get(saidBy[row]).equals(predictor)
            && (result(row) == PastPrediction.Result.FETCHED) == fetched)) {
      row = before(row, hash);
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
    long hash = hash(path);
    var found = new ArrayList<PastPrediction>();
    for (int row = newest(hash); row >= 0; row = before(row, hash)) {
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
