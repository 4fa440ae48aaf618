package io.metafabric.node;

import static io.metafabric.node.SimReads.read;
import static io.metafabric.node.SimReads.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.wire.MoveOutcome;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each way in which "there is no value" could be a guess. */
class AbsentTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  private final SimCluster cluster = new SimCluster(8, 1 << 16, "ap", "eu", "us");
  private Key key;

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(30)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    key = SimReads.keyWithHomes(cluster, EU, AP);
  }

  private void settle() {
    cluster.world.runFor(Duration.ofSeconds(12));
  }

  private void isolate(String region) {
    for (RegionName other : cluster.regions) {
      if (!other.name().equals(region)) {
        cluster.network.split(region, other.name());
      }
    }
  }

  private void emptyAndStart(RegionName region) {
    cluster.stop(region);
    var disk = cluster.machine(region).disk();
    disk.list().forEach(disk::delete);
    cluster.start(region);
  }

  @Test
  void allThatAreInSync_mayTell() {
    for (RegionName region : cluster.regions) {
      assertThat(read(cluster, region, key)).isEqualTo("absent");
    }
  }

  @Test
  void aFreshRegionThatReachesNobody_cannotTell() {
    write(cluster, EU, key, "one");
    settle();
    isolate("us");
    emptyAndStart(US);
    settle();
    assertThat(read(cluster, US, key)).isEqualTo("unreachable");
    cluster.network.healAll();
    settle();
    assertThat(read(cluster, US, key)).isEqualTo("one");
  }

  @Test
  void aFreshRegion_asksTheHome_beforeItHasAllHeaders() {
    write(cluster, EU, key, "one");
    settle();
    emptyAndStart(US);
    cluster.world.runUntil(
        "it reaches the home",
        () -> !Double.isNaN(cluster.node(US).stats().replication().peers().get(1).rttMs()),
        Duration.ofSeconds(10));
    assertThat(read(cluster, US, key)).isEqualTo("one");
  }

  @Test
  void aBackupThatWasNotInSyncSinceItWasOpened_cannotTell_norCanWhoeverAsksIt() {
    write(cluster, EU, key, "one");
    settle();
    cluster.network.split("ap", "eu");
    emptyAndStart(AP);
    settle();
    assertThat(read(cluster, AP, key)).as("the home is out of reach").isEqualTo("unreachable");
    cluster.network.split("us", "eu");
    emptyAndStart(US);
    settle();
    assertThat(read(cluster, US, key)).as("the backup cannot tell").isEqualTo("unreachable");
    cluster.network.healAll();
    settle();
    assertThat(read(cluster, AP, key)).isEqualTo("one");
    assertThat(read(cluster, US, key)).isEqualTo("one");
  }

  @Test
  void aBackupThatWasInSync_actsForAHomeThatIsOutOfReach_butAsksOneThatIsNot() {
    cluster.crash(EU);
    settle();
    assertThat(read(cluster, AP, key)).isEqualTo("absent");
    assertThat(read(cluster, US, key)).isEqualTo("absent");
    cluster.start(EU);
    settle();

    // The home knows of a write, the backup does not, and the writer is away.
    cluster.network.split("us", "ap");
    write(cluster, US, key, "one");
    settle();
    cluster.crash(US);
    settle();
    assertThat(read(cluster, AP, key)).isEqualTo("one");
  }

  @Test
  void aMovedHome_isAskedWhereItIs_alsoByThoseWhoDoNotKnow() {
    write(cluster, EU, key, "one");
    settle();
    isolate("us");
    var moving = cluster.node(EU).moveHome(key, AP);
    cluster.world.runUntil("a move", moving::isDone, Duration.ofMinutes(1));
    assertThat(moving.join().outcome()).isEqualTo(MoveOutcome.DONE);
    settle();
    emptyAndStart(US);
    settle();
    assertThat(read(cluster, US, key)).isEqualTo("unreachable");
    // It knows of neither the key nor the move, and reaches the old home alone.
    cluster.crash(AP);
    cluster.network.healAll();
    settle();
    assertThat(read(cluster, US, key)).isEqualTo("one");
    // And the new one alone.
    emptyAndStart(US);
    cluster.crash(EU);
    cluster.start(AP);
    settle();
    assertThat(read(cluster, US, key)).isEqualTo("one");
  }
}
