package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is deleted or expired is forgotten once all regions have it, and never comes back. */
final class ForgetTest {
  private static final RegionName US = new RegionName("us");
  private static final Duration ROUND = CompactionConfig.FORGET_EVERY.plusSeconds(2);

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static Bytes value(int length) {
    return Bytes.copyOf(new byte[length]);
  }

  @Test
  void aTombstoneIsForgotten_withItsIndexEntry_onceAllRegionsHaveIt() {
    var machine = new StoreMachine(1, Durability.SYNC);
    machine.open();
    for (int i = 0; i < 100; i++) {
      machine.write(key(i), value(50));
    }
    for (int i = 0; i < 90; i++) {
      machine.write(key(i), null);
    }
    machine.world.runFor(ROUND);
    StoreStats kept = machine.store().stats();
    assertThat(kept.keys()).as("a region may lack the deletions").isEqualTo(100);
    assertThat(kept.tombstones()).isEqualTo(90);
    assertThat(kept.tombstoneBytes()).isBetween(90L * 40, 90L * 200);
    assertThat(kept.forgotten()).isZero();

    machine.forgets = true;
    machine.world.runFor(ROUND);
    StoreStats stats = machine.store().stats();
    assertThat(stats.keys()).isEqualTo(10);
    assertThat(stats.forgotten()).isEqualTo(90);
    assertThat(stats.tombstones()).isZero();
    assertThat(stats.tombstoneBytes()).isZero();
    assertThat(machine.store().header(key(3))).isNull();
    machine.check("forgotten");
    machine.write(key(3), value(7));
    machine.check("written anew");

    machine.close();
    machine.forgets = false;
    machine.open();
    assertThat(machine.store().stats().keys()).as("by the hint").isEqualTo(11);
    machine.forgets = true;
    machine.check("opened again");
  }

  @Test
  void withoutSyncs_nothingIsForgotten_thatALossOfPowerCouldTakeBack() {
    var machine = new StoreMachine(2, Durability.OS);
    machine.forgets = true;
    machine.open();
    machine.write(key(1), value(50));
    machine.write(key(1), null);
    machine.world.runFor(ROUND);
    assertThat(machine.store().header(key(1))).isNotNull();
    machine.store().syncWithin(Duration.ofSeconds(1));
    machine.world.runFor(ROUND.multipliedBy(2));
    assertThat(machine.store().header(key(1))).isNull();
  }

  @Test
  void whatHasExpired_isForgottenOnlyWhenNoClockCanShowItAnyMore() {
    var machine = new StoreMachine(3, Durability.SYNC);
    machine.forgets = true;
    machine.open();
    long expiresAtMs = machine.node.clock().wallMs() + 1000;
    var written = machine.store().write(key(1), value(5), expiresAtMs, Precondition.NONE);
    machine.world.runUntil("the write", written::isDone, Duration.ofSeconds(1));
    machine.world.runFor(ROUND);
    assertThat(machine.store().header(key(1))).as("expired a minute ago").isNotNull();
    assertThat(machine.store().stats().tombstones()).isZero();
    machine.world.runFor(DeadHeaders.EXPIRED_FOR.plus(ROUND));
    assertThat(machine.store().header(key(1))).isNull();
  }

  @Test
  void whatHasExpired_isKept_whileARegionMayLackIt_andHaveWhatItReplaced() {
    var machine = new StoreMachine(6, Durability.SYNC);
    machine.open();
    long expiresAtMs = machine.node.clock().wallMs() + 1000;
    var written = machine.store().write(key(1), value(5), expiresAtMs, Precondition.NONE);
    machine.world.runUntil("the write", written::isDone, Duration.ofSeconds(1));
    machine.world.runFor(DeadHeaders.EXPIRED_FOR.plus(ROUND.multipliedBy(2)));
    assertThat(machine.store().header(key(1))).isNotNull();
    machine.forgets = true;
    machine.world.runFor(ROUND.multipliedBy(2));
    assertThat(machine.store().header(key(1))).isNull();
  }

