package io.metafabric.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A recorded run of accesses: gzip CSV with the header {@code
 * timestamp_ms,client,key,op,size,region}. Broken rows are left out and reported.
 */
final class Trace {
  static final String BUNDLED = "builds.csv.gz";
  static final String NAMESPACE = "files/";

  private static final int MAX_REPORTED = 5;
  private static final int UNKNOWN_SIZE = 200;
  private static final int MAX_SIZE = 1 << 16;

  /** One access. */
  record Row(String client, String key, boolean put, int sizeBytes, String region) {}

  private final List<Row> rows = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private long broken;

  /** Opens a file, or the bundled trace if there is none. */
  static Trace read(@Nullable Path file, List<String> regions) throws IOException {
    var trace = new Trace();
    try (InputStream in = open(file);
        var reader =
            new BufferedReader(
                new InputStreamReader(new GZIPInputStream(in), StandardCharsets.UTF_8))) {
      trace.readAll(reader, regions);
    }
    return trace;
  }

  private static InputStream open(@Nullable Path file) throws IOException {
    if (file != null) {
      return Files.newInputStream(file);
    }
    InputStream bundled = Trace.class.getResourceAsStream(BUNDLED);
    if (bundled == null) {
      throw new IOException("the bundled trace " + BUNDLED + " is missing from the jar");
    }
    return bundled;
  }

  private void readAll(BufferedReader reader, List<String> regions) throws IOException {
    String line = reader.readLine();
    for (long number = 1; line != null; number++, line = reader.readLine()) {
      if (number == 1 && line.startsWith("timestamp")) {
        continue;
      }
      try {
        rows.add(parse(line, regions));
      } catch (IllegalArgumentException e) {
        broken++;
        if (problems.size() < MAX_REPORTED) {
          problems.add("line " + number + ": " + e.getMessage());
        }
      }
    }
  }

  static Row parse(String line, List<String> regions) {
    String[] cells = line.split(",", -1);
    if (cells.length != 6) {
      throw new IllegalArgumentException("6 cells are due, there are " + cells.length);
    }
    if (cells[1].isEmpty() || cells[2].isEmpty()) {
      throw new IllegalArgumentException("client or key is empty");
    }
    if (!cells[3].equals("get") && !cells[3].equals("put")) {
      throw new IllegalArgumentException("op must be get or put, was \"" + cells[3] + "\"");
    }
    int size;
    try {
      Double.parseDouble(cells[0]);
      size = Integer.parseInt(cells[4]);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("timestamp or size is not a number", e);
    }
    if (size < 0) {
      throw new IllegalArgumentException("size is negative");
    }
    // A trace of other regions, or of none, is spread over ours by client.
    String region =
        regions.contains(cells[5])
            ? cells[5]
            : regions.get(Math.floorMod((cells[5] + cells[1]).hashCode(), regions.size()));
    int bytes = size == 0 ? UNKNOWN_SIZE : Math.min(size, MAX_SIZE);
    return new Row(cells[1], NAMESPACE + cells[2], cells[3].equals("put"), bytes, region);
  }

  long broken() {
    return broken;
  }

  List<String> problems() {
    return problems;
  }

  /** Keeps every n-th client, so that about {@code share} of them are left. */
  void keepShareOfClients(double share) {
    var kept = new LinkedHashMap<String, Boolean>();
    var seen = new int[1];
    for (Row row : rows) {
      kept.computeIfAbsent(
          row.client(),
          client -> {
            int n = seen[0]++;
            return Math.floor((n + 1) * share) > Math.floor(n * share);
          });
    }
    rows.removeIf(row -> !kept.getOrDefault(row.client(), false));
  }

  /** Cuts clients short, so that no single closed loop decides how long a replay takes. */
  void cutClientsAt(int maxRows) {
    var counts = new LinkedHashMap<String, Integer>();
    rows.removeIf(row -> counts.merge(row.client(), 1, Integer::sum) > maxRows);
  }

  /** Every key with the size of its first value. */
  Map<String, Integer> keys() {
    var keys = new LinkedHashMap<String, Integer>();
    rows.forEach(row -> keys.putIfAbsent(row.key(), row.sizeBytes()));
    return keys;
  }

  /** Each client's rows in a region, in order; clients in the order of their first row. */
  List<List<Row>> clientsOf(String region) {
    var clients = new LinkedHashMap<String, List<Row>>();
    for (Row row : rows) {
      if (row.region().equals(region)) {
        clients.computeIfAbsent(row.client(), client -> new ArrayList<>()).add(row);
      }
    }
    return new ArrayList<>(clients.values());
  }

  Set<String> regions() {
    var regions = new TreeSet<String>();
    rows.forEach(row -> regions.add(row.region()));
    return regions;
  }

  int size() {
    return rows.size();
  }
}
