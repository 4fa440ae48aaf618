package io.metafabric.benchmarks.replication;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Polls what the sender has told, and says how long it took to become visible. */
final class Receiver {
  private static final long POLL_ROUND_NANOS = 1_000_000;
  private static final long POLL_PROBE_NANOS = 50_000;

  private final MetadataFabric fabric;
  private final Histogram latency = new Histogram(60_000_000_000L, 3);
  private final Histogram warmUp = new Histogram(60_000_000_000L, 3);
  private final Set<String> known = new HashSet<>();
  private long nextProbe;
  private long round;
  private long cpuBefore;

  private Receiver(MetadataFabric fabric) {
    this.fabric = fabric;
  }

  /** Arguments: directory, port, peer's port. */
  public static void main(String[] args) throws InterruptedException {
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
      // The sender waits for the last acknowledgements; who started both ends this one after it.
      new CountDownLatch(1).await();
    }
  }

  private void poll() {
    boolean counting = false;
    Probe end = null;
    while (end == null) {
      // Rounds take seconds, and looking for their end often would cost what is measured.
      boolean inRounds = nextProbe == 0 && !readProbes(warmUp);
      if (inRounds) {
        pollRound();
      } else {
        counting = counting || read(Probe.COUNT_FROM) != null;
        readProbes(counting ? latency : warmUp);
        end = read(Probe.COUNT_TO);
      }
      LockSupport.parkNanos(inRounds ? POLL_ROUND_NANOS : POLL_PROBE_NANOS);
    }
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

  private void pollRound() {
    Probe ended = read(Probe.ROUND);
    if (ended != null && ended.number() > round) {
      round = ended.number();
      long cpu = CpuTime.nanos();
      say(
          "round %d: visible at %,d records/s, %.1f us of CPU time each",
          round,
          Math.round(ended.records() * 1e9 / (System.nanoTime() - ended.nanos())),
          (cpu - cpuBefore) / 1e3 / ended.records());
      cpuBefore = cpu;
    }
  }

  /**
   * Those that are next, in the order in which they were written; one that was overwritten before
   * it was seen has waited at least as long. Returns whether there were any.
   */
  private boolean readProbes(Histogram into) {
    long before = nextProbe;
    for (Probe probe = read(Probe.key(nextProbe));
        probe != null && probe.number() >= nextProbe;
        probe = read(Probe.key(nextProbe))) {
      long waited = System.nanoTime() - probe.nanos();
      into.recordValue(Math.max(0, waited + (probe.number() - nextProbe) * Probe.EVERY_NANOS));
      nextProbe++;
    }
    return nextProbe > before;
  }

  private @Nullable Probe read(String key) {
    // Of what is not known here the sender would be asked, again and again.
    if (!known.contains(key)) {
      if (fabric.explain(key).version().isEmpty()) {
        return null;
      }
      known.add(key);
    }
    return fabric.get(key).map(value -> Probe.of(value.bytes())).orElse(null);
  }

  private static void say(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
