package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InterruptedReaderTest {
  private static final int FILE_BYTES = 1 << 20;
  private static final int ROUNDS = 200;

  @TempDir Path temp;
  private LocalFile file;

  @BeforeEach
  void open() {
    file = new LocalFile("file", temp.resolve("file"));
    var content = new byte[FILE_BYTES];
    for (int i = 0; i < content.length; i++) {
      content[i] = byteAt(i);
    }
    file.write(0, ByteBuffer.wrap(content));
  }

  @AfterEach
  void close() {
    Thread.interrupted();
    file.close();
  }

  private static byte byteAt(long offset) {
    return (byte) (offset * 7 + (offset >> 10));
  }

  private void readAndCheck(int offset, int length) {
    var target = ByteBuffer.allocate(length);
    int expected = Math.min(length, FILE_BYTES - offset);
    if (file.read(offset, target) != expected) {
      throw new AssertionError("a short read at " + offset);
    }
    byte[] read = target.array();
    for (int i = 0; i < expected; i++) {
      if (read[i] != byteAt(offset + i)) {
        throw new AssertionError("a wrong byte at " + (offset + i));
      }
    }
  }

  @Test
  void anInterruptedThread_readsWritesAndSyncs_andStaysInterrupted() {
    var disk = new FileDisk(temp.resolve("other"));
    Thread.currentThread().interrupt();

    readAndCheck(5, 100);
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    file.write(0, ByteBuffer.wrap(new byte[] {byteAt(0)}));
    file.truncate(FILE_BYTES);
    file.sync();
    assertThat(file.sizeBytes()).isEqualTo(FILE_BYTES);
    disk.syncDirectory();
    disk.lock().close();
    assertThat(disk.list()).containsExactly("fabric.lock");

    assertThat(Thread.interrupted()).isTrue();
    assertThat(file.reopenings()).as("no channel was lost over it").isZero();
  }

  @Test
  void interruptsInTheMiddleOfReads_breakNothingForAnyone_andAreNotLost() throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var lost = new AtomicLong();
    var done = new AtomicBoolean();
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      boolean isInterrupted = i < 2;
      readers.add(reader(failures, done, isInterrupted ? lost : null));
    }
    readers.forEach(Thread::start);

    // Until every reader has taken its interrupts; the third is only disturbed by the others.
    readers.get(0).join();
    readers.get(1).join();
    done.set(true);
    readers.get(2).join();

    assertThat(failures).isEmpty();
    assertThat(lost).as("interrupts that were gone after the read").hasValue(0);
    assertThat(file.reopenings()).as("the interrupts must have hit").isPositive();
    readAndCheck(0, FILE_BYTES);
  }

  /**
   * Reads in the middle of interrupts by a thread of its own, or, without {@code lost}, in peace.
   */
  private Thread reader(
      ConcurrentLinkedQueue<Throwable> failures, AtomicBoolean done, AtomicLong lost) {
    return new Thread(
        () -> {
          try {
            if (lost == null) {
              for (int i = 0; !done.get(); i = (i + 4099) % FILE_BYTES) {
                readAndCheck(i, 5000);
              }
              return;
            }
            for (int i = 0; i < ROUNDS || (file.reopenings() == 0 && i < 100 * ROUNDS); i++) {
              readWhileInterrupted(lost);
            }
          } catch (Throwable e) {
            failures.add(e);
          }
        });
  }

  private void readWhileInterrupted(AtomicLong lost) throws InterruptedException {
    Thread reader = Thread.currentThread();
    var started = new AtomicBoolean();
    var interrupter =
        new Thread(
            () -> {
              while (!started.get()) {
                Thread.onSpinWait();
              }
              reader.interrupt();
            });
    interrupter.start();
    started.set(true);
    while (!reader.isInterrupted()) {
      readAndCheck(0, FILE_BYTES);
    }
    if (!Thread.interrupted()) {
      lost.incrementAndGet();
    }
    interrupter.join();
  }

  @Test
  void aDeletedFile_isReadOn_evenAfterItsChannelWasLost() throws Exception {
    Files.delete(temp.resolve("file"));
    while (file.reopenings() == 0) {
      readWhileInterrupted(new AtomicLong());
    }

    readAndCheck(0, FILE_BYTES);
    readAndCheck(FILE_BYTES - 10, 100);
  }

  @Test
  void aFileOfTheSameName_isNotTakenForTheDeletedOne() throws Exception {
    Path path = temp.resolve("file");
    Files.move(path, temp.resolve("kept aside"));
    var others = new byte[FILE_BYTES];
    Arrays.fill(others, (byte) 99);
    Files.write(path, others);
    while (file.reopenings() == 0) {
      readWhileInterrupted(new AtomicLong());
    }

    readAndCheck(0, FILE_BYTES);
    file.write(10, ByteBuffer.wrap(new byte[] {byteAt(10)}));
    readAndCheck(0, FILE_BYTES);
    assertThat(Files.readAllBytes(path)).isEqualTo(others);
  }

  @Test
  void aFileThatIsClosedUnderAReader_failsTyped() throws Exception {
    var failure = new ConcurrentLinkedQueue<Throwable>();
    var begun = new AtomicBoolean();
    var reader =
        new Thread(
            () -> {
              try {
                while (true) {
                  readAndCheck(0, FILE_BYTES);
                  begun.set(true);
                }
              } catch (Throwable e) {
                failure.add(e);
              }
            });
    reader.start();
    while (!begun.get()) {
      Thread.onSpinWait();
    }

    file.close();
    reader.join();

    assertThat(failure).singleElement().isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> file.read(0, ByteBuffer.allocate(1)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is closed");
  }
}
