package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.replicate.PeerState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real sockets, real disks: three fabrics in one JVM. */
class ThreeFabricsTest {
  static final List<String> REGIONS = List.of("eu-west", "us-east", "ap-south");

  @TempDir Path directory;

  MetadataFabric open(int region, List<Integer> ports) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(REGIONS.get(region))
            .directory(directory.resolve(REGIONS.get(region)))
            .listen("127.0.0.1:" + ports.get(region));
    for (int other = 0; other < 3; other++) {
      if (other != region) {
        builder.peer(REGIONS.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return builder.open();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void whatOneRegionWrites_allRegionsRead_andDeletesStayDeleted() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports);
        var us = open(1, ports);
        var ap = open(2, ports)) {
      for (int i = 0; i < 300; i++) {
        eu.put("catalogue/" + i, utf8("value " + i));
      }
      awaitSync(eu, us, ap);
      for (MetadataFabric each : List.of(eu, us, ap)) {
        for (int i = 0; i < 300; i++) {
          assertThat(each.get("catalogue/" + i).map(Versioned::utf8)).hasValue("value " + i);
        }
      }
      assertThat(us.stats().reads().remote() + ap.stats().reads().remote()).isPositive();

      assertThat(us.remove("catalogue/7")).isTrue();
      for (MetadataFabric each : List.of(eu, us, ap)) {
        await().atMost(Duration.ofSeconds(10)).until(() -> each.get("catalogue/7").isEmpty());
      }
      assertThat(ap.get("catalogue/never-written")).isEqualTo(Optional.empty());
    }
  }

  static void awaitSync(MetadataFabric... fabrics) {
    for (MetadataFabric fabric : fabrics) {
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  fabric.stats().replication().peers().stream()
                      .allMatch(peer -> peer.state() == PeerState.IN_SYNC && peer.lagMs() == 0));
    }
  }

  @Test
  void aRegionThatWasAway_catchesUp() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports);
        var us = open(1, ports)) {
      for (int i = 0; i < 100; i++) {
        eu.put("n/" + i, utf8("one " + i));
      }
      try (var ap = open(2, ports)) {
        awaitSync(eu, us, ap);
        assertThat(ap.get("n/42").map(Versioned::utf8)).hasValue("one 42");
      }
      for (int i = 0; i < 100; i++) {
        us.put("n/" + i, utf8("two " + i));
      }
      try (var ap = open(2, ports)) {
        awaitSync(eu, us, ap);
        for (int i = 0; i < 100; i++) {
          assertThat(ap.get("n/" + i).map(Versioned::utf8)).hasValue("two " + i);
        }
      }
    }
  }

  @Test
  void aPeerOfAnotherCluster_isRefusedByName() throws Exception {
    List<Integer> ports = FreePorts.take(2);
    try (var eu =
            MetadataFabric.builder()
                .region("eu")
                .cluster("one")
                .directory(directory.resolve("a"))
                .listen("127.0.0.1:" + ports.get(0))
                .peer("us", "127.0.0.1:" + ports.get(1))
                .open();
        var us =
            MetadataFabric.builder()
                .region("us")
                .cluster("two")
                .directory(directory.resolve("b"))
                .listen("127.0.0.1:" + ports.get(1))
                .peer("eu", "127.0.0.1:" + ports.get(0))
                .open()) {
      await()
          .atMost(Duration.ofSeconds(10))
          .until(
              () ->
                  eu.stats().replication().peers().get(0).refusal() != null
                      && us.stats().replication().peers().get(0).refusal() != null);
      assertThat(eu.stats().replication().peers().get(0).problem())
          .contains("cluster \"one\"")
          .contains("cluster \"two\"");
      assertThat(new RegionName("us")).isEqualTo(eu.stats().replication().peers().get(0).region());
      eu.put("n/1", utf8("local writes go on"));
      assertThat(eu.get("n/1")).isPresent();
    }
  }
}
