package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.ForwardingDisk;
import io.metafabric.core.sim.ForwardingFile;
import io.metafabric.core.sim.SimDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A sync that fails in one thread while another one waits for its turn. */
@Timeout(60)
class FailedSyncTest {
  private final SimDisk disk = new SimDisk(1);
  private final CountDownLatch syncing = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);
  private volatile boolean failsNext;

  /** What the first one was to make durable is gone, and the second would say nothing of it. */
  @Test
  void whoWaitedForItsTurn_isNotToldThatAllIsDurable() throws InterruptedException {
    Journal journal =
        Journal.open(JournalTest.CONFIG, new Gate(), new FrameTable(), (entry, at) -> {});
    journal.append(List.of(JournalTest.entry(0)), false);
    journal.publish(1);
    failsNext = true;
    var first = new AtomicReference<Throwable>();
    Thread compaction = new Thread(() -> first.set(thrownBy(journal::makePublishedDurable)));
    compaction.start();
    syncing.await();
    journal.append(List.of(JournalTest.entry(1)), false);
    var second = new AtomicReference<Throwable>();
    Thread writer = new Thread(() -> second.set(thrownBy(journal::makeDurable)));
    writer.start();
    while (writer.getState() != Thread.State.BLOCKED) {
      Thread.onSpinWait();
    }
    goOn.countDown();
    compaction.join();
    writer.join();

    assertThat(first.get()).hasMessageContaining("simulated fault");
    assertThat(second.get()).hasMessageContaining("read-only since a failure");
    assertThat(journal.durablePosition()).isZero();
    journal.abandon();
    disk.crash(SimDisk.Loss.ALL);
    var replayed = new ArrayList<JournalEntry>();
    JournalTest.open(disk, replayed).abandon();
    assertThat(replayed).isEmpty();
  }

  private static Throwable thrownBy(Runnable work) {
    try {
      work.run();
      return new AssertionError("nothing was thrown");
    } catch (RuntimeException e) {
      return e;
    }
  }

  /** A sync waits until it may fail. */
  private final class Gate extends ForwardingDisk {
    Gate() {
      super(disk);
    }

    @Override
    protected DiskFile opened(DiskFile file) {
      return new ForwardingFile(file) {
        @Override
        public void sync() {
          failIfAsked();
          super.sync();
        }
      };
    }
  }

  private void failIfAsked() {
    if (!failsNext) {
      return;
    }
    failsNext = false;
    syncing.countDown();
    try {
      goOn.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    disk.failNextSyncs(1);
  }
}
