package io.metafabric.core.store;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalFiles;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A directory that was repaired: what of its own writes was damaged is not taken for deleted. */
class RepairedStoreTest {
  private static final int KEYS = 30;

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  @Test
  void ownWritesThatWereDamaged_areMissed_andComeBackFromPeers_whereverTheyAreKnown() {
    var machine = new StoreMachine(1, Durability.SYNC);
    machine.open();
    for (int i = 0; i < KEYS; i++) {
      machine.write(key(i), Bytes.utf8("value-" + i + "."));
    }
    MetadataRecord damaged = requireNonNull(machine.store().read(key(3)));
    var everything = VersionVector.EMPTY.with(new Dot(machine.store().actor(), KEYS));
    assertThat(machine.store().lacksOwn(everything)).isFalse();
    machine.close();
    damage(machine.disk(), "value-3.");
    var repaired = new SimDisk("repaired", machine.world.fork("repaired"));
    assertThat(
            new JournalFiles(machine.disk())
                .repairInto(repaired, StoreMachine.SEGMENT_BYTES)
                .unreadable())
        .hasSize(1);
    machine.node.crash(SimDisk.Loss.NONE);
    machine.node.mount(repaired);

    machine.open();
    assertThat(machine.store().header(key(3))).isNull();
    assertThat(machine.store().header(key(29))).as("a later write").isNotNull();
    assertThat(machine.store().lacksOwn(everything)).isTrue();
    assertThat(machine.store().wasForgotten(damaged)).isFalse();
    await(machine, machine.store().applyAll(List.of(new Inbound(damaged, true))));
    assertThat(requireNonNull(machine.store().read(key(3))).payload())
        .isEqualTo(Bytes.utf8("value-3."));
    await(machine, machine.store().regained(everything));
    assertThat(machine.store().lacksOwn(everything)).isFalse();

    machine.close();
    machine.open();
    assertThat(machine.store().lacksOwn(everything)).isFalse();
    assertThat(machine.store().header(key(3))).isNotNull();
  }

  /** A repair says of the damaged opening that nothing of it is applied. */
  @Test
  void whatWasRepaired_canBeBackedUp() {
    var machine = new StoreMachine(2, Durability.SYNC);
    machine.open();
    for (int i = 0; i < KEYS; i++) {
      machine.write(key(i), Bytes.utf8("value-" + i + "."));
    }
    machine.close();
    damage(machine.disk(), "value-3.");
    var repaired = new SimDisk("repaired", machine.world.fork("repaired"));
    new JournalFiles(machine.disk()).repairInto(repaired, StoreMachine.SEGMENT_BYTES);
    machine.node.crash(SimDisk.Loss.NONE);
    machine.node.mount(repaired);
    machine.open();

    var backup = new SimDisk("backup", machine.world.fork("backup"));
    machine.store().backup(backup);

    machine.node.crash(SimDisk.Loss.NONE);
    machine.node.mount(backup);
    machine.open();
    for (int i = 0; i < KEYS; i++) {
      MetadataRecord known = machine.store().read(key(i));
      assertThat(known == null ? null : known.payload())
          .as("%s", key(i))
          .isEqualTo(i == 3 ? null : Bytes.utf8("value-" + i + "."));
    }
  }

  private static void await(StoreMachine machine, CompletableFuture<?> done) {
    machine.world.runUntil("it is done", done::isDone, Duration.ofMinutes(1));
    done.join();
  }

  private static void damage(SimDisk disk, String value) {
    for (String file : disk.files()) {
      int at = new String(disk.contentOf(file), StandardCharsets.ISO_8859_1).indexOf(value);
      if (at >= 0) {
        disk.damage(file, at);
      }
    }
  }
}
