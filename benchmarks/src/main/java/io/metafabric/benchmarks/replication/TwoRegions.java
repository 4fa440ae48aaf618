package io.metafabric.benchmarks.replication;

import io.metafabric.benchmarks.TemporaryDirectory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How many changes a second get from one region to another, how soon, and in how many bytes: two
 * JVMs over loopback, {@code OS}, similar records of 200 bytes.
 *
 * <p>{@code java -cp benchmarks/target/benchmarks.jar
 * io.metafabric.benchmarks.replication.TwoRegions RECORDS PER_SECOND [JVM OPTION...]}: RECORDS as
 * fast as they go, five times; then PER_SECOND for ten seconds, after as long for warming up.
 */
public final class TwoRegions {
  static final String FROM = "from";
  static final String TO = "to";

  private TwoRegions() {}

  public static void main(String[] args) throws Exception {
    Path directory = TemporaryDirectory.create("two-regions");
    int fromPort = freePort();
    int toPort = freePort();
    List<String> options = List.of(args).subList(2, args.length);
    try {
      Process receiver = start(options, Receiver.class, directory, toPort, fromPort);
      Process sender = start(options, Sender.class, directory, fromPort, toPort, args[0], args[1]);
      int failed = sender.waitFor();
      receiver.destroy();
      receiver.waitFor();
      if (failed != 0) {
        throw new IllegalStateException("the sender ended with " + failed);
      }
    } finally {
      TemporaryDirectory.delete(directory);
    }
  }

  private static Process start(
      List<String> options, Class<?> program, Path directory, int listen, int peer, String... more)
      throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String option : options) {
      command.add(option.replace("%p", program.getSimpleName()));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(directory.toString(), "" + listen, "" + peer));
    command.addAll(List.of(more));
    return new ProcessBuilder(command).inheritIO().start();
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