  @Test
  void anOldVersionThatComesLate_isDiscarded() {
    var machine = new StoreMachine(4, Durability.SYNC);
    machine.forgets = true;
    machine.open();
    machine.write(key(1), value(50));
    MetadataRecord old = machine.store().read(key(1));
    machine.write(key(1), null);
    machine.world.runFor(ROUND);
    assertThat(machine.store().header(key(1))).isNull();

    CompletableFuture<Boolean> late = machine.store().applyOne(new Inbound(old, true));
    machine.world.runUntil("an answer", late::isDone, Duration.ofSeconds(1));
    assertThat(late.join()).isFalse();
    assertThat(machine.store().header(key(1))).isNull();
    assertThat(machine.store().stats().duplicates()).isEqualTo(1);
  }

  /**
   * The fabric's own are never deleted: one that is applied and not known here was lost, as when
   * whoever had it lost its disk before it could bring it, and later gets an older disk.
   */
  @Test
  void oneOfTheFabricsOwn_thatWasLostHereAndComesBack_isTakenAgain_andNotDeleted() {
    var us = new StoreMachine(9, Durability.SYNC);
    us.open();
    Key moved = Key.system("home", "n/1");
    var writing = us.store().writeSystem(moved, Bytes.utf8("eu"), new Stamp(1), null);
    us.world.runUntil("the move", writing::isDone, Duration.ofSeconds(1));
    us.write(key(1), value(5));
    MetadataRecord move = us.store().read(moved);
    MetadataRecord written = us.store().read(key(1));
    assertThat(move).isNotNull();
    ActorId actor = move.header().version().dot().actor();

    var eu = new StoreMachine(10, Durability.SYNC);
    eu.open();
    var lost = eu.store().applyRange(0, List.of(), new AppliedPrefix(US, actor, 2));
    eu.world.runUntil("the range", lost::isDone, Duration.ofSeconds(1));
    CompletableFuture<Void> compared =
        eu.store().applyAll(List.of(new Inbound(move, true), new Inbound(written, true)));
    eu.world.runUntil("the comparison", compared::isDone, Duration.ofSeconds(1));
    compared.join();

    assertThat(eu.store().systemRecord(moved)).isEqualTo(move);
    assertThat(eu.store().header(key(1))).as("a host's").matches(Header::isTombstone);
    assertThat(eu.store().stats().duplicates()).isEqualTo(1);
    eu.close();
    eu.open();
    assertThat(eu.store().systemRecord(moved)).isEqualTo(move);
  }

  /**
   * A peer that knows of more writes than any region has any more cannot forget what has seen them:
   * then all know it, rather than compare it for ever.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsDead_andAPeerCannotForget_isKnownAgain(boolean expires) {
    var machine = new StoreMachine(8, Durability.SYNC);
    machine.forgets = true;
    machine.open();
    long expiresAtMs = expires ? machine.node.clock().wallMs() + 1 : Header.NEVER;
    var written =
        machine.store().write(key(1), expires ? value(5) : null, expiresAtMs, Precondition.NONE);
    machine.world.runUntil("the write", written::isDone, Duration.ofSeconds(1));
    Header dead = machine.store().header(key(1));
    assertThat(dead).isNotNull();
    machine.world.runFor(DeadHeaders.EXPIRED_FOR.plus(ROUND));
    assertThat(machine.store().header(key(1))).isNull();

    found(machine, dead);
    assertThat(machine.store().header(key(1))).as("the peer forgets it too").isNull();

    Version version = dead.version();
    var seenByNobody = new Dot(new ActorId(7), 1);
    Header kept =
        dead.withVersion(
            version.withContext(version.context().merge(VersionVector.of(seenByNobody))));
    found(machine, kept);
    assertThat(machine.store().header(key(1))).isEqualTo(kept);
    machine.world.runFor(ROUND.multipliedBy(3));
    assertThat(machine.store().header(key(1))).as("not under the floor").isEqualTo(kept);
    machine.close();
    machine.open();
    assertThat(machine.store().header(key(1))).isEqualTo(kept);
  }

  /** By a comparison. */
  private static void found(StoreMachine machine, Header header) {
    var inbound = new Inbound(new MetadataRecord(key(1), header, null), false);
    CompletableFuture<Void> taken = machine.store().applyAll(List.of(inbound));
    machine.world.runUntil("an answer", taken::isDone, Duration.ofSeconds(1));
    taken.join();
  }

