package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.ProtocolRange;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two regions of which one speaks only what the other does not. */
final class ProtocolsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final ProtocolRange LATER =
      new ProtocolRange(FrameCodec.PROTOCOL, FrameCodec.PROTOCOL);
  private static final ProtocolRange PREVIOUS =
      new ProtocolRange(FrameCodec.PROTOCOL - 1, FrameCodec.PROTOCOL - 1);

  private static PeerStats other(SimCluster cluster, RegionName in) {
    return cluster.node(in).stats().replication().peers().get(0);
  }

  @Test
  void regionsWithoutACommonProtocol_refuseEachOther_andBothSidesNameBoth() {
    var cluster = new SimCluster(71, 1 << 16, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.protocols = () -> LATER;
    cluster.start(EU);
    cluster.protocols = () -> PREVIOUS;
    cluster.start(US);
    Key key = Key.of("n/1");
    var written = cluster.node(EU).write(key, Bytes.utf8("one"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(LONG);
    assertThat(written).isCompleted();
    for (RegionName region : List.of(EU, US)) {
      PeerStats stats = other(cluster, region);
      assertThat(stats.refusal()).as("in %s", region).isEqualTo(Refusal.PROTOCOL);
      assertThat(stats.problem())
          .as("in %s", region)
          .contains("region eu")
          .contains("region us")
          .containsPattern("protocol 3|speaks 3")
          .containsPattern("protocol 2|speaks 2")
          .contains("use versions of the library");
      assertThat(stats.connects()).isZero();
    }
    assertThat(cluster.node(US).store().header(key)).isNull();

    cluster.stop(EU);
    cluster.protocols = () -> ProtocolRange.ALL;
    cluster.start(EU);
    cluster.world.runUntil(
        "both to be alike", () -> cluster.node(US).store().header(key) != null, LONG);
    for (RegionName region : List.of(EU, US)) {
      cluster.world.runUntil(
          "nothing is refused", () -> other(cluster, region).refusal() == null, LONG);
      assertThat(other(cluster, region).problem()).isNull();
    }
  }
}
