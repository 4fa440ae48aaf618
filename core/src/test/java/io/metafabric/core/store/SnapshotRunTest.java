package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.SnapshotBatch;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Snapshots beside writers and compaction, interrupted anywhere, over restarts and power failures
 * of both sides: what arrives is the source's state at the position at which the snapshot ends.
 */
class SnapshotRunTest {
  private static final int KEYS = 120;
  private static final int BATCH_BYTES = 1500;
  private static final int MAX_VALUE_BYTES = 300;

  /** Tokens, key, header and frame of one record, and what is applied of a few actors. */
  private static final int BESIDE_BYTES = 1000;

  private static final RegionName US = new RegionName("us");
  private static final RegionName PARIS = new RegionName("paris");
  private static final ActorId THEIRS = new ActorId(99);

  /** The whole state at a position. */
  private record State(Map<Key, MetadataRecord> records, VersionVector us, VersionVector paris) {}

  private Random random;
  private StoreMachine source;
  private StoreMachine target;
  private long theirCounter;
  private final Map<Key, MetadataRecord> now = new HashMap<>();
  private final NavigableMap<Long, State> states = new TreeMap<>();
  private VersionVector ours = VersionVector.EMPTY;
  private int targets;
  private int interruptEvery;
  private int interruptions;
  private int restarts;
  private long compactions;

  private static StoreMachine machine(long seed) {
    var machine = new StoreMachine(seed, Durability.SYNC);
    machine.retainBytes = 48 * 1024;
    machine.open();
    return machine;
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private Bytes value() {
    byte[] bytes = new byte[random.nextInt(MAX_VALUE_BYTES)];
    random.nextBytes(bytes);
    return Bytes.copyOf(bytes);
  }

  private void write() {
    write(key(random.nextInt(KEYS)));
  }

  private void write(Key key) {
    if (random.nextInt(6) == 0) {
      applyTheirs(key);
    } else {
      source.write(key, random.nextInt(6) == 0 ? null : value());
      ours = ours.with(new Dot(source.store().actor(), source.store().publishedCounter()));
    }
    note(key);
  }

  /** A write of another region, which wins over what is there or loses to it. */
  private void applyTheirs(Key key) {
    var dot = new Dot(THEIRS, ++theirCounter);
    Header known = source.store().header(key);
    long stamp =
        known == null ? 1 : known.version().stamp().packed() + random.nextInt(-1000, 1000) * 65536L;
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(Math.max(1, stamp)));
    Bytes payload = value();
    var record = new MetadataRecord(key, Header.value(version, US, payload, Header.NEVER), payload);
    CompletableFuture<Boolean> applied =
        source
            .store()
            .applyRange(
                theirCounter - 1,
                List.of(new Inbound(record, random.nextBoolean())),
                new AppliedPrefix(US, THEIRS, theirCounter));
    source.world.runUntil("theirs", applied::isDone, Duration.ofMinutes(1));
    assertThat(applied.join()).isTrue();
  }

  private void note(Key key) {
    MetadataRecord record = source.store().read(key);
    if (record != null) {
      now.put(key, record);
    }
    states.put(
        source.store().publishedPosition(),
        new State(Map.copyOf(now), source.store().appliedOf(US), ours));
  }

  private void restart(StoreMachine machine) {
    if (random.nextBoolean()) {
      machine.close();
    } else {
      machine.node.crash(SimDisk.Loss.SOME);
    }
    machine.open();
    restarts++;
  }

