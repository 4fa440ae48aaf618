package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import io.metafabric.replicate.PeerStats;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the operator of one region sees of another and can do about it, over real sockets. */
class PeersTest {
  @TempDir Path directory;

  private List<Integer> ports = List.of();

  @BeforeEach
  void takePorts() throws Exception {
    ports = FreePorts.take(3);
  }

  private FabricBuilder eu() {
    return eu(ports.get(1));
  }

  private FabricBuilder eu(int portOfUs) {
    return MetadataFabric.builder()
        .region("eu")
        .directory(directory.resolve("eu"))
        .listen("127.0.0.1:" + ports.get(0))
        .peer("us", "127.0.0.1:" + portOfUs);
  }

  private FabricBuilder us(String where, int port) {
    return MetadataFabric.builder()
        .region("us")
        .directory(directory.resolve(where))
        .listen("127.0.0.1:" + port)
        .peer("eu", "127.0.0.1:" + ports.get(0));
  }

  private static void awaitThat(String what, Callable<Boolean> condition) {
    await(what).atMost(Duration.ofSeconds(20)).until(condition);
  }

  private static void awaitInSync(MetadataFabric fabric, String region) {
    awaitThat("in sync", () -> isInSync(fabric.peer(region).stats()));
  }

  private static boolean isInSync(PeerStats peer) {
    return peer.state() == PeerState.IN_SYNC && peer.lagMs() == 0;
  }

