package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A JVM writes through the facade and says what was acknowledged; this one writes it down, kills
 * the other with SIGKILL, opens the directory and compares. The directory lives on through all
 * rounds, so that compaction and many reopenings take part.
 *
 * <p>{@code -Dcrash.rounds=5000 -Dtest=CrashTest} runs for longer; each mode gets a third, and
 * Chronicle Map in front of the journal some more.
 */
@Timeout(value = 3, unit = TimeUnit.HOURS)
class CrashTest {
  private static final int ROUNDS = Integer.getInteger("crash.rounds", 102);
  private static final int WRITERS = 4;
  private static final int KEYS_PER_WRITER = 50;
  private static final String ASYNC_NAMESPACE = "async/";
  private static final String NAMESPACE = "n/";
  private static final String CHRONICLE = "CHRONICLE";

  @TempDir Path directory;

  /** The JVM that is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      MetadataFabric fabric = open(Path.of(args[0]), args[1]);
      long firstSequence = Long.parseLong(args[2]);
      for (int w = 0; w < WRITERS; w++) {
        int writer = w;
        new Thread(() -> write(fabric, writer, firstSequence), "writer-" + w).start();
      }
    }

    private static void write(MetadataFabric fabric, int writer, long firstSequence) {
      var random = new Random(firstSequence + writer);
      for (long sequence = firstSequence; ; sequence++) {
        int number = writer * KEYS_PER_WRITER + random.nextInt(KEYS_PER_WRITER);
        byte[] value = (sequence + " " + "x".repeat(random.nextInt(600))).getBytes(UTF_8);
        if (writer == 0) {
          String key = ASYNC_NAMESPACE + number;
          fabric.putAsync(key, value).join();
          acknowledge(key, sequence);
        } else {
          String key = NAMESPACE + number;
          if (random.nextInt(10) == 0) {
            fabric.put(key, value, Duration.ofDays(1));
          } else {
            fabric.put(key, value);
          }
          acknowledge(key, sequence);
        }
        if (random.nextInt(4) == 0) {
          // Not from memory, where that has room for a few keys only.
          fabric.get(NAMESPACE + random.nextInt(WRITERS * KEYS_PER_WRITER));
        }
      }
    }

    private static void acknowledge(String key, long sequence) {
      // One write to the pipe: println of a line that is complete.
      synchronized (System.out) {
        System.out.println(key + " " + sequence);
        System.out.flush();
      }
    }
  }

  private static MetadataFabric open(Path where, String mode) {
    Durability durability =
        switch (mode) {
          case "SYNC" -> Durability.SYNC;
          case "OS", CHRONICLE -> Durability.OS;
          default -> Durability.interval(Duration.ofMillis(20));
        };
    return MetadataFabric.builder()
        .directory(where)
        .durability(durability)
        .segmentBytes(64 << 10)
        .hotTierBytes(64 << 10)
        .warmTier(mode.equals(CHRONICLE) ? WarmTier.CHRONICLE : WarmTier.JOURNAL)
        .warmTierBytes(4 << 20)
        .open();
  }

  @ParameterizedTest
  @ValueSource(strings = {"SYNC", "OS", "INTERVAL"})
  void whatWasAcknowledged_isThereAfterSigkill(String mode) throws Exception {
    killAgainAndAgain(mode, ROUNDS / 3);
  }

  /** A share only: Chronicle Map takes its seconds to be loaded. */
  @Test
  @Tag("chronicle")
  void whatWasAcknowledged_isThereAfterSigkill_withChronicleMapInFront() throws Exception {
    killAgainAndAgain(CHRONICLE, Math.max(1, ROUNDS / 17));
  }

  private void killAgainAndAgain(String mode, int rounds) throws Exception {
    Map<String, Long> acknowledged = new HashMap<>();
    long seed = Long.getLong("crash.seed", 1);
    var random = new Random(seed);
    long journalBytes = 0;
    long total = 0;
    for (int round = 0; round < rounds; round++) {
      long firstSequence = (round + 1) * 10_000_000L;
      total += killedRound(mode, firstSequence, random, acknowledged);
      try (var fabric = open(directory, mode)) {
        for (var each : acknowledged.entrySet()) {
          String what = mode + " seed " + seed + " round " + round + " " + each;
          var value = fabric.get(each.getKey());
          assertThat(value).as(what).isPresent();
          long found = Long.parseLong(value.orElseThrow().utf8().split(" ", 2)[0]);
          assertThat(found).as(what).isGreaterThanOrEqualTo(each.getValue());
          // It may be a write that was not acknowledged any more, of the same life.
          assertThat(found).as(what).isLessThan(firstSequence + 10_000_000L);
          acknowledged.put(each.getKey(), found);
        }
        journalBytes = fabric.stats().storage().journalBytes();
      }
    }
    System.out.printf(
        "%s: %,d acknowledged writes in %d rounds, seed %d, journal %,d bytes%n",
        mode, total, rounds, seed, journalBytes);
    assertThat(acknowledged).hasSizeGreaterThan(WRITERS * KEYS_PER_WRITER / 2);
    assertThat(journalBytes)
        .as("compaction took part")
        .isLessThan(WRITERS * KEYS_PER_WRITER * 1000L + 16 * (64 << 10));
  }

  /** Returns how many acknowledgements came. */
  private long killedRound(
      String mode, long firstSequence, Random random, Map<String, Long> acknowledged)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command(directory.toString(), mode, Long.toString(firstSequence)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    int killAfter = 1 + random.nextInt(random.nextInt(4) == 0 ? 3000 : 300);
    boolean stopFirst = random.nextInt(5) == 0;
    long seen = 0;
    try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] cells = line.split(" ", -1);
        // The last line may be cut short: a number that is cut is smaller, and asks for less.
        if (cells.length == 2 && !cells[1].isEmpty()) {
          acknowledged.merge(cells[0], Long.parseLong(cells[1]), Math::max);
        }
        seen++;
        if (seen == killAfter / 2 && stopFirst) {
          signal("STOP", process);
          signal("CONT", process);
        }
        if (seen == killAfter) {
          if (stopFirst) {
            signal("STOP", process);
          }
          // Not destroyForcibly, which throws away what has not been read.
          signal("KILL", process);
        }
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(seen).as("the writer ended early").isGreaterThanOrEqualTo(killAfter);
    return seen;
  }

  private static List<String> command(String... arguments) {
    var command =
        new ArrayList<>(
            ChildJvm.command(
                Writer.class, ChildJvm.chronicleFlags(), System.getProperty("java.class.path")));
    command.addAll(List.of(arguments));
    return command;
  }

  private static void signal(String name, Process process)
      throws IOException, InterruptedException {
    int exit =
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    assertThat(exit).as("kill -%s", name).isZero();
  }
}
