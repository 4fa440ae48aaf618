package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.SnapshotBatch;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimSeeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The power fails before each single disk operation of one workload: puts, deletes, compaction, a
 * snapshot that is taken meanwhile and fills a second store, and both being stopped in order. The
 * side that failed is opened and checked, and all of it goes on to its end, the snapshot from the
 * last token that the second store had durably come to.
 */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class ExhaustiveCrashTest {
  private static final int KEYS = 16;
  private static final int BATCH_BYTES = 700;
  private static final int BATCHES_OF_A_STREAM = 3;
  private static final int TRIED_EVERY = 32;

  /** Which of the two fails. */
  private enum Side {
    SOURCE,
    TARGET
  }

  private final long seed;

  ExhaustiveCrashTest(long seed) {
    this.seed = seed;
  }

  @ParameterizedTest
  @EnumSource
  void aCrashBeforeEachSingleDiskOperation_losesNothing_andBringsNothingBack(Side side) {
    var undisturbed = new Run("without a crash");
    long operations = undisturbed.run(side);
    assertThat(undisturbed.compactions).as("at the source").isGreaterThan(1);
    assertThat(undisturbed.batches).as("of several streams").isGreaterThan(BATCHES_OF_A_STREAM);
    long tried = 0;
    for (long at = 0; at < operations; at++) {
      if (!SimSeeds.isTried(seed, at, TRIED_EVERY)) {
        continue;
      }
      tried++;
      for (SimDisk.Loss loss : SimDisk.Loss.values()) {
        var run = new Run(side + " fails before operation " + at + ", losing " + loss);
        StoreMachine failing = run.machine(side);
        failing.disk().beforeOperation(at, () -> failing.node.crash(loss));
        run.run(side);
        assertThat(run.crashes).as(run.where("crashes")).isEqualTo(1);
      }
    }
    System.out.printf(
        "seed %d: %s failed before %d of %d operations%n", seed, side, tried, operations);
  }

  /** The workload, which goes on after a crash, and what is known of what both sides must hold. */
  private final class Run {
    private final String what;
    private final StoreMachine source = new StoreMachine(seed, Durability.SYNC);
    private final StoreMachine target = new StoreMachine(seed + 1000, Durability.SYNC);
    private final RandomGenerator random = source.world.fork("load");

    /** Every state of each key, oldest first. */
    private final Map<Key, List<MetadataRecord>> states = new HashMap<>();

    /** All of them at each of the source's positions. */
    private final NavigableMap<Long, Map<Key, MetadataRecord>> history = new TreeMap<>();

    /** Which state of a key the target has said that it has; it may have a later one. */
    private final Map<Key, Integer> arrived = new HashMap<>();

    private Map<Key, MetadataRecord> atTheEnd = Map.of();
    private @Nullable SnapshotToken reached;
    private int crashes;
    private int batches;
    private int writes;
    private long compactions;

    Run(String what) {
      this.what = what;
      history.put(0L, Map.of());
      // More than all of it: what the snapshot still needs is kept, the rest is compacted.
      source.retainBytes = 1 << 20;
    }

    StoreMachine machine(Side side) {
      return side == Side.SOURCE ? source : target;
    }

    private String where(String detail) {
      return "seed " + seed + ", " + what + ": " + detail;
    }

    /** Returns how many disk operations {@code side} began, up to its end. */
    long run(Side side) {
      attempt(source::open);
      attempt(target::open);
      writeUpTo(60);
      while (!hasEnded()) {
        attempt(this::fill);
      }
      writeUpTo(writes + 10);
      compactions += source.store().stats().compaction().runs();
      close(source);
      close(target);
      long operations = machine(side).disk().operations();
      openAndCheckSource();
      openAndCheckTarget();
      assertThat(held(target)).as(where("at the end")).isEqualTo(atTheEnd);
      close(source);
      close(target);
      return operations;
    }

    private boolean hasEnded() {
      return reached != null && reached.isEnded();
    }

    /** Whoever fails meanwhile is open again afterwards, and has been checked. */
    private void attempt(Runnable step) {
      try {
        step.run();
      } catch (StorageException e) {
        assertThat(source.isDead() || target.isDead()).as(where("failed: " + e)).isTrue();
      }
      if (source.isDead()) {
        crashes++;
        openAndCheckSource();
      }
      if (target.isDead()) {
        crashes++;
        openAndCheckTarget();
      }
    }

    private void close(StoreMachine machine) {
      int before = crashes;
      attempt(machine::close);
      if (crashes > before) {
        machine.close();
      }
      assertThat(machine.disk().openFiles()).as(where("open files")).isEmpty();
    }

    private void writeUpTo(int upTo) {
      while (writes < upTo) {
        attempt(() -> write(upTo));
      }
    }

    private void write(int upTo) {
      while (writes < upTo && !source.isDead()) {
        writes++;
        Key key = Key.of("n/" + random.nextInt(KEYS));
        source.write(key, random.nextInt(6) == 0 ? null : value());
        if (!source.isDead()) {
          note(key);
        }
        if (writes % 10 == 0 && !source.isDead()) {
          source.world.runFor(Duration.ofSeconds(1));
        }
      }
    }

    private Bytes value() {
      byte[] bytes = new byte[1 + random.nextInt(400)];
      random.nextBytes(bytes);
      return Bytes.copyOf(bytes);
    }

    private void note(Key key) {
      MetadataRecord now = source.store().read(key);
      List<MetadataRecord> before = states.computeIfAbsent(key, each -> new ArrayList<>());
      if (before.isEmpty() || !before.get(before.size() - 1).equals(now)) {
        before.add(now);
      }
      var all = new HashMap<Key, MetadataRecord>();
      states.forEach((each, known) -> all.put(each, known.get(known.size() - 1)));
      history.put(source.store().publishedPosition(), all);
    }

    /** A few batches of the snapshot, with writes and compaction between them. */
    private void fill() {
      List<Key> first = List.of(Key.of("n/3"), Key.of("n/nowhere"), Key.of("n/1"));
      try (SnapshotStream stream = source.store().snapshot(first, reached, BATCH_BYTES)) {
        var fill = new SnapshotFill(target.store(), reached);
        for (int i = 0; i < BATCHES_OF_A_STREAM && !hasEnded(); i++) {
          byte[] bytes = stream.next();
          CompletableFuture<SnapshotToken> applied = fill.apply(bytes);
          target.world.runUntil(
              "a batch", () -> applied.isDone() || target.isDead(), Duration.ofMinutes(1));
          target.world.runFor(target.isDead() ? Duration.ZERO : Duration.ofMillis(300));
          if (target.isDead()) {
            return;
          }
          arrived(applied.join(), SnapshotBatch.decode(bytes).records());
          write(writes + 1);
          if (source.isDead()) {
            return;
          }
          source.world.runFor(Duration.ofSeconds(1));
          if (source.isDead()) {
            return;
          }
        }
      }
    }

    private void arrived(SnapshotToken token, List<MetadataRecord> records) {
      batches++;
      reached = SnapshotToken.fromBytes(token.toBytes());
      for (MetadataRecord record : records) {
        int state = states.get(record.key()).indexOf(record);
        assertThat(state).as(where("a record that never was: " + record)).isNotNegative();
        arrived.merge(record.key(), state, Math::max);
      }
      if (hasEnded()) {
        atTheEnd = history.floorEntry(token.place()).getValue();
        checkTarget();
        assertThat(held(target)).as(where("when it ended")).isEqualTo(atTheEnd);
      }
    }

    private void openAndCheckSource() {
      source.open();
      source.check(where("the source"));
      // The write that was under way may have been kept.
      held(source).keySet().forEach(this::note);
    }

    private void openAndCheckTarget() {
      target.open();
      checkTarget();
    }

    private void checkTarget() {
      Map<Key, MetadataRecord> held = held(target);
      assertThat(held.keySet()).as(where("arrived")).containsAll(arrived.keySet());
      held.forEach(
          (key, record) ->
              assertThat(states.getOrDefault(key, List.of()).indexOf(record))
                  .as(where(key + " is as it was, or was not before: " + record))
                  .isGreaterThanOrEqualTo(arrived.getOrDefault(key, 0)));
    }

    private static Map<Key, MetadataRecord> held(StoreMachine machine) {
      var keys = new HashSet<Key>();
      machine.store().forEachKey(keys::add);
      var held = new HashMap<Key, MetadataRecord>();
      keys.forEach(key -> held.put(key, machine.store().read(key)));
      return held;
    }
  }
}
