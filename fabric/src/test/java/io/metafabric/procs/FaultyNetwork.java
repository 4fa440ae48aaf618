package io.metafabric.procs;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A TCP proxy in front of each region for each of the others, on loopback. What goes wrong between
 * two regions goes wrong on both of their connections, whoever dialled. Thread-safe.
 */
final class FaultyNetwork implements AutoCloseable {
  private static final int CONNECT_MS = 2000;

  private final int size;
  private final Way[][] ways;
  private final Door[][] doors;
  private final AtomicLong connections = new AtomicLong();

  /**
   * @param ports where the regions listen
   */
  FaultyNetwork(List<Integer> ports) throws IOException {
    size = ports.size();
    ways = new Way[size][size];
    doors = new Door[size][size];
    for (int from = 0; from < size; from++) {
      for (int to = 0; to < size; to++) {
        ways[from][to] = new Way();
      }
    }
    for (int from = 0; from < size; from++) {
      for (int to = 0; to < size; to++) {
        if (from != to) {
          doors[from][to] = new Door(ports.get(to), ways[from][to], ways[to][from]);
        }
      }
    }
  }

  /** Where {@code dialler} finds {@code target}. */
  int port(int dialler, int target) {
    return doors[dialler][target].server.getLocalPort();
  }

  Way way(int from, int to) {
    return ways[from][to];
  }

  void resetBetween(int one, int other) {
    wiresBetween(one, other).forEach(Wire::reset);
  }

  void closeBetween(int one, int other) {
    wiresBetween(one, other).forEach(Wire::close);
  }

  void halfClose(int from, int to) {
    wiresBetween(from, to).forEach(wire -> wire.halfClose(ways[from][to]));
  }

  private List<Wire> wiresBetween(int one, int other) {
    var wires = new ArrayList<>(doors[one][other].wires);
    wires.addAll(doors[other][one].wires);
    return wires;
  }

  /**
   * All faults end. Connections that have a hole or are ended on one side are the regions' care.
   */
  void heal() {
    for (int from = 0; from < size; from++) {
      for (int to = 0; to < size; to++) {
        Way way = ways[from][to];
        way.hasFullSpeed();
        way.swallow(false);
        way.refuse(false);
      }
    }
  }

  long swallowedBytes() {
    long bytes = 0;
    for (Way[] from : ways) {
      for (Way way : from) {
        bytes += way.swallowedBytes();
      }
    }
    return bytes;
  }

  @Override
  public String toString() {
    return "%,d connections, %,d bytes swallowed".formatted(connections.get(), swallowedBytes());
  }

  @Override
  public void close() throws IOException {
    for (Door[] from : doors) {
      for (Door door : from) {
        if (door != null) {
          door.server.close();
          door.wires.forEach(Wire::close);
        }
      }
    }
  }

  /** What one region dials to reach another. */
  private final class Door {
    final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    final Set<Wire> wires = ConcurrentHashMap.newKeySet();
    private final int targetPort;
    private final Way there;
    private final Way back;

    Door(int targetPort, Way there, Way back) throws IOException {
      this.targetPort = targetPort;
      this.there = there;
      this.back = back;
      var thread = new Thread(this::accept, "door");
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() {
      while (!server.isClosed()) {
        try {
          Socket dialler = server.accept();
          if (there.refuses()) {
            dialler.close();
          } else {
            connect(dialler);
          }
        } catch (IOException e) {
          // A dialler that has gone again, or the end of this test.
        }
      }
    }

    private void connect(Socket dialler) throws IOException {
      var target = new Socket();
      try {
        target.connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort), CONNECT_MS);
      } catch (IOException e) {
        // Nobody is there: the dialler sees its connection end.
        target.close();
        dialler.close();
        return;
      }
      dialler.setTcpNoDelay(true);
      target.setTcpNoDelay(true);
      var made = new Wire[1];
      made[0] = new Wire(dialler, target, there, back, () -> wires.remove(made[0]));
      wires.add(made[0]);
      connections.incrementAndGet();
      made[0].start();
    }
  }
}