  @Test
  void listenersHearOfAPeer_fromItsComingToItsLeaving() {
    var changes = new CopyOnWriteArrayList<PeerStateChange>();
    try (var eu =
        eu().onPeerStateChange(
                change -> {
                  throw new IllegalStateException("a listener that errs");
                })
            .onPeerStateChange(changes::add)
            .open()) {
      try (var us = us("us", ports.get(1)).open()) {
        awaitInSync(us, "eu");
        awaitInSync(eu, "us");
      }
      awaitThat("offline", () -> eu.peer("us").stats().state() == PeerState.OFFLINE);
      awaitThat(
          "told",
          () -> !changes.isEmpty() && changes.get(changes.size() - 1).to() == PeerState.OFFLINE);
      assertThat(changes).extracting(PeerStateChange::region).containsOnly(new RegionName("us"));
      assertThat(changes)
          .extracting(PeerStateChange::to)
          .contains(PeerState.CATCHING_UP, PeerState.IN_SYNC, PeerState.SUSPECT);
      for (int i = 1; i < changes.size(); i++) {
        assertThat(changes.get(i).from()).isEqualTo(changes.get(i - 1).to());
      }
      assertThat(eu.stats().events().delivered()).isEqualTo(changes.size());
      awaitThat("counted", () -> eu.stats().events().failed() == changes.size());
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void aPausedPeer_getsNothing_untilItIsResumed() {
    try (var eu = eu().open();
        var us = us("us", ports.get(1)).open()) {
      awaitInSync(eu, "us");
      Peer peer = eu.peer("us");
      peer.pause();
      awaitThat("told", () -> us.peer("eu").stats().pausedThere());
      for (int i = 0; i < 10; i++) {
        eu.put("n/" + i, new byte[10]);
      }
      us.put("n/back", "the other way".getBytes(UTF_8));
      awaitThat("the other way", () -> eu.get("n/back").isPresent());
      awaitThat("heartbeats tell", () -> us.peer("eu").stats().missingChanges() == 10);
      assertThat(us.explain("n/0").version()).isEmpty();
      assertThat(peer.stats().paused()).isTrue();
      assertThat(peer.stats().pendingChanges()).isEqualTo(10);
      assertThat(peer.stats().oldestUnacknowledgedMs()).isPositive();
      peer.resume();
      awaitInSync(eu, "us");
      assertThat(us.explain("n/9").version()).isPresent();
      assertThat(peer.stats().paused()).isFalse();
      assertThat(peer.stats().connects()).isEqualTo(1);
    }
  }

  @Test
  void peersAreListed_andOneThatIsNotAPeerIsRefused() {
    MetadataFabric eu = eu().open();
    assertThat(eu.peers()).extracting(Peer::region).containsExactly(new RegionName("us"));
    assertThat(eu.stats().peers())
        .extracting(PeerStats::region)
        .isEqualTo(List.of(eu.peer("us").region()));
    assertThatThrownBy(() -> eu.peer("mars"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("region mars is not a peer here; the peers are [us]");
    Peer us = eu.peer("us");
    eu.close();
    List<Runnable> calls =
        List.of(us::stats, us::pause, us::resume, eu::peers, () -> eu.peer("us"));
    for (Runnable call : calls) {
      assertThatThrownBy(call::run).isInstanceOf(FabricClosedException.class);
    }
  }

  @Test
  void aRegionNameThatIsUsedTwice_isRefusedToTheSecond_withBothNodesNamed() {
    try (var eu = eu().open();
        var us = us("us", ports.get(1)).open()) {
      us.put("n/1", new byte[1]);
      awaitInSync(eu, "us");
      awaitInSync(us, "eu");
      try (var second = us("second", ports.get(2)).open()) {
        second.put("n/second", new byte[1]);
        awaitThat("refused", () -> second.peer("eu").stats().refusal() == Refusal.REGION_TAKEN);
        assertThat(second.peer("eu").stats().problem())
            .containsPattern("region us is node [0-9a-f]+ to region eu, and alive")
            .containsPattern("node [0-9a-f]+ says that it is region us too")
            .contains("stop the node that runs on the first");
        assertThat(second.peer("eu").stats().state()).isEqualTo(PeerState.OFFLINE);
        assertThat(eu.explain("n/second").version()).isEmpty();
        assertThat(eu.stats().replication().refusedPeers()).isPositive();
        assertThat(isInSync(eu.peer("us").stats())).as("the first is not disturbed").isTrue();
      }
    }
  }

  @Test
  void aPeerOfAnotherCluster_isNamedOnBothSides() {
    try (var eu = eu().cluster("one").open();
        var us = us("us", ports.get(1)).cluster("two").open()) {
      for (Peer peer : List.of(eu.peer("us"), us.peer("eu"))) {
        awaitThat("refused", () -> peer.stats().refusal() == Refusal.CLUSTER);
        assertThat(peer.stats().problem()).contains("\"one\"").contains("\"two\"");
        // The reason is there a moment before the state, for whoever looks from another thread.
        awaitThat("offline", () -> peer.stats().state() == PeerState.OFFLINE);
      }
    }
  }

  @Test
  void whoCannotDialBack_isToldWhyItRefuses() {
    try (var eu = eu(ports.get(2)).cluster("one").open();
        var us = us("us", ports.get(1)).cluster("two").open()) {
      awaitThat("refused", () -> us.peer("eu").stats().refusal() == Refusal.CLUSTER);
      awaitThat("told", () -> eu.peer("us").stats().refusal() == Refusal.CLUSTER);
      assertThat(eu.peer("us").stats().problem())
          .contains("us was refused here")
          .contains("\"one\"")
          .contains("\"two\"");
    }
  }

  @Test
  void regionsThatDisagreeOnAFixedHome_refuseEachOther_andNameBoth() {
    try (var eu = eu().home("n", "eu", "us").open();
        var us = us("us", ports.get(1)).home("n", "us", "eu").open()) {
      for (Peer peer : List.of(eu.peer("us"), us.peer("eu"))) {
        awaitThat("refused", () -> peer.stats().refusal() == Refusal.REGIONS);
        assertThat(peer.stats().problem()).contains("\"n\"").contains("eu").contains("us");
      }
    }
  }

  @Test
  void aDirectoryOfAnotherClusterOrRegion_isNotOpened_andSaysWhoseItIs() {
    try (var eu = eu().cluster("one").open()) {
      eu.put("n/1", new byte[1]);
    }
    assertThatThrownBy(() -> eu().cluster("two").open())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("one")
        .hasMessageContaining("two");
    assertThatThrownBy(() -> us("eu", ports.get(1)).cluster("one").open())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("eu")
        .hasMessageContaining("us");
    try (var eu = eu().cluster("one").open()) {
      assertThat(eu.get("n/1")).isPresent();
    }
  }
}
