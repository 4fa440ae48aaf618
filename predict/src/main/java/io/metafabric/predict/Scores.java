package io.metafabric.predict;

import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts for each predictor, each source and for all, in each namespace and in all. The names are
 * those it was made with, and the namespaces are bounded, so all of it is. Not thread-safe.
 */
final class Scores {
  private static final int CELL_BYTES = 96;
  private static final int ALL_NAMESPACES = Namespaces.MAX + 1;
  private static final double STALL_WEIGHT = 1.0 / 64;

  private final RegionName region;
  private final Namespaces namespaces = new Namespaces();
  private final Map<String, @Nullable Cell[]> rows = new LinkedHashMap<>();
  private int cells;

  private static final class Cell {
    long predicted;
    long requested;
    long used;
    long late;
    long wasted;
    long wastedBytes;
    long needs;
    long foreseen;
    double lateMs;
    double savedMs;

    /** What a read that had to be fetched waited of late; of all predictors together only. */
    double stallMs = Double.NaN;
  }

  /** What one thing that happened adds to each cell that it belongs to. */
  private interface Change {
    void to(Cell cell);
  }

  Scores(RegionName region, List<String> names) {
    this.region = region;
    rows.put(PredictionScore.ALL, new Cell[ALL_NAMESPACES + 1]);
    names.forEach(name -> rows.putIfAbsent(name, new Cell[ALL_NAMESPACES + 1]));
  }

  private void count(String predictor, String path, Change change) {
    count(predictor, namespaces.numberOf(path), change);
  }

  private void count(String name, int namespace, Change change) {
    @Nullable Cell[] row = rows.get(name);
    if (row != null) {
      change.to(cell(row, namespace));
      change.to(cell(row, ALL_NAMESPACES));
    }
  }

  private Cell cell(@Nullable Cell[] row, int namespace) {
    Cell cell = row[namespace];
    if (cell == null) {
      cell = new Cell();
      row[namespace] = cell;
      cells++;
    }
    return cell;
  }

  private void countForEach(List<String> names, String path, Change change) {
    int namespace = namespaces.numberOf(path);
    for (String name : names) {
      count(name, namespace, change);
    }
  }

  /**
   * @param predictor or a source, or {@link PredictionScore#ALL}
   */
  void predicted(String predictor, String path) {
    count(predictor, path, cell -> cell.predicted++);
  }

  /**
   * @param predictor or a source, or {@link PredictionScore#ALL}
   */
  void foreseen(String predictor, String path) {
    count(predictor, path, cell -> cell.foreseen++);
  }

  void need(String path) {
    count(PredictionScore.ALL, path, cell -> cell.needs++);
  }

  void requested(List<String> names, String path) {
    countForEach(names, path, cell -> cell.requested++);
  }

  /** A prefetch was there before its read. */
  void usedInTime(List<String> names, String path) {
    double saved = stallMs(path);
    countForEach(
        names,
        path,
        cell -> {
          cell.used++;
          cell.savedMs += saved;
        });
  }

  /** A read waited for a prefetch. */
  void usedLate(List<String> names, String path, double waitedMs) {
    double saved = Math.max(0, stallMs(path) - waitedMs);
    countForEach(
        names,
        path,
        cell -> {
          cell.used++;
          cell.late++;
          cell.lateMs += waitedMs;
          cell.savedMs += saved;
        });
  }

  void wasted(List<String> names, String path, int payloadBytes) {
    countForEach(
        names,
        path,
        cell -> {
          cell.wasted++;
          cell.wastedBytes += payloadBytes;
        });
  }

  /** A read had to be fetched, and waited for so long. */
  void stalled(String path, double ms) {
    count(
        PredictionScore.ALL,
        path,
        cell ->
            cell.stallMs =
                Double.isNaN(cell.stallMs)
                    ? ms
                    : cell.stallMs + STALL_WEIGHT * (ms - cell.stallMs));
  }

  /** Of the namespace if any was measured there, else of all; 0 if none was measured at all. */
  private double stallMs(String path) {
    @Nullable Cell[] row = rows.get(PredictionScore.ALL);
    Cell own = row == null ? null : row[namespaces.numberOf(path)];
    Cell all = row == null ? null : row[ALL_NAMESPACES];
    if (own != null && !Double.isNaN(own.stallMs)) {
      return own.stallMs;
    }
    return all == null || Double.isNaN(all.stallMs) ? 0 : all.stallMs;
  }

  /** Of all together first; in each, of all namespaces first. Where nothing happened is nothing. */
  List<PredictionScore> scores() {
    var scores = new ArrayList<PredictionScore>();
    rows.forEach(
        (predictor, row) -> {
          add(predictor, row, ALL_NAMESPACES, PredictionScore.ALL, scores);
          for (int i = 0; i < namespaces.count(); i++) {
            add(predictor, row, i, namespaces.name(i), scores);
          }
          add(predictor, row, Namespaces.MAX, PredictionScore.OTHERS, scores);
        });
    return scores;
  }

  private void add(
      String predictor,
      @Nullable Cell[] row,
      int namespace,
      String name,
      List<PredictionScore> scores) {
    Cell cell = row[namespace];
    if (cell == null) {
      return;
    }
    @Nullable Cell[] all = rows.get(PredictionScore.ALL);
    Cell whole = all == null ? null : all[namespace];
    scores.add(
        new PredictionScore(
            predictor,
            name,
            region.name(),
            cell.predicted,
            cell.requested,
            cell.used,
            cell.late,
            cell.wasted,
            cell.wastedBytes,
            whole == null ? 0 : whole.needs,
            cell.foreseen,
            cell.lateMs,
            cell.savedMs));
  }

  long retainedBytes() {
    return (long) cells * CELL_BYTES + 8L * rows.size() * (ALL_NAMESPACES + 1);
  }

  static long maxRetainedBytes(int names) {
    return (names + 1L) * (ALL_NAMESPACES + 1) * (CELL_BYTES + 8);
  }
}
