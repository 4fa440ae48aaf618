package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.AppliedPrefix;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** From one store to another, by a stream that coalesces, loses and repeats. */
class ChangeStreamTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final int BATCH_BYTES = 600;

  private final SimWorld world = new SimWorld(1);
  private final Map<RegionName, SimNode> machines = new TreeMap<>();

  private RecordStore open(RegionName region) {
    SimNode machine = machines.computeIfAbsent(region, name -> new SimNode(world, name.name()));
    return RecordStore.open(
        new StoreConfig(
            "test",
            region,
            new JournalConfig(4096),
            Durabilities.all(Durability.SYNC),
            1 << 16,
            1 << 20,
            64 << 20,
            CompactionConfig.DEFAULT),
        machine.disk(),
        machine.clock(),
        machine.random(),
        machine.scheduler().serial("journal"),
        changes -> {});
  }

  private void settle() {
    world.runFor(Duration.ofMillis(1));
  }

  private void write(RecordStore store, int key, String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    store.write(Key.of("n/" + key), payload, Header.NEVER, Precondition.NONE);
    settle();
  }

  private static ChangeStream stream(RecordStore from, VersionVector known) {
    return new ChangeStream(from, BATCH_BYTES, known, 0, record -> record);
  }

  /** As the receiving side does; returns whether it was taken. */
  private boolean apply(RecordStore to, RegionName from, Frame.Changes sent) {
    var changes =
        (Frame.Changes)
            FrameCodec.decode(ByteBuffer.wrap(FrameCodec.encode(sent)).position(Integer.BYTES));
    assertThat(changes).isEqualTo(sent);
    List<Inbound> inbound =
        changes.records().stream().map(record -> new Inbound(record, true)).toList();
    CompletableFuture<Boolean> taken =
        to.applyRange(
            changes.after(), inbound, new AppliedPrefix(from, changes.actor(), changes.upTo()));
    settle();
    return taken.join();
  }

  private static Map<Key, MetadataRecord> contentOf(RecordStore store) {
    var all = new TreeMap<Key, MetadataRecord>();
    store.forEachKey(key -> all.put(key, store.read(key)));
    return all;
  }

  /**
   * Each of what the receiver was told to have up to some counter, it has, or something that has
   * seen it.
   */
  private static void assertPrefixHolds(RecordStore from, RecordStore to, long upTo, String seed) {
    var cursor = from.cursorAfter(0);
    for (var entry = cursor.next(); cursor.position() < from.publishedPosition(); ) {
      if (entry instanceof io.metafabric.core.journal.JournalEntry.Stored stored) {
        var dot = stored.record().header().version().dot();
        if (dot.actor().equals(from.actor()) && dot.counter() <= upTo) {
          Header known = to.header(stored.record().key());
          assertThat(known).as("%s: %s", seed, dot).isNotNull();
          assertThat(known.version().covers(dot)).as("%s: %s in %s", seed, dot, known).isTrue();
        }
      }
      entry = cursor.next();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void theReceiverEndsAsIfEveryChangeHadCome_whateverIsLostAndWhenever(long seed) {
    var random = new Random(seed);
    String as = "seed " + seed;
    RecordStore eu = open(EU);
    RecordStore us = open(US);
    ChangeStream there = stream(eu, VersionVector.EMPTY);
    ChangeStream back = stream(us, VersionVector.EMPTY);
    for (int i = 0; i < 400; i++) {
      switch (random.nextInt(6)) {
        case 0, 1, 2 -> {
          String value = random.nextInt(8) == 0 ? null : "eu" + i + "x".repeat(random.nextInt(60));
          write(eu, random.nextInt(12), value);
        }
        case 3 -> write(us, random.nextInt(12), "us" + i);
        case 4 -> step(random, there, eu, us, EU, as);
        default -> step(random, back, us, eu, US, as);
      }
    }
    drain(there, us, EU);
    drain(back, eu, US);
    assertThat(there.next()).as("only the other's changes came since").isNull();
    assertThat(there.isDrained() && back.isDrained()).as(as).isTrue();
    assertThat(contentOf(us)).as(as).isEqualTo(contentOf(eu));
    assertThat(there.coalesced()).as(as).isPositive();
  }

  private void step(
      Random random,
      ChangeStream stream,
      RecordStore from,
      RecordStore to,
      RegionName region,
      String seed) {
    ChangeStream.Batch batch = stream.next();
    if (batch == null) {
      return;
    }
    switch (random.nextInt(5)) {
      case 0 -> stream.refused(batch);
      case 1 -> {
        stream.sent(batch); // and lost
        stream.rewind();
      }
      case 2 -> {
        stream.sent(batch); // and its acknowledgement lost
        assertThat(apply(to, region, batch.frame())).as(seed).isTrue();
        stream.rewind();
      }
      default -> {
        stream.sent(batch);
        assertThat(apply(to, region, batch.frame())).as(seed).isTrue();
        stream.acknowledge(batch.frame().actor(), batch.frame().upTo());
      }
    }
    assertPrefixHolds(from, to, to.appliedOf(region).counter(from.actor()), seed);
  }

  private void drain(ChangeStream stream, RecordStore to, RegionName region) {
    for (var batch = stream.next(); batch != null; batch = stream.next()) {
      stream.sent(batch);
      assertThat(apply(to, region, batch.frame())).isTrue();
      stream.acknowledge(batch.frame().actor(), batch.frame().upTo());
    }
  }

  @Test
  void ofAKeyThatIsWrittenAgainAndAgain_theNewestGoes_andTheRangeIsStated() {
    RecordStore eu = open(EU);
    write(eu, 1, "old");
    write(eu, 2, "between");
    for (int i = 0; i < 50; i++) {
      write(eu, 1, "newer " + i);
    }
    ChangeStream stream = stream(eu, VersionVector.EMPTY);
    ChangeStream.Batch batch = stream.next();
    assertThat(batch.frame().records().stream().map(MetadataRecord::payload))
        .containsExactly(Bytes.utf8("between"), Bytes.utf8("newer 49"));
    assertThat(batch.frame().after()).isZero();
    assertThat(batch.frame().upTo()).isEqualTo(52);
    assertThat(stream.coalesced()).isEqualTo(50);
    assertThat(stream.next()).isNull();
    stream.sent(batch);
    stream.acknowledge(eu.actor(), 52);
    assertThat(stream.isDrained()).isTrue();
  }

  @Test
  void changesOfEarlierOpenings_goInRangesOfTheirOwn() {
    RecordStore first = open(EU);
    write(first, 1, "first");
    write(first, 2, "first");
    first.close();
    RecordStore eu = open(EU);
    write(eu, 2, "second");
    RecordStore us = open(US);
    ChangeStream stream = stream(eu, VersionVector.EMPTY);
    ChangeStream.Batch ofFirst = stream.next();
    assertThat(ofFirst.frame().actor()).isEqualTo(first.actor());
    assertThat(ofFirst.frame().records()).hasSize(2);
    stream.sent(ofFirst);
    apply(us, EU, ofFirst.frame());
    drain(stream, us, EU);
    assertThat(contentOf(us)).isEqualTo(contentOf(eu));
    assertThat(stream(eu, us.appliedOf(EU)).next()).as("known all").isNull();
  }

  @Test
  void anOpeningOfWhichOnlyTheLastCounterIsLeft_isTold_inARangeWithoutChanges() {
    RecordStore first = open(EU);
    write(first, 1, "first");
    write(first, 1, "first again");
    first.close();
    RecordStore eu = open(EU);
    eu.startCompaction(
        machines.get(EU).scheduler().serial("compaction"),
        () -> Long.MAX_VALUE,
        () -> VersionVector.EMPTY,
        () -> 0);
    for (int i = 0; i < 200; i++) {
      write(eu, i % 3, "x".repeat(200));
    }
    world.runFor(Duration.ofMinutes(1));

    RecordStore us = open(US);
    ChangeStream stream = stream(eu, VersionVector.EMPTY);
    ChangeStream.Batch ofFirst = stream.next();
    assertThat(ofFirst.frame()).isEqualTo(new Frame.Changes(first.actor(), 0, 2, List.of()));
    stream.refused(ofFirst);
    assertThat(stream.isDrained()).isFalse();
    drain(stream, us, EU);
    assertThat(stream.isDrained()).isTrue();
    assertThat(us.appliedOf(EU).counter(first.actor())).isEqualTo(2);
    assertThat(us.appliedOf(EU).counter(eu.actor())).isEqualTo(200);
    assertThat(contentOf(us)).isEqualTo(contentOf(eu));
    assertThat(stream(eu, us.appliedOf(EU)).next()).as("known all").isNull();
  }
}
