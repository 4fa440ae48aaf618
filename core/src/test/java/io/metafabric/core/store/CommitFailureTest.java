package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever goes wrong on the thread that commits, those who wait are told, and in order. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class CommitFailureTest {
  private static final Key ONE = Key.of("n/one");
  private static final Key TWO = Key.of("n/two");

  private final SimWorld world;
  private final SimNode node;
  private final List<Runnable> whenPublished = new ArrayList<>();

  CommitFailureTest(long seed) {
    world = new SimWorld(seed);
    node = new SimNode(world, "paris");
  }

  private RecordStore open() {
    StoreConfig config = StoreMachine.config(Durabilities.all(Durability.SYNC), 64 << 20, 0);
    return RecordStore.open(
        config,
        node.disk(),
        node.clock(),
        node.random(),
        node.scheduler().serial("journal"),
        changes -> List.copyOf(whenPublished).forEach(Runnable::run));
  }

  private static CompletableFuture<@Nullable MetadataRecord> put(
      RecordStore store, Key key, Precondition condition) {
    return store.write(key, Bytes.utf8("value"), Header.NEVER, condition);
  }

  private void run() {
    world.runFor(Duration.ofSeconds(1));
  }

  @Test
  void anErrorInTheMidstOfAWrite_isToldToAllWhoWait_andTheJournalTakesNothingMore() {
    world.tolerateFailures();
    RecordStore store = open();
    CompletableFuture<?> waits = put(store, ONE, Precondition.NONE);
    CompletableFuture<?> declined = put(store, ONE, Precondition.ABSENT);
    node.disk()
        .failNext(
            SimDisk.Operation.WRITE,
            name -> {
              throw new StackOverflowError("a host's thread was deep in its stack");
            });
    run();
    for (CompletableFuture<?> each : List.of(waits, declined, put(store, TWO, Precondition.NONE))) {
      run();
      assertThat(each)
          .failsWithin(Duration.ZERO)
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(StorageException.class);
    }
    assertThat(store.header(ONE)).isNull();
  }

  @Test
  void whoIsDeclined_isToldAfterTheListenerHasHeardOfTheOther() {
    RecordStore store = open();
    var declined = new ArrayList<CompletableFuture<?>>();
    whenPublished.add(
        () -> {
          if (declined.isEmpty()) {
            declined.add(put(store, ONE, Precondition.ABSENT));
            assertThat(declined.get(0)).as("not yet shown to anybody").isNotDone();
          }
        });
    CompletableFuture<?> first = put(store, ONE, Precondition.NONE);
    run();
    assertThat(first).isCompleted();
    assertThat(declined.get(0)).isCompletedWithValue(null);
  }

  @Test
  void anErrorInTheListener_isRaised_andTheChangesAreToldAgain() {
    RecordStore store = open();
    var told = new ArrayList<String>();
    whenPublished.add(
        () -> {
          told.add("told");
          if (told.size() == 1) {
            throw new StackOverflowError("a host's thread was deep in its stack");
          }
        });
    assertThatThrownBy(
            () -> store.writeHere(ONE, Bytes.utf8("one"), Header.NEVER, Precondition.NONE))
        .isInstanceOf(StackOverflowError.class);
    run();
    assertThat(told).hasSize(2);
    assertThat(store.holdsPayload(ONE)).isTrue();
    CompletableFuture<?> next = put(store, ONE, Precondition.NONE);
    run();
    assertThat(next).isCompleted();
  }
}
