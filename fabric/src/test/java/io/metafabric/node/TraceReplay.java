package io.metafabric.node;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.replicate.arm.CopyTotals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/**
 * The examples' main job in virtual time: three regions replay a recorded trace, each client a
 * closed loop, with the round trips of the example. The same input gives the same figures.
 */
final class TraceReplay {
  private static final Path BUNDLED =
      Path.of("../examples/src/main/resources/io/metafabric/examples/builds.csv.gz");

  /** What a hit and the client's own work between two accesses take together. */
  private static final Duration STEP = Duration.ofNanos(20_000);

  record Row(String client, Key key, boolean put, int sizeBytes, String region) {}

  /**
   * Of all regions together.
   *
   * @param sentBytes without those of access summaries, which nothing compresses here
   */
  record Figures(
      long reads,
      long remoteReads,
      long failedReads,
      long stallMs,
      long sentBytes,
      long summaryBytes,
      long made,
      long hurried,
      long used,
      Copies copies) {}

  private static final CopyTotals NO_COPIES = new CopyTotals(0, 0, 0, 0, 0, 0);

  /** What the ARM says of all regions together. */
  record Copies(long made, long used, double savedMs, double savedDollars, double spentDollars) {}

  private final SimCluster cluster;
  private int running;
  private long reads;
  private long stallNanos;

  private TraceReplay(long hotTierBytes) {
    cluster = new SimCluster(1, 4 << 20, "eu-west", "us-east", "ap-south");
    cluster.hotTierBytes = hotTierBytes;
    link("eu-west", "us-east", 40);
    link("eu-west", "ap-south", 75);
    link("us-east", "ap-south", 110);
  }

  private void link(String one, String other, int oneWayMs) {
    var link = SimLink.perfect(Duration.ofMillis(oneWayMs));
    cluster.network.link(one, other, link);
    cluster.network.link(other, one, link);
  }

