package io.metafabric.benchmarks.replication;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to tell a JSON value by the one before, and in how many bytes? In each of 256
 * values a tenth is edited: either a run of a tenth of the characters, of which every digit and
 * letter is drawn anew, or all that a tenth of its objects say.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class DeltaBenchmark {
  private static final int VALUES = 256;

  /** How the tenth lies in the value. */
  public enum Edit {
    RUN,
    OBJECTS
  }

  /** Reported by JMH beside the time: how many times shorter is the one by the other. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Sizes {
    public long valueBytes;
    public long deltaBytes;
  }

  @Param({"256", "1024", "4096", "16384"})
  public int bytes;

  @Param public Edit edit;

  private final DeltaCoding coding = Objects.requireNonNull(ZstdDeltas.load());
  private final Bytes[] before = new Bytes[VALUES];
  private final Bytes[] after = new Bytes[VALUES];
  private final Bytes[] deltas = new Bytes[VALUES];
  private int next;

  @Setup(Level.Trial)
  public void fill() {
    var random = new SplittableRandom(1);
    for (int i = 0; i < VALUES; i++) {
      long seed = random.nextLong();
      before[i] = Bytes.utf8(json(seed, new boolean[bytes]));
      after[i] = edit == Edit.RUN ? withRun(before[i], random) : withObjects(seed, random);
      deltas[i] = Objects.requireNonNull(coding.encode(before[i], after[i]));
      if (!coding.decode(before[i], deltas[i], after[i].length()).equals(after[i])) {
        throw new IllegalStateException("a delta does not come back");
      }
    }
  }

  /** A list of objects of about 70 characters; those that are edited say something else. */
  private String json(long seed, boolean[] edited) {
    var text = new StringBuilder("{\"assets\":[");
    for (int i = 0; text.length() < bytes - 70; i++) {
      var random = new SplittableRandom(edited[i] ? ~seed - i : seed + i);
      text.append("{\"id\":\"")
          .append(Long.toHexString(random.nextLong()))
          .append("\",\"count\":")
          .append(random.nextInt(100_000))
          .append(",\"state\":\"")
          .append(random.nextBoolean() ? "active" : "paused")
          .append("\",\"tag\":\"t")
          .append(random.nextInt(50))
          .append("\"},");
    }
    return text.append("{}]}").toString();
  }

  private Bytes withObjects(long seed, SplittableRandom random) {
    var edited = new boolean[bytes];
    int objects = Math.max(1, bytes / 70);
    for (int i = 0; i < Math.max(1, objects / 10); i++) {
      edited[random.nextInt(objects)] = true;
    }
    return Bytes.utf8(json(seed, edited));
  }

  private static Bytes withRun(Bytes value, SplittableRandom random) {
    byte[] text = value.toUtf8().getBytes(StandardCharsets.US_ASCII);
    int length = text.length / 10;
    int from = random.nextInt(text.length - length);
    for (int i = from; i < from + length; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        text[i] = (byte) ('0' + random.nextInt(10));
      } else if (text[i] >= 'a' && text[i] <= 'z') {
        text[i] = (byte) ('a' + random.nextInt(6));
      }
    }
    return Bytes.copyOf(text);
  }

  @TearDown
  public void close() {
    coding.close();
  }

  @Benchmark
  public Object encode(Sizes sizes) {
    next = (next + 1) % VALUES;
    Bytes delta = coding.encode(before[next], after[next]);
    sizes.valueBytes += after[next].length();
    sizes.deltaBytes += delta == null ? after[next].length() : delta.length();
    return delta;
  }

  @Benchmark
  public Object decode() {
    next = (next + 1) % VALUES;
    return coding.decode(before[next], deltas[next], after[next].length());
  }
}
