package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ReplicationConfigTest {
  private static ReplicationConfig withPeers(int count) {
    Map<RegionName, PeerAddress> peers = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      peers.put(new RegionName("r" + "-".repeat(59) + (100 + i)), new PeerAddress("host", 1));
    }
    return ReplicationConfig.of("c", new RegionName("here"), null, peers, 1 << 20);
  }

  @Test
  void asManyRegionsAsAreAllowed_fitIntoAHello() {
    ReplicationConfig config = withPeers(63);
    var hello =
        new Frame.Hello(
            1,
            1,
            config.cluster(),
            config.region(),
            1,
            new ActorId(2),
            config.regions(),
            1 << 20,
            new TreeMap<>(),
            Frame.Belonging.INITIAL);
    byte[] bytes = FrameCodec.encode(hello);

    assertThat(bytes.length - FrameCodec.PREFIX_BYTES)
        .isLessThanOrEqualTo(FrameCodec.MAX_HANDSHAKE_BYTES);
    assertThat(FrameCodec.decode(ByteBuffer.wrap(bytes).position(Integer.BYTES))).isEqualTo(hello);
  }

  @Test
  void moreRegions_areRefused() {
    assertThatThrownBy(() -> withPeers(64))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("at most 64 regions, but with this one there are 65");
  }
}
