package io.metafabric.benchmarks.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.record.RegionName;
import io.metafabric.predict.PredictorConfig;
import io.metafabric.predict.SequencePredictor;
import io.metafabric.predict.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How many reads a second does the control loop learn from, with what follows from them? 50,000
 * keys, read in runs of 16 that begin at random, by 64 clients; one in five reads is a need. In
 * batches of 64, as many as wait when the loop comes round. The same with all sources, and what it
 * takes to write down all that was learned.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ObserveBenchmark {
  private static final RegionName REGION = new RegionName("paris");
  private static final int KEYS = 50_000;
  private static final int RUN = 16;
  private static final int CLIENTS = 64;
  private static final int NEEDS = 5;
  private static final int BATCH = 64;
  private static final int BATCHES = 8192;

  @Param({"default", "all"})
  public String sources = "default";

  private final List<List<AccessEvent>> batches = new ArrayList<>();
  private SequencePredictor predictor =
      new SequencePredictor(new PredictorConfig(REGION, PredictorConfig.MIN_MAX_BYTES, 1));
  private int next;

  @Setup
  public void fill() {
    var random = new SplittableRandom(1);
    var at = new int[CLIENTS];
    long events = 0;
    for (int i = 0; i < BATCHES; i++) {
      var batch = new ArrayList<AccessEvent>();
      for (int j = 0; j < BATCH; j++) {
        int client = random.nextInt(CLIENTS);
        at[client] =
            at[client] % RUN == RUN - 1 ? random.nextInt(KEYS / RUN) * RUN : at[client] + 1;
        Outcome outcome = random.nextInt(NEEDS) == 0 ? Outcome.REMOTE : Outcome.HOT;
        batch.add(new AccessEvent("c" + client, "item/" + at[client], REGION, events++, outcome));
      }
      batches.add(List.copyOf(batch));
    }
    predictor =
        new SequencePredictor(
            new PredictorConfig(REGION, PredictorConfig.DEFAULT_MAX_BYTES, 1),
            sources.equals("all") ? List.of(Source.values()) : Source.DEFAULT);
    for (int i = 0; i < BATCHES; i++) {
      observe();
    }
    System.out.println("retained bytes: " + predictor.retainedBytes() + ", keys: " + KEYS);
  }

  @Benchmark
  @OperationsPerInvocation(BATCH)
  public int observe() {
    next = (next + 1) % BATCHES;
    predictor.observe(batches.get(next));
    return predictor.proposals(key -> false, BATCH).size();
  }

  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  @OutputTimeUnit(TimeUnit.MILLISECONDS)
  public int save() {
    var out = new ByteWriter(1 << 20);
    predictor.save(out);
    return out.length();
  }
}
