package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The ranges that wait, and which of their frames the journal keeps; beside HeldChangesTest. */
class HeldRangesTest {
  private static final long SKEW_MS = 60_000;
  private static final long NOW_MS = 1_000_000;
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final ActorId ONE = new ActorId(7);
  private static final ActorId OTHER = new ActorId(8);

  private final HeldChanges held = new HeldChanges(SKEW_MS);
  private final Journal journal =
      Journal.open(new JournalConfig(1 << 16), new SimDisk(1), new FrameTable(), (entry, at) -> {});

  private static Sibling version(ActorId actor, long counter, long stampMs, int payloadBytes) {
    var dot = new Dot(actor, counter);
    Bytes payload = Bytes.copyOf(new byte[payloadBytes]);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(stampMs << 16));
    return new Sibling(Header.value(version, US, payload, Header.NEVER), payload);
  }

  private static MetadataRecord record(ActorId actor, long counter, long stampMs, int bytes) {
    return MetadataRecord.of(Key.of("n/1"), List.of(version(actor, counter, stampMs, bytes)));
  }

  /** Of one change, {@code aheadMs} ahead of the clock. */
  private static JournalEntry.Held range(
      RegionName region, ActorId actor, long counter, long aheadMs) {
    return new JournalEntry.Held(
        region,
        actor,
        counter - 1,
        counter,
        List.of(record(actor, counter, NOW_MS + aheadMs, 100)));
  }

  private static JournalEntry.Held range(ActorId actor, long counter) {
    return range(US, actor, counter, 2 * SKEW_MS);
  }

  private FrameLocation written(JournalEntry.Held range) {
    FrameLocation at = journal.append(List.of(range)).get(0);
    journal.makeDurable();
    journal.publish(at.position());
    return at;
  }

  private FrameLocation heldInJournal(JournalEntry.Held range) {
    assertThat(held.hold(range)).isNotDone();
    FrameLocation at = written(range);
    held.journaled(range, at);
    return at;
  }

  @Test
  void aStampIsAhead_ifTheClockIsBehindItByMoreThanMayBe() {
    long[] aheadMs = {-SKEW_MS, 0, SKEW_MS - 1, SKEW_MS, SKEW_MS + 1, 2 * SKEW_MS};
    for (long each : aheadMs) {
      assertThat(held.isAhead(new Stamp((NOW_MS + each) << 16), NOW_MS))
          .as("by %d ms", each)
          .isEqualTo(each > SKEW_MS);
    }
  }

  @Test
  void moreThanTheBound_isAhead_theLatestOfItsVersionsCounts_andSystemRecordsNeverAre() {
    assertThat(held.isAhead(record(ONE, 1, NOW_MS + SKEW_MS, 1), NOW_MS)).isFalse();
    assertThat(held.isAhead(record(ONE, 1, NOW_MS + SKEW_MS + 1, 1), NOW_MS)).isTrue();

    Sibling value = version(ONE, 1, NOW_MS, 1);
    Version late = version(OTHER, 1, NOW_MS + SKEW_MS + 1, 1).header().version();
    var both =
        MetadataRecord.of(
            Key.of("n/1"), List.of(value, new Sibling(Header.tombstone(late, US), null)));
    assertThat(held.isAhead(both, NOW_MS)).isTrue();
    assertThat(held.isAhead(both, NOW_MS + 1)).isFalse();

    Key system = Key.system("home", "x");
    assertThat(held.isAhead(MetadataRecord.of(system, List.of(value)), 0)).isFalse();
  }

  @Test
  void ofAnActor_oneRangeIsHeldAtATime() {
    assertThat(held.isEmpty()).isTrue();
    assertThat(held.hold(range(ONE, 1))).isNotDone();
    assertThat(held.hold(range(ONE, 2))).isNull();
    assertThat(held.hold(range(OTHER, 1))).isNotDone();
    assertThat(held.holds(ONE)).isTrue();
    assertThat(held.isEmpty()).isFalse();
    assertThat(held.stats(NOW_MS))
        .extracting(HeldStats::actors, HeldStats::changes, HeldStats::everHeld)
        .containsExactly(2, 2L, 2L);
  }

  @Test
  void whatIsHeld_isBoundedInBytes_andGivenBack() {
    int mib = 1 << 20;
    for (int i = 1; i <= 7; i++) {
      assertThat(held.hold(large(i, mib))).isNotDone();
    }
    assertThat(held.stats(NOW_MS).bytes()).isBetween(7L * mib, 7L * mib + 10_000);
    assertThat(held.hold(large(8, mib))).as("with its header it does not fit").isNull();
    assertThat(held.hold(large(9, mib / 2))).isNotDone();

    held.applied(new ActorId(1), 1);
    held.forget(new ActorId(2));
    held.forget(new ActorId(99));
    assertThat(held.hold(large(8, mib))).isNotDone();
    for (int i = 3; i <= 9; i++) {
      held.applied(new ActorId(i), 1);
    }
    assertThat(held.stats(NOW_MS).bytes()).isZero();
    assertThat(held.isEmpty()).isTrue();
  }

  private static JournalEntry.Held large(int actor, int bytes) {
    var by = new ActorId(actor);
    return new JournalEntry.Held(US, by, 0, 1, List.of(record(by, 1, NOW_MS, bytes)));
  }

  @Test
  void aRangeIsDue_onceItIsInTheJournalAndItsTimeHasCome() {
    JournalEntry.Held range = range(ONE, 1);
    held.hold(range);
    assertThat(held.due(NOW_MS + SKEW_MS)).isEmpty();
    held.journaled(range, written(range));
    assertThat(held.due(NOW_MS + SKEW_MS - 1)).isEmpty();
    assertThat(held.due(NOW_MS + SKEW_MS)).containsExactly(range);
    assertThat(held.stats(NOW_MS).aheadMs()).isEqualTo(2 * SKEW_MS);
  }

  @Test
  void aRangeThatIsApplied_isOfNoUseInTheJournal_andWhoWaitsIsTold() {
    JournalEntry.Held range = range(ONE, 3);
    CompletableFuture<Boolean> applied = held.hold(range);
    held.journaled(range, written(range));
    long live = journal.liveBytes();
    assertThat(live).isPositive();

    held.applied(ONE, 2);
    held.applied(OTHER, 3);
    assertThat(applied).isNotDone();
    assertThat(journal.liveBytes()).isEqualTo(live);
    held.applied(ONE, 3);
    assertThat(applied).isCompletedWithValue(true);
    assertThat(journal.liveBytes()).isZero();
    held.applied(ONE, 4);
    assertThat(journal.liveBytes()).isZero();
  }

  @Test
  void aRangeThatIsAppliedBeforeItIsInTheJournal_isDoneToo() {
    CompletableFuture<Boolean> applied = held.hold(range(ONE, 1));
    held.applied(ONE, 1);
    assertThat(applied).isCompletedWithValue(true);
    assertThat(held.isEmpty()).isTrue();
  }

  @Test
  void aReplayedRange_takesThePlaceOfAnEarlierOne_andItsRoom() {
    JournalEntry.Held early = range(ONE, 1);
    held.journaled(early, written(early));
    long bytes = held.stats(NOW_MS).bytes();
    assertThat(bytes).isGreaterThan(100);
    JournalEntry.Held late =
        new JournalEntry.Held(US, ONE, 1, 2, List.of(record(ONE, 2, NOW_MS + 2 * SKEW_MS, 1_100)));
    held.journaled(late, written(late));

    assertThat(held.isLive(early)).isFalse();
    assertThat(held.isLive(late)).isTrue();
    assertThat(held.stats(NOW_MS).bytes()).isBetween(bytes + 1_000, bytes + 1_010);
    held.applied(ONE, 2);
    assertThat(held.stats(NOW_MS).bytes()).isZero();
  }

  @Test
  void ofARangeThatIsInTheJournalTwice_oneFrameIsNeeded() {
    JournalEntry.Held range = range(ONE, 1);
    long before = heldInJournal(range).position();
    held.drop(US::equals);
    FrameLocation at = heldInJournal(range);

    assertThat(held.isLive(range, at.position())).isTrue();
    assertThat(held.isLive(range, before)).isFalse();
    assertThat(held.isLive(range(ONE, 2), at.position())).isFalse();
    assertThat(held.isLive(range(OTHER, 1), at.position())).isFalse();
    assertThat(held.isLive(range(OTHER, 1))).isFalse();
  }

  @Test
  void aRangeOnItsWayToTheJournal_isNeededWhereverItIs() {
    JournalEntry.Held range = range(ONE, 1);
    held.hold(range);
    assertThat(held.isLive(range, 17)).isTrue();
  }

  @Test
  void whatCompactionMoved_isWhereItWasMoved_ifItIsStillWantedThere() {
    JournalEntry.Held range = range(ONE, 1);
    FrameLocation from = heldInJournal(range);
    FrameLocation to = written(range);
    to.markLive();
    long both = journal.liveBytes();
    held.moved(range, from, to);
    assertThat(journal.liveBytes()).as("the old segment goes as a whole").isEqualTo(both);
    assertThat(held.isLive(range, to.position())).isTrue();

    FrameLocation again = written(range);
    again.markLive();
    held.moved(range, from, again);
    assertThat(journal.liveBytes()).as("it is not there any more").isEqualTo(both);
    assertThat(held.isLive(range, to.position())).isTrue();
    held.moved(range(OTHER, 1), from, to);
    assertThat(journal.liveBytes()).as("nobody waits for it").isLessThan(both);
  }

  @Test
  void aMoveOfWhatIsNotInTheJournalYet_isOfAnotherFrame() {
    JournalEntry.Held range = range(ONE, 1);
    held.hold(range);
    FrameLocation other = written(range);
    other.markLive();
    held.moved(range, other, other);
    assertThat(journal.liveBytes()).isZero();
  }

  @Test
  void whatARegionHadWrittenBeforeItWasTakenInAgain_isDropped_andNothingElse() {
    JournalEntry.Held ofUs = range(US, ONE, 1, 2 * SKEW_MS);
    JournalEntry.Held ofAp = range(AP, OTHER, 1, 2 * SKEW_MS);
    heldInJournal(ofUs);
    long live = journal.liveBytes();
    heldInJournal(ofAp);

    assertThat(held.drop(US::equals)).isEqualTo(ofUs.records());
    assertThat(held.holds(ONE)).isFalse();
    assertThat(held.holds(OTHER)).isTrue();
    assertThat(journal.liveBytes()).isEqualTo(live);
    assertThat(held.stats(NOW_MS).bytes()).isPositive();
    assertThat(held.drop(AP::equals)).isEqualTo(ofAp.records());
    assertThat(held.stats(NOW_MS).bytes()).isZero();
    assertThat(journal.liveBytes()).isZero();
  }

  @Test
  void whatIsDroppedOnItsWayToTheJournal_isDeadThere_andCannotBeHeldBeforeItIsThere() {
    JournalEntry.Held range = range(ONE, 1);
    held.hold(range);
    held.drop(US::equals);
    assertThat(held.hold(range)).isNull();

    held.journaled(range, written(range));
    assertThat(journal.liveBytes()).isZero();
    assertThat(held.holds(ONE)).isFalse();
    assertThat(held.hold(range)).isNotNull();
  }

  @Test
  void whatTheDiskRefused_mayComeAgain() {
    held.hold(range(ONE, 1));
    held.drop(US::equals);
    held.forget(ONE);
    assertThat(held.hold(range(ONE, 1))).isNotNull();
    held.forget(ONE);
    assertThat(held.holds(ONE)).isFalse();
    assertThat(held.stats(NOW_MS).bytes()).isZero();
  }
}
