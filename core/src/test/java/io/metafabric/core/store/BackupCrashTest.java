package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The power fails before each single disk operation of a backup, on either side. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class BackupCrashTest {
  private static final int KEYS = 40;

  private final Map<Key, Bytes> written = new HashMap<>();

  private final long seed;

  BackupCrashTest(long seed) {
    this.seed = seed;
  }

  private StoreMachine filled() {
    var machine = new StoreMachine(seed, Durability.SYNC);
    machine.open();
    for (int i = 0; i < 3 * KEYS; i++) {
      Key key = Key.of("n/" + i % KEYS);
      Bytes value = Bytes.utf8("value " + i + "x".repeat(100));
      machine.write(key, value);
      written.put(key, value);
    }
    return machine;
  }

  /** Returns whether the backup said that it was done. */
  private static boolean backup(StoreMachine machine, SimDisk target) {
    try {
      machine.store().backup(target);
      return true;
    } catch (StorageException e) {
      return false;
    }
  }

  @ParameterizedTest
  @EnumSource(SimDisk.Loss.class)
  void aCopyIsWhole_orDoesNotOpen(SimDisk.Loss loss) {
    StoreMachine counted = filled();
    var target = new SimDisk(seed);
    long readsFrom = counted.disk().operations();
    assertThat(backup(counted, target)).isTrue();
    long ofSource = counted.disk().operations() - readsFrom;
    long ofTarget = target.operations();
    assertThat(ofSource).isPositive();
    assertThat(ofTarget).isGreaterThan(5);

    for (long at = 0; at < ofSource; at++) {
      StoreMachine machine = filled();
      var copy = new SimNode(machine.world, "copy");
      machine.disk().beforeOperation(at, () -> machine.node.crash(loss));
      boolean done = backup(machine, copy.disk());
      check(copy, done, "seed " + seed + ": the source failed before operation " + at);
      if (machine.isDead()) {
        machine.open();
      }
      machine.check("seed " + seed + ": the source, before operation " + at);
    }
    for (long at = 0; at < ofTarget; at++) {
      StoreMachine machine = filled();
      var copy = new SimNode(machine.world, "copy");
      copy.disk().beforeOperation(at, () -> copy.crash(loss));
      boolean done = backup(machine, copy.disk());
      check(copy, done, "seed " + seed + ": the target failed before operation " + at);
      machine.check("seed " + seed + ": beside a target that failed before operation " + at);
    }
  }

  private void check(SimNode copy, boolean done, String when) {
    boolean begun = copy.disk().list().stream().anyMatch(name -> name.endsWith(".log"));
    StoreConfig config = StoreMachine.config(Durabilities.all(Durability.SYNC), 64 << 20, 0);
    RecordStore store;
    try {
      store =
          RecordStore.open(
              config,
              copy.disk(),
              copy.clock(),
              copy.random(),
              copy.scheduler().serial("journal"),
              changes -> {});
    } catch (CorruptJournalException e) {
      assertThat(done).as(when).isFalse();
      return;
    }
    // Of nothing at all a new journal is begun, which has nothing either.
    if (begun || done) {
      written.forEach(
          (key, value) -> {
            MetadataRecord read = store.read(key);
            assertThat(read).as(when + ": " + key).isNotNull();
            assertThat(read.payload()).as(when + ": " + key).isEqualTo(value);
          });
    }
    assertThat(store.stats().keys()).as(when).isIn(0L, (long) KEYS);
    store.close();
  }
}
