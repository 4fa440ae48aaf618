package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.node.MemoryUse;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that grows reports its bytes beside its bound, and filling on past the bound leaves it
 * within.
 *
 * <p>What a host cannot fill from outside is filled where it lives: the write queue in {@code
 * WriteQueueBoundTest}, the access ring in {@code AccessRingTest}, predictors in {@code
 * SequencePredictorTest} and {@code ForesightTest}, who holds copies in {@code HoldersTest}, who
 * has others' shadows in {@code CopyHintsTest}, payloads that peers hold in {@code
 * KnownPayloadsTest}, invalidated copies in {@code InvalidatedCopiesTest}, the index once more in
 * {@code IndexBoundTest}, a Chronicle Map in {@code PayloadMapTest}, a connection's queues in the
 * transport's contract.
 */
@Timeout(120)
class MemoryBoundsTest {
  /** A slab of the index, or the largest value and what goes with it. */
  private static final long ONE_MORE = 2 << 20;

  @TempDir Path directory;

  private FabricBuilder builder() {
    return MetadataFabric.builder()
        .region("eu")
        .directory(directory.resolve("eu"))
        .durability(Durability.OS);
  }

  private static MemoryUse use(MetadataFabric fabric, String what) {
    return fabric.stats().memory().stream()
        .filter(each -> each.what().equals(what))
        .findFirst()
        .orElseThrow(() -> new AssertionError(what + " is not in " + fabric.stats().memory()));
  }

  private static void assertAllWithinBounds(MetadataFabric fabric) {
    assertThat(fabric.stats().memory())
        .allSatisfy(
            each -> {
              assertThat(each.bytes()).as(each.what()).isNotNegative();
              assertThat(each.bytes())
                  .as(each.what())
                  .isLessThanOrEqualTo(each.maxBytes() + ONE_MORE);
            });
  }

