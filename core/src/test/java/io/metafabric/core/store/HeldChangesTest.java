package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Changes that are stamped too far ahead of this node's clock. */
class HeldChangesTest {
  private static final RegionName US = new RegionName("us");
  private static final ActorId AHEAD = new ActorId(7);
  private static final ActorId OTHER = new ActorId(8);

  private final StoreMachine machine = new StoreMachine(5, Durability.SYNC);

  @BeforeEach
  void open() {
    machine.open();
  }

  private Inbound change(ActorId actor, long counter, Duration ahead) {
    long wallMs = machine.node.clock().wallMs() + ahead.toMillis();
    Bytes payload = Bytes.utf8("value " + counter);
    var version =
        new Version(new Dot(actor, counter), VersionVector.EMPTY, new Stamp(wallMs << 16));
    return new Inbound(
        new MetadataRecord(
            key(actor, counter), Header.value(version, US, payload, Header.NEVER), payload),
        true);
  }

  private static Key key(ActorId actor, long counter) {
    return Key.of("n/" + actor + "-" + counter);
  }

  private CompletableFuture<Boolean> apply(ActorId actor, long after, Duration... ahead) {
    long since = machine.store().configured().configuration().since(US);
    return applyOverLinkOf(since, actor, after, ahead);
  }

  private long applied(ActorId actor) {
    return machine.store().appliedOf(US).counter(actor);
  }

  private void run(Duration time) {
    machine.world.runFor(time);
  }

  private HeldStats held() {
    return machine.store().stats().held();
  }

  @Test
  void aChangeAnHourAhead_waits_withWhatFollows_andNothingElseDoes() {
    CompletableFuture<Boolean> ranged =
        apply(AHEAD, 0, Duration.ZERO, Duration.ofHours(1), Duration.ZERO);
    run(Duration.ofSeconds(1));
    assertThat(ranged).isNotDone();
    // What is held may have replaced something that was left out in front of it.
    assertThat(applied(AHEAD)).isZero();
    assertThat(machine.store().header(key(AHEAD, 1))).isNotNull();
    assertThat(machine.store().header(key(AHEAD, 2))).isNull();
    assertThat(machine.store().isHeld(AHEAD)).isTrue();
    assertThat(held().actors()).isEqualTo(1);
    assertThat(held().changes()).isEqualTo(2);
    assertThat(held().aheadMs()).isBetween(3_590_000L, 3_600_000L);
    // What comes behind it is a gap, what comes again is held already.
    assertThat(apply(AHEAD, 3, Duration.ZERO)).isCompletedWithValue(false);
    assertThat(apply(AHEAD, 0, Duration.ZERO, Duration.ofHours(1), Duration.ZERO)).isNotDone();

    assertThat(apply(OTHER, 0, Duration.ofSeconds(59))).isNotDone();
    run(Duration.ofSeconds(1));
    assertThat(applied(OTHER)).isEqualTo(1);

    run(Duration.ofMinutes(58));
    assertThat(ranged).isNotDone();
    run(Duration.ofMinutes(2));
    assertThat(ranged.join()).isTrue();
    assertThat(applied(AHEAD)).isEqualTo(3);
    assertThat(held()).isEqualTo(new HeldStats(0, 0, 0, 0, 2));
  }

