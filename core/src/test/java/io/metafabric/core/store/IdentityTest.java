package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Directories that are copied, restored and rolled back by power failures, in any order: whatever
 * was published anywhere may have been replicated, so no two of all those writes may share a dot.
 */
class IdentityTest {
  private SimWorld world;
  private RandomGenerator random;
  private final Map<Dot, MetadataRecord> issued = new HashMap<>();
  private final List<Dot> issuedTwice = new ArrayList<>();
  private final List<Machine> machines = new ArrayList<>();
  private int names;

  /** One machine that runs a store over its disk. */
  private final class Machine {
    final SimNode node;
    RecordStore store;
    SerialExecutor committing;

    Machine(SimNode node) {
      this.node = node;
      open();
    }

    void open() {
      StoreConfig config = StoreMachine.config(Durabilities.all(Durability.OS), 64 << 20, 0);
      committing = node.scheduler().serial("journal");
      store =
          RecordStore.open(
              config, node.disk(), node.clock(), node.random(), committing, this::published);
      store.startCompaction(
          node.scheduler().serial("compaction"),
          () -> Long.MAX_VALUE,
          () -> VersionVector.EMPTY,
          () -> 0);
    }

    /** Noted alone: a task that fails is tolerated here. */
    void published(List<Published> changes) {
      for (Published change : changes) {
        Dot dot = change.record().header().version().dot();
        if (issued.put(dot, change.record()) != null) {
          issuedTwice.add(dot);
        }
      }
    }

    void write() {
      for (int i = random.nextInt(20); i >= 0; i--) {
        Key key = Key.of("n/" + random.nextInt(10));
        var written =
            store.write(
                key, Bytes.utf8("value " + random.nextInt()), Header.NEVER, Precondition.NONE);
        world.runUntil("the write", written::isDone, Duration.ofMinutes(1));
        written.join();
        assertThat(issuedTwice).as(() -> world.describe("issued twice")).isEmpty();
      }
    }

    void losePower() {
      node.crash(random.nextBoolean() ? SimDisk.Loss.ALL : SimDisk.Loss.SOME);
      open();
    }

    void stopAndStart() {
      committing.close();
      store.close();
      node.crash(SimDisk.Loss.SOME);
      open();
    }
  }

  /** Another machine on what is on this disk now: a clone, or a backup that is restored later. */
  private SimNode copy(Machine of) {
    String name = "paris-" + names++;
    return new SimNode(world, name, of.node.disk().copy(name, world.fork(name)));
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void noVersionIsEverIssuedTwice(long seed) {
    world = new SimWorld(seed);
    world.tolerateFailures();
    random = world.fork("what happens");
    machines.add(new Machine(new SimNode(world, "paris")));
    var backups = new ArrayList<SimNode>();
    for (int i = 0; i < 60; i++) {
      Machine machine = machines.get(random.nextInt(machines.size()));
      machine.write();
      switch (random.nextInt(5)) {
        case 0 -> machine.losePower();
        case 1 -> machine.stopAndStart();
        case 2 -> backups.add(copy(machine));
        case 3 -> {
          if (!backups.isEmpty()) {
            machines.add(new Machine(backups.remove(random.nextInt(backups.size()))));
          }
        }
        default -> machine.write();
      }
    }
    assertThat(machines).as(world.describe("copies were used")).hasSizeGreaterThan(2);
    assertThat(issued).hasSizeGreaterThan(300);
  }
}
