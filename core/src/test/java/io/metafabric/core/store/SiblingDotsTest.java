package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** All versions of a key that are kept beside each other: compared, found, and forgotten. */
final class SiblingDotsTest {
  static final Duration ROUND = CompactionConfig.FORGET_EVERY.plusSeconds(2);
  static final RegionName ROME = new RegionName("rome");

  /** Issues nothing of its own here: what it wrote is given. */
  static final ActorId THERE = new ActorId(0x7777);

  static StoreMachine machine(long seed) {
    var machine = new StoreMachine(seed, Durability.SYNC);
    machine.conflicts =
        new ConflictConfig(
            new ConflictRules(Map.of("n", ConflictRule.siblings())), Duration.ofDays(1));
    return machine;
  }

  static Key key(int i) {
    return Key.of("n/" + i);
  }

  static Version version(long counter, VersionVector context, long stampMs) {
    return new Version(new Dot(THERE, counter), context, new Stamp(stampMs << 16));
  }

  static MetadataRecord value(Key key, long counter, VersionVector context, long stampMs) {
    Bytes payload = Bytes.utf8("there " + counter);
    Header header = Header.value(version(counter, context, stampMs), ROME, payload, Header.NEVER);
    return new MetadataRecord(key, header, payload);
  }

  static MetadataRecord tombstone(Key key, long counter, VersionVector context, long stampMs) {
    return new MetadataRecord(
        key, Header.tombstone(version(counter, context, stampMs), ROME), null);
  }

  static boolean give(StoreMachine machine, MetadataRecord record) {
    var applied = machine.store().applyOne(new Inbound(record, true));
    machine.world.runUntil("it is there", applied::isDone, Duration.ofSeconds(5));
    return applied.join();
  }

  /** As a stream of changes brings it: everything up to it is applied then. */
  static void stream(StoreMachine machine, long after, MetadataRecord record) {
    long upTo = record.header().version().dot().counter();
    var applied =
        machine
            .store()
            .applyRange(
                after, List.of(new Inbound(record, true)), new AppliedPrefix(ROME, THERE, upTo));
    machine.world.runUntil("it is there", applied::isDone, Duration.ofSeconds(5));
    assertThat(applied.join()).isTrue();
  }

  /** A write of a caller who has read nothing, or exactly {@code read}. */
  static MetadataRecord write(
      StoreMachine machine, Key key, @Nullable String value, @Nullable Version read) {
    var written =
        machine
            .store()
            .write(
                key,
                value == null ? null : Bytes.utf8(value),
                Header.NEVER,
                Precondition.NONE,
                read == null ? Version.NONE : read);
    machine.world.runUntil("the write", written::isDone, Duration.ofSeconds(5));
    MetadataRecord record = written.join();
    assertThat(record).isNotNull();
    return record;
  }

  static void removeAll(StoreMachine machine, Key key) {
    MetadataRecord known = machine.store().read(key);
    assertThat(known).isNotNull();
    write(machine, key, null, known.seen());
  }

  static long[] digests(StoreMachine machine) {
    return machine.store().liveDots().compared().digests(8, IntStream.range(0, 16).toArray());
  }

  /** The same by looking at everything that is live: by depth 20 the index is asked. */
  static long[] looked(StoreMachine machine) {
    long[] deep =
        machine.store().liveDots().compared().digests(20, IntStream.range(0, 1 << 16).toArray());
    var digests = new long[256];
    for (int i = 0; i < deep.length; i++) {
      digests[i >>> 12] ^= deep[i];
    }
    return digests;
  }

  static Set<Dot> dots(MetadataRecord record) {
    var dots = new HashSet<Dot>();
    record.versions().forEach(each -> dots.add(each.header().version().dot()));
    return dots;
  }

  /** Of every key, by reading it. */
  static Set<Dot> allDots(StoreMachine machine) {
    var dots = new HashSet<Dot>();
    machine.store().forEachKey(key -> dots.addAll(dots(machine.store().read(key))));
    return dots;
  }

  static Set<Dot> listed(StoreMachine machine) {
    var dots = new HashSet<Dot>();
    machine
        .store()
        .liveDots()
        .compared()
        .below(4, IntStream.range(0, 16).toArray())
        .forEach(below -> assertThat(dots.addAll(below) || below.isEmpty()).isTrue());
    return dots;
  }

