package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
  void regionsWithoutAVersionInCommon_refuseEachOther_andBothNameBoth() {
    try (var eu = region("eu", "us").protocols(FrameCodec.PROTOCOL, FrameCodec.PROTOCOL).open();
        var us = region("us", "eu").protocols(PREVIOUS, PREVIOUS).open()) {
      for (MetadataFabric each : List.of(eu, us)) {
        Peer peer = each.peers().get(0);
        awaitThat("refused", () -> peer.stats().refusal() == Refusal.PROTOCOL);
        assertThat(peer.stats().problem())
            .containsPattern("region eu speaks (protocol )?3")
            .containsPattern("region us speaks (protocol )?2")
            .contains("use versions of the library");
        assertThat(each.stats().replication().refusedPeers()).isPositive();
      }
    }
  }
}
