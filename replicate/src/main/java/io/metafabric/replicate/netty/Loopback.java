package io.metafabric.replicate.netty;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.transport.PeerAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** Keeps a transport on this machine where nothing proves who a peer is. */
final class Loopback {
  private Loopback() {}

  /**
   * The address to use, resolved once, so that the name cannot mean something else afterwards.
   *
   * @param proven whether peers prove who they are, so that they may be anywhere
   * @throws ConfigurationException if any address of the host can be reached from elsewhere
   */
  static InetSocketAddress resolve(PeerAddress address, boolean proven)
      throws UnknownHostException {
    InetAddress[] all = InetAddress.getAllByName(address.host());
    for (InetAddress one : all) {
      if (!proven && !one.isLoopbackAddress()) {
        throw new ConfigurationException(
            "address "
                + address
                + " is "
                + one.getHostAddress()
                + ", beyond this machine, where peers have to prove who they are with mutual TLS;"
                + " add tls(...), or use a loopback address such as 127.0.0.1");
      }
    }
    return new InetSocketAddress(all[0], address.port());
  }
}
