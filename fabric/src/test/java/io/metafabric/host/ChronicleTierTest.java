package io.metafabric.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.cache.JournalTier;
import io.metafabric.cache.TestRecords;
import io.metafabric.cache.Tier;
import io.metafabric.cache.TierContract;
import io.metafabric.cache.chronicle.ChronicleConfig;
import io.metafabric.cache.chronicle.ChronicleTier;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.DirectExecutor;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all tiers, on real files, and what this tier adds to it. */
@Tag("chronicle")
class ChronicleTierTest extends TierContract {
  @TempDir Path directory;

  @Override
  protected World newWorld() {
    return new ChronicleWorld();
  }

  private final class ChronicleWorld implements World {
    final List<Throwable> failures = new ArrayList<>();
    final RecordStore store;
    final ChronicleTier tier;

    ChronicleWorld() {
      var config =
          new StoreConfig(
              "test",
              new RegionName("paris"),
              new JournalConfig(1 << 20),
              Durabilities.all(Durability.OS),
              1 << 20,
              1 << 20,
              64 << 20,
              CompactionConfig.DEFAULT);
      var disk = new FileDisk(directory);
      store =
          RecordStore.open(
              config,
              disk,
              new SystemClock(),
              new SecureRandom(),
              new DirectExecutor(),
              changes -> {});
      tier =
          ChronicleTier.open(
              new ChronicleConfig(ChronicleConfig.MIN_BYTES),
              disk,
              directory,
              new JournalTier(store),
              store,
              failures::add);
    }

    @Override
    public Tier tier() {
      return tier;
    }

    @Override
    public void publishHeader(MetadataRecord record) {
      store.applyOne(new Inbound(record.withoutPayload(), false)).join();
    }

    void publish(MetadataRecord record) {
      store.applyOne(new Inbound(record, true)).join();
    }

    @Override
    public void close() {
      tier.close();
      store.close();
      assertThat(failures).isEmpty();
    }
  }

  @Test
  void aReadFillsIt_andTheNextReadIsAHit() {
    try (var world = new ChronicleWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 100);
      world.publish(first);
      assertThat(world.tier.get(first.key())).isEqualTo(first);
      assertThat(world.tier.get(first.key())).isEqualTo(first);
      assertThat(world.tier.stats().misses()).isEqualTo(1);
      assertThat(world.tier.stats().hits()).isEqualTo(1);
      assertThat(world.tier.stats().entries()).isEqualTo(1);
    }
  }

  @Test
  void anOutdatedEntry_isNeverShown_andIsReplacedByTheNextRead() {
    try (var world = new ChronicleWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 100);
      MetadataRecord second = TestRecords.write("n/1", 2, 300);
      world.publish(first);
      world.tier.get(first.key());
      world.publishHeader(second);
      assertThat(world.tier.get(first.key())).as("the journal does not hold it").isNull();
      world.publish(second);
      assertThat(world.tier.get(first.key())).isEqualTo(second);
      assertThat(world.tier.get(first.key())).isEqualTo(second);
      assertThat(world.tier.stats().hits()).isEqualTo(1);
      assertThat(world.tier.stats().entries()).isEqualTo(1);
    }
  }

  @Test
  void itsOwnWrites_areHits_andDeletesTakeTheEntryAway() {
    try (var world = new ChronicleWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 100);
      world.publish(first);
      world.tier.written(first);
      assertThat(world.tier.get(first.key())).isEqualTo(first);
      assertThat(world.tier.stats().hits()).isEqualTo(1);
      world.tier.written(TestRecords.write("n/1", 7, 100));
      assertThat(world.tier.get(first.key())).as("is not the current one").isEqualTo(first);
      world.tier.written(first.withoutPayload());
      assertThat(world.tier.stats().entries()).isZero();
      assertThat(world.tier.stats().sizeBytes()).isZero();
    }
  }

  @Test
  void afterACleanStop_itHasWhatItHad() {
    List<MetadataRecord> records = new ArrayList<>();
    long bytes;
    try (var world = new ChronicleWorld()) {
      for (int i = 0; i < 200; i++) {
        records.add(TestRecords.write("n/" + i, i + 1, i));
        world.publish(records.get(i));
        world.tier.get(records.get(i).key());
      }
      bytes = world.tier.sizeBytes();
    }
    try (var world = new ChronicleWorld()) {
      assertThat(world.tier.sizeBytes()).isEqualTo(bytes);
      records.forEach(record -> assertThat(world.tier.get(record.key())).isEqualTo(record));
      assertThat(world.tier.stats().hits()).isEqualTo(200);
      assertThat(world.tier.stats().misses()).isZero();
    }
  }

  @Test
  void theMarkerIsThere_onlyWhileTheMapIsClosed() {
    try (var world = new ChronicleWorld()) {
      MetadataRecord record = TestRecords.write("n/1", 1, 100);
      world.publish(record);
      world.tier.get(record.key());
      assertThat(new FileDisk(directory).list())
          .contains("warm.chronicle")
          .doesNotContain("warm.chronicle.clean");
    }
    assertThat(new FileDisk(directory).list()).contains("warm.chronicle.clean");
  }

  @Test
  void readersBesideClose_areAnsweredByTheJournal() throws Exception {
    var world = new ChronicleWorld();
    for (int i = 0; i < 100; i++) {
      world.publish(TestRecords.write("n/" + i, i + 1, 200));
    }
    var stop = new AtomicBoolean();
    List<Throwable> thrown = new ArrayList<>();
    var readers = new ArrayList<Thread>();
    for (int t = 0; t < 3; t++) {
      var reader = new Thread(() -> readUntil(stop, world.tier));
      reader.setUncaughtExceptionHandler((thread, e) -> thrown.add(e));
      reader.start();
      readers.add(reader);
    }
    while (world.tier.stats().hits() < 1000) {
      Thread.onSpinWait();
    }
    world.tier.close();
    long misses = world.tier.stats().misses();
    while (world.tier.stats().misses() < misses + 1000 && thrown.isEmpty()) {
      Thread.onSpinWait();
    }
    stop.set(true);
    for (Thread reader : readers) {
      reader.join();
    }
    world.close();
    assertThat(thrown).isEmpty();
  }

  private static void readUntil(AtomicBoolean stop, Tier tier) {
    for (int i = 0; !stop.get(); i++) {
      MetadataRecord expected = TestRecords.write("n/" + i % 100, i % 100 + 1, 200);
      assertThat(tier.get(Key.of("n/" + i % 100))).isEqualTo(expected);
    }
  }
}
