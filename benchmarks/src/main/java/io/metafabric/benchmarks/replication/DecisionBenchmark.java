package io.metafabric.benchmarks.replication;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.replicate.arm.Candidate;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTerms;
import io.metafabric.replicate.arm.CopyWrite;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.ReplicationManager;
import io.metafabric.replicate.arm.Update;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
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
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does one decision on a copy cost, with its read, its update, its place in the log, and being
 * told what became of it? 10,000 keys with reads and updates that are known, 16 candidates at a
 * time, prices of their own for half of the pairs; half of the copies are used.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class DecisionBenchmark {
  private static final RegionName HERE = new RegionName("paris");
  private static final CopyTerms TERMS = new CopyTerms(HERE, new RegionName("oslo"), 4096, 40);
  private static final int KEYS = 10_000;
  private static final int BATCH = 16;
  private static final int BATCHES = 4096;
  private static final long NANOS_PER_BATCH = 10_000_000;

  private final List<List<Candidate>> batches = new ArrayList<>();
  private final ReplicationManager arm =
      new ReplicationManager(
          CostBenefitPolicy.of(
              Prices.DEFAULT.withTransferPerGb("oslo", "paris", 0.09).withSavedMs("paris", 0.02)),
          CopyBudget.DEFAULT,
          true,
          key -> false,
          0);
  private final Key[] written = new Key[3 * KEYS];
  private final SplittableRandom random = new SplittableRandom(2);
  private int next;
  private long writes;
  private long nowNanos;

  @Setup
  public void fill() {
    Arrays.setAll(written, i -> Key.of("written/" + i));
    var random = new SplittableRandom(1);
    var from = List.of(new RegionName("oslo"), new RegionName("rome"));
    for (int i = 0; i < BATCHES; i++) {
      var batch = new ArrayList<Candidate>();
      for (int j = 0; j < BATCH; j++) {
        var prediction =
            new Prediction(
                Key.of("item/" + random.nextInt(KEYS)),
                HERE,
                random.nextDouble(),
                Duration.ofSeconds(30),
                "after item/1",
                "benchmark");
        batch.add(
            new Candidate(
                prediction,
                from.get(j % 2),
                random.nextInt(2_000),
                random.nextDouble() * 100,
                0.001,
                1 + random.nextDouble(),
                random.nextDouble()));
      }
      batches.add(List.copyOf(batch));
    }
  }

  /**
   * What a region is sent for one write: of 30,000 keys in turn by chance, a third read there
   * since; half of the regions' copies are known.
   */
  @Benchmark
  public boolean send() {
    writes++;
    nowNanos += 1_000_000;
    Key key = written[random.nextInt(written.length)];
    if (writes % 3 == 0) {
      arm.readElsewhere(key, TERMS, false, nowNanos);
    }
    var write =
        new CopyWrite(
            key,
            new Dot(new ActorId(1), writes),
            TERMS,
            1,
            writes % 2 == 0 ? CopyWrite.Held.COPY : CopyWrite.Held.NOTHING);
    return arm.decide(write, nowNanos) == Update.PUSH;
  }

  @Benchmark
  @OperationsPerInvocation(BATCH)
  public int decide() {
    next = (next + 1) % BATCHES;
    nowNanos += NANOS_PER_BATCH;
    int copies = 0;
    for (Decision decision : arm.consider(batches.get(next), nowNanos)) {
      String path = decision.candidate().prediction().key().path();
      arm.read(path, nowNanos);
      arm.updated(path, nowNanos);
      if (decision.copy() && copies++ % 2 == 0) {
        arm.used(path);
      } else if (decision.copy()) {
        arm.wasted(path, nowNanos);
      }
    }
    return copies;
  }
}