  @Test
  void whatPredictionMayTakeInAll_is64MiBByDefault_inThreeRegions() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var fabric =
        builder()
            .listen("127.0.0.1:" + ports.get(0))
            .peer("us", "127.0.0.1:" + ports.get(1))
            .peer("ap", "127.0.0.1:" + ports.get(2))
            .open()) {
      long sum = 0;
      // What is decided on copies, and what is on its way, is of copying: with no prediction too.
      for (String what : List.of("access ring", "access summaries", "predictors")) {
        assertThat(use(fabric, what).maxBytes()).as(what).isPositive();
        sum += use(fabric, what).maxBytes();
      }
      assertThat(sum).isLessThanOrEqualTo(64L << 20);
    }
  }

  @Test
  void everythingThatGrowsIsReported() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var fabric =
        builder()
            .listen("127.0.0.1:" + ports.get(0))
            .peer("us", "127.0.0.1:" + ports.get(1))
            .open()) {
      assertThat(fabric.stats().memory())
          .extracting(MemoryUse::what)
          .containsExactly(
              "shadows",
              "who has shadows",
              "shadows to be made again",
              "shadows to be claimed",
              "shadows that have ended",
              "who reads what",
              "decisions on shadows",
              "hot tier",
              "key index",
              "header tree",
              "read cache",
              "header cache",
              "write queue",
              "held changes",
              "conflicts to be logged",
              "changes under way to us",
              "changes that wait for us",
              "changes that came and wait for the disk",
              "transport queues",
              "who holds copies",
              "who has others' shadows",
              "payloads that peers hold",
              "dictionaries",
              "prefetches under way",
              "prefetches of peers that wait",
              "moved homes",
              "invalidated copies",
              "superseded copies",
              "kept copies",
              "access summaries",
              "what peers have applied",
              "callers that wait",
              "access ring",
              "decisions on copies",
              "predictors",
              "callbacks");
      assertAllWithinBounds(fabric);
    }
  }

  @Test
  void hotTier() {
    try (var fabric = builder().hotTierBytes(256 << 10).open()) {
      for (int i = 0; i < 2_000; i++) {
        fabric.put("n/" + i, new byte[1000]);
        fabric.get("n/" + i);
      }
      MemoryUse hot = use(fabric, "hot tier");
      assertThat(hot.maxBytes()).isEqualTo(256 << 10);
      assertThat(hot.bytes()).isBetween(hot.maxBytes() / 2, hot.maxBytes());
      assertAllWithinBounds(fabric);
    }
  }

  @Test
  void indexAndHeaderCache() {
    try (var fabric = builder().maxIndexBytes(1 << 20).open()) {
      assertThatThrownBy(
              () -> {
                for (int i = 0; ; i++) {
                  fabric.put("n/" + i, new byte[1]);
                }
              })
          .isInstanceOf(IndexFullException.class);
      MemoryUse index = use(fabric, "key index");
      assertThat(index.maxBytes()).isEqualTo(1 << 20);
      assertThat(index.bytes()).isBetween(index.maxBytes(), index.maxBytes() + (512 << 10));
      MemoryUse headers = use(fabric, "header cache");
      assertThat(headers.bytes()).isBetween(headers.maxBytes() / 8, headers.maxBytes());
      assertAllWithinBounds(fabric);
    }
  }

  @Test
  void readCache() {
    try (var fabric = builder().readCacheBytes(1 << 20).hotTierBytes(256 << 10).open()) {
      for (int i = 0; i < 10_000; i++) {
        fabric.putAsync("n/" + i, new byte[300]);
      }
      fabric.put("n/last", new byte[1]);
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10_000; i++) {
          assertThat(fabric.get("n/" + i)).isPresent();
        }
      }
      MemoryUse cache = use(fabric, "read cache");
      assertThat(cache.maxBytes()).isBetween(1L << 20, (1L << 20) * 9 / 8);
      assertThat(cache.bytes()).isBetween(cache.maxBytes() * 9 / 10, cache.maxBytes());
    }
  }

  @Test
  void callbacks_thatDoNotComeToAnEnd() throws Exception {
    var gate = new CountDownLatch(1);
    var written = new ConcurrentLinkedQueue<CompletableFuture<Version>>();
    try (var fabric = builder().writeTimeout(Duration.ofMillis(500)).open()) {
      var first = new CountDownLatch(1);
      Thread host = Thread.currentThread();
      do {
        fabric
            .putAsync("n/first", new byte[1])
            .thenRun(
                () -> {
                  // On the host's own thread if the write was done before this was hung on it.
                  if (Thread.currentThread() != host) {
                    first.countDown();
                    awaitUninterrupted(gate);
                  }
                });
      } while (!first.await(50, TimeUnit.MILLISECONDS));
      assertThatThrownBy(
              () -> {
                for (int i = 0; ; i++) {
                  written.add(fabric.putAsync("n/" + i % 100, new byte[1]));
                }
              })
          .isInstanceOf(OverloadedException.class)
          .hasMessageContaining("callbacks");
      MemoryUse callbacks = use(fabric, "callbacks");
      assertThat(callbacks.bytes()).as("full to the brim").isEqualTo(callbacks.maxBytes());
      assertThat(written).noneMatch(CompletableFuture::isDone);
      assertAllWithinBounds(fabric);

      gate.countDown();
      for (var each : written) {
        each.get(20, TimeUnit.SECONDS);
      }
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(use(fabric, "callbacks").bytes()).isZero());
      fabric.putAsync("n/again", new byte[1]).get(20, TimeUnit.SECONDS);
    } finally {
      gate.countDown();
    }
  }

  private static void awaitUninterrupted(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void changesForAPeerThatNeverAcknowledges_norReads() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var listening = new ServerSocket(ports.get(1), 1, InetAddress.getLoopbackAddress());
        var eu =
            builder()
                .listen("127.0.0.1:" + ports.get(0))
                .peer("us", "127.0.0.1:" + ports.get(1))
                .open();
        var us = new RawPeer(listening.accept())) {
      assertThat(us.read()).isInstanceOf(Frame.Hello.class);
      us.send(
          new Frame.Welcome(FrameCodec.PROTOCOL, "default", RawPeer.US, 7, VersionVector.EMPTY));
      // More than anybody should take: what is under way has a bound here too.
      us.send(new Frame.Credit(Integer.MAX_VALUE, false));
      for (int i = 0; i < 30; i++) {
        eu.put("n/" + i, new byte[1 << 20]);
        assertAllWithinBounds(eu);
      }
      await()
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(1))
          .untilAsserted(
              () -> {
                MemoryUse window = use(eu, "changes under way to us");
                assertThat(window.bytes())
                    .isBetween(window.maxBytes(), window.maxBytes() + ONE_MORE);
              });
      assertThat(use(eu, "transport queues").bytes()).as("nobody reads").isPositive();
      assertAllWithinBounds(eu);
    }
  }

  @Test
  void readsFasterThanTheyAreLearnedFrom_andManyWritersAtOnce() throws Exception {
    var failed = new ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Thread>();
    try (var fabric = builder().hotTierBytes(1 << 20).open()) {
      for (int t = 0; t < 8; t++) {
        Records client = fabric.as("client-" + t + "-" + "x".repeat(200));
        String prefix = "n/" + "y".repeat(500) + t + "-";
        var thread =
            new Thread(
                () -> {
                  try {
                    for (int i = 0; i < 3_000; i++) {
                      client.put(prefix + i % 50, new byte[1000]);
                      client.get(prefix + i % 50);
                      client.get(prefix + (i + 1) % 50);
                    }
                  } catch (Throwable e) {
                    failed.add(e);
                  }
                });
        thread.start();
        threads.add(thread);
      }
      while (threads.stream().anyMatch(Thread::isAlive)) {
        assertAllWithinBounds(fabric);
      }
      assertThat(failed).isEmpty();
      assertAllWithinBounds(fabric);
    }
  }
}
