package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.place.WriteConcern;
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
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.DictionaryStats;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Somebody says that it is region us, and is hostile or broken; region ap is well, and must notice
 * nothing.
 */
class HostilePeersTest {
  private static final RegionName AP = new RegionName("ap");
  private static final ActorId ACTOR = new ActorId(8);

  @TempDir Path directory;

  private MetadataFabric eu;
  private MetadataFabric ap;

  @BeforeEach
  void open() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    eu = region("eu", ports.get(0), "ap", ports.get(1), "us", ports.get(2)).open();
    ap = region("ap", ports.get(1), "eu", ports.get(0), "us", ports.get(2)).open();
    awaitThat("ap is there", () -> eu.peer("ap").stats().state() == PeerState.IN_SYNC);
  }

  private FabricBuilder region(
      String name, int port, String peer, int peerPort, String other, int otherPort) {
    return MetadataFabric.builder()
        .region(name)
        .directory(directory.resolve(name))
        .listen("127.0.0.1:" + port)
        .peer(peer, "127.0.0.1:" + peerPort)
        .peer(other, "127.0.0.1:" + otherPort);
  }

  @AfterEach
  void othersWereNotDisturbed() {
    eu.put("n/after", "all that".getBytes(UTF_8));
    awaitThat("replicated", () -> ap.explain("n/after").version().isPresent());
    assertThat(eu.peer("ap").stats().connects()).isEqualTo(1);
    assertThat(ap.peer("eu").stats().connects()).isEqualTo(1);
    assertThat(eu.peer("ap").stats().violations()).isZero();
    ap.close();
    eu.close();
  }

  private static void awaitThat(String what, Callable<Boolean> condition) {
    await(what).atMost(Duration.ofSeconds(30)).until(condition);
  }

  private static Frame.Hello hello(RegionName region, Map<String, String> rules) {
    return new Frame.Hello(
        FrameCodec.MIN_PROTOCOL,
        FrameCodec.PROTOCOL,
        "default",
        region,
        7,
        ACTOR,
        List.of(AP, RawPeer.EU, RawPeer.US),
        1 << 20,
        new TreeMap<>(rules),
        Frame.Belonging.INITIAL);
  }

  private RawPeer welcomed() throws IOException {
    var peer = new RawPeer(eu);
    peer.send(hello(RawPeer.US, Map.of()));
    assertThat(peer.read()).isInstanceOf(Frame.Welcome.class);
    assertThat(peer.read()).isInstanceOf(Frame.Credit.class);
    return peer;
  }

  private static MetadataRecord record(String key, long counter, VersionVector context) {
    Bytes payload = Bytes.utf8("of us");
    var version = new Version(new Dot(ACTOR, counter), context, new Stamp(counter << 16));
    return new MetadataRecord(
        Key.of(key), Header.value(version, RawPeer.US, payload, Header.NEVER), payload);
  }

  @Test
  void framesBeforeAHello_endTheConnection_andAreCounted() throws Exception {
    List<Frame> early =
        List.of(
            new Frame.Heartbeat(1, 2, Frame.Backlog.NONE),
            new Frame.Changes(ACTOR, 0, 1, List.of(record("n/1", 1, VersionVector.EMPTY))),
            new Frame.Welcome(1, "default", RawPeer.US, 7, VersionVector.EMPTY),
            new Frame.Ack(ACTOR, 1, false));
    for (Frame frame : early) {
      try (var peer = new RawPeer(eu)) {
        peer.send(frame);
        assertThat(peer.isAtEnd()).as(frame.toString()).isTrue();
      }
    }
    awaitThat("counted", () -> eu.stats().replication().withoutHandshake() >= early.size());
    assertThat(eu.explain("n/1").version()).isEmpty();
  }

  @Test
  void framesThatOnlyTheOtherSideSends_cutThePeerOff() throws Exception {
    List<Frame> wrong =
        List.of(
            new Frame.Welcome(1, "default", RawPeer.US, 7, VersionVector.EMPTY),
            new Frame.Ack(ACTOR, 1, false),
            new Frame.Credit(5, false),
            new Frame.FetchReply(1, List.of()),
            new Frame.HeartbeatReply(1, 2),
            hello(AP, Map.of()));
    for (Frame frame : wrong) {
      try (var peer = welcomed()) {
        peer.send(frame);
        assertCutOff(peer);
      }
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(wrong.size());
    assertThat(eu.peer("us").stats().problem()).contains("cut off");
  }

  private static void assertCutOff(RawPeer peer) throws IOException {
    Frame.CutOff cutOff = (Frame.CutOff) peer.read();
    assertThat(cutOff.reason()).isEqualTo(Refusal.VIOLATION);
    assertThat(peer.isAtEnd()).isTrue();
  }

  @Test
  void aReplay_isAcknowledgedAgain_andChangesNothing() throws Exception {
    var first = new Frame.Changes(ACTOR, 0, 1, List.of(record("n/1", 1, VersionVector.EMPTY)));
    var second =
        new Frame.Changes(
            ACTOR, 1, 2, List.of(record("n/1", 2, VersionVector.of(new Dot(ACTOR, 1)))));
    for (int time = 0; time < 3; time++) {
      try (var peer = welcomed()) {
        for (Frame.Changes changes : List.of(first, second)) {
          peer.send(changes);
          Frame.Ack ack = nextAck(peer);
          assertThat(ack.counter()).isEqualTo(time == 0 ? changes.upTo() : 2);
          assertThat(ack.resend()).isFalse();
        }
      }
    }
    assertThat(eu.explain("n/1").version().orElseThrow().dot()).isEqualTo(new Dot(ACTOR, 2));
    assertThat(eu.stats().storage().dotCollisions()).isZero();
    assertThat(eu.conflicts()).isEmpty();
  }

  private static Frame.Ack nextAck(RawPeer peer) throws IOException {
    Frame frame = peer.read();
    while (!(frame instanceof Frame.Ack)) {
      frame = peer.read();
    }
    return (Frame.Ack) frame;
  }

  @Test
  void changesOfTheActorsOfOthers_areCutOff_withNothingOfThemTaken() throws Exception {
    ap.put("n/ap", new byte[1]);
    eu.put("n/eu", new byte[1]);
    awaitThat("ap's write is here", () -> eu.explain("n/ap").version().isPresent());
    ActorId ofAp = eu.explain("n/ap").version().orElseThrow().dot().actor();
    ActorId ofEu = eu.explain("n/eu").version().orElseThrow().dot().actor();
    for (ActorId foreign : List.of(ofAp, ofEu)) {
      try (var peer = welcomed()) {
        // Taken at its word, all that ap writes from now on would be old.
        peer.send(new Frame.Changes(foreign, 1, 1_000_000, List.of()));
        assertCutOff(peer);
      }
    }
    ap.put("n/next", new byte[1]);
    awaitThat("ap's next write is here", () -> eu.explain("n/next").version().isPresent());
    assertThat(eu.peer("us").stats().violations()).isEqualTo(2);
  }

  @Test
  void aVersionThatKnowsWhatIsStillToCome_isCutOff_andTheWriteIsNotHidden() throws Exception {
    eu.put("n/eu", new byte[1]);
    Dot own = eu.explain("n/eu").version().orElseThrow().dot();
    var ahead = VersionVector.of(new Dot(own.actor(), own.counter() + 5));
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record("n/x", 1, ahead))));
      assertCutOff(peer);
    }
    assertThat(eu.explain("n/x").version()).isEmpty();
    eu.put("n/x", "of eu".getBytes(UTF_8));
    assertThat(eu.get("n/x").orElseThrow().bytes()).isEqualTo("of eu".getBytes(UTF_8));
  }

  private static VersionVector invented(int actors) {
    var ids = new long[actors];
    var counters = new long[actors];
    Arrays.setAll(ids, i -> 1000 + i);
    Arrays.fill(counters, 1);
    return VersionVector.of(ids, counters);
  }

  @Test
  void aVersionThatNamesMoreOpeningsThanThereCanBe_isCutOff_inWhateverFrame() throws Exception {
    MetadataRecord fat = record("n/hot", 1, invented(Version.MAX_CONTEXT_ENTRIES + 1));
    List<Frame> wrong =
        List.of(
            new Frame.Changes(ACTOR, 0, 1, List.of(fat)),
            new Frame.Part(new Frame.Changes(ACTOR, 0, 1, List.of(fat))),
            new Frame.Deltas(
                new Frame.Changes(ACTOR, 0, 1, List.of(fat.withoutPayload())),
                List.of(new Frame.Delta(1, new Dot(ACTOR, 5), 7, Bytes.utf8("never read")))),
            new Frame.Push(List.of(fat)),
            new Frame.Hold(1, fat),
            new Frame.Repair(0, 0, true, List.of(), List.of(fat)));
    for (Frame frame : wrong) {
      try (var peer = welcomed()) {
        peer.send(frame);
        assertCutOff(peer);
      }
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(wrong.size());
    assertThat(eu.peer("us").stats().problem()).contains("n/hot");
    assertThat(eu.explain("n/hot").version()).isEmpty();
  }

  @Test
  void aPayloadAboveTheLimit_isCutOff_inWhateverFrame() throws Exception {
    Bytes payload = Bytes.copyOf(new byte[(1 << 20) + 1]);
    var version = new Version(new Dot(ACTOR, 1), VersionVector.EMPTY, new Stamp(1 << 16));
    var large =
        new MetadataRecord(
            Key.of("n/1"), Header.value(version, RawPeer.US, payload, Header.NEVER), payload);
    List<Frame> wrong =
        List.of(
            new Frame.Changes(ACTOR, 0, 1, List.of(large)),
            new Frame.Push(List.of(large)),
            new Frame.Hold(1, large),
            new Frame.Repair(0, 0, true, List.of(), List.of(large)));
    for (Frame frame : wrong) {
      try (var peer = welcomed()) {
        peer.send(frame);
        assertCutOff(peer);
      }
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(wrong.size());
    assertThat(eu.peer("us").stats().problem()).contains("maxValueBytes");
  }

  @Test
  void aVersionThatNamesAsManyAsAreBelieved_doesNotKeepALargeValueOfItsKeyFromOthers()
      throws Exception {
    MetadataRecord fat = record("n/hot", 1, invented(Version.MAX_CONTEXT_ENTRIES));
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(fat)));
      assertThat(nextAck(peer).counter()).isEqualTo(1);
      var value = new byte[1 << 20];
      new Random(1).nextBytes(value);
      Version written =
          eu.put("n/hot", value, WriteConcern.ONE_OTHER_REGION, Duration.ofSeconds(20));
      eu.put("n/other", value, WriteConcern.ONE_OTHER_REGION, Duration.ofSeconds(20));

      assertThat(written.covers(new Dot(ACTOR, 1))).isTrue();
      assertThat(ap.explain("n/hot").version().orElseThrow().dot()).isEqualTo(written.dot());
      assertThat(ap.explain("n/other").version()).isPresent();
    }
  }

  /** One whose payload eu is to hold. */
  private String heldByEu() {
    return IntStream.range(0, 1000)
        .mapToObj(i -> "n/held-" + i)
        .filter(key -> eu.explain(key).home().equals("eu"))
        .findFirst()
        .orElseThrow();
  }

  private static Frame.Deltas told(
      String key, int count, int valueBytes, Dot base, int crc32c, Bytes delta) {
    var records = new ArrayList<MetadataRecord>();
    var deltas = new ArrayList<Frame.Delta>();
    for (int i = 2; i < 2 + count; i++) {
      var version = new Version(new Dot(ACTOR, i), VersionVector.of(base), new Stamp(i << 16));
      var header = new Header(version, RawPeer.US, Header.Kind.VALUE, valueBytes, 7, Header.NEVER);
      records.add(new MetadataRecord(Key.of(key), header, null));
      deltas.add(new Frame.Delta(i, base, crc32c, delta));
    }
    return new Frame.Deltas(new Frame.Changes(ACTOR, 1, 1 + count, records), deltas);
  }

  @Test
  void deltasThatAreNone_cutThePeerOff_andNothingOfThemIsTaken() throws Exception {
    String key = heldByEu();
    Bytes base = Bytes.utf8("of us");
    var first = new Dot(ACTOR, 1);
    DeltaCoding zstd = Objects.requireNonNull(ZstdDeltas.load());
    Bytes bomb = Objects.requireNonNull(zstd.encode(base, Bytes.copyOf(new byte[1 << 20])));
    zstd.close();
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record(key, 1, VersionVector.EMPTY))));
      nextAck(peer);
    }
    List<Frame> wrong =
        List.of(
            told(key, 1, 1 << 20, first, base.crc32c(), bomb), // another checksum than said
            told(key, 1, 1000, first, base.crc32c(), bomb), // longer than said
            told(key, 1, (1 << 20) + 1, first, base.crc32c(), bomb), // above maxValueBytes
            told(key, 1000, 1 << 20, first, base.crc32c(), bomb), // a gigabyte in a small frame
            told(key, 1, 5, first, base.crc32c(), Bytes.utf8("what is no delta")));
    for (Frame frame : wrong) {
      try (var peer = welcomed()) {
        peer.send(frame);
        assertCutOff(peer);
      }
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(wrong.size());
    assertThat(eu.explain(key).version().orElseThrow().dot()).isEqualTo(first);
    assertThat(eu.stats().replication().receivedBytes()).isZero();
  }

  private static Frame.Deltas toldByDictionary(String key, long number, String bytes) {
    Frame.Deltas delta = told(key, 1, 500, new Dot(ACTOR, 1), 7, Bytes.EMPTY);
    return new Frame.Deltas(
        delta.changes(), List.of(), List.of(new Frame.Told(2, number, Bytes.utf8(bytes))));
  }

  @Test
  void dictionariesThatAreNone_cutThePeerOff_andNothingOfThemIsTaken() throws Exception {
    String key = heldByEu();
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record(key, 1, VersionVector.EMPTY))));
      nextAck(peer);
    }
    byte[] corrupt = new byte[1000];
    System.arraycopy(new byte[] {0x37, (byte) 0xa4, 0x30, (byte) 0xec}, 0, corrupt, 0, 4);
    Bytes raw = Bytes.utf8("what is no dictionary");
    for (Bytes dictionary : List.of(raw, Bytes.copyOf(corrupt))) {
      try (var peer = welcomed()) {
        peer.send(new Frame.Dictionary(0, 1, dictionary));
        peer.send(toldByDictionary(key, 1, "what is told by none"));
        assertCutOff(peer);
      }
    }
    assertThat(eu.peer("us").stats().violations()).isEqualTo(2);
    for (Frame wrong :
        List.of(
            new Frame.Dictionary(Frame.Dictionary.PLACES, 1, raw),
            new Frame.Dictionary(0, 0, raw),
            new Frame.Dictionary(0, 1, Bytes.copyOf(new byte[Frame.Dictionary.MAX_BYTES + 1])))) {
      try (var peer = welcomed()) {
        peer.send(wrong);
        assertThat(peer.isAtEnd()).as(wrong.toString()).isTrue();
      }
    }
    assertThat(eu.stats().transport().malformed()).isEqualTo(3);
    assertThat(eu.explain(key).version().orElseThrow().dot()).isEqualTo(new Dot(ACTOR, 1));
    assertThat(eu.stats().replication().receivedBytes()).isZero();
  }

  @Test
  void whatIsToldByADictionaryThatIsNotHere_isAskedForWhole_andNotAcknowledged() throws Exception {
    String key = heldByEu();
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record(key, 1, VersionVector.EMPTY))));
      nextAck(peer);
      peer.send(new Frame.Dictionary(0, 1, Bytes.utf8("one")));
      peer.send(new Frame.Dictionary(0, 2, Bytes.utf8("another in its place")));
      peer.send(toldByDictionary(key, 1, "never read"));
      Frame frame = peer.read();
      while (!(frame instanceof Frame.NoDictionary)) {
        frame = peer.read();
      }
      assertThat(((Frame.NoDictionary) frame).numbers()).containsExactly(1L);
      assertThat(((Frame.NoBase) peer.read()).keys()).containsExactly(Key.of(key));
      Frame.Ack ack = nextAck(peer);
      assertThat(ack.counter()).isEqualTo(1);
      assertThat(ack.resend()).isTrue();
    }
    assertThat(eu.stats().replication().dictionaries().missing()).isEqualTo(1);
    assertThat(eu.stats().replication().dictionaries().received()).isZero();
    assertThat(eu.explain(key).version().orElseThrow().dot()).isEqualTo(new Dot(ACTOR, 1));
  }

  @Test
  void dictionariesWithoutEnd_takeNoMoreThanTheirPlaces_andGoWithTheConnection() throws Exception {
    try (var peer = welcomed()) {
      for (int i = 1; i <= 1000; i++) {
        Bytes bytes = Bytes.copyOf(new byte[Frame.Dictionary.MAX_BYTES]);
        peer.send(new Frame.Dictionary(i % Frame.Dictionary.PLACES, i, bytes));
      }
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record("n/1", 1, VersionVector.EMPTY))));
      nextAck(peer);
      assertThat(eu.stats().replication().dictionaries().retainedBytes())
          .isBetween(
              (long) Frame.Dictionary.PLACES * Frame.Dictionary.MAX_BYTES,
              DictionaryStats.MAX_BYTES_OF_A_PEER);
    }
    awaitThat("gone", () -> eu.stats().replication().dictionaries().retainedBytes() < 10_000);
  }

  @Test
  void summariesThatAreNone_endTheConnection_andAreCounted() throws Exception {
    List<Key> one = List.of(Key.of("n/1"));
    List<AccessSummary> wrong =
        List.of(
            new AccessSummary(true, one, List.of(new AccessSummary.Run(1, List.of(7))), List.of()),
            new AccessSummary(true, one, List.of(), List.of(new AccessSummary.More(0, 0))),
            new AccessSummary(true, List.of(Key.system("home", "n/1")), List.of(), List.of()),
            new AccessSummary(
                true,
                one,
                List.of(new AccessSummary.Run(1, Collections.nCopies(SummaryCodec.MAX_BYTES, 0))),
                List.of()));
    for (AccessSummary each : wrong) {
      try (var peer = welcomed()) {
        peer.send(new Frame.Summary(1, each));
        assertThat(peer.isAtEnd()).as(each.toString()).isTrue();
      }
    }
    awaitThat("counted", () -> eu.stats().transport().malformed() == wrong.size());
    assertThat(eu.stats().summaries().received()).isZero();
  }

  @Test
  void summariesOfKeysThatNobodyHas_andAFloodOfThem_teachNothing_andKeepToTheirMemory()
      throws Exception {
    eu.put("n/known", "it".getBytes(UTF_8));
    long before = learnedBytes();
    var keys = new ArrayList<Key>();
    var reads = new ArrayList<Integer>();
    for (int i = 0; i < 4000; i++) {
      keys.add(Key.of("nowhere/" + i));
      reads.add(i);
    }
    keys.add(Key.of("n/known"));
    reads.add(4000);
    var summary =
        new AccessSummary(true, keys, List.of(new AccessSummary.Run(1, reads)), List.of());
    int sent = 100;
    try (var peer = welcomed()) {
      for (int i = 1; i <= sent; i++) {
        peer.send(new Frame.Summary(i, summary));
        peer.send(new Frame.Summary(i, summary));
      }
      awaitThat("all came", () -> eu.stats().summaries().received() == 2 * sent);
      assertThat(eu.stats().summaries().repeated()).isEqualTo(sent);
      assertThat(eu.stats().summaries().dropped()).isPositive();
      assertThat(eu.stats().memory())
          .filteredOn(use -> use.what().equals("access summaries"))
          .singleElement()
          .satisfies(use -> assertThat(use.bytes()).isLessThanOrEqualTo(use.maxBytes()));
      long taken = sent - eu.stats().summaries().dropped();
      awaitThat("learned", () -> eu.stats().summaries().readsLearned() == taken);
      assertThat(eu.stats().summaries().readsUnknown()).isEqualTo(4000 * taken);
    }
    assertThat(learnedBytes() - before).isLessThan(100_000);
  }

  private long learnedBytes() {
    return eu.stats().prefetch().foresight().retainedBytes();
  }

  @Test
  void aDeltaByWhatIsNotHere_isAskedForWhole_andNotAcknowledged() throws Exception {
    String key = heldByEu();
    try (var peer = welcomed()) {
      peer.send(new Frame.Changes(ACTOR, 0, 1, List.of(record(key, 1, VersionVector.EMPTY))));
      nextAck(peer);
      Bytes delta = Bytes.utf8("never read");
      for (Frame.Deltas unknown :
          List.of(
              told(key, 1, 5, new Dot(ACTOR, 1), 12345, delta),
              told(key, 1, 5, new Dot(new ActorId(99), 3), 7, delta))) {
        peer.send(unknown);
        Frame frame = peer.read();
        while (!(frame instanceof Frame.NoBase)) {
          frame = peer.read();
        }
        assertThat(((Frame.NoBase) frame).keys()).containsExactly(Key.of(key));
        Frame.Ack ack = nextAck(peer);
        assertThat(ack.counter()).isEqualTo(1);
        assertThat(ack.resend()).isTrue();
      }
    }
    assertThat(eu.stats().replication().deltas().basesMissing()).isEqualTo(2);
    assertThat(eu.explain(key).version().orElseThrow().dot()).isEqualTo(new Dot(ACTOR, 1));
  }

  @Test
  void aStranger_orOneWithOtherRules_isRefusedWithTheReason() throws Exception {
    assertRefused(hello(new RegionName("mars"), Map.of()), Refusal.REGION, "region mars");
    assertRefused(
        hello(RawPeer.US, Map.of("n", ConflictRule.siblings().name())),
        Refusal.CONFLICT_RULES,
        "siblings");
    assertThat(eu.stats().replication().refusedPeers()).isEqualTo(2);
    assertThat(eu.peer("us").stats().refusal()).isEqualTo(Refusal.CONFLICT_RULES);
  }

  private void assertRefused(Frame.Hello hello, Refusal reason, String why) throws IOException {
    try (var peer = new RawPeer(eu)) {
      peer.send(hello);
      Frame.Refuse refuse = (Frame.Refuse) peer.read();
      assertThat(refuse.reason()).isEqualTo(reason);
      assertThat(refuse.message()).contains(why);
      assertThat(peer.isAtEnd()).isTrue();
    }
  }
}