  /** The first {@code most} accesses of every {@code nth} client of the bundled trace. */
  static List<Row> rows(int nth, int most) throws IOException {
    var rows = new ArrayList<Row>();
    var order = new HashMap<String, Integer>();
    var counts = new HashMap<String, Integer>();
    var keys = new HashMap<String, Key>();
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(BUNDLED)), StandardCharsets.UTF_8))) {
      in.readLine();
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] cells = line.split(",", -1);
        String client = cells[1];
        order.putIfAbsent(client, order.size());
        if (order.getOrDefault(client, 0) % nth == 0
            && counts.merge(client, 1, Integer::sum) <= most) {
          Key key = keys.computeIfAbsent(cells[2], path -> Key.of("files/" + path));
          int size = Math.max(1, Integer.parseInt(cells[4]));
          rows.add(new Row(client, key, cells[3].equals("put"), size, cells[5]));
        }
      }
    }
    return rows;
  }

  static Figures replay(List<Row> rows, boolean prediction, int clients, long hotTierBytes) {
    return new TraceReplay(hotTierBytes).run(rows, prediction, clients);
  }

  /** The same with prediction in regions of which each learns from its own reads. */
  static Figures replayAlone(List<Row> rows, int clients, long hotTierBytes) {
    var replay = new TraceReplay(hotTierBytes);
    replay.cluster.summaries = SummaryConfig.OFF;
    return replay.run(rows, true, clients);
  }

  private Figures run(List<Row> rows, boolean prediction, int clients) {
    cluster.startAll();
    cluster.regions.forEach(region -> cluster.node(region).setPrediction(prediction));
    cluster.world.runFor(Duration.ofSeconds(5));
    int keys = putEverythingOnce(rows);
    cluster.world.runUntil("the initial placement", () -> isPlaced(keys), Duration.ofMinutes(1));
    long sentBefore = sentBytes();
    for (RegionName region : cluster.regions) {
      Deque<List<Row>> waiting = clientsOf(rows, region);
      for (int i = 0; i < clients; i++) {
        nextClient(region, waiting);
      }
    }
    cluster.world.runUntil("the end of the trace", () -> running == 0, Duration.ofHours(5));
    long remote = 0;
    long failed = 0;
    long made = 0;
    long hurried = 0;
    long used = 0;
    long summaryBytes = 0;
    var copies = new Copies(0, 0, 0, 0, 0);
    for (RegionName region : cluster.regions) {
      NodeStats stats = cluster.node(region).stats();
      remote += stats.remoteReads();
      failed += stats.failedReads() + stats.absentReads();
      made += stats.prefetch().requested();
      hurried += stats.replication().prefetchesHurried();
      used += stats.prefetch().used();
      summaryBytes += stats.summaries().sentBytes();
      CopyTotals here =
          stats.prefetch().arm().from().values().stream().reduce(NO_COPIES, CopyTotals::plus);
      copies =
          new Copies(
              copies.made() + here.copies(),
              copies.used() + here.used(),
              copies.savedMs() + here.savedMs(),
              copies.savedDollars() + here.savedDollars(),
              copies.spentDollars() + here.spentDollars());
    }
    return new Figures(
        reads,
        remote,
        failed,
        stallNanos / 1_000_000,
        sentBytes() - sentBefore - summaryBytes,
        summaryBytes,
        made,
        hurried,
        used,
        copies);
  }

  private int putEverythingOnce(List<Row> rows) {
    var sizes = new LinkedHashMap<Key, Integer>();
    rows.forEach(row -> sizes.putIfAbsent(row.key(), row.sizeBytes()));
    sizes.forEach(
        (key, sizeBytes) -> {
          var home = cluster.node(cluster.regions.get(0)).homesOf(key).home();
          cluster.node(home).write(key, zeros(sizeBytes), Header.NEVER, Precondition.NONE);
        });
    return sizes.size();
  }

  private static Bytes zeros(int sizeBytes) {
    return Bytes.copyOf(new byte[sizeBytes]);
  }

  private boolean isPlaced(int keys) {
    return cluster.allKeys().size() == keys && cluster.isConverged() && cluster.payloadsAreHome();
  }

  private long sentBytes() {
    return cluster.regions.stream()
        .mapToLong(region -> cluster.node(region).stats().transport().sentBytes())
        .sum();
  }

  private static Deque<List<Row>> clientsOf(List<Row> rows, RegionName region) {
    Map<String, List<Row>> byClient = new LinkedHashMap<>();
    for (Row row : rows) {
      if (row.region().equals(region.name())) {
        byClient.computeIfAbsent(row.client(), client -> new ArrayList<>()).add(row);
      }
    }
    return new ArrayDeque<>(byClient.values());
  }

  private void nextClient(RegionName region, Deque<List<Row>> waiting) {
    List<Row> rows = waiting.poll();
    if (rows != null) {
      running++;
      access(
          region,
          rows,
          0,
          () -> {
            running--;
            nextClient(region, waiting);
          });
    }
  }

  private void access(RegionName region, List<Row> rows, int at, Runnable done) {
    if (at == rows.size()) {
      done.run();
      return;
    }
    Row row = rows.get(at);
    Runnable next = () -> cluster.world.after(STEP, () -> access(region, rows, at + 1, done));
    FabricNode<?> node = cluster.node(region);
    if (row.put()) {
      node.write(row.key(), zeros(row.sizeBytes()), Header.NEVER, Precondition.NONE).thenRun(next);
      return;
    }
    reads++;
    if (node.hit(row.client(), row.key().path()) != null) {
      next.run();
      return;
    }
    long began = cluster.world.nanoTime();
    node.read(row.client(), row.key())
        .thenAccept(
            outcome -> {
              node.finished(row.client(), row.key(), outcome);
              stallNanos += cluster.world.nanoTime() - began;
              next.run();
            });
  }
}