  @Test
  void storesThatDifferInASiblingAlone_haveOtherDigests_andAlikeOnesTheSame() {
    var one = machine(1);
    var other = machine(2);
    one.open();
    other.open();
    MetadataRecord winner = value(key(1), 1, VersionVector.EMPTY, 20);
    MetadataRecord beside = value(key(1), 2, VersionVector.EMPTY, 10);
    give(one, winner);
    give(one, beside);
    give(other, winner);
    assertThat(one.store().header(key(1))).isEqualTo(other.store().header(key(1)));
    assertThat(digests(one)).isNotEqualTo(digests(other));

    give(other, beside);
    assertThat(digests(one)).isEqualTo(digests(other));
    give(one, value(key(1), 3, beside.header().version().seen(), 30));
    assertThat(digests(one)).isNotEqualTo(digests(other));
    give(other, value(key(1), 3, beside.header().version().seen(), 30));
    assertThat(digests(one)).isEqualTo(digests(other));
  }

  @Test
  void aRecordIsFound_byTheDotOfEachOfItsVersions_once() {
    var machine = machine(3);
    machine.open();
    Dot alone = dot(write(machine, key(2), "alone", null));
    var versions = new ArrayList<Dot>();
    for (int i = 0; i < 4; i++) {
      versions.add(dot(write(machine, key(1), "v" + i, null)));
    }
    for (Dot dot : versions) {
      assertThat(machine.store().liveDots().compared().records(List.of(dot)))
          .containsExactly(machine.store().read(key(1)));
    }
    versions.add(alone);
    assertThat(machine.store().liveDots().compared().records(versions))
        .containsExactlyInAnyOrder(machine.store().read(key(1)), machine.store().read(key(2)));

    Dot last = dot(write(machine, key(1), "all", machine.store().read(key(1)).seen()));
    assertThat(machine.store().liveDots().compared().records(versions))
        .containsExactly(machine.store().read(key(2)));
    assertThat(machine.store().liveDots().compared().records(List.of(last))).hasSize(1);
  }

  private static Dot dot(MetadataRecord record) {
    return record.header().version().dot();
  }

  @Test
  void whatSiblingsTakeInTheIndex_isCounted_andGivenBack() {
    var machine = machine(4);
    machine.open();
    for (int i = 0; i < 50; i++) {
      write(machine, key(i), "one", null);
    }
    long before = machine.store().stats().indexBytes();
    for (int i = 0; i < 50; i++) {
      write(machine, key(i), "other", null);
    }
    assertThat(machine.store().stats().indexBytes()).isBetween(before + 5_000, before + 20_000);
    assertThat(machine.store().keysWithSiblings()).hasSize(50);
    for (int i = 0; i < 50; i++) {
      write(machine, key(i), "both", machine.store().read(key(i)).seen());
    }
    assertThat(machine.store().stats().indexBytes()).isEqualTo(before);
    assertThat(machine.store().keysWithSiblings()).isEmpty();
  }

  @Test
  void whereTheIndexIsFull_nothingIsPutBesideAnything_butConflictsCanBeClosed() {
    var machine = machine(5);
    machine.open();
    write(machine, key(1), "one", null);
    write(machine, key(1), "other", null);
    long full = machine.store().stats().indexBytes();
    machine.close();
    machine.maxIndexBytes = full - 1;
    machine.open();
    assertThatThrownBy(() -> write(machine, key(1), "third", null))
        .isInstanceOf(IndexFullException.class);
    MetadataRecord theirs = value(key(1), 1, VersionVector.EMPTY, 1);
    assertThatThrownBy(() -> give(machine, theirs)).hasCauseInstanceOf(IndexFullException.class);
    MetadataRecord known = machine.store().read(key(1));
    assertThat(known.versions()).hasSize(2);
    write(machine, key(1), "instead of one", known.header().version());
    write(machine, key(1), "all", machine.store().read(key(1)).seen());
    assertThat(machine.store().read(key(1)).hasSiblings()).isFalse();
  }

  /** Writers who have read all, some or nothing; compaction, crashes and stops in order. */
  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void theTreeIsThatOfAllVersions_howeverItCame(long seed) {
    var machine = machine(seed);
    machine.open();
    RandomGenerator random = machine.world.fork("load");
    long there = 0;
    for (int life = 0; life < 6; life++) {
      for (int i = 0; i < 80; i++) {
        Key key = key(random.nextInt(20));
        MetadataRecord known = machine.store().read(key);
        List<Sibling> versions = known == null ? List.of() : known.versions();
        if (random.nextInt(4) == 0) {
          give(machine, value(key, ++there, VersionVector.EMPTY, 1 + random.nextInt(1000)));
        } else if (known == null || versions.size() > 4) {
          write(
              machine,
              key,
              random.nextInt(4) == 0 ? null : "v" + i,
              known == null ? null : known.seen());
        } else {
          Version read = versions.get(random.nextInt(versions.size())).header().version();
          write(
              machine,
              key,
              random.nextInt(4) == 0 ? null : "v" + i,
              random.nextBoolean() ? read : null);
        }
      }
      assertThat(digests(machine)).as("seed %d, life %d", seed, life).isEqualTo(looked(machine));
      assertThat(listed(machine)).isEqualTo(allDots(machine));
      long[] before = digests(machine);
      Set<Dot> all = allDots(machine);
      if (life % 2 == 0) {
        machine.node.crash(SimDisk.Loss.NONE);
      } else {
        machine.close();
      }
      machine.open();
      if (life % 2 == 1) {
        assertThat(machine.store().stats().replayedBytes()).as("by the hint").isZero();
      }
      assertThat(digests(machine)).as("seed %d, opened %d", seed, life).isEqualTo(before);
      assertThat(listed(machine)).isEqualTo(all);
    }
    assertThat(machine.store().keysWithSiblings()).isNotEmpty();
  }

