package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.stress.SetClock;
import io.metafabric.core.version.ActorId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Writers who commit themselves or let the executor do it: all is published once, in order. */
@Tag("stress")
class CommitterStressTest {
  private static final int WRITERS = 3;
  private static final int EACH = 40;

  /** No sync is planned, so nobody asks. */
  private static final Clock STILL = new SetClock();

  private final List<Long> added = new ArrayList<>();
  private final List<Long> published = new ArrayList<>();
  private final AtomicBoolean committing = new AtomicBoolean();
  private final AtomicBoolean together = new AtomicBoolean();
  private long counter;

  private final class Readers implements Committer.Sink {
    @Override
    public void publish(List<Staged> group, List<FrameLocation> locations) {
      if (!committing.compareAndSet(false, true)) {
        together.set(true);
      }
      for (Staged each : group) {
        published.add(((JournalEntry.Applied) each.entry()).counter());
      }
      Thread.yield();
      committing.set(false);
    }

    @Override
    public void announce(List<Staged> group) {
      group.forEach(each -> each.tell(null));
    }

    @Override
    public void fail(List<Staged> group, StorageException cause) {
      group.forEach(each -> each.tell(cause));
    }
  }

  @Test
  void allThatIsAdded_isPublishedOnce_inItsOrder_byOneAtATime() throws Exception {
    int rounds = Interleavings.times(40);
    for (int round = 0; round < rounds; round++) {
      added.clear();
      published.clear();
      var executor = new ChainedThreads();
      try (var journal =
          Journal.open(
              new JournalConfig(1 << 16), new SimDisk(round), new FrameTable(), (e, at) -> {})) {
        commitAll(journal, executor, round);
      }
      assertThat(published).as("round %d", round).isEqualTo(added);
      assertThat(together).isFalse();
    }
  }

  private void commitAll(Journal journal, ChainedThreads executor, int seed) throws Exception {
    var committer =
        new Committer(journal, Durabilities.all(Durability.OS), executor, STILL, new Readers());
    var told = new CountDownLatch(WRITERS * EACH);
    var parts = new Interleavings.Part[WRITERS];
    for (int writer = 0; writer < WRITERS; writer++) {
      var random = new Random(seed * WRITERS + writer);
      parts[writer] =
          () -> {
            for (int i = 0; i < EACH; i++) {
              add(committer, told);
              if (random.nextBoolean()) {
                committer.commitHere();
              } else {
                committer.start();
              }
            }
          };
    }
    Interleavings.race(parts);
    assertThat(told.await(60, TimeUnit.SECONDS)).as("%d are not told", told.getCount()).isTrue();
    executor.await();
    assertThat(committer.pendingBytes()).isZero();
    committer.finish();
  }

  private synchronized void add(Committer committer, CountDownLatch told) {
    long next = ++counter;
    added.add(next);
    committer.add(
        new Staged(
            new JournalEntry.Applied(new RegionName("rome"), new ActorId(1), next),
            null,
            false,
            null,
            10,
            failure -> {
              if (failure == null) {
                told.countDown();
              }
            }));
  }
}
