package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.PositionNotKeptException;
import io.metafabric.core.error.SnapshotTokenException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.SnapshotBatch;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.sim.SimDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What a snapshot's stream refuses, and what it needs kept. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class SnapshotTest {
  private static final int BATCH_BYTES = 2000;
  private static final int KEYS = 40;

  private final long seed;
  private final StoreMachine source;
  private final StoreMachine target;

  SnapshotTest(long seed) {
    this.seed = seed;
    source = machine(seed, Durability.SYNC);
    target = machine(seed + 1000, Durability.SYNC);
  }

  private static StoreMachine machine(long seed, Durability durability) {
    var machine = new StoreMachine(seed, durability);
    machine.retainBytes = 1 << 20;
    return machine;
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static void overwrite(StoreMachine machine, int writes) {
    RandomGenerator random = machine.world.fork("overwrites");
    for (int i = 0; i < writes; i++) {
      byte[] value = new byte[100 + random.nextInt(100)];
      random.nextBytes(value);
      machine.write(key(i % KEYS), Bytes.copyOf(value));
    }
    machine.world.runFor(Duration.ofSeconds(5));
  }

  private static SnapshotStream stream(StoreMachine machine, SnapshotToken from) {
    return machine.store().snapshot(List.of(), from, BATCH_BYTES);
  }

  /** All batches of a new stream. */
  private static List<byte[]> batches(StoreMachine machine) {
    var batches = new ArrayList<byte[]>();
    try (SnapshotStream stream = stream(machine, null)) {
      for (byte[] batch = stream.next(); batch != null; batch = stream.next()) {
        batches.add(batch);
      }
    }
    return batches;
  }

  private static SnapshotToken after(byte[] batch) {
    return SnapshotBatch.decode(batch).after();
  }

  private SnapshotToken apply(SnapshotFill fill, byte[] batch) {
    CompletableFuture<SnapshotToken> applied = fill.apply(batch);
    target.world.runUntil("a batch", applied::isDone, Duration.ofMinutes(1));
    return applied.join();
  }

  private void requireEqual() {
    for (int i = 0; i < KEYS; i++) {
      assertThat(target.store().read(key(i))).isEqualTo(source.store().read(key(i)));
    }
    assertThat(target.store().stats().keys()).isEqualTo(source.store().stats().keys());
  }

  @Test
  void ofAnEmptyStore_isOneBatchWithoutRecords() {
    source.open();
    List<byte[]> batches = batches(source);
    assertThat(batches).hasSize(1);
    SnapshotBatch only = SnapshotBatch.decode(batches.get(0));
    assertThat(only.before().isBeginning()).isTrue();
    assertThat(only.after().isEnded()).isTrue();
    assertThat(only.records()).isEmpty();
    assertThat(only.applied()).isEmpty();
  }

  @Test
  void whereARecordFindsNoRoom_nothingSaysThatAllIsThere() {
    source.open();
    overwrite(source, 2 * KEYS);
    target.open();
    SimDisk disk = target.node.disk();
    // For what says so there would be room.
    disk.setCapacityBytes(disk.usedBytes() + 100);
    var fill = new SnapshotFill(target.store(), null);
    var filling = new ArrayList<CompletableFuture<SnapshotToken>>();
    for (byte[] batch : batches(source)) {
      filling.add(fill.apply(batch));
    }
    target.world.runUntil(
        "the end", () -> filling.stream().allMatch(each -> each.isDone()), Duration.ofMinutes(1));
    assertThat(filling).allMatch(each -> each.isCompletedExceptionally());
    target.world.runFor(Duration.ofSeconds(1));
    assertThat(target.store().takenUpTo(source.store().actor())).isZero();

    disk.setCapacityBytes(Long.MAX_VALUE);
    var again = new SnapshotFill(target.store(), null);
    batches(source).forEach(batch -> apply(again, batch));
    requireEqual();
    assertThat(target.store().takenUpTo(source.store().actor())).isPositive();
  }

  @Test
  void aTokenOfAnotherDirectory_isRefused() {
    source.open();
    overwrite(source, KEYS);
    target.open();
    overwrite(target, KEYS);
    SnapshotToken token = after(batches(source).get(0));
    assertThatThrownBy(() -> stream(target, token))
        .isInstanceOf(SnapshotTokenException.class)
        .hasMessageContaining("another directory");
    assertThatThrownBy(() -> target.store().reserve(token))
        .isInstanceOf(SnapshotTokenException.class);
  }

  @Test
  void aTokenOfWhatAPowerFailureTook_isRefused_andOneOfAKilledProcessIsNot() {
    var lazy = machine(seed, Durability.OS);
    lazy.open();
    overwrite(lazy, KEYS);
    SnapshotToken token = after(batches(lazy).get(0));
    lazy.node.crash(SimDisk.Loss.NONE);
    lazy.open();
    overwrite(lazy, KEYS);
    stream(lazy, token).close();

    SnapshotToken lost;
    try (SnapshotStream stream = stream(lazy, token)) {
      lost = after(stream.next());
    }
    assertThat(lost.begin()).isEqualTo(token.begin());
    lazy.node.crash(SimDisk.Loss.ALL);
    lazy.open();
    overwrite(lazy, 2 * KEYS);
    assertThat(lazy.store().publishedPosition()).as("as far again").isGreaterThan(lost.seen());
    assertThatThrownBy(() -> stream(lazy, lost))
        .isInstanceOf(SnapshotTokenException.class)
        .hasMessageContaining("has lost since");
  }

  @Test
  void whereMoreWasWrittenThanIsKept_theStreamAndItsTokenAreToldSo() {
    source.retainBytes = 0;
    source.open();
    overwrite(source, 3 * KEYS);
    SnapshotStream stream = stream(source, null);
    SnapshotToken token = after(stream.next());
    overwrite(source, 20 * KEYS);
    assertThatThrownBy(stream::next).isInstanceOf(PositionNotKeptException.class);
    assertThat(stream.token()).isEqualTo(token);
    assertThatThrownBy(() -> stream(source, token)).isInstanceOf(PositionNotKeptException.class);
    assertThatThrownBy(() -> source.store().reserve(token))
        .isInstanceOf(PositionNotKeptException.class);
  }

  @Test
  void whatAnOpenStreamOrAReservedTokenNeeds_isKept_andNoLongerThanThat() {
    source.open();
    overwrite(source, 3 * KEYS);
    SnapshotToken token;
    try (SnapshotStream stream = stream(source, null)) {
      token = after(stream.next());
      long compactions = source.store().stats().compaction().runs();
      overwrite(source, 20 * KEYS);
      assertThat(source.store().stats().compaction().runs())
          .as("what is in front of it is compacted meanwhile")
          .isGreaterThan(compactions);
      token = after(stream.next());
    }
    SnapshotToken kept = token;
    try (Journal.Pin pin = source.store().reserve(kept)) {
      overwrite(source, 20 * KEYS);
      assertThat(pin.position()).isEqualTo(kept.needsAfter());
    }
    stream(source, kept).close();
    overwrite(source, 20 * KEYS);
    assertThatThrownBy(() -> stream(source, kept)).isInstanceOf(PositionNotKeptException.class);
  }

  @Test
  void damagedBatches_areRefused_andTheRightOneMayFollow() {
    source.open();
    overwrite(source, KEYS);
    target.open();
    var fill = new SnapshotFill(target.store(), null);
    RandomGenerator random = source.world.fork("damage");
    for (byte[] batch : batches(source)) {
      for (int i = 0; i < batch.length; i++) {
        byte[] damaged = batch.clone();
        damaged[i] ^= (byte) (1 << random.nextInt(8));
        assertThatThrownBy(() -> fill.apply(damaged))
            .as("byte %d", i)
            .isInstanceOf(WireFormatException.class);
      }
      for (int length = 0; length < batch.length; length += 7) {
        byte[] part = java.util.Arrays.copyOf(batch, length);
        assertThatThrownBy(() -> fill.apply(part)).isInstanceOf(WireFormatException.class);
      }
      long before = target.store().publishedPosition();
      target.world.runFor(Duration.ofSeconds(1));
      assertThat(target.store().publishedPosition()).isEqualTo(before);
      apply(fill, batch);
    }
    requireEqual();
  }

  @Test
  void batchesThatAreMissingRepeatedOrOfAnotherSnapshot_areRefused() {
    source.open();
    overwrite(source, KEYS);
    target.open();
    List<byte[]> batches = batches(source);
    source.write(key(1), Bytes.utf8("more"));
    List<byte[]> others = batches(source);
    assertThat(batches).hasSizeGreaterThan(3);
    var fill = new SnapshotFill(target.store(), null);
    refuses(fill, batches.get(1));
    apply(fill, batches.get(0));
    refuses(fill, batches.get(0));
    refuses(fill, batches.get(2));
    refuses(fill, others.get(1));
    refuses(new SnapshotFill(target.store(), after(batches.get(1))), batches.get(1));
  }

  private static void refuses(SnapshotFill fill, byte[] batch) {
    assertThatThrownBy(() -> fill.apply(batch))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("due is");
  }

  @Test
  void damagedTokens_areRefused() {
    source.open();
    overwrite(source, KEYS);
    SnapshotToken token = after(batches(source).get(1));
    byte[] bytes = token.toBytes();
    assertThat(bytes).hasSize(SnapshotToken.BYTES);
    assertThat(SnapshotToken.fromBytes(bytes)).isEqualTo(token);
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] damaged = bytes.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> SnapshotToken.fromBytes(damaged))
          .isInstanceOf(WireFormatException.class);
    }
    assertThatThrownBy(() -> SnapshotToken.fromBytes(new byte[3]))
        .isInstanceOf(WireFormatException.class);
  }

  @Test
  void aFillThatTheDiskRefused_goesOnFromTheLastTokenOnceThereIsRoom() {
    source.open();
    overwrite(source, 3 * KEYS);
    target.open();
    List<byte[]> batches = batches(source);
    var fill = new SnapshotFill(target.store(), null);
    SnapshotToken reached = apply(fill, batches.get(0));
    target.disk().setCapacityBytes(target.disk().usedBytes() + 100);
    List<CompletableFuture<SnapshotToken>> refused =
        List.of(fill.apply(batches.get(1)), fill.apply(batches.get(2)));
    target.world.runFor(Duration.ofSeconds(1));
    for (CompletableFuture<SnapshotToken> each : refused) {
      assertThatThrownBy(each::join).hasRootCauseInstanceOf(StorageFullException.class);
    }
    target.disk().setCapacityBytes(Long.MAX_VALUE);
    var again = new SnapshotFill(target.store(), reached);
    batches.subList(1, batches.size()).forEach(batch -> apply(again, batch));
    requireEqual();
  }

  @Test
  void whatTheTargetHasThatIsNewer_stays() {
    source.open();
    overwrite(source, KEYS);
    List<byte[]> older = batches(source);
    source.write(key(1), Bytes.utf8("newer"));
    List<byte[]> newer = batches(source);
    target.open();
    for (List<byte[]> batches : List.of(newer, older)) {
      var fill = new SnapshotFill(target.store(), null);
      batches.forEach(batch -> apply(fill, batch));
    }
    MetadataRecord kept = target.store().read(key(1));
    assertThat(kept).isNotNull().isEqualTo(source.store().read(key(1)));
    requireEqual();
  }
}
