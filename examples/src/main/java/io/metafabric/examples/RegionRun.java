package io.metafabric.examples;

import io.metafabric.FabricBuilder;
import io.metafabric.FabricStats;
import io.metafabric.MetadataFabric;
import io.metafabric.Records;
import io.metafabric.core.journal.Durability;
import io.metafabric.replicate.PeerState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.ConcurrentHistogram;
import org.jspecify.annotations.Nullable;

/** One region of the demo, in this JVM: opens, loads, waits for the others, replays. */
final class RegionRun implements AutoCloseable {
  private static final long STALL_NANOS = 1_000_000;
  private static final long SYNC_TIMEOUT_NANOS = 60_000_000_000L;

  /** What a region is told when it starts. */
  record Settings(
      String region,
      Path directory,
      int listenPort,
      Map<String, Integer> peerPorts,
      boolean prediction,
      long hotTierBytes,
      int clients) {}

  private final Settings settings;
  private final Trace trace;
  private final MetadataFabric fabric;
  private final AtomicLong done = new AtomicLong();

  RegionRun(Settings settings, Trace trace) {
    this.settings = settings;
    this.trace = trace;
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(settings.region())
            .directory(settings.directory())
            .listen("127.0.0.1:" + settings.listenPort())
            .durability(Durability.OS)
            .hotTierBytes(settings.hotTierBytes())
            .prediction(settings.prediction());
    settings.peerPorts().forEach((peer, port) -> builder.peer(peer, "127.0.0.1:" + port));
    this.fabric = builder.open();
  }

  /** Puts every key whose home is here. */
  void load() {
    var pending = new ArrayList<CompletableFuture<?>>();
    trace
        .keys()
        .forEach(
            (key, sizeBytes) -> {
              if (fabric.explain(key).home().equals(settings.region())) {
                pending.add(fabric.putAsync(key, new byte[sizeBytes]));
              }
            });
    CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new)).join();
  }

  void awaitSync() throws InterruptedException {
    long deadline = System.nanoTime() + SYNC_TIMEOUT_NANOS;
    while (!inSync()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(
            settings.region() + " is not in sync: " + fabric.stats().replication());
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private boolean inSync() {
    return fabric.stats().replication().peers().stream()
        .allMatch(peer -> peer.state() == PeerState.IN_SYNC && peer.lagMs() == 0);
  }

  /** How many accesses are behind us. */
  long done() {
    return done.get();
  }

  /** Each client is a closed loop; so many run at a time, in the order of their first access. */
  RegionResult replay() throws InterruptedException {
    var clients = new ConcurrentLinkedQueue<>(trace.clientsOf(settings.region()));
    var nanos = new ConcurrentHistogram(RegionResult.MAX_NANOS, 2);
    var stall = new AtomicLong();
    var wrong = new AtomicLong();
    var failure = new AtomicReference<@Nullable RuntimeException>();
    FabricStats before = fabric.stats();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < settings.clients(); i++) {
      var thread =
          new Thread(
              () -> {
                try {
                  for (List<Trace.Row> rows = clients.poll(); rows != null; rows = clients.poll()) {
                    replayClient(rows, nanos, stall, wrong);
                  }
                } catch (RuntimeException e) {
                  failure.compareAndSet(null, e);
                  clients.clear();
                }
              },
              "client-" + i);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    RuntimeException first = failure.get();
    if (first != null) {
      throw first;
    }
    return result(before, fabric.stats(), nanos, stall.get(), wrong.get());
  }

  private void replayClient(
      List<Trace.Row> rows, ConcurrentHistogram nanos, AtomicLong stall, AtomicLong wrong) {
    Records records = fabric.as(rows.get(0).client());
    for (Trace.Row row : rows) {
      if (row.put()) {
        records.put(row.key(), new byte[row.sizeBytes()]);
      } else {
        long begin = System.nanoTime();
        boolean found = records.get(row.key()).isPresent();
        long took = System.nanoTime() - begin;
        nanos.recordValue(Math.min(took, RegionResult.MAX_NANOS));
        if (took > STALL_NANOS) {
          stall.addAndGet(took);
        }
        if (!found) {
          wrong.incrementAndGet();
        }
      }
      done.incrementAndGet();
    }
  }

  private static RegionResult result(
      FabricStats before,
      FabricStats after,
      ConcurrentHistogram nanos,
      long stallNanos,
      long wrong) {
    return new RegionResult(
        after.reads().hot() - before.reads().hot(),
        after.reads().prefetched() - before.reads().prefetched(),
        after.reads().warm() - before.reads().warm(),
        after.reads().remote() - before.reads().remote(),
        after.reads().origin() - before.reads().origin(),
        after.transport().sentBytes() - before.transport().sentBytes(),
        after.prefetch().requested() - before.prefetch().requested(),
        after.prefetch().used() - before.prefetch().used(),
        after.prefetch().wasted() - before.prefetch().wasted(),
        stallNanos,
        wrong,
        nanos);
  }

  @Override
  public void close() {
    fabric.close();
  }
}
