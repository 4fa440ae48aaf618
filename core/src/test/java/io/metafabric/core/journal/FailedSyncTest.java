package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
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
  private final class Gate implements Disk {
    @Override
    public DirectoryLock lock() {
      return disk.lock();
    }

    @Override
    public List<String> list() {
      return disk.list();
    }

    @Override
    public DiskFile open(String name) {
      return new GatedFile(disk.open(name));
    }

    @Override
    public void delete(String name) {
      disk.delete(name);
    }

    @Override
    public void syncDirectory() {
      disk.syncDirectory();
    }

    @Override
    public String describe() {
      return disk.describe();
    }
  }

  private final class GatedFile implements DiskFile {
    private final DiskFile file;

    GatedFile(DiskFile file) {
      this.file = file;
    }

    @Override
    public String name() {
      return file.name();
    }

    @Override
    public long sizeBytes() {
      return file.sizeBytes();
    }

    @Override
    public int read(long offset, ByteBuffer target) {
      return file.read(offset, target);
    }

    @Override
    public void write(long offset, ByteBuffer source) {
      file.write(offset, source);
    }

    @Override
    public void truncate(long sizeBytes) {
      file.truncate(sizeBytes);
    }

    @Override
    public void sync() {
      if (failsNext) {
        failsNext = false;
        syncing.countDown();
        try {
          goOn.await();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
        disk.failNextSyncs(1);
      }
      file.sync();
    }

    @Override
    public void close() {
      file.close();
    }
  }
}
