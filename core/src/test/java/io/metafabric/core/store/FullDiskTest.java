package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk without room: whoever asks is told, what is there is read, and room helps at once. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class FullDiskTest {
  private static final Key KEY = Key.of("n/1");

  private final StoreMachine machine;

  FullDiskTest(long seed) {
    machine = new StoreMachine(seed, Durability.SYNC);
  }

  private void fillUp() {
    RandomGenerator random = machine.world.fork("fillers");
    machine.disk().setCapacityBytes(machine.disk().usedBytes());
    for (int i = 0; ; i++) {
      var write =
          machine
              .store()
              .write(
                  Key.of("n/filler-" + i),
                  Bytes.copyOf(new byte[300 + random.nextInt(300)]),
                  Header.NEVER,
                  Precondition.NONE);
      machine.world.runUntil("the write", write::isDone, Duration.ofMinutes(1));
      if (write.isCompletedExceptionally()) {
        assertThatThrownBy(write::join)
            .isInstanceOf(CompletionException.class)
            .hasCauseInstanceOf(StorageFullException.class);
        return;
      }
    }
  }

  @Test
  void whatIsThereIsRead_andWhatIsFreedIsUsed() {
    machine.open();
    machine.write(KEY, Bytes.utf8("one"));
    fillUp();
    assertThat(machine.store().read(KEY).payload()).isEqualTo(Bytes.utf8("one"));
    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    machine.write(KEY, Bytes.utf8("two"));
    machine.close();
    machine.open();
    assertThat(machine.store().read(KEY).payload()).isEqualTo(Bytes.utf8("two"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void openingIsRefused_untilThereIsRoomForItsFirstEntry(boolean inOrder) {
    machine.open();
    machine.write(KEY, Bytes.utf8("one"));
    fillUp();
    if (inOrder) {
      machine.close();
    } else {
      // With the power, the last cut might go, and leave room within the file.
      machine.node.crash(SimDisk.Loss.NONE);
    }
    machine.disk().setCapacityBytes(machine.disk().usedBytes());
    for (int attempt = 0; attempt < 3; attempt++) {
      assertThatThrownBy(machine::open)
          .isInstanceOf(StorageException.class)
          .isInstanceOf(StorageFullException.class);
      assertThat(machine.disk().openFiles()).isEmpty();
    }
    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    machine.open();
    assertThat(machine.store().read(KEY).payload()).isEqualTo(Bytes.utf8("one"));
    machine.write(KEY, Bytes.utf8("two"));
    machine.close();
  }

  @Test
  void anEmptyDirectory_isRefusedToo_andTakenOnceThereIsRoom() {
    machine.disk().setCapacityBytes(0);
    for (int attempt = 0; attempt < 3; attempt++) {
      assertThatThrownBy(machine::open).isInstanceOf(StorageFullException.class);
      assertThat(machine.disk().openFiles()).isEmpty();
    }
    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    machine.open();
    machine.write(KEY, Bytes.utf8("one"));
    machine.close();
  }
}
