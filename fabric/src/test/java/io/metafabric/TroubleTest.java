package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Key;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hostile bytes, absent peers, damaged files and interrupted readers, through the facade. */
@Timeout(60)
class TroubleTest {
  private static final String NAMESPACE = "n";

  @TempDir Path directory;

  /** Three regions; the namespace's home is the second, its backup the third. */
  private MetadataFabric open(int region, List<Integer> ports) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(ThreeFabricsTest.REGIONS.get(region))
            .directory(directory.resolve(ThreeFabricsTest.REGIONS.get(region)))
            .listen("127.0.0.1:" + ports.get(region))
            .prediction(false)
            .home(NAMESPACE, ThreeFabricsTest.REGIONS.get(1), ThreeFabricsTest.REGIONS.get(2));
    for (int other = 0; other < 3; other++) {
      if (other != region) {
        builder.peer(ThreeFabricsTest.REGIONS.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return builder.open();
  }

  private static PeerStats peer(MetadataFabric fabric, int region) {
    return fabric.stats().replication().peers().stream()
        .filter(peer -> peer.region().name().equals(ThreeFabricsTest.REGIONS.get(region)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void hostileBytesAtTheListener_areDroppedAndCounted_whileOthersAreServed() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    var random = new Random(42);
    try (var eu = open(0, ports);
        var us = open(1, ports);
        var ap = open(2, ports)) {
      ThreeFabricsTest.awaitSync(eu, us, ap);
      var halfOpen = new ArrayList<Socket>();
      for (int i = 0; i < 20; i++) {
        halfOpen.add(new Socket("127.0.0.1", ports.get(1)));
      }
      for (int i = 0; i < 20; i++) {
        byte[] noise = new byte[64];
        random.nextBytes(noise);
        // Every other one declares a huge length, as such a frame would.
        noise[0] = (byte) (i % 2 == 0 ? 0x7f : 0x80);
        try (var socket = new Socket("127.0.0.1", ports.get(1))) {
          socket.setSoTimeout(10_000);
          socket.getOutputStream().write(noise);
          assertThat(isClosedByPeer(socket)).as("connection " + i).isTrue();
        }
        eu.put("n/" + i, ("value " + i).getBytes(UTF_8));
      }
      try (var truncated = new Socket("127.0.0.1", ports.get(1))) {
        truncated.getOutputStream().write(ByteBuffer.allocate(6).putInt(100).array());
      }
      for (int i = 0; i < 20; i++) {
        String value = "value " + i;
        String key = "n/" + i;
        await()
            .atMost(Duration.ofSeconds(10))
            .until(() -> us.get(key).map(Versioned::utf8), Optional.of(value)::equals);
      }
      assertThat(us.stats().transport().malformed()).isGreaterThanOrEqualTo(20);
      assertThat(peer(us, 0).connects()).as("the peers' own connections stay").isEqualTo(1);
      for (Socket each : halfOpen) {
        each.setSoTimeout(10_000);
        assertThat(isClosedByPeer(each)).as("a half-open connection ends").isTrue();
        each.close();
      }
      // 20 silent ones, 20 of noise, and the one that ended within a frame.
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> us.stats().replication().withoutHandshake() == 41);
      assertThat(us.stats().transport().cutOff()).isEqualTo(1);
      assertThat(us.stats().replication().refusedPeers()).isZero();
    }
  }

  private static boolean isClosedByPeer(Socket socket) throws Exception {
    try {
      return socket.getInputStream().read() == -1;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (java.net.SocketException e) {
      return true;
    }
  }

  @Test
  void peersThatAreDown_doNotDisturbLocalReadsAndWrites_andTheBacklogIsCounted() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports)) {
      for (int i = 0; i < 200; i++) {
        eu.put("n/" + i, ("value " + i).getBytes(UTF_8));
        assertThat(eu.get("n/" + i).map(Versioned::utf8)).hasValue("value " + i);
      }
      for (int other = 1; other < 3; other++) {
        assertThat(peer(eu, other).pendingChanges()).isEqualTo(200);
        assertThat(peer(eu, other).inFlightBytes()).as("nothing is queued for it").isZero();
        assertThat(peer(eu, other).connects()).isZero();
      }
      try (var us = open(1, ports)) {
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> peer(eu, 1).pendingChanges() == 0 && us.get("n/199").isPresent());
        assertThat(peer(eu, 2).pendingChanges()).isEqualTo(200);
      }
    }
  }

