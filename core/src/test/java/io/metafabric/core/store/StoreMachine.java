package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A store with compaction on a simulated machine, and what it owes: per key the value that was
 * acknowledged last, and the one that was under way when the machine died.
 */
final class StoreMachine {
  static final int SEGMENT_BYTES = 4096;

  final SimWorld world;
  final SimNode node;
  private final Durabilities durability;
  private final Map<Key, Optional<Bytes>> acknowledged = new LinkedHashMap<>();
  private @Nullable Key underWayKey;
  private Optional<Bytes> underWay = Optional.empty();
  private @Nullable RecordStore store;
  private @Nullable SerialExecutor committing;
  private @Nullable SerialExecutor compacting;
  private int lives = 1;

  StoreMachine(long seed, Durability durability) {
    this(seed, Durabilities.all(durability));
  }

  StoreMachine(long seed, Durabilities durability) {
    world = new SimWorld(seed);
    node = new SimNode(world, "paris");
    node.whenCrashed(() -> store = null);
    this.durability = durability;
    world.tolerateFailures();
  }

  long maxIndexBytes = 64 << 20;
  long retainBytes;
  ConflictConfig conflicts = ConflictConfig.DEFAULT;
  long peersNeedAfter = Long.MAX_VALUE;
  long supersededBytes = 64 << 20;

  /** Whether all regions are said to have applied whatever is durable here. */
  boolean forgets;

  static StoreConfig config(Durabilities durability, long maxIndexBytes, long retainBytes) {
    return config(
        durability,
        maxIndexBytes,
        new CompactionConfig(1 << 20, retainBytes),
        ConflictConfig.DEFAULT);
  }

  private static StoreConfig config(
      Durabilities durability,
      long maxIndexBytes,
      CompactionConfig compaction,
      ConflictConfig conflicts) {
    return new StoreConfig(
        "test",
        new RegionName("paris"),
        new JournalConfig(SEGMENT_BYTES),
        durability,
        1 << 16,
        1 << 20,
        maxIndexBytes,
        compaction,
        conflicts);
  }

  RecordStore open() {
    lives = node.life();
    committing = node.scheduler().serial("journal");
    compacting = node.scheduler().serial("compaction");
    var opened =
        RecordStore.open(
            config(
                durability,
                maxIndexBytes,
                new CompactionConfig(1 << 20, retainBytes, supersededBytes),
                conflicts),
            node.disk(),
            node.clock(),
            node.random(),
            committing,
            changes -> {});
    opened.startCompaction(
        compacting,
        () -> peersNeedAfter,
        () -> forgets ? opened.durablyApplied() : VersionVector.EMPTY,
        node.clock()::wallMs);
    store = opened;
    return opened;
  }

  RecordStore store() {
    RecordStore open = store;
    if (open == null) {
      throw new IllegalStateException("the store is not open");
    }
    return open;
  }

  boolean isDead() {
    return node.life() != lives;
  }

  /** Writes and waits; afterwards the write is acknowledged, or the machine is dead. */
  void write(Key key, @Nullable Bytes value) {
    underWayKey = key;
    underWay = Optional.ofNullable(value);
    CompletableFuture<?> written;
    try {
      written = store().write(key, value, Header.NEVER, Precondition.NONE);
    } catch (RuntimeException e) {
      if (isDead()) {
        return;
      }
      throw e;
    }
    world.runUntil("the write", () -> written.isDone() || isDead(), Duration.ofMinutes(1));
    if (!isDead()) {
      written.join();
      acknowledged.put(key, underWay);
      underWayKey = null;
    }
  }

  void close() {
    RecordStore closing = store();
    try {
      if (committing != null && compacting != null) {
        committing.close();
        compacting.close();
      }
      closing.close();
    } finally {
      store = null;
    }
  }

  private List<Key> keys() {
    var keys = new ArrayList<Key>();
    store().forEachKey(keys::add);
    return keys;
  }

  /** Acknowledged writes are present, nothing is invented, and nothing has come back. */
  void check(String when) {
    for (Key key : keys()) {
      assertThat(acknowledged.containsKey(key) || key.equals(underWayKey))
          .as(world.describe(when + ": " + key + " was never written"))
          .isTrue();
    }
    Key unsure = underWayKey;
    if (unsure != null && !acknowledged.containsKey(unsure) && store().header(unsure) != null) {
      acknowledged.put(unsure, underWay);
    }
    acknowledged.forEach((key, value) -> check(when, key, value));
    underWayKey = null;
  }

  private void check(String when, Key key, Optional<Bytes> value) {
    MetadataRecord read = store().read(key);
    if (forgets && read == null && value.isEmpty()) {
      return;
    }
    assertThat(read).as(world.describe(when + ": " + key + " is lost")).isNotNull();
    Optional<Bytes> found = Optional.ofNullable(read.payload());
    if (key.equals(underWayKey) && found.equals(underWay)) {
      acknowledged.put(key, found);
    } else {
      assertThat(found).as(world.describe(when + ": " + key)).isEqualTo(value);
      assertThat(read.header().isTombstone()).isEqualTo(value.isEmpty());
    }
  }

  SimDisk disk() {
    return node.disk();
  }
}
