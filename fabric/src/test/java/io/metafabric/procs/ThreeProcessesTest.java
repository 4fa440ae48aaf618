package io.metafabric.procs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three regions in three JVMs with real sockets, TLS and disks. Thirty seconds of faults, on the
 * network between them and on the processes, all drawn from one seed; then quiet. Then all regions
 * must be in the same state, nothing that was acknowledged may be lost, no session that went from
 * region to region may have been told what contradicts its guarantees, and after all of them were
 * killed the state must still be the same. Longer runs do so again and again with the same
 * directories.
 *
 * <p>{@code -Dprocs.seed} replays the faults of a run and {@code -Dprocs.minutes} makes it longer.
 * Threads and sockets are real, so that the same seed gives the same faults and not the same run.
 */
@Timeout(value = 24, unit = TimeUnit.HOURS)
class ThreeProcessesTest {
  private static final int MINUTES = Integer.getInteger("procs.minutes", 0);
  private static final long SEED =
      Long.getLong("procs.seed", MINUTES == 0 ? 1 : System.nanoTime() & 0xffff);
  private static final long FAULTS_MS = 30_000;
  private static final int TURNOVER = 50;

  @TempDir Path directory;

  private final Random random = new Random(SEED);

  @Test
  void underFaultsOfAllKinds_regionsConverge_andNothingAcknowledgedIsLost() throws Exception {
    System.out.println("Three processes: -Dprocs.seed=" + SEED);
    long endNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES);
    try (var cluster = new RegionCluster(directory, "procs", SEED, TURNOVER, false, true)) {
      try {
        cluster.start();
        round(cluster, 0);
        for (int round = 1; System.nanoTime() < endNanos; round++) {
          cluster.go();
          round(cluster, round);
        }
        assertThat(cluster.network().swallowedBytes()).isPositive();
      } catch (Throwable e) {
        throw new AssertionError("-Dprocs.seed=" + SEED + ", " + cluster.story(), e);
      }
    }
  }

  private void round(RegionCluster cluster, int number) throws Exception {
    long writesBefore = cluster.recorder().acknowledgedWrites();
    long readsBefore = cluster.recorder().reads();
    int toldBefore = cluster.roaming().told();
    List<Fault> faults = FaultPlan.of(random.nextLong(), RegionCluster.REGIONS.size(), FAULTS_MS);
    cluster.run(faults, () -> TimeUnit.MILLISECONDS.toNanos(FAULTS_MS));
    cluster.comeToRest();
    List<String> state = cluster.checkTheState();
    cluster.checkTheStateAfterKilling(state);
    System.out.printf(
        "Round %d: %s; %s; %s%n", number, cluster.recorder(), cluster.roaming(), cluster.network());
    assertThat(cluster.recorder().acknowledgedWrites() - writesBefore).isGreaterThan(500);
    assertThat(cluster.recorder().reads() - readsBefore).isGreaterThan(500);
    assertThat(cluster.roaming().told() - toldBefore).isGreaterThan(100);
  }
}