  @Test
  void theJournalGivesUpTombstones_onceNothingOlderOfTheirKeysIsLeft() {
    var machine = new StoreMachine(5, Durability.SYNC);
    machine.forgets = true;
    machine.open();
    RandomGenerator random = machine.world.fork("load");
    for (int i = 0; i < 2000; i++) {
      machine.write(key(i), value(20));
      machine.write(key(i), null);
    }
    for (int i = 0; i < 20_000; i++) {
      machine.write(Key.of("m/" + random.nextInt(50)), value(100));
      if (i % 2000 == 0) {
        machine.world.runFor(ROUND);
      }
    }
    machine.check("at the end");
    StoreStats stats = machine.store().stats();
    assertThat(stats.forgotten()).isEqualTo(2000);
    assertThat(stats.journalBytes())
        .as("2,000 tombstones take 120 kB: " + stats)
        .isLessThan(60_000);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void powerFailures_bringNothingBackThatWasForgotten(long seed) {
    var machine = new StoreMachine(seed, seed % 2 == 0 ? Durability.SYNC : Durability.OS);
    machine.forgets = true;
    RandomGenerator random = machine.world.fork("load");
    machine.open();
    long forgotten = 0;
    for (int life = 0; life < 8; life++) {
      for (int i = 0; i < 200 && !machine.isDead(); i++) {
        Key key = key(random.nextInt(40));
        machine.write(key, random.nextInt(3) == 0 ? null : value(1 + random.nextInt(300)));
        if (!machine.isDead() && random.nextInt(40) == 0) {
          machine.store().syncWithin(Duration.ofSeconds(1));
          machine.world.runFor(ROUND.multipliedBy(2));
        }
      }
      forgotten += machine.store().stats().forgotten();
      // All that was acknowledged is durable: what is missing afterwards was forgotten.
      machine.store().syncWithin(Duration.ofMillis(1));
      machine.world.runFor(Duration.ofSeconds(1));
      machine.node.crash(SimDisk.Loss.SOME);
      machine.open();
      machine.check("life " + life);
    }
    assertThat(forgotten).as(machine.world.describe("something was forgotten")).isPositive();
  }

  @Test
  void aCrashBeforeEachDiskOperation_bringsNothingBack() {
    long operations = workload(new StoreMachine(7, Durability.SYNC));
    assertThat(operations).isGreaterThan(300);
    for (long at = 0; at < operations; at++) {
      var machine = new StoreMachine(7, Durability.SYNC);
      machine.disk().beforeOperation(at, () -> machine.node.crash(SimDisk.Loss.SOME));
      workload(machine);
      assertThat(machine.isDead()).as("operation " + at).isTrue();
      machine.open();
      machine.check("crash before operation " + at);
      machine.world.runFor(ROUND);
      machine.write(key(1), value(5));
      machine.close();
      machine.open();
      machine.check("second opening after the crash before operation " + at);
      machine.close();
    }
  }

  /** Puts and deletes that are forgotten, compaction, a clean stop; ends early with the machine. */
  private static long workload(StoreMachine machine) {
    machine.forgets = true;
    RandomGenerator random = machine.world.fork("load");
    long before = machine.disk().operations();
    try {
      machine.open();
      for (int i = 0; i < 120 && !machine.isDead(); i++) {
        machine.write(key(random.nextInt(8)), i % 3 == 2 ? null : value(200));
        if (i % 15 == 14 && !machine.isDead()) {
          machine.world.runFor(ROUND);
        }
      }
      if (!machine.isDead()) {
        assertThat(machine.store().stats().forgotten()).isPositive();
        machine.close();
      }
    } catch (StorageException e) {
      if (!machine.isDead()) {
        throw e;
      }
    }
    return machine.disk().operations() - before;
  }
}
