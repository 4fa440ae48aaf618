package io.metafabric.benchmarks.storage;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.store.StoreStats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;
import java.util.stream.Stream;

/**
 * How much is written, and how much is kept, for what the host has written: overwrites of keys that
 * are there, uniform and Zipf, as many as an hour has at 1,000 a second, as fast as they go.
 *
 * <p>{@code java -cp benchmarks/target/benchmarks.jar
 * io.metafabric.benchmarks.storage.Amplification [WRITES [KEYS [SEGMENT_MIB [WRITES_A_SECOND]]]]}
 */
public final class Amplification {
  private static final int VALUE_BYTES = 200;
  private static final double ZIPF_EXPONENT = 0.99;
  private static final long SAMPLE_EVERY_MS = 100;

  private final int writes;
  private final int keys;
  private final int segmentMib;
  private final int writesASecond;

  private Amplification(int writes, int keys, int segmentMib, int writesASecond) {
    this.writes = writes;
    this.keys = keys;
    this.segmentMib = segmentMib;
    this.writesASecond = writesASecond;
  }

  public static void main(String[] args) throws Exception {
    int[] given = Stream.of(args).mapToInt(Integer::parseInt).toArray();
    var load =
        new Amplification(
            given.length > 0 ? given[0] : 3_600_000,
            given.length > 1 ? given[1] : 200_000,
            given.length > 2 ? given[2] : 64,
            given.length > 3 ? given[3] : Integer.MAX_VALUE);
    var random = new SplittableRandom(1);
    load.run("uniform", () -> random.nextInt(load.keys));
    double[] zipf = cumulativeZipf(load.keys);
    load.run("Zipf " + ZIPF_EXPONENT, () -> rank(zipf, random.nextDouble()));
  }

  private static double[] cumulativeZipf(int keys) {
    var cumulative = new double[keys];
    double sum = 0;
    for (int i = 0; i < keys; i++) {
      sum += 1 / Math.pow(i + 1, ZIPF_EXPONENT);
      cumulative[i] = sum;
    }
    for (int i = 0; i < keys; i++) {
      cumulative[i] /= sum;
    }
    return cumulative;
  }

  private static int rank(double[] cumulative, double at) {
    int found = Arrays.binarySearch(cumulative, at);
    return Math.min(found < 0 ? -found - 1 : found, cumulative.length - 1);
  }

  private void run(String name, IntSupplier nextKey) throws Exception {
    Path directory = Files.createTempDirectory("metafabric-amplification");
    try (var fabric =
        MetadataFabric.builder()
            .directory(directory)
            .durability(Durability.OS)
            .segmentBytes((long) segmentMib << 20)
            .hotTierBytes(16 << 20)
            .open()) {
      byte[] value = new byte[VALUE_BYTES];
      var random = new SplittableRandom(2);
      for (int i = 0; i < keys; i++) {
        random.nextBytes(value);
        fabric.put(key(i), value);
      }
      StoreStats before = fabric.stats().storage();
      long wroteBefore = writtenByThisProcess();
      var space = new Space(fabric, directory);
      var sampler = new Thread(space, "sampler");
      sampler.start();
      long begun = System.nanoTime();
      long userBytes = 0;
      for (int i = 0; i < writes; i++) {
        int key = nextKey.getAsInt();
        random.nextBytes(value);
        fabric.put(key(key), value);
        userBytes += key(key).length() + VALUE_BYTES;
        pace(begun, i);
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      space.stopped.set(true);
      sampler.join();
      report(name, fabric.stats().storage(), before, userBytes, seconds, space);
      long wrote = writtenByThisProcess() - wroteBefore;
      if (wroteBefore >= 0) {
        say("  by write calls of the whole process: %.2f", (double) wrote / userBytes);
      }
    } finally {
      delete(directory);
    }
  }

  private void pace(long begunNanos, int done) throws InterruptedException {
    if (writesASecond == Integer.MAX_VALUE || done % 100 != 0) {
      return;
    }
    long aheadMs = done * 1000L / writesASecond - (System.nanoTime() - begunNanos) / 1_000_000;
    if (aheadMs > 0) {
      Thread.sleep(aheadMs);
    }
  }

  private void report(
      String name,
      StoreStats after,
      StoreStats before,
      long userBytes,
      double seconds,
      Space space) {
    double appended = after.appendedBytes() - before.appendedBytes();
    double compacted = after.compaction().writtenBytes() - before.compaction().writtenBytes();
    say(
        "%s: %,d writes of %,d keys in %.1f s, segments of %d MiB, %,d compactions",
        name,
        writes,
        keys,
        seconds,
        segmentMib,
        after.compaction().runs() - before.compaction().runs());
    say(
        "  written: %.2f times the bytes of keys and values (journal %.2f, compaction %.2f)",
        (appended + compacted) / userBytes, appended / userBytes, compacted / userBytes);
    say(
        "  kept: journal %.2f times its live bytes on average, %.2f at most; all files %.2f and"
            + " %.2f; %,d live bytes",
        space.journal.mean(),
        space.journal.max,
        space.files.mean(),
        space.files.max,
        after.liveBytes());
  }

  /** What is written with calls, to sockets and terminals too; -1 where the system does not say. */
  private static long writtenByThisProcess() throws IOException {
    Path io = Path.of("/proc/self/io");
    if (!Files.isReadable(io)) {
      return -1;
    }
    List<String> lines = Files.readAllLines(io);
    return lines.stream()
        .filter(line -> line.startsWith("wchar: "))
        .mapToLong(line -> Long.parseLong(line.substring(7)))
        .findFirst()
        .orElse(-1);
  }

  /** Samples. */
  private static final class Ratio {
    double sum;
    double max;
    int count;

    void add(double value) {
      sum += value;
      max = Math.max(max, value);
      count++;
    }

    double mean() {
      return count == 0 ? 0 : sum / count;
    }
  }

  /** Looks at the directory again and again. */
  private static final class Space implements Runnable {
    final MetadataFabric fabric;
    final Path directory;
    final AtomicBoolean stopped = new AtomicBoolean();
    final Ratio journal = new Ratio();
    final Ratio files = new Ratio();

    Space(MetadataFabric fabric, Path directory) {
      this.fabric = fabric;
      this.directory = directory;
    }

    @Override
    public void run() {
      try {
        while (!stopped.get()) {
          StoreStats stats = fabric.stats().storage();
          journal.add((double) stats.journalBytes() / stats.liveBytes());
          files.add((double) bytesIn(directory) / stats.liveBytes());
          Thread.sleep(SAMPLE_EVERY_MS);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static long bytesIn(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        try {
          bytes += Files.size(file);
        } catch (NoSuchFileException e) {
          // Compaction was faster.
        }
      }
    }
    return bytes;
  }

  private static String key(int i) {
    return "catalogue/" + i;
  }

  private static void say(String format, Object... what) {
    System.out.println(String.format(Locale.ROOT, format, what));
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }
}
