package io.metafabric.core.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Ports to listen on that are to be known before anybody listens. They are below those that the
 * system hands out by itself, so that no connection of somebody else takes one in the meantime.
 */
public final class FreePorts {
  private static final int FROM = 10_000;
  private static final int TO = 32_000;

  private FreePorts() {}

  public static List<Integer> take(int count) {
    var ports = new LinkedHashSet<Integer>();
    while (ports.size() < count) {
      int port = ThreadLocalRandom.current().nextInt(FROM, TO);
      try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        ports.add(socket.getLocalPort());
      } catch (IOException e) {
        // Somebody has it; there are others.
      }
    }
    return List.copyOf(ports);
  }
}
