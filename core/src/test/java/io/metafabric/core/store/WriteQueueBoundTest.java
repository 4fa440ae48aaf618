package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** While the disk stands still, writers fill the queue, and are refused then. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class WriteQueueBoundTest {
  /** What {@link StoreMachine} configures. */
  private static final long MAX_PENDING_BYTES = 1 << 20;

  private static final int VALUE_BYTES = 1000;

  private final StoreMachine machine;

  WriteQueueBoundTest(long seed) {
    machine = new StoreMachine(seed, Durability.SYNC);
  }

  @Test
  void itHoldsNoMoreThanItsBoundAndOneWrite_andTakesMoreOnceItIsEmpty() throws Exception {
    RecordStore store = machine.open();
    var taken = new ArrayList<CompletableFuture<?>>();
    CompletableFuture<?> last;
    do {
      last =
          store.write(
              Key.of("n/" + taken.size()),
              Bytes.copyOf(new byte[VALUE_BYTES]),
              Header.NEVER,
              Precondition.NONE);
      taken.add(last);
      assertThat(store.stats().pendingBytes())
          .isLessThanOrEqualTo(MAX_PENDING_BYTES + 2 * VALUE_BYTES);
    } while (!last.isDone());
    taken.remove(last);
    assertThat(last)
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(OverloadedException.class);
    assertThat(store.stats().pendingBytes()).isGreaterThan(MAX_PENDING_BYTES);

    machine.world.runUntil(
        "the writes",
        () -> taken.stream().allMatch(CompletableFuture::isDone),
        Duration.ofMinutes(1));
    assertThat(taken).noneMatch(CompletableFuture::isCompletedExceptionally);
    assertThat(store.stats().pendingBytes()).isZero();
    assertThat(store.awaitRoom(1)).isTrue();
    for (String file : machine.disk().files()) {
      // However much has gathered, it does not all go into one file.
      assertThat(machine.disk().contentOf(file).length)
          .as(file)
          .isLessThanOrEqualTo(2 * StoreMachine.SEGMENT_BYTES + 2 * VALUE_BYTES);
    }
    machine.close();
  }
}
