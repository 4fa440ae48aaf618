package io.metafabric.benchmarks.fabric;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.record.RegionName;
import io.metafabric.predict.AccessRing;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What does it cost a read to be noted, and how many notes are lost, when reads come as fast as
 * they can? Drained every 10 ms, as in a fabric. {@code overloaded} does nothing else; {@code
 * paced} does about as much work between two notes as a read that is answered from the journal.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar AccessRing -f 1 -wi 3 -i 4 -w 1 -r 1}
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AccessRingBenchmark {
  private static final int KEYS = 1 << 12;
  private static final int MAX_EVENTS = 8192;
  private static final int WORK = 1_000;

  private final String[] keys = new String[KEYS];
  private AccessRing ring;
  private ScheduledExecutorService drains;
  private long recorded;
  private long dropped;

  /** Who reads, and where. */
  @State(Scope.Thread)
  public static class Reader {
    private final String client = "client-" + System.identityHashCode(this);
    private int next;

    int next() {
      return next++ & (KEYS - 1);
    }
  }

  @Setup(Level.Trial)
  public void open() {
    for (int i = 0; i < KEYS; i++) {
      keys[i] = "catalogue/" + i;
    }
    ring = new AccessRing(new RegionName("local"));
    drains = Executors.newSingleThreadScheduledExecutor();
    drains.scheduleAtFixedRate(() -> ring.drain(MAX_EVENTS), 10, 10, TimeUnit.MILLISECONDS);
  }

  @Setup(Level.Iteration)
  public void begin() {
    recorded = ring.recorded();
    dropped = ring.dropped();
  }

  @TearDown(Level.Iteration)
  public void report() {
    long in = ring.recorded() - recorded;
    long out = ring.dropped() - dropped;
    System.out.printf(Locale.ROOT, "dropped %.1f %% of %d; ", 100.0 * out / (in + out), in + out);
  }

  @TearDown(Level.Trial)
  public void close() {
    drains.shutdownNow();
  }

  @Benchmark
  @Threads(1)
  public void overloaded1(Reader reader) {
    ring.record(reader.client, keys[reader.next()], Outcome.HOT);
  }

  @Benchmark
  @Threads(4)
  public void overloaded4(Reader reader) {
    ring.record(reader.client, keys[reader.next()], Outcome.HOT);
  }

  @Benchmark
  @Threads(1)
  public void paced1(Reader reader) {
    Blackhole.consumeCPU(WORK);
    ring.record(reader.client, keys[reader.next()], Outcome.HOT);
  }
}
