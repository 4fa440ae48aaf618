package io.metafabric.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A region's own JVM: performs the steps that it reads, and ends with its input. */
public final class RegionProcess {
  private RegionProcess() {}

  /** The arguments for {@link #main}. */
  static List<String> arguments(RegionRun.Settings settings, ThreeRegionsOptions options) {
    var peers = new StringBuilder();
    settings
        .peerPorts()
        .forEach((peer, port) -> peers.append(peer).append('=').append(port).append(','));
    return List.of(
        settings.region(),
        settings.directory().toString(),
        Integer.toString(settings.listenPort()),
        peers.toString(),
        Boolean.toString(settings.prediction()),
        Long.toString(settings.hotTierBytes()),
        Integer.toString(settings.clients()),
        options.trace() == null ? "" : options.trace().toString(),
        Double.toString(options.share()));
  }

  public static void main(String[] args) throws IOException {
    Map<String, Integer> peers = new TreeMap<>();
    for (String peer : args[3].split(",", 0)) {
      int equals = peer.indexOf('=');
      peers.put(peer.substring(0, equals), Integer.parseInt(peer.substring(equals + 1)));
    }
    var settings =
        new RegionRun.Settings(
            args[0],
            Path.of(args[1]),
            Integer.parseInt(args[2]),
            peers,
            Boolean.parseBoolean(args[4]),
            Long.parseLong(args[5]),
            Integer.parseInt(args[6]));
    Trace trace = Trace.read(args[7].isEmpty() ? null : Path.of(args[7]), ThreeRegions.REGIONS);
    ThreeRegions.sample(trace, Double.parseDouble(args[8]));
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (var region = new LocalRegion(settings, trace)) {
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        perform(region, Region.Step.valueOf(line));
      }
    }
  }

  private static void perform(LocalRegion region, Region.Step step) {
    CompletableFuture<Void> performing = region.begin(step);
    var reporter =
        new Thread(
            () -> {
              try {
                while (true) {
                  Thread.sleep(500);
                  System.out.println("PROGRESS " + region.done());
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "progress");
    reporter.setDaemon(true);
    reporter.start();
    try {
      performing.get();
      if (step == Region.Step.REPLAY) {
        System.out.println("RESULT " + region.result().encode());
      }
      System.out.println("DONE");
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      System.out.println("FAILED " + reason(cause).replace('\n', ' '));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      System.out.println("FAILED interrupted");
    } finally {
      reporter.interrupt();
    }
  }

  /** Without the region's name, which the parent knows. */
  private static String reason(Throwable failure) {
    return String.valueOf(failure.getCause() == null ? failure : failure.getCause());
  }
}
