package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
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
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Headers of writes that lost to another region's, which compaction keeps for a peer alone: the
 * index does not name them.
 */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class HeldFramesTest {
  private static final int KEYS = 40;
  private static final int LOST = 1500;
  private static final RegionName US = new RegionName("us");
  private static final ActorId THEIRS = new ActorId(99);

  /** Of a key's newest record. */
  private static final int MAX_FRAME_BYTES = 400;

  private static final long MIN_HEADER_BYTES = 60;

  private final StoreMachine machine;
  private final RandomGenerator random;

  HeldFramesTest(long seed) {
    machine = new StoreMachine(seed, Durability.OS);
    random = machine.world.fork("load");
    // A peer that has heard of nothing.
    machine.peersNeedAfter = 0;
    machine.open();
    for (int i = 1; i <= LOST; i++) {
      Key key = overwrite("lost/");
      Stamp newer = new Stamp(machine.store().header(key).version().stamp().packed() + 1);
      var version = new Version(new Dot(THEIRS, i), VersionVector.EMPTY, newer);
      Header header = Header.value(version, US, Bytes.EMPTY, Header.NEVER);
      CompletableFuture<Boolean> won =
          machine.store().applyOne(new Inbound(new MetadataRecord(key, header, null), false));
      machine.world.runUntil("theirs", won::isDone, Duration.ofMinutes(1));
      assertThat(won.join()).isTrue();
      letItCompact(i);
    }
    machine.world.runFor(Duration.ofMinutes(1));
  }

  private Key overwrite(String namespace) {
    Key key = Key.of(namespace + random.nextInt(KEYS));
    machine.write(key, Bytes.copyOf(new byte[100 + random.nextInt(100)]));
    return key;
  }

  /** Of other keys: the losers would be in the context of a newer write of theirs. */
  private void overwrite(long bytes) {
    long until = machine.store().stats().appendedBytes() + bytes;
    for (int i = 0; machine.store().stats().appendedBytes() < until; i++) {
      overwrite("n/");
      letItCompact(i);
    }
  }

  private void letItCompact(int i) {
    if (i % 20 == 0) {
      machine.world.runFor(Duration.ofMillis(50));
    }
  }

  private void requireNoHugeFile() {
    for (String name : machine.disk().list()) {
      if (name.startsWith("journal-")) {
        assertThat(machine.disk().contentOf(name).length)
            .as(machine.world.describe(name))
            .isLessThanOrEqualTo(9 * StoreMachine.SEGMENT_BYTES);
      }
    }
  }

  @Test
  void onceThePeerHasThem_theyGo_withoutAnotherOpening() {
    long held = machine.store().stats().journalBytes();
    assertThat(held).isGreaterThan(LOST * MIN_HEADER_BYTES);
    machine.peersNeedAfter = Long.MAX_VALUE;
    overwrite(2 * held);
    machine.world.runFor(Duration.ofMinutes(1));
    StoreStats stats = machine.store().stats();
    assertThat(stats.journalBytes())
        .as(machine.world.describe("of " + held + " bytes: " + stats))
        .isLessThan(2 * KEYS * MAX_FRAME_BYTES * 3 / 2 + 2 * StoreMachine.SEGMENT_BYTES);
    assertThat(stats.compaction().failures()).isZero();
  }

  @Test
  void whileThePeerNeedsThem_theyStay_andAreNotCopiedAgainAndAgain() {
    StoreStats before = machine.store().stats();
    machine.world.runFor(Duration.ofHours(1));
    assertThat(machine.store().stats().compaction()).isEqualTo(before.compaction());

    overwrite(3 * before.journalBytes());
    machine.world.runFor(Duration.ofMinutes(1));
    StoreStats after = machine.store().stats();
    assertThat(after.journalBytes()).isGreaterThan(LOST * MIN_HEADER_BYTES);
    assertThat(after.compaction().writtenBytes() - before.compaction().writtenBytes())
        .as(machine.world.describe("from " + before + " to " + after))
        .isLessThan(3 * (after.appendedBytes() - before.appendedBytes()));
    requireNoHugeFile();
  }

  @Test
  void whereAnOpeningFindsThem_theyAreNotJoinedIntoOneHugeFile() {
    for (SimDisk.Loss loss : new SimDisk.Loss[] {null, SimDisk.Loss.NONE}) {
      if (loss == null) {
        machine.close();
      } else {
        machine.node.crash(loss);
      }
      machine.open();
      overwrite(20 * StoreMachine.SEGMENT_BYTES);
      machine.world.runFor(Duration.ofMinutes(1));
      requireNoHugeFile();
    }
  }
}
