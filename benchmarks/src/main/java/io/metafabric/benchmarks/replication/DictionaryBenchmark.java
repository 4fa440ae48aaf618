package io.metafabric.benchmarks.replication;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to tell a value of 200 bytes by a dictionary, to make it of what was told, and
 * to train a dictionary by as many values as a node takes for it?
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class DictionaryBenchmark {
  private static final int VALUES = 256;
  private static final int SAMPLES = 124;

  private final DeltaCoding coding = Objects.requireNonNull(ZstdDeltas.load());
  private final List<Bytes> samples = new ArrayList<>();
  private final Bytes[] values = new Bytes[VALUES];
  private final Bytes[] told = new Bytes[VALUES];
  private Bytes dictionary = Bytes.EMPTY;
  private int next;

  @Setup(Level.Trial)
  public void fill() {
    var random = new SplittableRandom(1);
    var assets = new AssetValues(random);
    for (int i = 0; i < SAMPLES; i++) {
      samples.add(Bytes.copyOf(assets.next(random.nextInt(100_000))));
    }
    dictionary = Objects.requireNonNull(coding.train(samples, Frame.Dictionary.MAX_BYTES)).bytes();
    for (int i = 0; i < VALUES; i++) {
      values[i] = Bytes.copyOf(assets.next(random.nextInt(100_000)));
      told[i] = Objects.requireNonNull(coding.encodeBy(dictionary, values[i]));
    }
  }

  @TearDown
  public void close() {
    coding.close();
  }

  @Benchmark
  public Object encode() {
    next = (next + 1) % VALUES;
    return coding.encodeBy(dictionary, values[next]);
  }

  @Benchmark
  public Object decode() {
    next = (next + 1) % VALUES;
    return coding.decodeBy(dictionary, told[next], values[next].length());
  }

  @Benchmark
  public Object train() {
    return coding.train(samples, Frame.Dictionary.MAX_BYTES);
  }
}