  @Test
  void theVeryFirstOfAnActor_isHeld_andNothingOfItIsApplied() {
    CompletableFuture<Boolean> ranged = apply(AHEAD, 0, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    assertThat(machine.store().isHeld(AHEAD)).isTrue();
    assertThat(applied(AHEAD)).isZero();
    machine.node.crash();
    open();
    assertThat(applied(AHEAD)).isZero();
    assertThat(machine.store().isHeld(AHEAD)).isTrue();
    run(Duration.ofHours(1));
    assertThat(applied(AHEAD)).isEqualTo(1);
    assertThat(ranged).isNotDone();
  }

  @Test
  void aHeldChange_doesNotPullTheClockOfThisNodeAhead() {
    apply(AHEAD, 0, Duration.ofDays(1));
    run(Duration.ofSeconds(1));
    machine.write(Key.of("n/own"), Bytes.utf8("now"));
    Header own =
        Assertions.assertThat(machine.store().header(Key.of("n/own"))).isNotNull().actual();
    assertThat(own.version().stamp().wallMs())
        .isLessThanOrEqualTo(machine.node.clock().wallMs() + 60_000);
  }

  @Test
  void whatIsHeld_outlivesACrash_andAnOrderlyStop_andCompaction() {
    apply(AHEAD, 0, Duration.ZERO, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    machine.node.crash();
    machine.open();
    assertThat(held().changes()).isEqualTo(1);
    overwrite(300);
    run(Duration.ofSeconds(30));
    assertThat(machine.store().stats().compaction().runs()).isPositive();
    machine.close();
    machine.open();
    assertThat(held().changes()).isEqualTo(1);

    run(Duration.ofHours(1));

    assertThat(applied(AHEAD)).isEqualTo(2);
    assertThat(machine.store().read(key(AHEAD, 2)))
        .satisfies(record -> assertThat(record.payload()).isEqualTo(Bytes.utf8("value 2")));
    assertThat(held().changes()).isZero();
    machine.close();
    machine.open();
    assertThat(held().changes()).isZero();
    assertThat(machine.store().stats().replayedBytes()).isZero();
  }

  @Test
  void aClockThatIsSetForward_appliesWhatIsHeld() {
    CompletableFuture<Boolean> ranged = apply(AHEAD, 0, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    machine.node.jumpWall(Duration.ofHours(1));
    run(Duration.ofSeconds(2));
    assertThat(ranged.join()).isTrue();
  }

  @Test
  void whatDidNotComeInOrder_isNotTaken() {
    assertThat(machine.store().applyOne(change(AHEAD, 9, Duration.ofHours(1))))
        .isCompletedWithValue(false);
    assertThat(machine.store().applyAll(List.of(change(AHEAD, 9, Duration.ofHours(1)))))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(java.util.concurrent.ExecutionException.class)
        .withCauseInstanceOf(ClockSkewException.class);
    run(Duration.ofSeconds(1));
    assertThat(machine.store().header(key(AHEAD, 9))).isNull();
  }

  @Test
  void whatIsHeldOfARegionThatIsReadmitted_isNeverApplied_thatOfAnEvictedOneIs() {
    apply(AHEAD, 0, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    Configuration without = Configuration.INITIAL.without(US);
    configure(without);
    assertThat(held().changes()).isEqualTo(1);

    configure(without.readmitting(US));
    assertThat(held().changes()).isZero();
    assertThat(held().bytes()).isZero();
    machine.node.crash();
    machine.open();
    assertThat(held().changes()).isZero();
    run(Duration.ofHours(2));
    assertThat(applied(AHEAD)).isZero();
    assertThat(machine.store().header(key(AHEAD, 1))).isNull();
  }

  @Test
  void whatIsHeldOfAnEvictedRegion_isAppliedWhenItsTimeHasCome() {
    apply(AHEAD, 0, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    configure(Configuration.INITIAL.without(US));
    run(Duration.ofHours(1));
    assertThat(applied(AHEAD)).isEqualTo(1);
  }

  @Test
  void whatIsOnItsWayIntoTheJournalWhenItsRegionIsReadmitted_isNotHeldEither() {
    apply(AHEAD, 0, Duration.ofHours(1));
    configure(Configuration.INITIAL.without(US).readmitting(US));
    assertThat(held().changes()).isZero();
    run(Duration.ofHours(2));
    assertThat(applied(AHEAD)).isZero();

    apply(AHEAD, 0, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    assertThat(held().changes()).as("it may come again").isEqualTo(1);
  }

  @Test
  void whatWasDroppedAndIsHeldAgain_isInTheJournalTwice_andNotCopiedForEver() {
    var hours = new Duration[200];
    Arrays.fill(hours, Duration.ofHours(1));
    apply(AHEAD, 0, hours);
    run(Duration.ofSeconds(1));
    Configuration again = Configuration.INITIAL.without(US).readmitting(US);
    configure(again);
    assertThat(held().changes()).isZero();
    applyOverLinkOf(again.since(US), AHEAD, 0, hours);
    run(Duration.ofSeconds(1));
    long held = held().bytes();
    overwrite(300);
    run(Duration.ofMinutes(1));

    StoreStats before = machine.store().stats();
    assertThat(before.compaction().runs()).isPositive();
    assertThat(before.journalBytes()).isLessThan(2 * held);
    run(Duration.ofMinutes(10));
    assertThat(machine.store().stats().compaction()).isEqualTo(before.compaction());
    run(Duration.ofHours(1));
    assertThat(applied(AHEAD)).isEqualTo(200);
  }

  private void overwrite(int times) {
    for (int i = 0; i < times; i++) {
      machine.write(Key.of("n/" + i % 3), Bytes.copyOf(new byte[200]));
    }
  }

  @Test
  void whatComesOverALinkFromBeforeTheReadmission_isNotTaken_whileThatGoesToTheDisk() {
    Configuration again = Configuration.INITIAL.without(US).readmitting(US);
    // What is held goes to the disk behind what is in front of it.
    CompletableFuture<Boolean> before = apply(AHEAD, 0, Duration.ZERO, Duration.ofHours(1));
    var configured = machine.store().configure(new JournalEntry.Configured(again, 0, true));
    CompletableFuture<Boolean> ahead = applyOverLinkOf(0, AHEAD, 1, Duration.ofHours(1));
    CompletableFuture<Boolean> inTime = applyOverLinkOf(0, OTHER, 0, Duration.ZERO);
    run(Duration.ofSeconds(1));

    assertThat(configured).isCompletedWithValue(true);
    assertThat(ahead).isCompletedWithValue(false);
    assertThat(inTime).isCompletedWithValue(false);
    assertThat(applyOverLinkOf(0, OTHER, 0, Duration.ZERO)).isCompletedWithValue(false);
    assertThat(machine.store().isHeld(OTHER)).isFalse();
    assertThat(applied(OTHER)).isZero();
    run(Duration.ofHours(2));
    assertThat(machine.store().header(key(AHEAD, 2))).isNull();
    assertThat(before).isCompletedWithValue(false);

    CompletableFuture<Boolean> anew =
        applyOverLinkOf(again.since(US), OTHER, 0, Duration.ZERO, Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    assertThat(applied(OTHER)).isZero();
    assertThat(machine.store().header(key(OTHER, 1))).isNotNull();
    assertThat(held().changes()).isEqualTo(1);
    run(Duration.ofHours(1));
    assertThat(anew).isCompletedWithValue(true);
    assertThat(applied(OTHER)).isEqualTo(2);
  }

  @Test
  void whatIsDroppedAtAReadmission_isInTheConflictLog_withItsValue_andStaysThere() {
    apply(AHEAD, 0, Duration.ofHours(1), Duration.ofHours(1));
    run(Duration.ofSeconds(1));
    Configuration without = Configuration.INITIAL.without(US);
    configure(without);
    assertThat(machine.store().conflicts()).as("its time may come").isEmpty();

    configure(without.readmitting(US));
    assertDropped();
    machine.close();
    machine.open();
    assertDropped();
  }

  private void assertDropped() {
    List<Conflict> lines = machine.store().conflicts();
    assertThat(lines)
        .extracting(Conflict::reason)
        .containsExactly(Conflict.Reason.HELD_AT_READMISSION, Conflict.Reason.HELD_AT_READMISSION);
    for (int i = 0; i < 2; i++) {
      assertThat(lines.get(i).key()).isEqualTo(key(AHEAD, i + 1));
      assertThat(lines.get(i).payload()).isEqualTo(Bytes.utf8("value " + (i + 1)));
      assertThat(lines.get(i).winner()).isEqualTo(Version.NONE.dot());
    }
  }

  /** A peer that was taken in by {@code since}, as far as the one that has its link knows. */
  private CompletableFuture<Boolean> applyOverLinkOf(
      long since, ActorId actor, long after, Duration... ahead) {
    var changes = new ArrayList<Inbound>();
    for (Duration each : ahead) {
      changes.add(change(actor, after + changes.size() + 1, each));
    }
    var prefix = new AppliedPrefix(US, actor, after + ahead.length);
    return machine.store().applyRange(after, changes, prefix, since, () -> {});
  }

  private void configure(Configuration next) {
    var done = machine.store().configure(new JournalEntry.Configured(next, 0, true));
    run(Duration.ofSeconds(1));
    assertThat(done).isCompletedWithValue(true);
  }
}
