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
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A JVM writes and removes through the facade and says what was acknowledged; this one writes it
 * down, kills the other with SIGKILL, opens the directory and compares. The directory lives on
 * through all rounds, so that compaction and many reopenings take part.
 *
 * <p>In some rounds the other is stopped before that, and goes on at once or after a while.
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

  private static final String PUT = "put";
  private static final String REMOVING = "removing";
  private static final String REMOVED = "removed";

  /** What is known of a key: its last acknowledged change, and the last removal that was begun. */
  private record Known(long sequence, boolean removed, long removing) {
    static final Known NOTHING = new Known(0, true, 0);

    Known with(String what, long changed) {
      return switch (what) {
        case PUT -> new Known(changed, false, removing);
        case REMOVED -> new Known(changed, true, removing);
        case REMOVING -> new Known(sequence, removed, changed);
        default -> this; // a line that was cut short
      };
    }
  }

  /** What a write survives; all of them survive SIGKILL, which takes no power away. */
  private enum Mode {
    SYNC(Durability.SYNC),
    OS(Durability.OS),
    INTERVAL(Durability.interval(Duration.ofMillis(20)));

    final Durability durability;

    Mode(Durability durability) {
      this.durability = durability;
    }
  }

  @TempDir Path directory;
  private long stoppedMs;

  /** The JVM that is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      MetadataFabric fabric =
          open(Path.of(args[0]), Mode.valueOf(args[1]), WarmTier.valueOf(args[2]));
      long firstSequence = Long.parseLong(args[3]);
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
          say(PUT, key, sequence);
        } else {
          String key = NAMESPACE + number;
          switch (random.nextInt(10)) {
            case 0 -> fabric.put(key, value, Duration.ofDays(1));
            case 1, 2 -> {
              say(REMOVING, key, sequence);
              fabric.remove(key);
              say(REMOVED, key, sequence);
              continue;
            }
            default -> fabric.put(key, value);
          }
          say(PUT, key, sequence);
        }
        if (random.nextInt(4) == 0) {
          // Not from memory, where that has room for a few keys only.
          fabric.get(NAMESPACE + random.nextInt(WRITERS * KEYS_PER_WRITER));
        }
      }
    }

    private static void say(String what, String key, long sequence) {
      // One write to the pipe: println of a line that is complete.
      synchronized (System.out) {
        System.out.println(key + " " + sequence + " " + what);
        System.out.flush();
      }
    }
  }

  private static MetadataFabric open(Path where, Mode mode, WarmTier tier) {
    return MetadataFabric.builder()
        .directory(where)
        .durability(mode.durability)
        .segmentBytes(64 << 10)
        .hotTierBytes(64 << 10)
        .warmTier(tier)
        .warmTierBytes(4 << 20)
        .open();
  }

  @ParameterizedTest
  @EnumSource
  void whatWasAcknowledged_isThereAfterSigkill(Mode mode) throws Exception {
    killAgainAndAgain(List.of(mode), WarmTier.JOURNAL, ROUNDS / Mode.values().length);
  }

  /** A share only, in all modes by turns: Chronicle Map takes its seconds to be loaded. */
  @Test
  @Tag("chronicle")
  void whatWasAcknowledged_isThereAfterSigkill_withChronicleMapInFront() throws Exception {
    List<Mode> modes = List.of(Mode.values());
    killAgainAndAgain(modes, WarmTier.CHRONICLE, Math.max(modes.size(), ROUNDS / 17));
  }

  private void killAgainAndAgain(List<Mode> modes, WarmTier tier, int rounds) throws Exception {
    Map<String, Known> acknowledged = new HashMap<>();
    long seed = Long.getLong("crash.seed", 1);
    // Other kills for each of these, the same each time.
    var random = new Random(31 * seed + (tier + " " + modes).hashCode());
    long journalBytes = 0;
    long total = 0;
    long absent = 0;
    for (int round = 0; round < rounds; round++) {
      Mode mode = modes.get(round % modes.size());
      long firstSequence = (round + 1) * 10_000_000L;
      total += killedRound(mode, tier, firstSequence, random, acknowledged);
      try (var fabric = open(directory, mode, tier)) {
        for (var each : acknowledged.entrySet()) {
          String what = mode + " " + tier + " seed " + seed + " round " + round + " " + each;
          Known known = each.getValue();
          var value = fabric.get(each.getKey());
          // It may be a change that was not acknowledged any more, of the same life.
          if (value.isEmpty()) {
            assertThat(known.removed() || known.removing() > known.sequence())
                .as(what + " is lost")
                .isTrue();
            each.setValue(new Known(Math.max(known.sequence(), known.removing()), true, 0));
            absent++;
          } else {
            long found = Long.parseLong(value.orElseThrow().utf8().split(" ", 2)[0]);
            assertThat(found)
                .as(what)
                .isBetween(
                    known.sequence() + (known.removed() ? 1 : 0), firstSequence + 9_999_999L);
            each.setValue(new Known(found, false, 0));
          }
        }
        journalBytes = fabric.stats().storage().journalBytes();
      }
    }
    System.out.printf(
        "%s %s: %,d lines of writers in %d rounds, stopped for %,d ms, seed %d, journal %,d bytes%n",
        tier, modes, total, rounds, stoppedMs, seed, journalBytes);
    assertThat(acknowledged).hasSizeGreaterThan(WRITERS * KEYS_PER_WRITER / 2);
    assertThat(absent).as("removed keys that stayed away").isPositive();
    assertThat(journalBytes)
        .as("compaction took part")
        .isLessThan(WRITERS * KEYS_PER_WRITER * 1000L + 16 * (64 << 10));
  }

  /** Returns how many lines came. */
  private long killedRound(
      Mode mode, WarmTier tier, long firstSequence, Random random, Map<String, Known> acknowledged)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                command(
                    directory.toString(), mode.name(), tier.name(), Long.toString(firstSequence)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    int killAfter = 1 + random.nextInt(random.nextInt(4) == 0 ? 3000 : 300);
    boolean stopFirst = random.nextInt(tier == WarmTier.CHRONICLE ? 2 : 5) == 0;
    // Long enough for what has a time of its own, a planned sync for one, to be late.
    int stoppedForMs = random.nextInt(2) == 0 ? 200 + random.nextInt(300) : 0;
    long seen = 0;
    try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] cells = line.split(" ", -1);
        // The last line may be cut short, and asks for nothing then.
        if (cells.length == 3) {
          Known before = acknowledged.getOrDefault(cells[0], Known.NOTHING);
          acknowledged.put(cells[0], before.with(cells[2], Long.parseLong(cells[1])));
        }
        seen++;
        if (seen == killAfter / 2 && stopFirst) {
          signal("STOP", process);
          TimeUnit.MILLISECONDS.sleep(stoppedForMs);
          stoppedMs += stoppedForMs;
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
