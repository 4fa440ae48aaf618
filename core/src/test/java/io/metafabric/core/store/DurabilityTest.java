package io.metafabric.core.store;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each mode survives when the power fails and everything that was not synced is gone. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class DurabilityTest {
  private static final Key ONE = Key.of("n/one");
  private static final Key MONEY = Key.of("money/one");

  private final long seed;

  DurabilityTest(long seed) {
    this.seed = seed;
  }

  private StoreMachine machine(Durability otherwise) {
    var machine =
        new StoreMachine(seed, new Durabilities(Map.of("money", Durability.SYNC), otherwise));
    machine.open();
    // So that what follows lies at another place of a segment with each seed.
    RandomGenerator random = machine.world.fork("before");
    for (int i = random.nextInt(60); i > 0; i--) {
      machine.write(Key.of("before/" + i), Bytes.copyOf(new byte[random.nextInt(300)]));
    }
    return machine;
  }

  private static void loseEverythingUnsynced(StoreMachine machine) {
    machine.node.crash(SimDisk.Loss.ALL);
    machine.open();
  }

  @Test
  void sync_survivesAtOnce() {
    StoreMachine machine = machine(Durability.SYNC);
    machine.write(ONE, Bytes.utf8("one"));
    loseEverythingUnsynced(machine);
    assertThat(machine.store().holdsPayload(ONE)).isTrue();
  }

  @Test
  void os_survivesTheProcess_notThePower() {
    StoreMachine machine = machine(Durability.OS);
    machine.write(ONE, Bytes.utf8("one"));
    machine.node.crash(SimDisk.Loss.NONE);
    machine.open();
    assertThat(machine.store().holdsPayload(ONE)).isTrue();
    machine.write(Key.of("n/two"), Bytes.utf8("two"));
    machine.world.runFor(Duration.ofHours(1));
    loseEverythingUnsynced(machine);
    assertThat(machine.store().header(Key.of("n/two"))).isNull();
  }

  @Test
  void anInterval_losesNoMoreThanItsTime() {
    StoreMachine machine = machine(Durability.interval(Duration.ofMillis(100)));
    machine.write(ONE, Bytes.utf8("one"));
    machine.world.runFor(Duration.ofMillis(101));
    machine.write(Key.of("n/two"), Bytes.utf8("two"));
    loseEverythingUnsynced(machine);
    assertThat(machine.store().holdsPayload(ONE)).as("written 101 ms ago").isTrue();
    assertThat(machine.store().header(Key.of("n/two"))).as("written just now").isNull();
  }

  /** What compaction leaves out has been replaced by something that the power loss may not take. */
  @Test
  void os_whatWasDurableIsThere_orNewer_alsoIfCompacted() {
    StoreMachine machine = machine(Durability.OS);
    RandomGenerator random = machine.world.fork("load");
    var number = new HashMap<Key, Integer>();
    var durable = new HashMap<Key, Integer>();
    int writes = 0;
    long runs = 0;
    for (int life = 0; life < 40; life++) {
      for (int i = random.nextInt(200); i > 0; i--) {
        boolean synced = random.nextInt(60) == 0;
        Key key = synced ? MONEY : Key.of("n/" + random.nextInt(20));
        machine.write(key, Bytes.utf8(writes + "-" + "x".repeat(random.nextInt(200))));
        number.put(key, writes++);
        if (synced) {
          durable.putAll(number);
        }
        if (random.nextInt(10) == 0) {
          machine.world.runFor(Duration.ofSeconds(1));
        }
      }
      runs += machine.store().stats().compaction().runs();
      loseEverythingUnsynced(machine);
      for (var each : durable.entrySet()) {
        MetadataRecord read = machine.store().read(each.getKey());
        String what = machine.world.describe("life " + life + ", " + each);
        assertThat(read).as(what).isNotNull();
        String text = requireNonNull(read.payload()).toUtf8();
        int found = Integer.parseInt(text.substring(0, text.indexOf('-')));
        assertThat(found).as(what).isGreaterThanOrEqualTo(each.getValue());
        each.setValue(found);
      }
      number.clear();
    }
    assertThat(runs).as("compactions").isGreaterThan(20);
  }

  /** The executor that would run a planned sync is busy with commits, for as long as they come. */
  @Test
  void anInterval_isKeptWhileWritesNeverCease() {
    var world = new SimWorld(seed);
    var node = new SimNode(world, "paris");
    var nanos = new AtomicLong();
    var clock =
        new Clock() {
          @Override
          public long wallMs() {
            return node.clock().wallMs();
          }

          @Override
          public long nanoTime() {
            return nanos.get();
          }
        };
    int writes = 200;
    var published = new AtomicInteger();
    var opened = new AtomicReference<RecordStore>();
    world.tolerateFailures();
    // One segment has room for all of it: the beginning of another syncs too.
    var config =
        new StoreConfig(
            "test",
            new RegionName("paris"),
            new JournalConfig(1 << 20),
            Durabilities.all(Durability.interval(Duration.ofMillis(20))),
            1 << 16,
            1 << 20,
            64 << 20,
            new CompactionConfig(1 << 20, 0));
    opened.set(
        RecordStore.open(
            config,
            node.disk(),
            clock,
            node.random(),
            node.scheduler().serial("journal"),
            changes -> {
              nanos.addAndGet(1_000_000);
              if (published.incrementAndGet() == writes) {
                node.crash(SimDisk.Loss.ALL);
              } else {
                put(opened.get(), published.get());
              }
            }));
    put(opened.get(), 0);
    world.runFor(Duration.ofSeconds(1));
    assertThat(published).as("one write a millisecond").hasValue(writes);

    RecordStore reopened =
        RecordStore.open(
            config,
            node.disk(),
            node.clock(),
            node.random(),
            node.scheduler().serial("journal"),
            changes -> {});
    assertThat(reopened.stats().keys())
        .as("of %s writes those of all but the last 20 ms", writes)
        .isBetween(writes - 25L, writes - 1L);
  }

  private static void put(RecordStore store, int number) {
    store.write(Key.of("n/" + number), Bytes.utf8("value"), Header.NEVER, Precondition.NONE);
  }

  @Test
  void anInterval_sharesOneSyncAmongManyWrites() {
    StoreMachine machine = machine(Durability.interval(Duration.ofSeconds(1)));
    for (int i = 0; i < 10; i++) {
      machine.write(Key.of("n/" + i), Bytes.utf8("value"));
    }
    long before = machine.disk().operations();
    machine.world.runFor(Duration.ofSeconds(5));
    assertThat(machine.disk().operations() - before)
        .as("one sync and one mark, not ten")
        .isLessThan(5);
    loseEverythingUnsynced(machine);
    machine.check("after the interval");
  }

  @Test
  void aNamespaceOfItsOwnMode_takesWhatWasJournaledBeforeItAlong() {
    StoreMachine machine = machine(Durability.OS);
    machine.write(ONE, Bytes.utf8("one"));
    machine.write(MONEY, Bytes.utf8("money"));
    machine.write(Key.of("n/later"), Bytes.utf8("later"));
    loseEverythingUnsynced(machine);
    assertThat(machine.store().holdsPayload(MONEY)).isTrue();
    assertThat(machine.store().holdsPayload(ONE)).as("it is before it in the journal").isTrue();
    assertThat(machine.store().header(Key.of("n/later"))).isNull();
  }

  @Test
  void aSyncThatFailsBetweenWrites_isToldToTheNextWriter_andNothingIsReportedDone() {
    StoreMachine machine = machine(Durability.interval(Duration.ofMillis(50)));
    machine.write(ONE, Bytes.utf8("one"));
    machine.disk().failNextSyncs(1);
    machine.world.runFor(Duration.ofMillis(100));
    CompletableFuture<?> refused =
        machine.store().write(Key.of("n/two"), Bytes.utf8("two"), Header.NEVER, Precondition.NONE);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThatThrownBy(refused::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("read-only");
    assertThat(machine.store().holdsPayload(ONE)).as("reads go on").isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 12, 40, 100})
  void closingOnAFullDisk_syncsWhatWasAcknowledged_andLeavesNothingOpen(long freeBytes) {
    StoreMachine machine = machine(Durability.OS);
    machine.write(ONE, Bytes.utf8("one"));
    fill(machine);
    machine.disk().setCapacityBytes(machine.disk().usedBytes() + freeBytes);

    machine.close();

    assertThat(machine.disk().openFiles()).isEmpty();
    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    loseEverythingUnsynced(machine);
    machine.check("after a close without room");
  }

  /** Writes until the disk takes no more; there is no room in advance any more either. */
  private static void fill(StoreMachine machine) {
    machine.disk().setCapacityBytes(machine.disk().usedBytes() + 1000);
    for (int i = 0; ; i++) {
      try {
        machine.write(Key.of("filler/" + i), Bytes.utf8("filler"));
      } catch (CompletionException e) {
        assertThat(e).hasCauseInstanceOf(StorageFullException.class);
        assertThat(i).as("a disk that was full at once shows little").isPositive();
        return;
      }
    }
  }

  @Test
  void anIntervalOutOfRange_isRefused() {
    assertThatThrownBy(() -> Durability.interval(Duration.ZERO))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("1 ms to one day");
    assertThatThrownBy(() -> Durability.interval(Duration.ofDays(2)))
        .isInstanceOf(ConfigurationException.class);
  }
}
