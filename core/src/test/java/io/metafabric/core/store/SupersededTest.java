package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.index.Substitute;
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
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Payloads of older writes, kept until the newest can be read, and never after a remove. */
class SupersededTest {
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final ActorId FROM_US = new ActorId(77);
  private static final ActorId FROM_AP = new ActorId(88);
  private static final Key KEY = Key.of("n/1");

  private final StoreMachine machine = new StoreMachine(3, Durability.SYNC);

  /** How the store comes up again, and must say the same. */
  private enum Reopening {
    NONE,
    AFTER_A_CRASH,
    AFTER_A_STOP,
    AFTER_COMPACTION_AND_A_CRASH
  }

  private void reopen(Reopening how) {
    switch (how) {
      case NONE -> {}
      case AFTER_A_CRASH -> {
        machine.node.crash(SimDisk.Loss.ALL);
        machine.open();
      }
      case AFTER_A_STOP -> {
        machine.close();
        machine.open();
      }
      case AFTER_COMPACTION_AND_A_CRASH -> {
        long runs = machine.store().stats().compaction().runs();
        for (int i = 0; machine.store().stats().compaction().runs() < runs + 10; i++) {
          machine.write(Key.of("other/" + i % 5), Bytes.copyOf(new byte[200 + i % 100]));
          machine.world.runFor(Duration.ofMillis(20));
        }
        machine.node.crash(SimDisk.Loss.ALL);
        machine.open();
      }
    }
  }

  private static Version after(@Nullable Version seen, ActorId actor, long counter) {
    return new Version(
        new Dot(actor, counter),
        seen == null ? VersionVector.EMPTY : seen.asContext(),
        new Stamp(seen == null ? counter << 16 : seen.stamp().packed() + (1 << 16)));
  }

  private static MetadataRecord value(Key key, Version version, String value) {
    Bytes payload = Bytes.utf8(value);
    RegionName in = version.dot().actor().equals(FROM_US) ? US : AP;
    return new MetadataRecord(key, Header.value(version, in, payload, Header.NEVER), payload);
  }

  private static MetadataRecord remove(Version version) {
    return new MetadataRecord(KEY, Header.tombstone(version, US), null);
  }

  private void come(MetadataRecord record, boolean keep) {
    var applied = machine.store().applyOne(new Inbound(record, keep));
    machine.world.runUntil("an inbound change", applied::isDone, Duration.ofMinutes(1));
    applied.join();
  }

  private @Nullable String shown() {
    Substitute substitute = machine.store().substitute(KEY);
    MetadataRecord held = substitute == null ? null : substitute.held();
    return held == null || held.payload() == null ? null : held.payload().toUtf8();
  }

  private Version written(String value) {
    machine.write(KEY, Bytes.utf8(value));
    return machine.store().header(KEY).version();
  }

