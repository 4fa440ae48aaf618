package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compaction beside writers, on a simulated disk: bounded, and crash-proof. */
class CompactionTest {
  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static Bytes value(RandomGenerator random) {
    byte[] bytes = new byte[1 + random.nextInt(300)];
    random.nextBytes(bytes);
    return Bytes.copyOf(bytes);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
  void underUniformOverwrites_theDiskHoldsAtMostOneAndAHalfTimesWhatIsLive_andTwoSegments(
      long seed) {
    var machine = new StoreMachine(seed, Durability.OS);
    machine.open();
    RandomGenerator random = machine.world.fork("load");
    double worst = 0;
    for (int i = 0; i < 20_000; i++) {
      machine.write(key(random.nextInt(200)), value(random));
      if (i % 50 == 0) {
        machine.world.runFor(Duration.ofMillis(50));
      }
      if (i > 2_000) {
        StoreStats stats = machine.store().stats();
        long beyond = machine.disk().usedBytes() - 2 * StoreMachine.SEGMENT_BYTES;
        worst = Math.max(worst, (double) beyond / stats.liveBytes());
        assertThat(beyond)
            .as(machine.world.describe("write " + i + ", " + stats))
            .isLessThanOrEqualTo(stats.liveBytes() * 3 / 2);
      }
    }
    StoreStats stats = machine.store().stats();
    System.out.printf(
        "seed %d: live %,d bytes, disk %,d, worst %.2f times live and two segments, %s%n",
        seed, stats.liveBytes(), machine.disk().usedBytes(), worst, stats.compaction());
    assertThat(stats.compaction().runs()).isGreaterThan(100);
    assertThat(stats.compaction().readBytes())
        .as("what was copied and what was dropped, some of it of a run under way")
        .isBetween(
            stats.compaction().freedBytes() / 2,
            stats.compaction().freedBytes()
                + stats.compaction().writtenBytes()
                + 8L * StoreMachine.SEGMENT_BYTES);
    machine.check("at the end");
    machine.close();
    machine.open();
    machine.check("after reopening");
    assertThat(machine.store().stats().liveBytes())
        .as("accounting by replay is that of the running store")
        .isBetween(stats.liveBytes() - 500, stats.liveBytes() + 500);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void powerFailuresWhileItCompacts_loseNothing_andBringNothingBack(long seed) {
    var machine = new StoreMachine(seed, Durability.SYNC);
    RandomGenerator random = machine.world.fork("load");
    machine.open();
    for (int life = 0; life < 12; life++) {
      machine.disk().beforeOperation(random.nextInt(600), machine.node::crash);
      for (int i = 0; i < 300 && !machine.isDead(); i++) {
        Key key = key(random.nextInt(40));
        machine.write(key, random.nextInt(5) == 0 ? null : value(random));
        if (!machine.isDead() && random.nextInt(20) == 0) {
          machine.world.runFor(Duration.ofSeconds(1));
        }
      }
      if (!machine.isDead()) {
        machine.node.crash(SimDisk.Loss.SOME);
      }
      machine.open();
      machine.check("life " + life);
    }
  }
}
