package io.metafabric.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A region's process that dies is reported by name, and nobody waits for it. */
class EndedRegionTest {
  @TempDir Path directory;

  /** Clients that read until somebody stops them, as far as a test is concerned. */
  private ThreeRegionsOptions longRun() throws IOException {
    Path trace = directory.resolve("trace.csv.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(trace))) {
      var text = new StringBuilder();
      for (int i = 0; i < 6_000; i++) {
        String region = ThreeRegions.REGIONS.get(i % 3);
        text.append("%d,p%d,k%d,get,10,%s%n".formatted(i, i % 300, i, region));
      }
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    }
    return ThreeRegionsOptions.parse("--trace", trace.toString(), "--share", "1");
  }

  @Test
  void aRegionThatEnds_failsTheStepUnderWay_andEveryLaterOne() throws Exception {
    var settings =
        new RegionRun.Settings(
            "eu-west",
            directory.resolve("eu-west"),
            FreePorts.take(1).get(0),
            Map.of("us-east", FreePorts.take(1).get(0)),
            false,
            1 << 20,
            1);
    try (var region = new RemoteRegion("eu-west", RegionProcess.arguments(settings, longRun()))) {
      region.begin(Region.Step.OPEN).get(60, TimeUnit.SECONDS);
      // There is no peer, so this waits.
      CompletableFuture<Void> syncing = region.begin(Region.Step.SYNC);
      region.process().destroyForcibly();
      assertFails(syncing);
      assertFails(region.begin(Region.Step.REPLAY));
    }
  }

  private static void assertFails(CompletableFuture<Void> step) {
    assertThatThrownBy(() -> step.orTimeout(60, TimeUnit.SECONDS).join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("region eu-west failed: its process ended with code 137");
  }

  @Test
  void theDemo_endsWithTheNameOfTheRegionThatDied() throws Exception {
    ThreeRegionsOptions options = longRun();
    Trace trace = Trace.read(options.trace(), ThreeRegions.REGIONS);
    var killer = new KillsOnProgress();
    var demo =
        new ThreeRegions(options, trace, new PrintStream(killer, true, StandardCharsets.UTF_8));
    assertThatThrownBy(demo::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("region us-east failed: its process ended with code 137");
    assertThat(killer.killed).isTrue();
    assertThat(ProcessHandle.current().children().filter(KillsOnProgress::isRegion)).isEmpty();
  }

  /** Kills a region as soon as the demo tells how far the replay is. */
  private static final class KillsOnProgress extends ByteArrayOutputStream {
    private volatile boolean killed;

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      super.write(bytes, from, length);
      if (!killed && toString(StandardCharsets.UTF_8).contains("prediction off: ")) {
        killed =
            ProcessHandle.current()
                .children()
                .filter(KillsOnProgress::isRegion)
                .filter(child -> arguments(child).contains("us-east"))
                .findFirst()
                .orElseThrow()
                .destroyForcibly();
      }
    }

    private static boolean isRegion(ProcessHandle child) {
      return arguments(child).contains(RegionProcess.class.getName());
    }

    private static List<String> arguments(ProcessHandle child) {
      return List.of(child.info().arguments().orElse(new String[0]));
    }
  }
}
