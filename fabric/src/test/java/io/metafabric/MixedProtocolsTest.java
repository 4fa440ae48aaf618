package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.DictionaryStats;
import io.metafabric.replicate.PeerState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The previous version of the protocol against the present one, over real sockets. */
class MixedProtocolsTest {
  private static final int PREVIOUS = FrameCodec.PROTOCOL - 1;
  private static final List<String> NAMES = List.of("ap", "eu", "us");

  @TempDir Path directory;

  private List<Integer> ports = List.of();

  @BeforeEach
  void takePorts() throws Exception {
    ports = FreePorts.take(NAMES.size());
  }

  private FabricBuilder region(String name, String... peers) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(name)
            .directory(directory.resolve(name))
            .listen("127.0.0.1:" + ports.get(NAMES.indexOf(name)));
    for (String peer : peers) {
      builder.peer(peer, "127.0.0.1:" + ports.get(NAMES.indexOf(peer)));
    }
    return builder;
  }

  private static void awaitThat(String what, Callable<Boolean> condition) {
    await(what).atMost(Duration.ofSeconds(30)).until(condition);
  }

  private static boolean isInSync(MetadataFabric fabric) {
    return fabric.peers().stream()
        .allMatch(peer -> peer.stats().state() == PeerState.IN_SYNC && peer.stats().lagMs() == 0);
  }

  private static void converge(List<MetadataFabric> fabrics, String round) {
    for (int i = 0; i < fabrics.size(); i++) {
      for (int key = 0; key < 20; key++) {
        fabrics.get(i).put("n/" + round + "-" + i + "-" + key, new byte[key]);
        fabrics.get(i).put("n/shared-" + key, (round + i).getBytes());
      }
    }
    awaitThat("all in sync", () -> fabrics.stream().allMatch(MixedProtocolsTest::isInSync));
    for (int i = 0; i < fabrics.size(); i++) {
      for (int key = 0; key < 20; key++) {
        var headers = new ArrayList<Object>();
        for (MetadataFabric fabric : fabrics) {
          assertThat(fabric.get("n/" + round + "-" + i + "-" + key).orElseThrow().length())
              .isEqualTo(key);
          headers.add(fabric.explain("n/shared-" + key).version());
        }
        assertThat(headers).allMatch(headers.get(0)::equals);
      }
    }
  }

  @Test
  void regionsOfTwoVersions_speakTheLower_andGoOnWhenOneAfterTheOtherIsReplaced() {
    try (var ap = region("ap", "eu", "us").open();
        var us = region("us", "ap", "eu").protocols(PREVIOUS, PREVIOUS).open()) {
      try (var eu = region("eu", "ap", "us").protocols(PREVIOUS, PREVIOUS).open()) {
        converge(List.of(ap, eu, us), "old");
      }
      try (var eu = region("eu", "ap", "us").open()) {
        converge(List.of(ap, eu, us), "new");
        assertThat(List.of(ap, eu, us))
            .as("nobody was sent what it does not know")
            .allMatch(each -> each.stats().transport().skippedFrames() == 0)
            .allMatch(each -> each.stats().transport().malformed() == 0);
      }
    }
  }

  @Test
  void anEditedValue_goesAsADelta_toWhoSpeaksThePresentVersion_andWholeToTheOther() {
    try (var ap = region("ap", "eu", "us").home("n", "us", "eu").open();
        var eu = region("eu", "ap", "us").home("n", "us", "eu").open();
        var us =
            region("us", "ap", "eu").home("n", "us", "eu").protocols(PREVIOUS, PREVIOUS).open()) {
      byte[] value = new byte[20_000];
      new Random(1).nextBytes(value);
      for (int edit = 0; edit < 5; edit++) {
        value[edit]++;
        ap.put("n/edited", value);
        awaitThat("all in sync", () -> isInSync(ap));
      }
      assertThat(eu.get("n/edited").orElseThrow().bytes()).isEqualTo(value);
      assertThat(us.get("n/edited").orElseThrow().bytes()).isEqualTo(value);
      assertThat(ap.stats().replication().deltas().sent()).isEqualTo(4);
      assertThat(eu.stats().replication().deltas().received()).isEqualTo(4);
      assertThat(us.stats().replication().deltas().received()).isZero();
      assertThat(ap.stats().transport().sentBytes()).isLessThan(6 * 20_000 + 60_000);
      assertThat(us.stats().transport().skippedFrames()).isZero();
    }
  }

  @Test
  void loneFirstWrites_areToldByADictionary_toWhoSpeaksThePresentVersion_andWholeToTheOther() {
    try (var ap = region("ap", "eu", "us").home("n", "us", "eu").open();
        var eu = region("eu", "ap", "us").home("n", "us", "eu").open();
        var us =
            region("us", "ap", "eu").home("n", "us", "eu").protocols(PREVIOUS, PREVIOUS).open()) {
      awaitThat("all in sync", () -> isInSync(ap));
      var random = new Random(1);
      int writes = 0;
      while (eu.stats().replication().dictionaries().received() < 20 && writes < 500) {
        String key = "n/" + writes++;
        String value =
            "{\"owner\":\"team-%d\",\"type\":\"image/jpeg\",\"etag\":\"%016x\",\"state\":\"ready\"}"
                .formatted(writes % 50, random.nextLong());
        ap.put(key, value.getBytes(UTF_8), WriteConcern.HOME_AND_BACKUP, Duration.ofSeconds(20));
        assertThat(eu.get(key).orElseThrow().bytes()).isEqualTo(value.getBytes(UTF_8));
        assertThat(us.get(key).orElseThrow().bytes()).isEqualTo(value.getBytes(UTF_8));
      }
      DictionaryStats sent = ap.stats().replication().dictionaries();
      assertThat(sent.trained()).isEqualTo(1);
      assertThat(sent.sent()).as("to eu alone").isEqualTo(1);
      assertThat(sent.told()).isEqualTo(20);
      assertThat(sent.savedBytes()).isGreaterThan(sent.toldBytes());
      assertThat(eu.stats().replication().dictionaries().received()).isEqualTo(20);
      assertThat(eu.stats().replication().dictionaries().missing()).isZero();
      assertThat(us.stats().replication().dictionaries().received()).isZero();
      assertThat(us.stats().transport().skippedFrames()).isZero();
      assertThat(ap.stats().memory())
          .filteredOn(use -> use.what().equals("dictionaries"))
          .singleElement()
          .satisfies(use -> assertThat(use.bytes()).isBetween(1000L, use.maxBytes()));
    }
  }

  @Test
  void regionsWithoutAVersionInCommon_refuseEachOther_andBothNameBoth() {
    try (var eu = region("eu", "us").protocols(FrameCodec.PROTOCOL, FrameCodec.PROTOCOL).open();
        var us = region("us", "eu").protocols(PREVIOUS, PREVIOUS).open()) {
      for (MetadataFabric each : List.of(eu, us)) {
        Peer peer = each.peers().get(0);
        awaitThat("refused", () -> peer.stats().refusal() == Refusal.PROTOCOL);
        assertThat(peer.stats().problem())
            .containsPattern("region eu speaks (protocol )?" + FrameCodec.PROTOCOL)
            .containsPattern("region us speaks (protocol )?" + PREVIOUS)
            .contains("use versions of the library");
        assertThat(each.stats().replication().refusedPeers()).isPositive();
      }
    }
  }
}
