package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.ForwardingDisk;
import io.metafabric.core.sim.ForwardingFile;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A disk that takes its time over a sync, and real threads. */
@Timeout(60)
class SlowSyncTest {
  private static final int OTHERS = 50;
  private static final Duration SAFETY_NET = Duration.ofSeconds(30);

  @TempDir Path directory;

  /** A sync of the journal that does not return until it is told how it ends. */
  private static final class SlowSync {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch mayEnd = new CountDownLatch(1);
    private volatile boolean fails;

    void end(boolean failing) {
      fails = failing;
      mayEnd.countDown();
    }

    void last() {
      begun.countDown();
      try {
        assertThat(mayEnd.await(SAFETY_NET.toSeconds(), TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      if (fails) {
        throw new StorageException("the disk gave up");
      }
    }
  }

  private final AtomicInteger syncs = new AtomicInteger();
  private volatile @Nullable SlowSync slow;

  private final class SlowDisk extends ForwardingDisk {
    SlowDisk() {
      super(new FileDisk(directory));
    }

    @Override
    protected DiskFile opened(DiskFile file) {
      return file.name().startsWith("journal-") ? new SlowFile(file) : file;
    }
  }

  private final class SlowFile extends ForwardingFile {
    SlowFile(DiskFile file) {
      super(file);
    }

    @Override
    public void sync() {
      SlowSync now = slow;
      slow = null;
      if (now != null) {
        now.last();
      }
      super.sync();
      syncs.incrementAndGet();
    }
  }

  /** What is written while a sync lasts, the first of it by that sync. */
  private final class Run implements AutoCloseable {
    final SerialExecutor committing = new ThreadScheduler("slow-sync").serial("journal");
    final RecordStore store =
        RecordStore.open(
            new StoreConfig(
                "test",
                new RegionName("paris"),
                new JournalConfig(1 << 20),
                Durabilities.all(Durability.SYNC),
                1 << 16,
                1 << 20,
                64 << 20,
                new CompactionConfig(1 << 30, 0)),
            new SlowDisk(),
            new SystemClock(),
            new Random(5),
            committing,
            changes -> {});
    final SlowSync sync = new SlowSync();
    final List<CompletableFuture<@Nullable MetadataRecord>> written = new ArrayList<>();

    Run() throws InterruptedException {
      write(0, "before").join();
      slow = sync;
      written.add(write(0, "after"));
      assertThat(sync.begun.await(SAFETY_NET.toSeconds(), TimeUnit.SECONDS)).isTrue();
      for (int i = 1; i <= OTHERS; i++) {
        written.add(write(i, "after"));
      }
    }

    private CompletableFuture<@Nullable MetadataRecord> write(int i, String value) {
      return store.write(key(i), Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    }

    @Nullable String read(int i) {
      MetadataRecord read = store.read(key(i));
      return read == null || read.payload() == null ? null : read.payload().toUtf8();
    }

    @Override
    public void close() {
      sync.mayEnd.countDown();
      committing.close();
      store.close();
    }
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  @Test
  void whileItLasts_nothingIsAcknowledgedOrShown_readersGoOn_andAllOthersShareTheNext()
      throws Exception {
    try (var run = new Run()) {
      assertThat(run.written).noneMatch(CompletableFuture::isDone);
      assertThat(run.read(0)).isEqualTo("before");
      assertThat(run.read(1)).isNull();
      assertThat(run.store.stats().pendingBytes()).isPositive();
      int before = syncs.get();

      run.sync.end(false);

      for (var each : run.written) {
        assertThat(each).succeedsWithin(SAFETY_NET);
      }
      assertThat(syncs.get() - before).as("it, and one for all others").isEqualTo(2);
      for (int i = 0; i <= OTHERS; i++) {
        assertThat(run.read(i)).isEqualTo("after");
      }
    }
  }

  @Test
  void ifItFailsInTheEnd_nobodyWhoWaitedIsTold_thatHisWriteIsDone() throws Exception {
    try (var run = new Run()) {
      run.sync.end(true);

      for (var each : run.written) {
        assertThat(each)
            .failsWithin(SAFETY_NET)
            .withThrowableThat()
            .withCauseInstanceOf(StorageException.class)
            .withMessageContaining("the disk gave up");
      }
      assertThat(run.read(0)).isEqualTo("before");
      assertThat(run.read(1)).isNull();
      assertThat(run.write(7, "later")).failsWithin(SAFETY_NET);
    }
  }
}