  @ParameterizedTest
  @EnumSource
  void anOlderValue_isKept_untilTheNewestComes(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version two = after(one, FROM_US, 1);
    come(value(KEY, two, "two").withoutPayload(), false);
    reopen(reopening);
    assertThat(machine.store().header(KEY).version()).isEqualTo(two);
    assertThat(machine.store().read(KEY).payload()).isNull();
    assertThat(shown()).isEqualTo("one");
    assertThat(machine.store().stats().supersededBytes()).isBetween(30L, 300L);

    // Another one that comes without its payload takes nothing away.
    Version three = after(two, FROM_AP, 1);
    come(value(KEY, three, "three").withoutPayload(), false);
    reopen(reopening);
    assertThat(shown()).isEqualTo("one");
    // Nor does one that has lost.
    come(value(KEY, after(one, FROM_US, 2), "lost").withoutPayload(), false);
    reopen(reopening);
    assertThat(shown()).isEqualTo("one");

    come(value(KEY, three, "three"), true);
    reopen(reopening);
    assertThat(machine.store().substitute(KEY)).isNull();
    assertThat(machine.store().read(KEY).payload()).isEqualTo(Bytes.utf8("three"));
    assertThat(machine.store().stats().supersededBytes()).isZero();
    assertThat(machine.store().stats().supersededDropped()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void ofSeveralOlderValues_theNewestIsKept(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version two = after(one, FROM_US, 1);
    come(value(KEY, two, "two"), true);
    // The same write comes again, with a larger context and without its payload.
    come(
        value(KEY, two.withContext(two.context().with(new Dot(FROM_AP, 1))), "two")
            .withoutPayload(),
        false);
    come(value(KEY, after(two, FROM_US, 2), "three").withoutPayload(), false);
    reopen(reopening);
    assertThat(shown()).isEqualTo("two");
  }

  @ParameterizedTest
  @EnumSource
  void whatWasRemoved_isNotShown_whateverFollows(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version removed = after(one, FROM_US, 1);
    come(remove(removed), false);
    reopen(reopening);
    assertThat(machine.store().substitute(KEY)).isNull();
    come(value(KEY, after(removed, FROM_AP, 1), "two").withoutPayload(), false);
    reopen(reopening);
    assertThat(shown()).isNull();
    assertThat(machine.store().substitute(KEY).since()).isEqualTo(removed.dot());
    assertThat(machine.store().substitute(KEY).allows(value(KEY, one, "one"), 0))
        .as("nor is it if another region still has it")
        .isFalse();
    assertThat(machine.store().stats().supersededBytes()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void whatWasRemoved_isNotShown_ifTheRemoveComesLate(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version removed = after(one, FROM_US, 1);
    Version two = after(removed, FROM_AP, 1);
    come(value(KEY, two, "two").withoutPayload(), false);
    assertThat(shown()).as("nothing is known of the remove").isEqualTo("one");
    come(remove(removed), false);
    reopen(reopening);
    assertThat(machine.store().header(KEY).version()).isEqualTo(two);
    assertThat(shown()).isNull();
    assertThat(machine.store().substitute(KEY).since()).isEqualTo(removed.dot());
  }

  @ParameterizedTest
  @EnumSource
  void whatWasRemoved_isNotShown_ifTheRemoveLost(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version two = after(after(one, FROM_AP, 1), FROM_AP, 2);
    come(value(KEY, two, "two").withoutPayload(), false);
    // Concurrent with the second, and earlier.
    come(remove(after(one, FROM_US, 1)), false);
    reopen(reopening);
    assertThat(machine.store().header(KEY).version().dot()).isEqualTo(two.dot());
    assertThat(machine.store().header(KEY).version().covers(new Dot(FROM_US, 1))).isTrue();
    assertThat(shown()).isNull();
  }

  @ParameterizedTest
  @EnumSource
  void aRemoveThatDidNotKnowTheValue_takesNothingAway(Reopening reopening) {
    machine.open();
    Version one = written("one");
    Version two = after(after(one, FROM_AP, 1), FROM_AP, 2);
    come(value(KEY, two, "two").withoutPayload(), false);
    come(remove(after(null, FROM_US, 1)), false);
    reopen(reopening);
    assertThat(machine.store().header(KEY).version().dot()).isEqualTo(two.dot());
    assertThat(shown()).isEqualTo("one");
  }

  @Test
  void aBackup_hasThemToo() {
    machine.open();
    Version one = written("one");
    come(value(KEY, after(one, FROM_US, 1), "two").withoutPayload(), false);
    var copy = new StoreMachine(4, Durability.SYNC);
    machine.store().backup(copy.disk());
    copy.open();
    MetadataRecord held = copy.store().substitute(KEY).held();
    assertThat(held).isNotNull();
    assertThat(held.payload()).isEqualTo(Bytes.utf8("one"));
  }

  private static final int BOUND = 8 * 1024;

  /** Each of these keys has a value here, and a newer one elsewhere. */
  private void supersede(int from, int to, boolean own) {
    for (int i = from; i < to; i++) {
      Key key = Key.of("n/" + i);
      String value = ("value " + i + " ").repeat(20);
      if (own) {
        machine.write(key, Bytes.utf8(value));
      } else {
        come(value(key, after(null, FROM_AP, 1 + i), value), true);
      }
      Version known = machine.store().header(key).version();
      come(value(key, after(known, FROM_US, 1 + i), "newer").withoutPayload(), false);
    }
  }

  private List<Integer> shownOf(int keys) {
    var shown = new ArrayList<Integer>();
    for (int i = 0; i < keys; i++) {
      Substitute substitute = machine.store().substitute(Key.of("n/" + i));
      if (substitute != null && substitute.held() != null) {
        shown.add(i);
      }
    }
    return shown;
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "AFTER_A_CRASH", "AFTER_A_STOP"})
  void theyAreBounded_theOldestGoFirst_andTheJournalKeepsItsBound(Reopening reopening) {
    machine.supersededBytes = BOUND;
    machine.open();
    supersede(0, 40, false);
    reopen(reopening);
    supersede(40, 400, false);
    StoreStats stats = machine.store().stats();
    assertThat(stats.supersededBytes()).isBetween(BOUND * 3L / 4, (long) BOUND);
    List<Integer> shown = shownOf(400);
    assertThat(shown).hasSizeGreaterThan(10).contains(399);
    assertThat(shown).as("the last ones").isEqualTo(range(400 - shown.size(), 400));
    assertThat(stats.supersededDropped()).isBetween(300L, 400L - shown.size());

    machine.world.runFor(Duration.ofSeconds(30));
    stats = machine.store().stats();
    assertThat(machine.disk().usedBytes() - 2 * StoreMachine.SEGMENT_BYTES)
        .isLessThanOrEqualTo(stats.liveBytes() * 3 / 2);
    assertThat(shownOf(400)).isEqualTo(shown);
  }

  @Test
  void whatMustStay_isGivenUpLast_butBounded() {
    machine.supersededBytes = BOUND;
    machine.open();
    supersede(0, 60, true);
    supersede(60, 120, false);
    StoreStats stats = machine.store().stats();
    assertThat(stats.supersededBytes()).isBetween(BOUND * 3L / 2, BOUND * 4L);
    assertThat(shownOf(60)).as("own writes of which nobody said that they have it").hasSize(60);

    machine.store().keepSuperseded((key, dot) -> false);
    supersede(120, 160, false);
    assertThat(machine.store().stats().supersededBytes()).isLessThanOrEqualTo(BOUND);
    assertThat(shownOf(60)).isEmpty();

    machine.store().keepSuperseded((key, dot) -> true);
    supersede(160, 600, true);
    assertThat(machine.store().stats().supersededBytes()).isLessThanOrEqualTo(4L * BOUND);
    assertThat(shownOf(600)).contains(599);
  }

  @Test
  void thePlacesOfThoseThatAreGone_areGivenBack() {
    machine.open();
    supersede(0, 20, false);
    for (int i = 0; i < 2000; i++) {
      Key key = Key.of("more/" + i % 10);
      machine.write(key, Bytes.utf8("held"));
      Version known = machine.store().header(key).version();
      come(value(key, after(known, FROM_US, 1000 + i), "newer").withoutPayload(), false);
      machine.write(key, Bytes.utf8("and read"));
    }
    assertThat(machine.store().stats().indexBytes() % 4096).isLessThan(4096 / 2);
    assertThat(shownOf(20)).hasSize(20);
  }

  private static List<Integer> range(int from, int to) {
    var all = new ArrayList<Integer>();
    for (int i = from; i < to; i++) {
      all.add(i);
    }
    return all;
  }
}