  private String where(String what) {
    return source.world.describe(what);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void whatArrives_isTheStateAtTheEnd(long seed) {
    random = new Random(seed);
    interruptEvery = 4 + random.nextInt(30);
    source = machine(seed);
    for (int i = 0; i < KEYS; i++) {
      write(key(i));
    }
    for (int i = 0; i < 700; i++) {
      write();
    }
    source.world.runFor(Duration.ofSeconds(5));
    List<Key> named = named();
    SnapshotToken end = null;
    while (end == null) {
      assertThat(++targets).as(where("attempts")).isLessThan(50);
      target = machine(seed + 1000L * targets);
      try {
        end = copy(named);
      } catch (PositionNotKeptException e) {
        // More was written than is kept; the next attempt is less disturbed.
      }
    }
    requireState(end);
    target.close();
    target.open();
    requireState(end);
    System.out.printf(
        "seed %d: %d attempts, %d interruptions, %d restarts, %d compactions, %s%n",
        seed, targets, interruptions, restarts, compactions, end);
  }

  /** Some keys, of which some do not exist. */
  private List<Key> named() {
    var all = new ArrayList<Key>();
    for (int i = 0; i < KEYS + 10; i++) {
      all.add(key(i));
    }
    Collections.shuffle(all, random);
    return List.copyOf(all.subList(0, random.nextInt(all.size())));
  }

  private SnapshotToken copy(List<Key> named) {
    int disturbance = Math.max(0, 16 - 4 * targets);
    var existing = new ArrayList<>(named);
    existing.retainAll(now.keySet());
    var arrived = new ArrayList<Key>();
    SnapshotToken token = null;
    while (token == null || !token.isEnded()) {
      if (token != null) {
        token = SnapshotToken.fromBytes(token.toBytes());
      }
      token = copyUntilInterrupted(named, token, arrived, disturbance);
    }
    assertThat(arrived.subList(0, existing.size()))
        .as(where("what was named comes first"))
        .isEqualTo(existing);
    return token;
  }

  /** Returns how far the target has durably come. */
  private @Nullable SnapshotToken copyUntilInterrupted(
      List<Key> named, @Nullable SnapshotToken from, List<Key> arrived, int disturbance) {
    SnapshotToken reached = from;
    try (SnapshotStream stream = source.store().snapshot(named, from, BATCH_BYTES)) {
      var fill = new SnapshotFill(target.store(), from);
      while (true) {
        byte[] bytes = stream.next();
        if (bytes == null) {
          return reached;
        }
        assertThat(bytes.length)
            .as(where("bytes of a batch"))
            .isLessThan(BATCH_BYTES + MAX_VALUE_BYTES + BESIDE_BYTES);
        disturb(disturbance);
        if (random.nextInt(interruptEvery) == 0) {
          // On its way when the connection breaks.
          interruptions++;
          break;
        }
        SnapshotBatch batch = SnapshotBatch.decode(bytes);
        CompletableFuture<SnapshotToken> applied = fill.apply(bytes);
        target.world.runUntil("a batch", applied::isDone, Duration.ofMinutes(1));
        reached = applied.join();
        assertThat(reached).isEqualTo(stream.token()).isEqualTo(batch.after());
        if (batch.before().phase() == Phase.NAMED) {
          batch.records().forEach(record -> arrived.add(record.key()));
        }
      }
    }
    if (random.nextInt(3) == 0) {
      restart(source);
    }
    if (random.nextInt(3) == 0) {
      restart(target);
    }
    return reached;
  }

  private void disturb(int disturbance) {
    for (int i = random.nextInt(disturbance + 1); i > 0; i--) {
      write();
    }
    if (random.nextInt(3) == 0) {
      long before = source.store().stats().compaction().runs();
      source.world.runFor(Duration.ofSeconds(1));
      compactions += source.store().stats().compaction().runs() - before;
    }
  }

  private void requireState(SnapshotToken end) {
    State state = states.floorEntry(end.place()).getValue();
    var keys = new HashSet<Key>();
    target.store().forEachKey(keys::add);
    assertThat(keys).as(where("keys")).isEqualTo(state.records().keySet());
    state
        .records()
        .forEach(
            (key, record) ->
                assertThat(target.store().read(key)).as(where("at " + end)).isEqualTo(record));
    assertThat(target.store().appliedOf(US)).as(where("applied")).isEqualTo(state.us());
    assertThat(target.store().appliedOf(PARIS)).as(where("applied")).isEqualTo(state.paris());
  }
}
