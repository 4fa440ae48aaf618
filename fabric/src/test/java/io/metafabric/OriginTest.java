package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.OriginException;
import io.metafabric.core.version.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class OriginTest {
  @TempDir Path directory;

  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch answer = new CountDownLatch(1);
  private final ExecutorService readers = Executors.newCachedThreadPool();

  @AfterEach
  void end() {
    readers.shutdownNow();
  }

  private MetadataFabric open(SystemOfRecord origin) {
    SystemOfRecord counting =
        key -> {
          asked.incrementAndGet();
          return origin.load(key);
        };
    return MetadataFabric.builder()
        .directory(directory)
        .maxValueBytes(100)
        .systemOfRecord(counting)
        .open();
  }

  private static Optional<byte[]> value(String text) {
    return Optional.of(text.getBytes(UTF_8));
  }

  @Test
  void whatNoRegionKnows_isAskedForOnce() {
    try (var fabric = open(key -> value("origin of " + key))) {
      for (int i = 0; i < 3; i++) {
        Versioned read = fabric.get("n/1").orElseThrow();
        assertThat(read.utf8()).isEqualTo("origin of n/1");
        assertThat(read.version()).isEqualTo(Version.NONE);
      }
      assertThat(asked).hasValue(1);
      assertThat(fabric.stats().reads().origin()).isEqualTo(1);
      assertThat(fabric.stats().reads().hot()).isEqualTo(2);
    }
  }

  @Test
  void afterItsTimeToLive_aValueIsLoadedAgain_andShownAgain() {
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory)
            .originTimeToLive(Duration.ofMillis(200))
            .systemOfRecord(key -> value("load " + asked.incrementAndGet()))
            .open()) {
      await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> fabric.get("n/1").orElseThrow().utf8().equals("load 2"));
      long hotBefore = fabric.stats().reads().hot();
      await()
          .pollInterval(Duration.ofMillis(1))
          .until(() -> fabric.get("n/1").isPresent() && fabric.stats().reads().hot() > hotBefore);
    }
  }

  @Test
  void manyReadersOfOneKey_makeOneQuestion_andEachIsCounted() throws Exception {
    try (var fabric =
        open(
            key -> {
              answer.await();
              return value("one");
            })) {
      var reading = new ArrayList<Future<Optional<Versioned>>>();
      var threads = new ArrayList<Thread>();
      for (int i = 0; i < 16; i++) {
        reading.add(
            readers.submit(
                () -> {
                  synchronized (threads) {
                    threads.add(Thread.currentThread());
                  }
                  return fabric.get("n/1");
                }));
      }
      awaitWaiting(threads, 16);
      answer.countDown();
      for (Future<Optional<Versioned>> each : reading) {
        assertThat(each.get(10, TimeUnit.SECONDS).map(Versioned::utf8)).hasValue("one");
      }
      assertThat(asked).hasValue(1);
      assertThat(fabric.stats().reads().total()).isEqualTo(16);
    }
  }

  private static void awaitWaiting(List<Thread> threads, int count) {
    await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () -> {
              synchronized (threads) {
                return threads.size() == count && threads.stream().allMatch(OriginTest::waits);
              }
            });
  }

  /** One waits for the origin, the others for that one, and no longer than their timeout. */
  private static boolean waits(Thread thread) {
    return thread.getState() == Thread.State.WAITING
        || thread.getState() == Thread.State.TIMED_WAITING;
  }

  @Test
  void anOriginThatReadsTheKeyItIsAskedFor_isToldSo() {
    var self = new AtomicReference<MetadataFabric>();
    try (var fabric =
        open(
            key -> {
              self.get().get(key);
              return Optional.empty();
            })) {
      self.set(fabric);
      assertThatThrownBy(() -> fabric.get("n/1"))
          .isInstanceOf(OriginException.class)
          .hasMessageContaining("let it read its own source");
    }
  }

  @Test
  void whoWaitsForAnotherCallersQuestion_waitsNoLongerThanForARegion() throws Exception {
    var asking = new CountDownLatch(1);
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory)
            .fetchTimeout(Duration.ofMillis(50))
            .systemOfRecord(
                key -> {
                  asking.countDown();
                  answer.await();
                  return value("late");
                })
            .open()) {
      Future<Optional<Versioned>> first = readers.submit(() -> fabric.get("n/1"));
      asking.await();
      assertThatThrownBy(() -> fabric.get("n/1"))
          .isInstanceOf(OriginException.class)
          .hasMessageContaining("PT0.05S");
      answer.countDown();
      assertThat(first.get().map(Versioned::utf8)).hasValue("late");
    }
  }

  @Test
  void close_releasesThoseWhoWaitForTheOrigin() throws Exception {
    var asking = new CountDownLatch(1);
    var fabric =
        open(
            key -> {
              asking.countDown();
              answer.await();
              return value("late");
            });
    readers.submit(() -> fabric.get("n/1"));
    asking.await();
    var threads = new ArrayList<Thread>();
    Future<Optional<Versioned>> second =
        readers.submit(
            () -> {
              synchronized (threads) {
                threads.add(Thread.currentThread());
              }
              return fabric.get("n/1");
            });
    await()
        .until(
            () -> {
              synchronized (threads) {
                return threads.size() == 1
                    && threads.get(0).getState() == Thread.State.TIMED_WAITING;
              }
            });
    fabric.close();
    assertThatThrownBy(second::get).hasCauseInstanceOf(FabricClosedException.class);
    answer.countDown();
  }

  @Test
  void itsFailureIsTheCause_andTheNextReadAsksAgain() {
    var failure = new IOException("the database is down");
    try (var fabric =
        open(
            key -> {
              throw failure;
            })) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> fabric.get("n/1"))
            .isInstanceOf(OriginException.class)
            .hasMessageContaining("n/1")
            .hasMessageContaining("the database is down")
            .hasCause(failure);
      }
      assertThat(asked).hasValue(2);
    }
  }

  @Test
  void anErrorOfTheOrigin_doesNotLeaveOthersWaiting() throws Exception {
    try (var fabric =
        open(
            key -> {
              answer.await();
              throw new StackOverflowError("too deep");
            })) {
      var threads = new ArrayList<Thread>();
      var reading = new ArrayList<Future<Optional<Versioned>>>();
      for (int i = 0; i < 2; i++) {
        reading.add(
            readers.submit(
                () -> {
                  synchronized (threads) {
                    threads.add(Thread.currentThread());
                  }
                  return fabric.get("n/1");
                }));
      }
      awaitWaiting(threads, 2);
      answer.countDown();
      for (Future<Optional<Versioned>> each : reading) {
        assertThatThrownBy(() -> each.get(10, TimeUnit.SECONDS))
            .hasStackTraceContaining("too deep");
      }
    }
  }

  @Test
  void theInterruptOfTheOneWhoAsks_isNotTheOthersAffair() throws Exception {
    var first = new AtomicInteger();
    try (var fabric =
        open(
            key -> {
              if (first.getAndIncrement() == 0) {
                answer.await();
              }
              return value("one");
            })) {
      var seen = new AtomicReference<Throwable>();
      var flag = new AtomicReference<Boolean>();
      var asking =
          new Thread(
              () -> {
                try {
                  fabric.get("n/1");
                } catch (RuntimeException e) {
                  seen.set(e);
                  flag.set(Thread.currentThread().isInterrupted());
                }
              });
      asking.start();
      awaitWaiting(List.of(asking), 1);
      var threads = new ArrayList<Thread>();
      Future<Optional<Versioned>> other =
          readers.submit(
              () -> {
                synchronized (threads) {
                  threads.add(Thread.currentThread());
                }
                return fabric.get("n/1");
              });
      awaitWaiting(threads, 1);
      asking.interrupt();
      asking.join();
      assertThat(seen.get())
          .isInstanceOf(FabricException.class)
          .hasMessageContaining("interrupted while loading n/1");
      assertThat(flag.get()).as("the interrupt is kept").isTrue();
      assertThat(other.get(10, TimeUnit.SECONDS).map(Versioned::utf8)).hasValue("one");
    }
  }

  @Test
  void whatItDoesNotHave_isAbsent() {
    try (var fabric = open(key -> Optional.empty())) {
      assertThat(fabric.get("n/1")).isEmpty();
      assertThat(fabric.stats().reads().absent()).isEqualTo(1);
    }
  }

  @Test
  void aValueThatIsTooLarge_isItsFailure() {
    try (var fabric = open(key -> Optional.of(new byte[101]))) {
      assertThatThrownBy(() -> fabric.get("n/1"))
          .isInstanceOf(OriginException.class)
          .hasMessageContaining("101 bytes")
          .hasMessageContaining("maxValueBytes = 100");
    }
  }

  @Test
  void anAnswerOfNull_isItsFailure() {
    try (var fabric = open(key -> null)) {
      assertThatThrownBy(() -> fabric.get("n/1"))
          .isInstanceOf(OriginException.class)
          .hasMessageContaining("returned null");
    }
  }

  @Test
  void itsValueLosesToAnyWrite_alsoToOneThatCameWhileItWasAsked() throws Exception {
    try (var fabric =
        open(
            key -> {
              answer.await();
              return value("origin");
            })) {
      var threads = new ArrayList<Thread>();
      Future<?> reading =
          readers.submit(
              () -> {
                synchronized (threads) {
                  threads.add(Thread.currentThread());
                }
                return fabric.get("n/1");
              });
      awaitWaiting(threads, 1);
      fabric.put("n/1", "written".getBytes(UTF_8));
      answer.countDown();
      reading.get(10, TimeUnit.SECONDS);
      assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("written");
    }
  }

  @Test
  void itIsNotAskedForWhatWasDeleted() {
    try (var fabric = open(key -> value("origin"))) {
      fabric.put("n/1", "written".getBytes(UTF_8));
      fabric.remove("n/1");
      assertThat(fabric.get("n/1")).isEmpty();
      assertThat(asked).hasValue(0);
    }
  }
}
