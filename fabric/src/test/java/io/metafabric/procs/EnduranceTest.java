package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.procs.Usage.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three regions in three JVMs that live for as long as is told, behind a network that goes wrong
 * all the time, while records are written, read, expire, come and go under a bounded number of
 * names, and sessions go from region to region. No process may come to hold more memory, threads,
 * descriptors or disk than is allowed ({@link Usage.Kind}, {@link Growth}). Every minute all rests,
 * and all regions must be in the same state; at the end they are killed, and must be so still.
 *
 * <p>{@code -Dendurance.minutes=600}; in the build seconds, which say that this would say
 * something. {@code -Dendurance.seed} replays the faults.
 */
@Timeout(value = 240, unit = TimeUnit.HOURS)
class EnduranceTest {
  private static final int MINUTES = Integer.getInteger("endurance.minutes", 0);
  private static final long SEED =
      Long.getLong("endurance.seed", MINUTES == 0 ? 1 : System.nanoTime() & 0xffff);
  private static final long ROUND_MS = MINUTES == 0 ? 2_000 : 60_000;
  private static final long SAMPLE_MS = MINUTES == 0 ? 100 : 2_000;
  private static final int TURNOVER = 500;

  @TempDir Path directory;

  private final Random random = new Random(SEED);
  private final List<List<Usage>> samples = new ArrayList<>();

  @Test
  void whoeverLivesForLong_holdsNoMoreThanBefore() throws Exception {
    System.out.println("Endurance: -Dendurance.seed=" + SEED);
    long endNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
    try (var cluster = new RegionCluster(directory, "endurance", SEED, TURNOVER, true, false)) {
      try {
        cluster.start();
        List<String> state = round(cluster);
        while (System.nanoTime() < endNanos) {
          cluster.go();
          state = round(cluster);
        }
        cluster.checkTheStateAfterKilling(state);
        System.out.printf(
            "%d samples: %s; %s; %s%n%s",
            samples.size(), cluster.recorder(), cluster.roaming(), cluster.network(), table());
        assertThat(samples).isNotEmpty();
        if (MINUTES > 0) {
          assertThat(growths()).isEmpty();
        }
      } catch (Throwable e) {
        throw new AssertionError(
            "-Dendurance.seed=" + SEED + ", " + cluster.story() + "\n" + series(), e);
      }
    }
  }

  private List<String> round(RegionCluster cluster) throws Exception {
    List<Fault> faults =
        FaultPlan.sparingProcesses(random.nextLong(), RegionCluster.REGIONS.size(), ROUND_MS);
    cluster.run(
        faults,
        () -> {
          if (cluster.areAllAwake()) {
            samples.add(cluster.usage());
          }
          return TimeUnit.MILLISECONDS.toNanos(SAMPLE_MS);
        });
    cluster.comeToRest();
    return cluster.checkTheState();
  }

  private List<Long> samples(int region, Kind kind) {
    return samples.stream().map(all -> all.get(region).of(kind)).toList();
  }

  private List<String> growths() {
    var growths = new ArrayList<String>();
    for (int region = 0; region < RegionCluster.REGIONS.size(); region++) {
      for (Kind kind : Kind.values()) {
        String who = RegionCluster.REGIONS.get(region) + ": " + kind;
        kind.growth
            .in(samples(region, kind))
            .ifPresent(grown -> growths.add(who + " has grown " + grown));
      }
    }
    return growths;
  }

  /** Of each quarter of the run the median. */
  private String table() {
    return table(
        of -> {
          int quarter = of.size() / 4;
          var medians = new ArrayList<Long>();
          for (int i = 0; i < 4 && quarter > 0; i++) {
            List<Long> sorted =
                of.subList(i * quarter, (i + 1) * quarter).stream().sorted().toList();
            medians.add(sorted.get(sorted.size() / 2));
          }
          return medians;
        });
  }

  private String series() {
    return table(of -> of);
  }

  private interface Shown {
    List<Long> of(List<Long> samples);
  }

  private String table(Shown shown) {
    var text = new StringBuilder();
    for (int region = 0; region < RegionCluster.REGIONS.size(); region++) {
      for (Kind kind : Kind.values()) {
        text.append("%-8s %-11s ".formatted(RegionCluster.REGIONS.get(region), kind));
        text.append(
            shown.of(samples(region, kind)).stream()
                .map("%,d"::formatted)
                .collect(Collectors.joining("  ")));
        text.append('\n');
      }
    }
    return text.toString();
  }
}
