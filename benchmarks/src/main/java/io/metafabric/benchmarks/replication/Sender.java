package io.metafabric.benchmarks.replication;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.version.Version;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** Writes, and says how many bytes went over the wire. */
final class Sender {
  private static final int ROUNDS = 5;
  private static final int KEYS = 100_000;
  private static final int WARM_UP_SECONDS = 20;
  private static final int SECONDS = 10;

  private final MetadataFabric fabric;
  private final SplittableRandom random = new SplittableRandom(1);
  private final AssetValues values = new AssetValues(random);
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
    long cpuBefore = CpuTime.nanos();
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
        "round %d: written at %,d records/s, %.1f bytes on the wire and %.1f us of CPU time each",
        round,
        Math.round(records * 1e9 / (written - begun)),
        (fabric.stats().transport().sentBytes() - sentBefore) / (double) records,
        (CpuTime.nanos() - cpuBefore) / 1e3 / records);
  }

  private CompletableFuture<Version> write() {
    int id = random.nextInt(KEYS);
    return fabric.putAsync("asset/" + id, values.next(id));
  }

  private void atRate(int perSecond) {
    paced(perSecond, WARM_UP_SECONDS);
    fabric.put(Probe.COUNT_FROM, new Probe(probes, 0, 0).encoded());
    long sentBefore = fabric.stats().transport().sentBytes();
    long written = paced(perSecond, SECONDS);
    fabric.put(Probe.COUNT_TO, new Probe(probes, 0, perSecond).encoded());
    awaitAcknowledged();
    say(
        "at %,d records/s: %.1f bytes on the wire each, round trip %.3f ms",
        perSecond,
        (fabric.stats().transport().sentBytes() - sentBefore) / (double) written,
        fabric.stats().replication().peers().get(0).rttMs());
  }

  private long paced(int perSecond, int seconds) {
    long begun = System.nanoTime();
    long end = begun + seconds * 1_000_000_000L;
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
