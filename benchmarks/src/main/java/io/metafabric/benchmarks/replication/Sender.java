package io.metafabric.benchmarks.replication;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** Writes, and says how many bytes went over the wire. */
final class Sender {
  private static final int ROUNDS = 5;
  private static final int KEYS = 100_000;
  private static final int SECONDS = 10;
  private static final int VALUE_BYTES = 200;

  private final MetadataFabric fabric;
  private final SplittableRandom random = new SplittableRandom(1);
  private long probes;

  private Sender(MetadataFabric fabric) {
    this.fabric = fabric;
  }

  /** Arguments: directory, port, peer's port, records a round, records a second. */
  public static void main(String[] args) {
    try (MetadataFabric fabric =
        MetadataFabric.builder()
            .region(TwoRegions.FROM)
            .directory(Path.of(args[0], TwoRegions.FROM))
            .durability(Durability.OS)
            .prediction(false)
            .listen("127.0.0.1:" + args[1])
            .peer(TwoRegions.TO, "127.0.0.1:" + args[2])
            .open()) {
      var sender = new Sender(fabric);
      int records = Integer.parseInt(args[3]);
      for (int round = 1; round <= ROUNDS; round++) {
        sender.asFastAsItGoes(round, records);
      }
      sender.atRate(Integer.parseInt(args[4]));
    }
  }

  private void asFastAsItGoes(int round, int records) {
    awaitAcknowledged();
    long sentBefore = fabric.stats().transport().sentBytes();
    long begun = System.nanoTime();
    CompletableFuture<Version> last = CompletableFuture.completedFuture(Version.NONE);
    for (int i = 0; i < records; i++) {
      last = write();
    }
    last.join();
    long written = System.nanoTime();
    fabric.put(Probe.ROUND, new Probe(round, begun, records).encoded());
    awaitAcknowledged();
    say(
        "round %d: written at %,d records/s, %.1f bytes on the wire each",
        round,
        Math.round(records * 1e9 / (written - begun)),
        (fabric.stats().transport().sentBytes() - sentBefore) / (double) records);
  }

  private CompletableFuture<Version> write() {
    int id = random.nextInt(KEYS);
    return fabric.putAsync("asset/" + id, value(id));
  }

  /** Like its neighbours, but for what is its own. */
  private byte[] value(int id) {
    byte[] value = new byte[VALUE_BYTES];
    String text =
        "{\"id\":\"asset-"
            + id
            + "\",\"owner\":\"team-"
            + id % 50
            + "\",\"type\":\"image/jpeg\",\"bytes\":"
            + random.nextInt(10_000_000)
            + ",\"etag\":\""
            + Long.toHexString(random.nextLong())
            + "\",\"modified\":"
            + (1_795_000_000_000L + random.nextInt(86_400_000))
            + ",\"tags\":[\"raw\",\"eu\"],\"path\":\"/projects/"
            + id % 1000
            + "/raw/"
            + id
            + ".jpg\",\"state\":\"ready\"}";
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, value, 0, Math.min(bytes.length, VALUE_BYTES));
    for (int i = bytes.length; i < VALUE_BYTES; i++) {
      value[i] = ' ';
    }
    return value;
  }

  private void atRate(int perSecond) {
    paced(perSecond);
    fabric.put(Probe.COUNT_FROM, new Probe(probes, 0, 0).encoded());
    long sentBefore = fabric.stats().transport().sentBytes();
    long written = paced(perSecond);
    fabric.put(Probe.COUNT_TO, new Probe(probes, 0, perSecond).encoded());
    awaitAcknowledged();
    say(
        "at %,d records/s: %.1f bytes on the wire each, round trip %.3f ms",
        perSecond,
        (fabric.stats().transport().sentBytes() - sentBefore) / (double) written,
        fabric.stats().replication().peers().get(0).rttMs());
  }

  private long paced(int perSecond) {
    long begun = System.nanoTime();
    long end = begun + SECONDS * 1_000_000_000L;
    long nextProbe = begun;
    long written = 0;
    for (long now = begun; now < end; now = System.nanoTime()) {
      long due = (long) ((now - begun) / 1e9 * perSecond);
      while (written < due) {
        write();
        written++;
        long at = System.nanoTime();
        if (at >= nextProbe) {
          nextProbe += Probe.EVERY_NANOS;
          var probe = new Probe(probes, at, 0);
          fabric.putAsync(Probe.key(probes++), probe.encoded());
        }
      }
      LockSupport.parkNanos(100_000);
    }
    return written;
  }

  private void awaitAcknowledged() {
    while (fabric.stats().replication().peers().get(0).pendingChanges() > 0
        || fabric.stats().replication().peers().get(0).connects() == 0) {
      LockSupport.parkNanos(100_000);
    }
  }

  private static void say(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
