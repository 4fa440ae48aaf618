package io.metafabric.core.transport;

import io.metafabric.core.error.ConfigurationException;

/**
 * Where a peer listens. Immutable.
 *
 * @param port 0 lets the listener choose one
 */
public record PeerAddress(String host, int port) {
  public PeerAddress {
    if (host.isBlank()) {
      throw new ConfigurationException("an address needs a host; use host:port");
    }
    if (port < 0 || port > 65535) {
      throw new ConfigurationException("a port must be 0 to 65535, was " + port);
    }
  }

  /**
   * Parses {@code host:port} or {@code [ipv6]:port}.
   *
   * @throws ConfigurationException if it is neither
   */
  public static PeerAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      throw new ConfigurationException("address \"" + text + "\" must be host:port");
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw new ConfigurationException(
          "address \"" + text + "\": write an IPv6 address as [address]:port");
    }
    try {
      return new PeerAddress(host, Integer.parseInt(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new ConfigurationException("address \"" + text + "\" has no port number", e);
    }
  }

  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}
