package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimSeeds;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One disk operation after the other refuses, of a workload with puts, deletes, compaction and a
 * stop in order: what was acknowledged is there after a loss of power, nothing else is, and after a
 * sync that failed nothing is acknowledged any more.
 */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class FaultAtEachCallTest {
  private static final int KEYS = 12;
  private static final int TRIED_EVERY = 8;

  /** How an operation refuses. */
  private enum Refusal {
    NO_ROOM(SimDisk.Operation.WRITE),
    NO_ROOM_FOR_A_FILE(SimDisk.Operation.OPEN),
    WRITE(SimDisk.Operation.WRITE),
    SYNC(SimDisk.Operation.SYNC),
    SYNC_DIRECTORY(SimDisk.Operation.SYNC_DIRECTORY),
    TRUNCATE(SimDisk.Operation.TRUNCATE),
    DELETE(SimDisk.Operation.DELETE),
    READ(SimDisk.Operation.READ),
    A_PART_OF_A_READ(SimDisk.Operation.READ_ALL);

    final SimDisk.Operation operation;

    Refusal(SimDisk.Operation operation) {
      this.operation = operation;
    }

    boolean isFull() {
      return this == NO_ROOM || this == NO_ROOM_FOR_A_FILE;
    }
  }

  /**
   * What may be found: the values that writers were told of, and those they were told nothing of.
   */
  private static final class Owed {
    final Map<Key, Set<String>> possible = new HashMap<>();

    void acknowledged(Key key, String value) {
      possible.put(key, new HashSet<>(Set.of(value)));
    }

    /** It may be in the journal, or not. */
    void unknown(Key key, String value) {
      possible.computeIfAbsent(key, each -> new HashSet<>(Set.of("never"))).add(value);
    }
  }

  private final long seed;

  FaultAtEachCallTest(long seed) {
    this.seed = seed;
  }

  @ParameterizedTest
  @EnumSource
  void whatWasAcknowledged_isThere_andNothingIsAcknowledgedAfterAFailedSync(Refusal refusal) {
    long struck = 0;
    for (long at = 0; ; at++) {
      if (!SimSeeds.isTried(seed, at, TRIED_EVERY)) {
        continue;
      }
      var machine = new StoreMachine(seed, Durability.SYNC);
      long skip = at;
      long[] seen = {0};
      SimFault fault =
          machine
              .disk()
              .failAll(
                  refusal.operation,
                  file -> {
                    if (seen[0]++ != skip) {
                      return false;
                    }
                    if (refusal.isFull()) {
                      throw new StorageFullException("no room for " + file);
                    }
                    return true;
                  });
      String what = "seed " + seed + ", " + refusal + " " + at;
      boolean failed = run(machine, fault, () -> seen[0] > skip, what);
      struck += seen[0] > skip ? 1 : 0;
      if (seen[0] <= skip) {
        assertThat(failed).as(what + ": nothing was refused").isFalse();
        break;
      }
    }
    System.out.printf("seed %d, %s: refused at %d calls%n", seed, refusal, struck);
    assertThat(struck).isPositive();
  }

  /** Returns whether anybody was refused. */
  private static boolean run(
      StoreMachine machine, SimFault fault, BooleanSupplier struck, String what) {
    var owed = new Owed();
    boolean refused = false;
    RandomGenerator random = machine.world.fork("load");
    for (int life = 0; life < 2; life++) {
      try {
        machine.open();
      } catch (StorageException e) {
        assertThat(struck.getAsBoolean()).as(what + ": " + e).isTrue();
        assertThat(machine.disk().openFiles()).as(what).isEmpty();
        refused = true;
        machine.open();
      }
      refused |= write(machine, owed, life, random, struck, what);
      boolean closed = close(machine, struck, what);
      refused |= !closed;
      machine.node.crash(SimDisk.Loss.ALL);
    }
    fault.end();
    machine.open();
    check(machine, owed, what);
    machine.close();
    machine.open();
    check(machine, owed, what + ", by the hint");
    machine.close();
    assertThat(machine.disk().openFiles()).as(what).isEmpty();
    return refused;
  }

  private static boolean write(
      StoreMachine machine,
      Owed owed,
      int life,
      RandomGenerator random,
      BooleanSupplier struck,
      String what) {
    boolean refused = false;
    boolean readOnly = false;
    for (int i = 0; i < 90; i++) {
      Key key = Key.of("n/" + random.nextInt(KEYS));
      boolean delete = random.nextInt(11) == 0;
      String value = delete ? "deleted" : life + "-" + i + "-" + "x".repeat(random.nextInt(290));
      Bytes bytes = delete ? null : Bytes.utf8(value);
      CompletableFuture<?> written;
      try {
        written = machine.store().write(key, bytes, Header.NEVER, Precondition.NONE);
      } catch (StorageException e) {
        // What the key is now could not be read: nothing was written, and the next may be.
        assertThat(struck.getAsBoolean()).as(what + ": " + e).isTrue();
        refused = true;
        continue;
      }
      machine.world.runUntil("the write", written::isDone, Duration.ofMinutes(1));
      try {
        written.join();
        assertThat(readOnly).as(what + ": acknowledged after " + i).isFalse();
        owed.acknowledged(key, value);
      } catch (CompletionException e) {
        assertThat(struck.getAsBoolean()).as(what + ": " + e).isTrue();
        assertThat(e).as(what).hasCauseInstanceOf(StorageException.class);
        refused = true;
        if (!(e.getCause() instanceof StorageFullException)) {
          readOnly = true;
          owed.unknown(key, value);
        }
      }
      if (i % 10 == 0) {
        machine.world.runFor(Duration.ofSeconds(11));
      }
    }
    return refused;
  }

  private static boolean close(StoreMachine machine, BooleanSupplier struck, String what) {
    try {
      machine.close();
      return true;
    } catch (StorageException e) {
      assertThat(struck.getAsBoolean()).as(what + ": " + e).isTrue();
      return false;
    } finally {
      assertThat(machine.disk().openFiles()).as(what).isEmpty();
    }
  }

  private static void check(StoreMachine machine, Owed owed, String what) {
    owed.possible.forEach(
        (key, values) -> {
          var record = machine.store().read(key);
          String found =
              record == null
                  ? "never"
                  : record.payload() == null ? "deleted" : record.payload().toUtf8();
          assertThat(values).as(what + ": " + key).contains(found);
        });
    assertThat(machine.store().stats().keys()).as(what).isLessThanOrEqualTo(KEYS);
  }
}
