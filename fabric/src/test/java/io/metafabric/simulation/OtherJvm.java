package io.metafabric.simulation;

import io.metafabric.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Runs the same seeds in a second process meanwhile. */
final class OtherJvm implements AutoCloseable {
  private static final int KEPT_LINES = 20;

  private final Process process;
  private final Map<Long, CompletableFuture<Long>> hashes = new ConcurrentHashMap<>();
  private final Deque<String> otherLines = new ArrayDeque<>();

  private OtherJvm(Process process) {
    this.process = process;
    var reader = new Thread(this::read, "seeds of the other JVM");
    reader.setDaemon(true);
    reader.start();
  }

  static OtherJvm run(long first, long count) throws IOException {
    var command =
        new ArrayList<>(
            ChildJvm.command(
                SimulationMain.class,
                // With one compiler only: what depends on how code was compiled, shows.
                List.of(
                    "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
                System.getProperty("java.class.path")));
    command.add(String.valueOf(first));
    command.add(String.valueOf(count));
    return new OtherJvm(new ProcessBuilder(command).redirectErrorStream(true).start());
  }

  private void read() {
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.matches("[0-9]+ [0-9a-f]+")) {
          String[] words = line.split(" ");
          of(Long.parseLong(words[0])).complete(Long.parseUnsignedLong(words[1], 16));
        } else {
          remember(line);
        }
      }
    } catch (IOException e) {
      remember(e.toString());
    }
  }

  private CompletableFuture<Long> of(long seed) {
    return hashes.computeIfAbsent(seed, each -> new CompletableFuture<>());
  }

  private synchronized void remember(String line) {
    otherLines.add(line);
    if (otherLines.size() > KEPT_LINES) {
      otherLines.remove();
    }
  }

  private synchronized String said() {
    return String.join("\n", otherLines);
  }

  /** Waits for it. */
  long hashOf(long seed) {
    try {
      return of(seed).get(100, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("no hash of seed " + seed + " from the other JVM:\n" + said(), e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
