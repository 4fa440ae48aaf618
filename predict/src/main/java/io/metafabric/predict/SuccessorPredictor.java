package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which key follows which, learned over all clients: what one client has read in a row, another is
 * likely to. Looks ahead along the likeliest path. Bounded; the keys read longest ago go first.
 * Deterministic.
 */
public final class SuccessorPredictor implements Predictor {
  public static final String NAME = "successor";

  private static final int MAX_SUCCESSORS = 8;
  private static final int MAX_CLIENTS = 4096;

  /** Steps ahead: enough that a chain of reads covers the link's latency. */
  private static final int MAX_DEPTH = 8;

  private static final double MIN_PATH_PROBABILITY = 0.15;

  /** Doubts a successor that was seen once or twice. */
  private static final double PRIOR = 1.0;

  /** Counts are halved at this sum, so that the table follows the times. */
  private static final int HALVE_AT = 64;

  /** A row with its map entry, arrays and the key's string. */
  private static final int ROW_BYTES = 360;

  private static final class Row {
    final String[] keys = new String[MAX_SUCCESSORS];
    final int[] counts = new int[MAX_SUCCESSORS];
    int size;
    int total;

    void add(String key) {
      total++;
      for (int i = 0; i < size; i++) {
        if (keys[i].equals(key)) {
          counts[i]++;
          halveIfDue();
          return;
        }
      }
      if (size < MAX_SUCCESSORS) {
        keys[size] = key;
        counts[size++] = 1;
      } else {
        replaceRarest(key);
      }
      halveIfDue();
    }

    private void replaceRarest(String key) {
      int rarest = 0;
      for (int i = 1; i < size; i++) {
        if (counts[i] < counts[rarest]) {
          rarest = i;
        }
      }
      // Gives way bit by bit, so that a flood of new keys cannot drive out what recurs.
      if (--counts[rarest] <= 0) {
        keys[rarest] = key;
        counts[rarest] = 1;
      }
    }

    private void halveIfDue() {
      if (total >= HALVE_AT) {
        total = 0;
        for (int i = 0; i < size; i++) {
          counts[i] = (counts[i] + 1) / 2;
          total += counts[i];
        }
      }
    }
  }

  private record Step(String key, double probability, int depth) {}

  private final Map<String, Row> rows;
  private final Map<String, String> lastKeys;

  public SuccessorPredictor(PredictorConfig config) {
    int maxRows = (int) Math.min(1 << 20, config.maxBytes() / ROW_BYTES);
    rows = new Lru<>(maxRows);
    lastKeys = new Lru<>(MAX_CLIENTS);
  }

  private static final class Lru<V> extends LinkedHashMap<String, V> {
    private static final long serialVersionUID = 1L;

    private final int max;

    Lru(int max) {
      super(16, 0.75f, true);
      this.max = max;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
      return size() > max;
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      String before = lastKeys.put(event.client(), event.key());
      if (before != null && !before.equals(event.key())) {
        rows.computeIfAbsent(before, key -> new Row()).add(event.key());
      }
    }
  }

  @Override
  public List<Prediction> predict(PredictionContext context) {
    String from = context.lastKeys().get(0);
    var found = new ArrayList<Prediction>();
    Set<String> seen = new HashSet<>(context.lastKeys());
    var open = new ArrayList<Step>();
    open.add(new Step(from, 1, 0));
    while (!open.isEmpty() && found.size() < context.maxPredictions()) {
      int best = likeliest(open);
      Step step = open.remove(best);
      if (step.depth() > 0) {
        found.add(prediction(step, from, context));
      }
      if (step.depth() < MAX_DEPTH) {
        extend(step, seen, open);
      }
    }
    found.sort(Comparator.comparingDouble(Prediction::probability).reversed());
    return found;
  }

  private static int likeliest(List<Step> open) {
    int best = 0;
    for (int i = 1; i < open.size(); i++) {
      if (open.get(i).probability() > open.get(best).probability()) {
        best = i;
      }
    }
    return best;
  }

  private void extend(Step step, Set<String> seen, List<Step> open) {
    Row row = rows.get(step.key());
    if (row == null) {
      return;
    }
    for (int i = 0; i < row.size; i++) {
      double probability = step.probability() * row.counts[i] / (row.total + PRIOR);
      if (probability >= MIN_PATH_PROBABILITY && seen.add(row.keys[i])) {
        open.add(new Step(row.keys[i], probability, step.depth() + 1));
      }
    }
  }

  private static Prediction prediction(Step step, String from, PredictionContext context) {
    return new Prediction(
        Key.of(step.key()),
        context.region(),
        Math.min(1, step.probability()),
        context.horizon(),
        "after " + from,
        NAME);
  }

  @Override
  public long retainedBytes() {
    return (long) rows.size() * ROW_BYTES + (long) lastKeys.size() * 128;
  }
}
