package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.node.MemoryUse;
import io.metafabric.replicate.PeerState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Region us has been welcomed, and says without end what is small on the wire and would be kept:
 * the heap stays as it was, and writes reach region ap as before.
 */
class FloodsTest {
  private static final RegionName AP = new RegionName("ap");
  private static final long MAX_GROWTH_BYTES = 24 << 20;

  /** What comes behind the first that is too much might keep its sender from reading why. */
  private static final int MAX_OPENINGS = 8192;

  /** Under load of the machine; a loop that is held up by a flood takes longer. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @TempDir Path directory;

  private MetadataFabric eu;
  private MetadataFabric ap;

  @BeforeEach
  void open() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    eu = region("eu", ports.get(0), "ap", ports.get(1), ports.get(2));
    ap = region("ap", ports.get(1), "eu", ports.get(0), ports.get(2));
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> eu.peer("ap").stats().state() == PeerState.IN_SYNC);
    reachAp("before");
  }

  private MetadataFabric region(String name, int port, String peer, int peerPort, int usPort) {
    return MetadataFabric.builder()
        .region(name)
        .directory(directory.resolve(name))
        .listen("127.0.0.1:" + port)
        .peer(peer, "127.0.0.1:" + peerPort)
        .peer("us", "127.0.0.1:" + usPort)
        .open();
  }

  @AfterEach
  void close() {
    ap.close();
    eu.close();
  }

  private void reachAp(String key) {
    eu.put("n/" + key, "x".getBytes(UTF_8), WriteConcern.ONE_OTHER_REGION, PATIENCE);
  }

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private RawPeer welcomed() throws IOException {
    var peer = new RawPeer(eu);
    peer.send(
        new Frame.Hello(
            1,
            3,
            "default",
            RawPeer.US,
            7,
            new ActorId(8),
            List.of(AP, RawPeer.EU, RawPeer.US),
            1 << 20,
            new TreeMap<>(),
            Frame.Belonging.INITIAL));
    assertThat(peer.read()).isInstanceOf(Frame.Welcome.class);
    return peer;
  }

  /** Actors that no other has. */
  private static VersionVector invented(int vector, int actors) {
    var ids = new long[actors];
    var counters = new long[actors];
    Arrays.setAll(ids, i -> ((long) vector << 32) + i + 1);
    Arrays.fill(counters, 1);
    return VersionVector.of(ids, counters);
  }

  /** Says {@code frames} one after the other, until it is cut off for it; returns what for. */
  private String flood(int most, IntFunction<Frame> frames) throws Exception {
    var cutOffFor = new CompletableFuture<String>();
    long before = usedBytes();
    try (RawPeer peer = welcomed()) {
      var reader = new Thread(() -> readToTheEnd(peer, cutOffFor), "reader");
      reader.start();
      try {
        for (int i = 0; i < most; i++) {
          peer.send(frames.apply(i));
        }
      } catch (IOException e) {
        assertThat(e).as("cut off while it spoke").isNotNull();
      }
      reachAp("meanwhile");
      reader.join(60_000);
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(1);
    reachAp("after");
    assertThat(usedBytes() - before).isLessThan(MAX_GROWTH_BYTES);
    assertThat(eu.stats().memory())
        .allSatisfy(
            use -> assertThat(use.bytes()).as(use.what()).isLessThanOrEqualTo(use.maxBytes()));
    assertThat(eu.peer("ap").stats().connects()).isEqualTo(1);
    assertThat(eu.peer("ap").stats().violations()).isZero();
    return cutOffFor.getNow("nothing");
  }

  private static void readToTheEnd(RawPeer peer, CompletableFuture<String> cutOffFor) {
    try {
      while (true) {
        if (peer.read() instanceof Frame.CutOff cutOff) {
          cutOffFor.complete(cutOff.message());
        }
      }
    } catch (IOException e) {
      Thread.currentThread().interrupt(); // it was cut off: nothing more comes
    }
  }

  private long toldBytes() {
    return eu.stats().memory().stream()
        .filter(use -> use.what().equals("what peers have applied"))
        .mapToLong(MemoryUse::bytes)
        .sum();
  }

  @Test
  void whatItSaysToHaveApplied() throws Exception {
    long before = toldBytes();
    flood(100, i -> new Frame.Progress(i == 0, invented(i, 50_000)));
    assertThat(toldBytes() - before).isBetween(50_000L * 16, 4L * (1 << 20));
  }

  @Test
  void changesOfEverMoreOpenings() throws Exception {
    assertThat(
            flood(MAX_OPENINGS + 1, i -> new Frame.Changes(new ActorId(1000 + i), 0, 1, List.of())))
        .contains("more than 8192 openings");
  }

  @Test
  void partsOfEverMoreOpenings() throws Exception {
    String cutOffFor =
        flood(
            MAX_OPENINGS + 1,
            i -> new Frame.Part(new Frame.Changes(new ActorId(1000 + i), 0, 1, List.of())));
    assertThat(cutOffFor).contains("more than 8192 openings");
  }
}
