package io.metafabric.benchmarks.storage;

import io.metafabric.MetadataFabric;
import io.metafabric.core.journal.Durability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * How long it takes to open a directory again, each time in a JVM of its own: after a stop in
 * order, and after one that was not. Also what the index takes.
 *
 * <p>{@code java -cp benchmarks/target/benchmarks.jar io.metafabric.benchmarks.storage.Reopen KEYS
 * [DIRECTORY]}
 */
public final class Reopen {
  private Reopen() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 3 && args[0].equals("open")) {
      open(Path.of(args[1]), Integer.parseInt(args[2]));
      return;
    }
    int keys = Integer.parseInt(args[0]);
    Path directory =
        args.length > 1 ? Path.of(args[1]) : Files.createTempDirectory("metafabric-reopen");
    try {
      fill(directory, keys);
      System.out.println("after a stop in order:");
      openInChild(directory, keys);
      System.out.println("after a kill (no hint):");
      Files.delete(directory.resolve("index.hint"));
      openInChild(directory, keys);
    } finally {
      delete(directory);
    }
  }

  private static MetadataFabric fabric(Path directory) {
    return MetadataFabric.builder()
        .directory(directory)
        .durability(Durability.OS)
        .hotTierBytes(16 << 20)
        .open();
  }

  private static void fill(Path directory, int keys) {
    long heapBefore = usedHeapBytes();
    MetadataFabric fabric = fabric(directory);
    byte[] value = new byte[200];
    long begun = System.nanoTime();
    for (int i = 0; i < keys; i++) {
      fabric.put(key(i), value);
    }
    say("%,d keys written in %,d ms", keys, sinceMs(begun));
    say(
        "index: %.1f bytes a key outside of the heap; heap: %.1f bytes a key beside 16 MiB of hot"
            + " tier",
        fabric.stats().storage().indexBytes() / (double) keys,
        (usedHeapBytes() - heapBefore - fabric.stats().hotTier().sizeBytes()) / (double) keys);
    begun = System.nanoTime();
    fabric.close();
    say("closed in %,d ms", sinceMs(begun));
  }

  private static void openInChild(Path directory, int keys) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    var child =
        new ProcessBuilder(
                List.of(
                    java,
                    "-cp",
                    System.getProperty("java.class.path"),
                    Reopen.class.getName(),
                    "open",
                    directory.toString(),
                    String.valueOf(keys)))
            .inheritIO()
            .start();
    if (child.waitFor() != 0) {
      throw new IllegalStateException("the child ended with " + child.exitValue());
    }
  }

  private static void open(Path directory, int keys) throws IOException {
    Path other = Files.createTempDirectory("metafabric-reopen");
    long first = System.nanoTime();
    try (MetadataFabric empty = fabric(other)) {
      require(empty.get(key(0)).isEmpty());
      say("  the JVM's first fabric, of an empty directory: %,d ms", sinceMs(first));
    }
    delete(other);
    var random = new SplittableRandom(1);
    long begun = System.nanoTime();
    MetadataFabric fabric = fabric(directory);
    long opened = sinceMs(begun);
    require(fabric.get(key(random.nextInt(keys))).isPresent());
    say("  opened in %,d ms, first read after %,d ms", opened, sinceMs(begun));
    for (int i = 0; i < 100_000; i++) {
      require(fabric.get(key(random.nextInt(keys))).isPresent());
    }
    require(fabric.stats().storage().keys() == keys);
    fabric.close();
  }

  private static void require(boolean holds) {
    if (!holds) {
      throw new IllegalStateException("a key is missing");
    }
  }

  private static String key(int i) {
    return "catalogue/" + i;
  }

  private static long sinceMs(long begunNanos) {
    return (System.nanoTime() - begunNanos) / 1_000_000;
  }

  private static void say(String format, Object... what) {
    System.out.println(String.format(Locale.ROOT, format, what));
  }

  private static long usedHeapBytes() {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }
}
