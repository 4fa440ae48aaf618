package io.metafabric.benchmarks.fabric;

import io.metafabric.FabricBuilder;
import io.metafabric.MetadataFabric;
import io.metafabric.benchmarks.TemporaryDirectory;
import io.metafabric.core.journal.Durability;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What does it cost to find out that two regions are equal, and to bring back what one of them has
 * lost? Two fabrics in this JVM over loopback, {@code OS}, values of 200 bytes. One of them is
 * restored from a backup that lacks its last writes, which the other has.
 *
 * <p>{@code java -Xmx2g -cp benchmarks/target/benchmarks.jar
 * io.metafabric.benchmarks.fabric.CompareRegions KEYS DIFFERENCES}
 */
public final class CompareRegions {
  private static final int UNDER_WAY = 10_000;

  private CompareRegions() {}

  public static void main(String[] args) throws IOException {
    int keys = Integer.parseInt(args[0]);
    int differences = Integer.parseInt(args[1]);
    Path directory = TemporaryDirectory.create("compare");
    int euPort = freePort();
    int usPort = freePort();
    FabricBuilder usBuilder =
        builder("us", directory.resolve("us"), usPort).peer("eu", "127.0.0.1:" + euPort);
    try (MetadataFabric us = usBuilder.open()) {
      Path backup = directory.resolve("backup");
      try (MetadataFabric eu = eu(directory.resolve("eu"), euPort, usPort)) {
        write(eu, 0, keys);
        await(() -> isInSync(eu) && us.stats().storage().keys() == keys);
        say("%,d equal keys: %s", keys, us.compare("eu"));
        eu.backup(backup);
        for (int i = 0; i < differences; i++) {
          eu.put(key((int) ((long) i * keys / differences)), value(-i));
        }
        await(() -> isInSync(eu));
      }
      try (MetadataFabric restored = eu(backup, euPort, usPort)) {
        await(() -> peer(restored).repair().completed() > 0 && !peer(restored).repair().lacksOwn());
        var repair = peer(restored).repair();
        long ownBytes = differences * 260L;
        say("%,d writes lost: %s", differences, repair);
        say(
            "%,d bytes a difference, of which about 260 are the record's own",
            repair.bytes() / differences);
        say("%,d bytes a difference beside these", (repair.bytes() - ownBytes) / differences);
        Comparison again = restored.compare("us");
        say("then: %s", again);
      }
    } finally {
      TemporaryDirectory.delete(directory);
    }
  }

  private static MetadataFabric eu(Path directory, int euPort, int usPort) {
    return builder("eu", directory, euPort).peer("us", "127.0.0.1:" + usPort).open();
  }

  private static FabricBuilder builder(String region, Path directory, int port) {
    return MetadataFabric.builder()
        .region(region)
        .directory(directory)
        .durability(Durability.OS)
        .hotTierBytes(16 << 20)
        .listen("127.0.0.1:" + port);
  }

  private static void write(MetadataFabric to, int from, int end) {
    for (int first = from; first < end; first += UNDER_WAY) {
      CompletableFuture<?>[] written =
          new CompletableFuture<?>[Math.min(end, first + UNDER_WAY) - first];
      for (int i = 0; i < written.length; i++) {
        written[i] = to.putAsync(key(first + i), value(first + i));
      }
      CompletableFuture.allOf(written).join();
    }
  }

  private static String key(int i) {
    return "catalogue/" + i;
  }

  private static byte[] value(int i) {
    var value = new byte[200];
    value[0] = (byte) i;
    value[1] = (byte) (i >>> 8);
    return value;
  }

  private static PeerStats peer(MetadataFabric of) {
    return of.stats().replication().peers().get(0);
  }

  private static boolean isInSync(MetadataFabric of) {
    return peer(of).state() == PeerState.IN_SYNC && peer(of).pendingChanges() == 0;
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      LockSupport.parkNanos(5_000_000);
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void say(String format, Object... what) {
    System.out.println(String.format(Locale.ROOT, format, what));
  }
}
