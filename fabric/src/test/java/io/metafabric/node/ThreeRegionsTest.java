package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What three regions do together, step by step; at random in the package {@code simulation}. */
class ThreeRegionsTest {
  @Test
  void aRegionThatWasAwayWhileTheOthersCompacted_catchesUp() {
    var cluster = new SimCluster(9, 4096, "eu", "us", "ap");
    cluster.compaction = new CompactionConfig(32 << 20, 0);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    RegionName ap = cluster.regions.get(2);
    cluster.crash(ap);
    for (int i = 0; i < 2000; i++) {
      RegionName region = cluster.regions.get(i % 2);
      cluster
          .node(region)
          .write(Key.of("n/" + i % 37), Bytes.utf8("value " + i), Header.NEVER, Precondition.NONE);
      if (i % 20 == 0) {
        cluster.world.runFor(Duration.ofMillis(200));
      }
    }
    cluster.world.runFor(Duration.ofSeconds(5));
    var eu = cluster.node(cluster.regions.get(0)).stats().store();
    assertThat(eu.compaction().runs()).isPositive();
    assertThat(eu.journalBytes()).isLessThan(eu.liveBytes() * 3 / 2 + 2 * 4096);

    cluster.start(ap);
    cluster.world.runUntil(
        "convergence",
        () -> cluster.isConverged() && cluster.allKeys().size() == 37 && cluster.payloadsAreHome(),
        Duration.ofMinutes(1));
    cluster.world.runFor(Duration.ofSeconds(5));
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).stats().replication().peers())
          .as("everybody knows that it has everything, in " + region)
          .allMatch(peer -> peer.pendingChanges() == 0);
    }
  }

  @Test
  void aValueThatIsNotHeldHere_isFetched_andStaysUntilItChanges() {
    var cluster = new SimCluster(5, 16 << 10, "eu", "us", "ap");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    var eu = cluster.node(cluster.regions.get(0));
    Key key = keyWithoutPayloadIn(eu, cluster.regions.get(0));
    var us = cluster.node(cluster.regions.get(1));
    us.write(key, Bytes.utf8("first"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(eu.store().holdsPayload(key)).isFalse();
    assertThat(eu.hit("c", key.path())).isNull();

    var read = eu.read("c", key);
    assertThat(read).isNotDone();
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(read.join()).isInstanceOf(ReadOutcome.Value.class);
    assertThat(eu.hit("c", key.path())).isNotNull();

    us.write(key, Bytes.utf8("second"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(Duration.ofSeconds(1));
    Optional<MetadataRecord> shown = eu.hit("c", key.path());
    assertThat(shown).as("the copy was replaced by a push, not only invalidated").isNotNull();
    assertThat(shown.orElseThrow().payload()).isEqualTo(Bytes.utf8("second"));
  }

  private static Key keyWithoutPayloadIn(FabricNode<?> node, RegionName region) {
    for (int i = 0; ; i++) {
      Key key = Key.of("n/" + i);
      if (!node.homesOf(key).include(region)) {
        return key;
      }
    }
  }
}
