package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compaction beside writers, on a simulated disk: bounded, and crash-proof at every step. */
class CompactionTest {
  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static Bytes value(RandomGenerator random) {
    byte[] bytes = new byte[1 + random.nextInt(300)];
    random.nextBytes(bytes);
    return Bytes.copyOf(bytes);
  }

  @Test
  void underUniformOverwrites_theDiskHoldsAtMostOneAndAHalfTimesWhatIsLive_andTwoSegments() {
    var machine = new StoreMachine(1, Durability.OS);
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
        "live %,d bytes, disk %,d, worst %.2f times live and two segments, %s%n",
        stats.liveBytes(), machine.disk().usedBytes(), worst, stats.compaction());
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

  @Test
  void aCrashBeforeEachSingleDiskOperation_losesNothing() {
    long operations = workload(new StoreMachine(7, Durability.SYNC), Long.MAX_VALUE);
    assertThat(operations).isGreaterThan(500);
    for (long at = 0; at < operations; at++) {
      for (SimDisk.Loss loss : SimDisk.Loss.values()) {
        var machine = new StoreMachine(7, Durability.SYNC);
        long crashAt = at;
        machine.disk().beforeOperation(at, () -> machine.node.crash(loss));
        workload(machine, crashAt);
        assertThat(machine.isDead()).as("operation " + at).isTrue();
        machine.open();
        machine.check("crash before operation " + at + ", losing " + loss);
        machine.write(key(1), Bytes.utf8("after"));
        machine.world.runFor(Duration.ofSeconds(5));
        machine.close();
        machine.open();
        machine.check("second opening after the crash before operation " + at);
        machine.close();
      }
    }
  }

  /** Put, overwrite, delete, compaction and a clean shutdown; ends early if the machine dies. */
  private static long workload(StoreMachine machine, long crashAt) {
    RandomGenerator random = machine.world.fork("load");
    long before = machine.disk().operations();
    try {
      machine.open();
      for (int i = 0; i < 150 && !machine.isDead(); i++) {
        machine.write(key(random.nextInt(12)), i % 7 == 6 ? null : value(random));
        if (i % 10 == 0 && !machine.isDead()) {
          machine.world.runFor(Duration.ofSeconds(1));
        }
      }
      if (!machine.isDead()) {
        machine.world.runFor(Duration.ofSeconds(2));
      }
      if (crashAt == Long.MAX_VALUE) {
        assertThat(machine.store().stats().compaction().runs()).isGreaterThan(3);
      }
      if (!machine.isDead()) {
        machine.close();
      }
    } catch (io.metafabric.core.error.StorageException e) {
      if (!machine.isDead()) {
        throw e;
      }
    }
    return machine.disk().operations() - before;
  }
}
