package io.metafabric.benchmarks.replication;

import io.metafabric.MetadataFabric;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.replicate.DictionaryStats;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * How many bytes the first write of a key takes that travels alone: two regions in one JVM over
 * loopback, values of 200 bytes, the next written once the other region has acknowledged the one
 * before.
 *
 * <p>{@code java -cp benchmarks/target/benchmarks.jar
 * io.metafabric.benchmarks.replication.LoneWrites RECORDS assets|noise}: a line for each tenth.
 */
public final class LoneWrites {
  private static final int LINES = 10;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private LoneWrites() {}

  public static void main(String[] args) throws Exception {
    int records = Integer.parseInt(args[0]);
    boolean isNoise = args[1].equals("noise");
    Path directory = TemporaryDirectory.create("lone-writes");
    int fromPort = freePort();
    int toPort = freePort();
    try (MetadataFabric from = region(directory, "from", fromPort, "to", toPort);
        MetadataFabric to = region(directory, "to", toPort, "from", fromPort)) {
      var random = new SplittableRandom(1);
      var values = new AssetValues(random);
      for (int line = 0; line < LINES; line++) {
        long sentBefore = from.stats().transport().sentBytes();
        for (int i = 0; i < records / LINES; i++) {
          int id = line * (records / LINES) + i;
          byte[] value = values.next(id);
          if (isNoise) {
            random.nextBytes(value);
          }
          from.put("asset/" + id, value, WriteConcern.ONE_OTHER_REGION, PATIENCE);
        }
        double sent = from.stats().transport().sentBytes() - sentBefore;
        int each = records / LINES;
        say("records to %,d: %.1f bytes on the wire each", (line + 1) * each, sent / each);
      }
      DictionaryStats sent = from.stats().replication().dictionaries();
      say("%s; %,d received", sent, to.stats().replication().dictionaries().received());
    } finally {
      TemporaryDirectory.delete(directory);
    }
  }

  private static MetadataFabric region(
      Path directory, String name, int port, String peer, int peerPort) {
    return MetadataFabric.builder()
        .region(name)
        .directory(directory.resolve(name))
        .durability(Durability.OS)
        .prediction(false)
        .listen("127.0.0.1:" + port)
        .peer(peer, "127.0.0.1:" + peerPort)
        .open();
  }

  private static int freePort() throws Exception {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void say(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