  // ---- What is dead is forgotten.

  @Test
  void aKeyOfWhichAllVersionsAreDead_isForgotten_onceAllRegionsHaveThem() {
    var machine = machine(11);
    machine.open();
    for (int i = 0; i < 50; i++) {
      MetadataRecord first = write(machine, key(i), "one", null);
      write(machine, key(i), null, first.header().version());
      write(machine, key(i), null, null);
      assertThat(machine.store().read(key(i)).siblings()).hasSize(1);
    }
    write(machine, key(100), "stays", null);
    machine.world.runFor(ROUND);
    assertThat(machine.store().stats().keys()).as("a region may lack them").isEqualTo(51);

    machine.forgets = true;
    machine.world.runFor(ROUND);
    assertThat(machine.store().stats().keys()).isEqualTo(1);
    assertThat(machine.store().stats().forgotten()).isEqualTo(50);
    assertThat(machine.store().stats().tombstones()).isZero();
    assertThat(machine.store().keysWithSiblings()).isEmpty();
    assertThat(digests(machine)).isEqualTo(looked(machine));
    assertThat(listed(machine)).hasSize(1);

    machine.close();
    machine.open();
    assertThat(machine.store().stats().keys()).as("by the hint").isEqualTo(1);
  }

  @Test
  void aKeyWithAVersionThatIsNotDead_stays_andLosesThoseThatAre() {
    var machine = machine(12);
    machine.forgets = true;
    machine.open();
    MetadataRecord value = write(machine, key(1), "one", null);
    write(machine, key(1), null, null);
    machine.world.runFor(ROUND);
    MetadataRecord left = machine.store().read(key(1));
    assertThat(left).isEqualTo(value);
    assertThat(listed(machine)).containsExactly(dot(value));
    assertThat(digests(machine)).isEqualTo(looked(machine));
    long written = machine.store().stats().appendedBytes();
    machine.world.runFor(ROUND.multipliedBy(3));
    assertThat(machine.store().stats().appendedBytes()).as("once").isEqualTo(written);
    machine.node.crash(SimDisk.Loss.NONE);
    machine.open();
    assertThat(machine.store().read(key(1))).isEqualTo(value);
  }

  @Test
  void oneVersionThatMayStillBeShown_keepsTheWholeKey() {
    var machine = machine(13);
    machine.forgets = true;
    machine.open();
    long now = machine.node.clock().wallMs();
    for (long expiry : List.of(now + 1000, now + Duration.ofHours(1).toMillis())) {
      var written =
          machine
              .store()
              .write(key(1), Bytes.utf8("" + expiry), expiry, Precondition.NONE, Version.NONE);
      machine.world.runUntil("the write", written::isDone, Duration.ofSeconds(5));
    }
    machine.world.runFor(DeadHeaders.EXPIRED_FOR.plus(ROUND));
    MetadataRecord known = machine.store().read(key(1));
    assertThat(known).isNotNull();
    assertThat(known.versions()).singleElement().matches(each -> each.payload() != null);
    machine.world.runFor(Duration.ofHours(1).plus(DeadHeaders.EXPIRED_FOR).plus(ROUND));
    assertThat(machine.store().header(key(1))).isNull();
  }

