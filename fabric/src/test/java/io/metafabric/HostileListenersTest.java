package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.Refusal;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is dialled in place of region us is hostile or broken: it answers what it must not. */
class HostileListenersTest {
  private static final Key KEY = Key.of("n/1");
  private static final ActorId ACTOR = new ActorId(8);

  @TempDir Path directory;

  private ServerSocket listener;
  private MetadataFabric eu;

  @BeforeEach
  void open() throws Exception {
    listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    listener.setSoTimeout(30_000);
    eu =
        MetadataFabric.builder()
            .region("eu")
            .directory(directory.resolve("eu"))
            .listen("127.0.0.1:" + FreePorts.take(1).get(0))
            .peer("us", "127.0.0.1:" + listener.getLocalPort())
            .open();
    eu.put("n/1", "of eu".getBytes(UTF_8));
  }

  @AfterEach
  void close() throws Exception {
    eu.close();
    listener.close();
  }

  private static Frame.Welcome welcome(VersionVector applied) {
    return new Frame.Welcome(3, "default", RawPeer.US, 7, applied);
  }

  private ActorId own() {
    return eu.explain("n/1").version().orElseThrow().dot().actor();
  }

  /** More than eu has issued. */
  private VersionVector ofTheFuture() {
    return VersionVector.of(new Dot(own(), Long.MAX_VALUE - 1));
  }

  private static MetadataRecord record(int bytes) {
    Bytes payload = Bytes.copyOf(new byte[bytes]);
    var version = new Version(new Dot(ACTOR, 1), VersionVector.EMPTY, new Stamp(1 << 16));
    return new MetadataRecord(
        KEY, Header.value(version, RawPeer.US, payload, Header.NEVER), payload);
  }

  private RawPeer dialled() throws IOException {
    var peer = new RawPeer(listener.accept());
    assertThat(peer.read()).isInstanceOf(Frame.Hello.class);
    return peer;
  }

  /** One that has been good so far: what is of use begins the backoff anew. */
  private RawPeer welcoming() throws IOException {
    RawPeer peer = dialled();
    peer.send(welcome(VersionVector.EMPTY));
    assertThat(peer.read()).isInstanceOf(Frame.Heartbeat.class);
    peer.send(new Frame.Ack(own(), 1, false));
    return peer;
  }

  private void awaitViolations(int count) {
    await().atMost(Duration.ofSeconds(30)).until(() -> eu.peer("us").stats().violations() == count);
  }

  private static void assertCutOff(RawPeer peer, Frame because) throws IOException {
    Frame frame = peer.read();
    while (!(frame instanceof Frame.CutOff)) {
      frame = peer.read();
    }
    assertThat(((Frame.CutOff) frame).reason()).as("%s", because).isEqualTo(Refusal.VIOLATION);
    assertThat(peer.isAtEnd()).isTrue();
  }

  @Test
  void beforeItsWelcome_itMaySayNothingElse() throws Exception {
    List<Frame> early =
        List.of(
            new Frame.Heartbeat(1, 1, Frame.Backlog.NONE),
            new Frame.Credit(100, false),
            new Frame.Ack(own(), 1, true),
            new Frame.NotHolding(List.of(KEY)),
            new Frame.FetchReply(1, List.of(new Frame.Answer.Unknown(KEY))),
            new Frame.Done(1, MoveOutcome.values()[0], "done"));
    for (int i = 0; i < early.size(); i++) {
      try (RawPeer peer = dialled()) {
        peer.send(early.get(i));
        assertThat(peer.isAtEnd()).as(early.get(i).toString()).isTrue();
      }
      awaitViolations(i + 1);
    }
    assertThat(eu.peer("us").stats().problem()).contains("is not due here");
    try (RawPeer peer = dialled()) {
      peer.send(new Frame.Configured(Configuration.INITIAL, new TreeMap<>()));
      peer.send(welcome(VersionVector.EMPTY));
      assertThat(peer.read()).isInstanceOf(Frame.Heartbeat.class);
    }
  }

  @Test
  void aWelcomeThatKnowsWhatWasNeverIssued_isNone() throws Exception {
    try (RawPeer peer = dialled()) {
      peer.send(welcome(ofTheFuture()));
      assertThat(peer.isAtEnd()).isTrue();
    }
    awaitViolations(1);
    assertThat(eu.peer("us").stats().problem()).contains("which has issued 1");
  }

  @Test
  void whatCannotBe_isCutOff() throws Exception {
    var ids = new long[60_000];
    var ones = new long[ids.length];
    Arrays.setAll(ids, i -> i + 1L);
    Arrays.fill(ones, 1);
    List<Frame> wrong =
        List.of(
            new Frame.Ack(own(), Long.MAX_VALUE - 1, false),
            new Frame.Ack(new ActorId(99), 1, false),
            new Frame.Standing(1, 0, new TreeMap<>(), true, ofTheFuture()),
            new Frame.Standing(
                1,
                0,
                new TreeMap<>(Map.of(new RegionName("atlantis"), 1L)),
                true,
                VersionVector.EMPTY),
            new Frame.Whole(ofTheFuture()),
            new Frame.Configured(
                Configuration.INITIAL, new TreeMap<>(Map.of(RawPeer.EU, ofTheFuture()))),
            new Frame.FetchReply(1, List.of(new Frame.Answer.Found(record((1 << 20) + 1)))));
    for (int i = 0; i < wrong.size(); i++) {
      try (RawPeer peer = welcoming()) {
        peer.send(wrong.get(i));
        assertCutOff(peer, wrong.get(i));
      }
      awaitViolations(i + 1);
    }
  }
}
