package io.metafabric.core.transport;

import io.metafabric.core.record.RegionName;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Who the other side of a connection has proved to be. Immutable.
 *
 * @param nodeId of the one directory that the proof is good for; null for any of the region
 */
public record PeerIdentity(String cluster, RegionName region, @Nullable Long nodeId) {
  /**
   * As it is in a certificate: {@code metafabric://cluster/region}, and the node if it is bound.
   */
  @Override
  public String toString() {
    return "metafabric://"
        + URLEncoder.encode(cluster, StandardCharsets.UTF_8).replace("+", "%20")
        + "/"
        + region.name()
        + (nodeId == null ? "" : "/" + Long.toHexString(nodeId));
  }
}
