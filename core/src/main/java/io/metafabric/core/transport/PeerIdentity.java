package io.metafabric.core.transport;

import io.metafabric.core.record.RegionName;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Who the other side of a connection has proved to be. Immutable.
 *
 * @param nodeId of the one directory that the proof is good for; null for any of the region
 */
public record PeerIdentity(String cluster, RegionName region, @Nullable Long nodeId) {
  /** What a URI has as it is, RFC 3986. */
  private static final String UNRESERVED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  /**
   * As it is in a certificate: {@code metafabric://cluster/region}, and the node if it is bound.
   */
  @Override
  public String toString() {
    var uri = new StringBuilder("metafabric://");
    for (byte each : cluster.getBytes(StandardCharsets.UTF_8)) {
      if (UNRESERVED.indexOf(each) >= 0) {
        uri.append((char) each);
      } else {
        uri.append('%').append(HEX.toHexDigits(each));
      }
    }
    uri.append('/').append(region.name());
    return nodeId == null ? uri.toString() : uri + "/" + Long.toHexString(nodeId);
  }
}
