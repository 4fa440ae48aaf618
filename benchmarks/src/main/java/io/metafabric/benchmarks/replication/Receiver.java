package io.metafabric.benchmarks.replication;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Polls what the sender has told, and says how long it took to become visible. */
final class Receiver {
  private static final long POLL_NANOS = 50_000;

  private final MetadataFabric fabric;
  private final Histogram latency = new Histogram(60_000_000_000L, 3);
  private final Histogram warmUp = new Histogram(60_000_000_000L, 3);
  private final long[] seen = new long[Probe.KEYS];
  private long round;

  private Receiver(MetadataFabric fabric) {
    this.fabric = fabric;
    for (int i = 0; i < seen.length; i++) {
      seen[i] = i - Probe.KEYS;
    }
  }

  /** Arguments: directory, port, peer's port. */
  public static void main(String[] args) {
    try (MetadataFabric fabric =
        MetadataFabric.builder()
            .region(TwoRegions.TO)
            .directory(Path.of(args[0], TwoRegions.TO))
            .durability(Durability.OS)
            .prediction(false)
            .listen("127.0.0.1:" + args[1])
            .peer(TwoRegions.FROM, "127.0.0.1:" + args[2])
            .open()) {
      new Receiver(fabric).poll();
    }
  }

  private void poll() {
    boolean counting = false;
    boolean told = false;
    while (true) {
      pollRound();
      if (!counting && read(Probe.COUNT_FROM) != null) {
        counting = true;
      }
      for (int i = 0; i < Probe.KEYS; i++) {
        pollProbe(i, counting ? latency : warmUp);
      }
      Probe end = read(Probe.COUNT_TO);
      if (end != null && !told) {
        told = true;
        say(
            "visible at %,d records/s: p50 %.3f ms, p90 %.3f, p99 %.3f, p99.9 %.3f, max %.3f"
                + " (%,d probes)",
            end.records(),
            latency.getValueAtPercentile(50) / 1e6,
            latency.getValueAtPercentile(90) / 1e6,
            latency.getValueAtPercentile(99) / 1e6,
            latency.getValueAtPercentile(99.9) / 1e6,
            latency.getMaxValue() / 1e6,
            latency.getTotalCount());
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private void pollRound() {
    Probe ended = read(Probe.ROUND);
    if (ended != null && ended.number() > round) {
      round = ended.number();
      say(
          "round %d: visible at %,d records/s",
          round, Math.round(ended.records() * 1e9 / (System.nanoTime() - ended.nanos())));
    }
  }

  /** Those that were overwritten before they were seen have waited at least as long. */
  private void pollProbe(int key, Histogram into) {
    Probe probe = read("probe/" + key);
    if (probe == null || probe.number() <= seen[key]) {
      return;
    }
    long waited = System.nanoTime() - probe.nanos();
    for (long number = probe.number(); number > seen[key]; number -= Probe.KEYS) {
      into.recordValue(Math.max(0, waited));
      waited += Probe.KEYS * Probe.EVERY_NANOS;
    }
    seen[key] = probe.number();
  }

  private @Nullable Probe read(String key) {
    // Of what is not known here the sender would be asked, again and again.
    if (fabric.explain(key).version().isEmpty()) {
      return null;
    }
    return fabric.get(key).map(value -> Probe.of(value.bytes())).orElse(null);
  }

  private static void say(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
