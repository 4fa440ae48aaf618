package io.metafabric.replicate.netty;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.transport.PeerAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** Keeps the transport on this machine, for as long as nothing proves who a peer is. */
final class Loopback {
  private Loopback() {}

  /**
   * The address to use, resolved once, so that the name cannot mean something else afterwards.
   *
   * @throws ConfigurationException if any address of the host can be reached from elsewhere
   */
  static InetSocketAddress resolve(PeerAddress address) throws UnknownHostException {
    InetAddress[] all = InetAddress.getAllByName(address.host());
    for (InetAddress one : all) {
      if (!one.isLoopbackAddress()) {
        throw new ConfigurationException(
            "address "
                + address
                + " is "
                + one.getHostAddress()
                + ", beyond this machine; peers prove who they are with mutual TLS, which does not"
                + " exist yet, so use a loopback address such as 127.0.0.1");
      }
    }
    return new InetSocketAddress(all[0], address.port());
  }
}