  @Test
  void aFlippedByteInTheJournal_isToldWithFileAndOffset_andNothingIsChanged() throws Exception {
    Path where = directory.resolve("damaged");
    Path file = written(where);
    // As after a kill: the journal is read when it is opened.
    Files.delete(where.resolve("index.hint"));
    byte[] whole = Files.readAllBytes(file);
    byte[] damaged = flipped(whole);
    Files.write(file, damaged);

    assertThatThrownBy(() -> MetadataFabric.builder().directory(where).open())
        .isInstanceOfSatisfying(
            CorruptJournalException.class,
            e -> {
              assertThat(e.file()).isEqualTo(file.getFileName().toString());
              assertThat(e.offset()).isBetween(1L, damaged.length / 2L);
              assertThat(e)
                  .hasMessageContaining(e.file())
                  .hasMessageContaining("offset " + e.offset())
                  .hasMessageContaining("restore the directory from a backup");
            });
    assertThat(Files.readAllBytes(file)).isEqualTo(damaged);
    assertThat(OpenAndCloseTest.threads()).isEmpty();

    Files.write(file, whole);
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      assertThat(fabric.get("n/19").map(Versioned::utf8)).hasValue("value 19");
    }
  }

  @Test
  void afterAStopInOrder_aFlippedByteIsToldToWhoeverReadsIt_andTheRestIsServed() throws Exception {
    Path where = directory.resolve("damaged");
    Path file = written(where);
    Files.write(file, flipped(Files.readAllBytes(file)));
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      int told = 0;
      for (int i = 0; i < 20; i++) {
        try {
          assertThat(fabric.get("n/" + i).map(Versioned::utf8)).hasValue("value " + i);
        } catch (CorruptJournalException e) {
          assertThat(e.file()).isEqualTo(file.getFileName().toString());
          assertThat(e.offset()).isPositive();
          told++;
        }
      }
      assertThat(told).isEqualTo(1);
    }
  }

  /** Twenty values and a stop in order; returns the journal's file. */
  private static Path written(Path where) throws Exception {
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      for (int i = 0; i < 20; i++) {
        fabric.put("n/" + i, ("value " + i).getBytes(UTF_8));
      }
    }
    try (var files = Files.list(where)) {
      return files
          .filter(path -> path.getFileName().toString().startsWith("journal-"))
          .findFirst()
          .orElseThrow();
    }
  }

  private static byte[] flipped(byte[] whole) {
    byte[] damaged = whole.clone();
    damaged[whole.length / 2] ^= 1;
    return damaged;
  }

  @Test
  void aReaderThatIsInterrupted_keepsItsInterrupt_andTheFabricWorksOnForOthers() throws Exception {
    Path where = directory.resolve("one");
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      fabric.put("n/1", "one".getBytes(UTF_8));
    }
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      Thread.currentThread().interrupt();
      try {
        assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("one");
      } catch (FabricException e) {
        assertThat(e).hasMessageContaining("interrupted while reading n/1");
      }
      assertThat(Thread.interrupted()).isTrue();

      Thread.currentThread().interrupt();
      Throwable refused = catchThrowable(() -> fabric.put("n/1", "two".getBytes(UTF_8)));
      assertThat(Thread.interrupted()).isTrue();
      if (refused == null) {
        assertThat(fabric.get("n/1").map(Versioned::utf8)).hasValue("two");
      } else {
        assertThat(refused)
            .isInstanceOf(FabricException.class)
            .hasMessageContaining("interrupted while");
      }

      fabric.put("n/2", "two".getBytes(UTF_8));
      assertThat(fabric.get("n/1")).isPresent();
      assertThat(fabric.get("n/2")).isPresent();
    }
  }

  @Test
  void theBackupAnswersForTheHome_andWithoutBothTheReadSaysSo() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports)) {
      try (var ap = open(2, ports)) {
        try (var us = open(1, ports)) {
          us.put("n/1", "one".getBytes(UTF_8));
          us.put("n/2", "two".getBytes(UTF_8));
          ThreeFabricsTest.awaitSync(eu, us, ap);
        }
        assertThat(eu.explain("n/1").inWarmTier()).isFalse();
        assertThat(eu.get("n/1").map(Versioned::utf8)).hasValue("one");
      }
      assertThatThrownBy(() -> eu.get("n/2"))
          .isInstanceOf(RegionUnreachableException.class)
          .hasMessageContaining("n/2")
          .hasMessageContaining("us-east")
          .hasMessageContaining("ap-south")
          .hasMessageContaining("try again");
      assertThatThrownBy(() -> eu.get("n/never-heard-of"))
          .isInstanceOf(RegionUnreachableException.class);
      assertThat(eu.stats().reads().failed()).isEqualTo(2);
      assertThat(eu.get("n/1").map(Versioned::utf8)).as("fetched before").hasValue("one");
    }
  }

  @Test
  void allRegionsThatReadAnUnknownKeyAtOnce_areAnswered() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    var readers = Executors.newFixedThreadPool(12);
    try (var eu = open(0, ports);
        var us = open(1, ports);
        var ap = open(2, ports)) {
      await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () ->
                  Stream.of(eu, us, ap)
                      .flatMap(each -> each.stats().replication().peers().stream())
                      .allMatch(each -> each.state() == PeerState.IN_SYNC));
      var start = new CountDownLatch(1);
      var reading = new ArrayList<Future<Optional<Versioned>>>();
      for (int i = 0; i < 12; i++) {
        MetadataFabric fabric = List.of(eu, us, ap).get(i % 3);
        reading.add(
            readers.submit(
                () -> {
                  start.await();
                  return fabric.get("n/nobody-has-it");
                }));
      }
      start.countDown();
      for (Future<Optional<Versioned>> each : reading) {
        assertThat(each.get(10, TimeUnit.SECONDS)).isEmpty();
      }
    } finally {
      readers.shutdownNow();
    }
  }

  @Test
  void aTimeToLiveHidesTheValueInEveryRegion() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports);
        var us = open(1, ports)) {
      await().atMost(Duration.ofSeconds(10)).until(() -> peer(eu, 1).connects() > 0);
      eu.put("n/1", "for a while".getBytes(UTF_8), Duration.ofSeconds(2));
      await().atMost(Duration.ofSeconds(2)).until(() -> us.get("n/1").isPresent());
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> us.get("n/1").isEmpty() && eu.get("n/1").isEmpty());
    }
  }

  @Test
  void aReaderThatIsInterruptedWhileAnotherRegionIsAsked_isReleasedAtOnce() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var valve = new Valve(ports.get(1));
        var us =
            MetadataFabric.builder()
                .region("us")
                .directory(directory.resolve("us"))
                .listen("127.0.0.1:" + ports.get(1))
                .peer("eu", "127.0.0.1:" + ports.get(0))
                .peer("away", "127.0.0.1:1")
                .home("elsewhere", "us", "away")
                .open();
        var eu =
            MetadataFabric.builder()
                .region("eu")
                .directory(directory.resolve("eu"))
                .listen("127.0.0.1:" + ports.get(0))
                .peer("us", "127.0.0.1:" + valve.port())
                .home("elsewhere", "us", "away")
                .peer("away", "127.0.0.1:1")
                .fetchTimeout(Duration.ofMinutes(1))
                .open()) {
      await()
          .atMost(Duration.ofSeconds(10))
          .ignoreExceptions()
          .until(() -> eu.get("elsewhere/1").isEmpty());
      assertThat(us.listening()).isPresent();
      valve.shut(true);
      // A region may take a second to answer: on a machine that stalls for longer, ask again.
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> interruptedRead(eu).getMessage().contains("interrupted while reading"));
      eu.put("elsewhere/3", "three".getBytes(UTF_8));
      assertThat(eu.get("elsewhere/3").map(Versioned::utf8)).hasValue("three");
    }
  }

  private static Throwable interruptedRead(MetadataFabric fabric) throws Exception {
    var failure = new CompletableFuture<Throwable>();
    var reader =
        new Thread(
            () -> failure.complete(catchThrowable(() -> fabric.get("elsewhere/2"))), "reader");
    reader.start();
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> reader.getState() == Thread.State.TIMED_WAITING || failure.isDone());
    reader.interrupt();
    return failure.get(20, TimeUnit.SECONDS);
  }

  @Test
  void aFetchOfSeveralLargeValues_isAnsweredInFramesThatFit() throws Exception {
    String pad = "x".repeat(200);
    try (var eu = pair(0, FreePorts.take(2)).open();
        var us = new RawPeer(eu)) {
      eu.put("n/a" + pad, new byte[262_000]);
      eu.put("n/b" + pad, new byte[1 << 20]);
      us.send(RawPeer.hello(FrameCodec.PROTOCOL, 1 << 20));
      assertThat(us.read()).isInstanceOf(Frame.Welcome.class);
      assertThat(us.read()).isInstanceOf(Frame.Credit.class);
      us.send(
          new Frame.Fetch(
              1,
              true,
              List.of(
                  new Frame.Wanted(Key.of("n/a" + pad), null),
                  new Frame.Wanted(Key.of("n/b" + pad), null))));
      var lengths = new ArrayList<Integer>();
      while (lengths.size() < 2) {
        var reply = (Frame.FetchReply) us.read();
        assertThat(reply).isNotNull();
        for (Frame.Answer answer : reply.answers()) {
          lengths.add(((Frame.Answer.Found) answer).record().header().payloadBytes());
        }
      }
      assertThat(lengths).containsExactly(262_000, 1 << 20);
    }
  }

  @Test
  void aWelcomeOfAPeerThatKnowsVeryManyOpenings_isUnderstood() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    var openings = new TreeMap<ActorId, Long>();
    for (int i = 1; i <= 20_000; i++) {
      openings.put(new ActorId(i), 1L);
    }
    try (var listening = new ServerSocket(ports.get(1), 1, InetAddress.getLoopbackAddress());
        var eu = pair(0, ports).open();
        var us = new RawPeer(listening.accept())) {
      assertThat(us.read()).isInstanceOf(Frame.Hello.class);
      us.send(
          new Frame.Welcome(
              FrameCodec.PROTOCOL, "default", RawPeer.US, 7, VersionVector.of(openings)));
      await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> eu.stats().replication().peers().get(0).connects() == 1);
    }
  }

  /** Two regions that hold everything. */
  private FabricBuilder pair(int region, List<Integer> ports) {
    List<String> names = List.of("eu", "us");
    return MetadataFabric.builder()
        .region(names.get(region))
        .directory(directory.resolve(names.get(region)))
        .listen("127.0.0.1:" + ports.get(region))
        .peer(names.get(1 - region), "127.0.0.1:" + ports.get(1 - region));
  }

  @Test
  void aLimitThatWasLowered_keepsLargerValuesWhereTheyAre_andReplicationGoesOn() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var eu = pair(0, ports).open()) {
      eu.put("n/large", new byte[600_000]);
    }
    try (var eu = pair(0, ports).maxValueBytes(10_000).open();
        var us = pair(1, ports).maxValueBytes(10_000).open()) {
      for (int i = 0; i < 10; i++) {
        eu.put("n/" + i, new byte[10_000]);
      }
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> eu.stats().replication().peers().get(0).pendingChanges() == 0);
      for (int i = 0; i < 10; i++) {
        assertThat(us.get("n/" + i)).isPresent();
      }
      assertThat(eu.get("n/large").orElseThrow().length()).isEqualTo(600_000);
      assertThatThrownBy(() -> us.get("n/large"))
          .as("it is known, and held elsewhere")
          .isInstanceOf(RegionUnreachableException.class);
      us.put("n/large", new byte[10_000]);
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> eu.get("n/large").orElseThrow().length() == 10_000);
      assertThat(eu.stats().replication().peers().get(0).connects()).isEqualTo(1);
    }
  }

  @Test
  void regionsWithDifferentLimits_refuseEachOther_andSaySo() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var eu = pair(0, ports).open();
        var us = pair(1, ports).maxValueBytes(10_000).open()) {
      for (MetadataFabric each : List.of(eu, us)) {
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> each.stats().replication().peers().get(0).refusal() != null);
        assertThat(each.stats().replication().peers().get(0).problem())
            .contains("maxValueBytes")
            .contains("10000")
            .contains("1048576");
      }
      eu.put("n/1", new byte[600_000]);
      assertThat(eu.get("n/1")).as("local work goes on").isPresent();
    }
  }

  @Test
  void callsThatRaceWithClose_eitherSucceedOrSayThatItIsClosed_andWhatWasAcknowledgedStays()
      throws Exception {
    Path where = directory.resolve("raced");
    for (int round = 0; round < 5; round++) {
      var acknowledged = new ConcurrentLinkedQueue<String>();
      var unexpected = new ConcurrentLinkedQueue<Throwable>();
      var threads = new ArrayList<Thread>();
      var busy = new CountDownLatch(8);
      MetadataFabric fabric = MetadataFabric.builder().directory(where).open();
      for (int t = 0; t < 8; t++) {
        String prefix = "n/" + round + "-" + t + "-";
        boolean async = t % 2 == 0;
        var thread =
            new Thread(
                () -> {
                  try {
                    for (int i = 0; ; i++) {
                      byte[] value = (prefix + i).getBytes(UTF_8);
                      if (async) {
                        fabric.putAsync(prefix + i, value).get(20, TimeUnit.SECONDS);
                      } else {
                        fabric.put(prefix + i, value);
                      }
                      acknowledged.add(prefix + i);
                      assertThat(fabric.get(prefix + i).map(Versioned::utf8)).hasValue(prefix + i);
                      if (i == 3) {
                        busy.countDown();
                      }
                    }
                  } catch (FabricClosedException e) {
                    // as promised
                  } catch (ExecutionException e) {
                    if (!(e.getCause() instanceof FabricClosedException)) {
                      unexpected.add(e);
                    }
                  } catch (Throwable e) {
                    unexpected.add(e);
                  }
                });
        thread.start();
        threads.add(thread);
      }
      assertThat(busy.await(20, TimeUnit.SECONDS)).isTrue();
      fabric.close();
      for (Thread thread : threads) {
        thread.join(20_000);
        assertThat(thread.isAlive()).as("nobody waits for ever").isFalse();
      }
      assertThat(unexpected).isEmpty();
      try (var again = MetadataFabric.builder().directory(where).open()) {
        assertThat(acknowledged).hasSizeGreaterThan(8);
        for (String key : acknowledged) {
          assertThat(again.get(key).map(Versioned::utf8)).hasValue(key);
        }
      }
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void moreWritersThanThereIsRoomFor_wait() throws Exception {
    var go = new CountDownLatch(1);
    var failed = new ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Thread>();
    byte[] value = new byte[1 << 20];
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory.resolve("crowd"))
            .durability(Durability.OS)
            .writeTimeout(Duration.ofMinutes(1))
            .open()) {
      for (int t = 0; t < 64; t++) {
        String key = "n/" + t;
        var thread =
            new Thread(
                () -> {
                  try {
                    go.await();
                    fabric.put(key, value);
                  } catch (Throwable e) {
                    failed.add(e);
                  }
                });
        thread.start();
        threads.add(thread);
      }
      go.countDown();
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failed).isEmpty();
      assertThat(fabric.stats().storage().keys()).isEqualTo(64);
    }
  }

  @Test
  void manyAsyncWrites_areAllCompleted_alsoThoseThatCloseFindsUnderWay() throws Exception {
    Path where = directory.resolve("async");
    var completed = new AtomicInteger();
    var written = new ArrayList<CompletableFuture<?>>();
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      for (int i = 0; i < 5_000; i++) {
        written.add(fabric.putAsync("n/" + i, new byte[100]).thenRun(completed::incrementAndGet));
      }
    }
    assertThat(written).allMatch(CompletableFuture::isDone);
    assertThat(completed).hasValue(5_000);
    try (var fabric = MetadataFabric.builder().directory(where).open()) {
      assertThat(fabric.stats().storage().keys()).isEqualTo(5_000);
    }
  }
}
