package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real files, real threads: readers and cursors beside writers and compaction. */
class CompactionUnderReadersTest {
  private static final int KEYS = 100;
  private static final int WRITES = 30_000;

  @TempDir Path directory;

  @Test
  void readersAlwaysFindAValue_neverAnOlderOne_whileFilesComeAndGo() throws Exception {
    var scheduler = new ThreadScheduler("compaction-test");
    var committing = scheduler.serial("journal");
    var compacting = scheduler.serial("compaction");
    var config =
        new StoreConfig(
            "test",
            new RegionName("paris"),
            new JournalConfig(32 << 10),
            Durabilities.all(Durability.OS),
            1 << 16,
            1 << 20,
            64 << 20,
            new CompactionConfig(1 << 30, 0));
    var random = new Random(4);
    var store =
        RecordStore.open(
            config, new FileDisk(directory), new SystemClock(), random, committing, changes -> {});
    store.startCompaction(compacting, () -> Long.MAX_VALUE, () -> VersionVector.EMPTY, () -> 0);
    var written = new AtomicLongArray(KEYS);
    for (int i = 0; i < KEYS; i++) {
      write(store, i, 1, random);
      written.set(i, 1);
    }
    var stop = new AtomicBoolean();
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Thread>();
    for (int t = 0; t < 3; t++) {
      var mine = new Random(t);
      threads.add(
          start(
              failures,
              () -> {
                while (!stop.get()) {
                  int i = mine.nextInt(KEYS);
                  long atLeast = written.get(i);
                  MetadataRecord read = store.read(key(i));
                  assertThat(read).isNotNull();
                  assertThat(read.payload()).isNotNull();
                  assertThat(read.payload().toArray().length).isGreaterThan(8);
                  long sequence = ByteBuffer.wrap(read.payload().toArray()).getLong();
                  assertThat(sequence).isGreaterThanOrEqualTo(atLeast);
                }
              }));
    }
    threads.add(
        start(
            failures,
            () -> {
              var cursor = store.cursorAfter(0);
              while (!stop.get() || cursor.position() < store.publishedPosition()) {
                long before = cursor.position();
                if (cursor.next() != null) {
                  assertThat(cursor.position()).isGreaterThan(before);
                }
              }
            }));
    try {
      for (int n = 2; n < WRITES && failures.isEmpty(); n++) {
        int i = random.nextInt(KEYS);
        write(store, i, n, random);
        written.set(i, n);
      }
    } finally {
      stop.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(failures).isEmpty();
    assertThat(store.stats().compaction().runs()).isGreaterThan(10);
    assertThat(store.stats().compaction().failures()).isZero();

    assertThatThrownBy(() -> store.completeCursorAfter(0).next())
        .isInstanceOf(PositionNotKeptException.class)
        .hasMessageContaining("position 1 of the journal")
        .hasMessageContaining("begin with a snapshot");
    assertThat(store.completeCursorAfter(store.publishedPosition()).next()).isNull();

    committing.close();
    compacting.close();
    store.close();
  }

  private static Thread start(ConcurrentLinkedQueue<Throwable> failures, Runnable task) {
    var thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (Throwable e) {
                failures.add(e);
              }
            });
    thread.start();
    return thread;
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static void write(RecordStore store, int i, long sequence, Random random) {
    byte[] bytes = new byte[16 + random.nextInt(400)];
    ByteBuffer.wrap(bytes).putLong(sequence);
    store.writeHere(key(i), Bytes.copyOf(bytes), Header.NEVER, Precondition.NONE).join();
  }
}
