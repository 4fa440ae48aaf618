package io.metafabric.examples;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

/**
 * The main job: three regions with wide-area delay between them replay a trace of real accesses,
 * first without and then with prediction and the copies that homes send, from the same initial
 * placement.
 */
public final class ThreeRegions {
  static final List<String> REGIONS = List.of("eu-west", "us-east", "ap-south");

  private static final int MAX_ROWS_PER_CLIENT = 300;

  private static final Map<String, Duration> ROUND_TRIPS =
      Map.of(
          "eu-west us-east", Duration.ofMillis(80),
          "ap-south eu-west", Duration.ofMillis(150),
          "ap-south us-east", Duration.ofMillis(220));

  private final ThreeRegionsOptions options;
  private final Trace trace;
  private final PrintStream out;
  private volatile boolean stopped;

  ThreeRegions(ThreeRegionsOptions options, Trace trace, PrintStream out) {
    this.options = options;
    this.trace = trace;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    ThreeRegionsOptions options;
    Trace trace;
    try {
      options = ThreeRegionsOptions.parse(args);
      if (options.help()) {
        System.out.print(ThreeRegionsOptions.USAGE);
        return;
      }
      trace = Trace.read(options.trace(), REGIONS);
    } catch (IllegalArgumentException | IOException e) {
      System.err.println("three-regions: " + e.getMessage());
      System.err.print(ThreeRegionsOptions.USAGE);
      System.exit(2);
      return;
    }
    var demo = new ThreeRegions(options, trace, System.out);
    try {
      long wrong = demo.run();
      if (wrong > 0) {
        throw new IllegalStateException(wrong + " reads found nothing where there is a value");
      }
    } catch (IllegalStateException e) {
      if (demo.stopped) {
        // Its regions were ended with it; the JVM has an exit code already.
        System.err.println("three-regions: stopped");
      } else {
        System.err.println("three-regions: " + e.getMessage());
        System.exit(1);
      }
    }
  }

  /** Returns how many reads went wrong. */
  long run() throws IOException, InterruptedException {
    int all = trace.size();
    sample(trace, options.share());
    out.printf(
        "trace: %,d of %,d accesses, reads and puts (%.0f %% of the clients, the first %d of each),"
            + " %,d keys%n",
        trace.size(), all, options.share() * 100, MAX_ROWS_PER_CLIENT, trace.keys().size());
    if (trace.broken() > 0) {
      out.printf("left out: %,d broken rows, first %s%n", trace.broken(), trace.problems());
    }
    out.println(
        "round trips: eu-west/us-east 80 ms, eu-west/ap-south 150 ms, us-east/ap-south 220 ms");
    out.println(
        "initial placement, the same in both runs: every key was put once by its home region; home"
            + " and backup (by rendezvous hashing) hold its value, the third region its header");
    out.printf(
        "each region: %d clients at a time, closed loops without think time; hot tier %,d bytes%n",
        options.clients(), options.hotTierBytes());
    Map<String, RegionResult> off = replay(false);
    Map<String, RegionResult> on = replay(true);
    new ResultTable(out).print(off, on);
    return Stream.concat(off.values().stream(), on.values().stream())
        .mapToLong(RegionResult::wrong)
        .sum();
  }

  /** What of the trace is replayed; the same in every process. */
  static void sample(Trace trace, double share) {
    trace.keepShareOfClients(share);
    trace.cutClientsAt(MAX_ROWS_PER_CLIENT);
  }

  private Map<String, RegionResult> replay(boolean prediction)
      throws IOException, InterruptedException {
    String title = "prediction " + (prediction ? "on" : "off");
    Path root = Files.createTempDirectory("three-regions");
    var proxies = new ArrayList<DelayProxy>();
    var regions = new LinkedHashMap<String, Region>();
    var cleanUp =
        new Thread(
            () -> {
              stopped = true;
              close(regions, proxies, root);
            });
    Runtime.getRuntime().addShutdownHook(cleanUp);
    try {
      open(root, prediction, proxies, regions);
      for (Region.Step step : Region.Step.values()) {
        perform(step, title, regions);
      }
      out.printf("%s: done%n", title);
      var results = new LinkedHashMap<String, RegionResult>();
      regions.forEach((name, region) -> results.put(name, region.result()));
      return results;
    } finally {
      close(regions, proxies, root);
      forget(cleanUp);
    }
  }

