package io.metafabric.benchmarks.replay;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;

/** Traces that tests make up. */
final class Generated {
  private Generated() {}

  /** One request. */
  record Row(String client, String key, long atMs) {}

  static Trace trace(String name, int rows, IntFunction<Row> row) {
    var timeMs = new long[rows];
    var client = new int[rows];
    var key = new int[rows];
    Map<String, Integer> clients = new LinkedHashMap<>();
    Map<String, Integer> keys = new LinkedHashMap<>();
    for (int i = 0; i < rows; i++) {
      Row each = row.apply(i);
      timeMs[i] = each.atMs();
      client[i] = clients.computeIfAbsent(each.client(), absent -> clients.size());
      key[i] = keys.computeIfAbsent(each.key(), absent -> keys.size());
    }
    var sizes = new int[rows];
    Arrays.fill(sizes, 100);
    return new Trace(
        name,
        timeMs,
        client,
        key,
        new boolean[rows],
        sizes,
        new int[rows],
        List.copyOf(clients.keySet()),
        List.copyOf(keys.keySet()),
        List.of(""),
        List.of(),
        0);
  }

  /** Seven clients that take turns, a request each millisecond. */
  static Trace ofKeys(String name, int rows, IntUnaryOperator key) {
    return trace(name, rows, i -> new Row("c" + i % 7, "k" + key.applyAsInt(i), i));
  }

  static RunResult replay(Trace trace, String policy, int capacity) {
    return Replayer.run(
        trace,
        policy,
        100.0 * capacity / trace.keys().size(),
        capacity,
        0,
        1,
        PutMode.ACCESS,
        1,
        Progress.none());
  }
}
