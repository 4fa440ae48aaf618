package io.metafabric.predict;

import io.metafabric.core.access.Prediction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last predictions of each key, and what came of them. Bounded in bytes: the keys of which
 * nothing has been said for longest go first. Not thread-safe.
 */
final class PredictionLog {
  static final int PER_KEY = 4;

  private static final int BYTES_PER_KEY = 120;
  private static final int BYTES_PER_PREDICTION = 64;

  private final long maxBytes;
  private final LinkedHashMap<String, List<Said>> byKey = new LinkedHashMap<>();
  private long bytes;

  /** One prediction, kept up to date. */
  static final class Said {
    private final String predictor;
    private final double probability;
    private final String reason;
    private final Says says;
    private final long atMs;
    private final long untilMs;
    private boolean foreseen;
    private PastPrediction.Result result = PastPrediction.Result.NOT_NEEDED;

    Said(Prediction prediction, Says says, long nowMs) {
      this.says = says;
      this.predictor = prediction.predictor();
      this.probability = prediction.probability();
      this.reason = prediction.reason();
      this.atMs = nowMs;
      this.untilMs = nowMs + prediction.horizon().toMillis();
    }

    private boolean isOpen() {
      return !foreseen && result == PastPrediction.Result.NOT_NEEDED;
    }

    String predictor() {
      return predictor;
    }

    Says says() {
      return says;
    }
  }

  PredictionLog(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** The same again, before anything came of it, takes the place of the one before. */
  void add(Prediction prediction, Says says, long nowMs) {
    String path = prediction.key().path();
    // Out and in again: the map is in the order in which keys were last spoken of.
    List<Said> all = byKey.remove(path);
    if (all == null) {
      all = new ArrayList<>(1);
      bytes += BYTES_PER_KEY + HeapSize.of(path);
    }
    byKey.put(path, all);
    for (Iterator<Said> each = all.iterator(); each.hasNext(); ) {
      Said said = each.next();
      if (said.isOpen() && said.predictor.equals(prediction.predictor())) {
        bytes -= bytesOf(said);
        each.remove();
      }
    }
    if (all.size() == PER_KEY) {
      bytes -= bytesOf(all.remove(0));
    }
    var said = new Said(prediction, says, nowMs);
    all.add(said);
    bytes += bytesOf(said);
    forgetOldest();
  }

  private static long bytesOf(Said said) {
    return BYTES_PER_PREDICTION + HeapSize.of(said.reason) + said.says.retainedBytes();
  }

  private void forgetOldest() {
    var entries = byKey.entrySet().iterator();
    while (bytes > maxBytes && entries.hasNext()) {
      var oldest = entries.next();
      bytes -= BYTES_PER_KEY + HeapSize.of(oldest.getKey());
      for (Said said : oldest.getValue()) {
        bytes -= bytesOf(said);
      }
      entries.remove();
    }
  }

  /** A key is needed: the predictions that foresaw it, each of which is returned once. */
  List<Said> needed(String path, long nowMs) {
    List<Said> all = byKey.getOrDefault(path, List.of());
    if (all.isEmpty()) {
      return List.of();
    }
    var foreseeing = new ArrayList<Said>(1);
    for (Said said : all) {
      if (!said.foreseen && nowMs <= said.untilMs) {
        said.foreseen = true;
        foreseeing.add(said);
        if (said.result == PastPrediction.Result.NOT_NEEDED) {
          said.result = PastPrediction.Result.NEEDED;
        }
      }
    }
    return foreseeing;
  }

  /** What came of the newest prediction of a key that was fetched; whose word that was. */
  Says resolved(String predictor, String path, PastPrediction.Result result) {
    return become(newest(predictor, path, true), result);
  }

  /** The newest prediction of a key is being fetched; whose word that was. */
  Says fetched(String predictor, String path) {
    return become(newest(predictor, path, false), PastPrediction.Result.FETCHED);
  }

  private static Says become(@Nullable Said said, PastPrediction.Result result) {
    if (said == null) {
      return Says.NONE;
    }
    said.result = result;
    return said.says;
  }

  private @Nullable Said newest(String predictor, String path, boolean fetched) {
    List<Said> all = byKey.getOrDefault(path, List.of());
    for (int i = all.size() - 1; i >= 0; i--) {
      Said said = all.get(i);
      if (said.predictor.equals(predictor)
          && (said.result == PastPrediction.Result.FETCHED) == fetched) {
        return said;
      }
    }
    return null;
  }

  /** Newest last. */
  List<PastPrediction> on(String path) {
    var found = new ArrayList<PastPrediction>();
    for (Said said : byKey.getOrDefault(path, List.of())) {
      found.add(
          new PastPrediction(
              said.predictor,
              said.probability,
              said.reason,
              said.says.all(),
              said.atMs,
              said.result));
    }
    return found;
  }

  long retainedBytes() {
    return bytes;
  }
}