  private void perform(Region.Step step, String title, Map<String, Region> regions)
      throws InterruptedException {
    Thread progress = step == Region.Step.REPLAY ? watch(title, regions) : null;
    try {
      awaitAll(regions.values().stream().map(region -> region.begin(step)).toList());
    } finally {
      if (progress != null) {
        progress.interrupt();
        progress.join();
      }
    }
  }

  /**
   * Does not wait for the others once one has failed.
   *
   * @throws IllegalStateException the first failure
   */
  private static void awaitAll(List<CompletableFuture<Void>> steps) throws InterruptedException {
    var all = new CompletableFuture<Void>();
    CompletableFuture.allOf(steps.toArray(CompletableFuture[]::new))
        .thenRun(() -> all.complete(null));
    for (CompletableFuture<Void> step : steps) {
      step.exceptionally(
          failure -> {
            all.completeExceptionally(failure);
            return null;
          });
    }
    try {
      all.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IllegalStateException failed
          ? failed
          : new IllegalStateException(e.getCause());
    }
  }

  private void forget(Thread shutdownHook) {
    try {
      Runtime.getRuntime().removeShutdownHook(shutdownHook);
    } catch (IllegalStateException e) {
      // The JVM is shutting down, and the hook runs, or has run.
      stopped = true;
    }
  }

  private void open(
      Path root, boolean prediction, List<DelayProxy> proxies, Map<String, Region> regions)
      throws IOException {
    List<Integer> ports = FreePorts.take(REGIONS.size());
    for (int i = 0; i < REGIONS.size(); i++) {
      String name = REGIONS.get(i);
      var peers = new TreeMap<String, Integer>();
      for (int j = 0; j < REGIONS.size(); j++) {
        if (i != j) {
          var proxy = new DelayProxy(ports.get(j), roundTrip(name, REGIONS.get(j)).dividedBy(2));
          proxies.add(proxy);
          peers.put(REGIONS.get(j), proxy.port());
        }
      }
      var settings =
          new RegionRun.Settings(
              name,
              root.resolve(name),
              ports.get(i),
              peers,
              prediction,
              options.hotTierBytes(),
              options.clients());
      regions.put(
          name,
          options.singleJvm()
              ? new LocalRegion(settings, trace)
              : new RemoteRegion(name, RegionProcess.arguments(settings, options)));
    }
  }

  private static Duration roundTrip(String one, String other) {
    String pair = one.compareTo(other) < 0 ? one + " " + other : other + " " + one;
    Duration roundTrip = ROUND_TRIPS.get(pair);
    if (roundTrip == null) {
      throw new IllegalArgumentException("no round trip is known for " + pair);
    }
    return roundTrip;
  }

  private Thread watch(String title, Map<String, Region> regions) {
    var thread =
        new Thread(
            () -> {
              try {
                while (true) {
                  Thread.sleep(2000);
                  long done = regions.values().stream().mapToLong(Region::done).sum();
                  out.printf(
                      Locale.ROOT,
                      "%s: %,d of %,d accesses (%.0f %%)%n",
                      title,
                      done,
                      trace.size(),
                      100.0 * done / Math.max(1, trace.size()));
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "progress");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static synchronized void close(
      Map<String, Region> regions, List<DelayProxy> proxies, Path root) {
    regions.values().forEach(Region::close);
    proxies.forEach(DelayProxy::close);
    regions.clear();
    proxies.clear();
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      System.err.println("three-regions: could not delete " + root + ": " + e);
    }
  }
}