  @Test
  void versionsThatComeLate_areDiscarded_alsoBesideWhatWasWrittenSince_andAfterARestart() {
    for (boolean crash : List.of(false, true)) {
      var machine = machine(14);
      machine.forgets = true;
      machine.open();
      MetadataRecord first = value(key(1), 1, VersionVector.EMPTY, 10);
      MetadataRecord second = value(key(1), 2, VersionVector.EMPTY, 20);
      stream(machine, 0, first);
      stream(machine, 1, second);
      MetadataRecord both = machine.store().read(key(1));
      assertThat(both.siblings()).hasSize(1);
      removeAll(machine, key(1));
      machine.world.runFor(ROUND);
      assertThat(machine.store().header(key(1))).isNull();
      assertThat(machine.store().wasForgotten(both)).isTrue();
      if (crash) {
        machine.node.crash(SimDisk.Loss.NONE);
      } else {
        machine.close();
      }
      machine.open();
      // A replay brings the tombstone back, which is forgotten again.
      machine.world.runFor(ROUND);
      assertThat(give(machine, both)).isFalse();
      assertThat(machine.store().header(key(1))).isNull();
      assertThat(machine.store().stats().duplicates()).isEqualTo(1);

      MetadataRecord anew = write(machine, key(1), "anew", null);
      for (MetadataRecord late : List.of(first, second, both)) {
        assertThat(give(machine, late)).isFalse();
        assertThat(machine.store().read(key(1))).isEqualTo(anew);
      }
      MetadataRecord news = value(key(1), 3, VersionVector.EMPTY, 30);
      MetadataRecord mixed = Siblings.join(both, news, 1 << 20).record();
      assertThat(give(machine, mixed)).as("a part of it is news").isTrue();
      assertThat(dots(machine.store().read(key(1))))
          .containsExactlyInAnyOrder(dot(anew), dot(news));
    }
  }

  @Test
  void whatFellOut_mayComeBack_thoughItWasApplied_unlessSomethingAsLateWasForgotten() {
    for (boolean forgets : List.of(false, true)) {
      var machine = machine(15);
      machine.open();
      var all = new ArrayList<MetadataRecord>();
      for (int i = 1; i <= MetadataRecord.MAX_VERSIONS + 1; i++) {
        var dot = new Dot(new ActorId(i), 1);
        Bytes payload = Bytes.utf8("by " + i);
        var version = new Version(dot, VersionVector.EMPTY, new Stamp(i << 16));
        Header header = Header.value(version, ROME, payload, Header.NEVER);
        all.add(new MetadataRecord(key(1), header, payload));
        var applied =
            machine
                .store()
                .applyRange(
                    0,
                    List.of(new Inbound(all.get(i - 1), true)),
                    new AppliedPrefix(ROME, dot.actor(), 1));
        machine.world.runUntil("it is there", applied::isDone, Duration.ofSeconds(5));
      }
      MetadataRecord earliest = all.get(0);
      assertThat(machine.store().read(key(1)).has(dot(earliest))).isFalse();
      assertThat(give(machine, earliest)).as("there is no room").isFalse();
      write(machine, key(1), "has seen all", machine.store().read(key(1)).seen());
      if (forgets) {
        machine.forgets = true;
        write(machine, key(2), null, null);
        machine.world.runFor(ROUND);
      }
      assertThat(give(machine, earliest)).isEqualTo(!forgets);
      assertThat(machine.store().read(key(1)).versions()).hasSize(forgets ? 1 : 2);
    }
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void powerFailuresAndCompaction_bringNothingBackThatWasForgotten(long seed) {
    var machine = machine(seed);
    machine.forgets = true;
    RandomGenerator random = machine.world.fork("load");
    machine.open();
    long forgotten = 0;
    long compactions = 0;
    var replaced = new HashSet<Dot>();
    for (int life = 0; life < 8; life++) {
      for (int i = 0; i < 150; i++) {
        Key key = key(random.nextInt(12));
        MetadataRecord known = machine.store().read(key);
        boolean all = known != null && random.nextInt(3) > 0;
        String value = random.nextInt(2) == 0 ? null : "v" + " ".repeat(random.nextInt(200));
        write(machine, key, value, all ? known.seen() : null);
        if (all) {
          replaced.addAll(dots(known));
        }
        if (random.nextInt(30) == 0) {
          machine.world.runFor(ROUND);
        }
      }
      forgotten += machine.store().stats().forgotten();
      compactions += machine.store().stats().compaction().runs();
      Set<Dot> before = allDots(machine);
      if (random.nextInt(3) == 0) {
        machine.close();
      } else {
        machine.node.crash(SimDisk.Loss.SOME);
      }
      machine.open();
      Set<Dot> after = allDots(machine);
      assertThat(after)
          .as(machine.world.describe("life " + life + ": what was replaced is back"))
          .doesNotContainAnyElementsOf(replaced);
      assertThat(after).as("nothing is lost").containsAll(before);
      assertThat(digests(machine)).isEqualTo(looked(machine));
    }
    assertThat(forgotten).as(machine.world.describe("something was forgotten")).isPositive();
    assertThat(compactions).as(machine.world.describe("compaction took part")).isPositive();
  }
}
