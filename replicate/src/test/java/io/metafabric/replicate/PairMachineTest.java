package io.metafabric.replicate;

import static io.metafabric.replicate.PeerState.CATCHING_UP;
import static io.metafabric.replicate.PeerState.CONNECTING;
import static io.metafabric.replicate.PeerState.EVICTED;
import static io.metafabric.replicate.PeerState.IN_SYNC;
import static io.metafabric.replicate.PeerState.OFFLINE;
import static io.metafabric.replicate.PeerState.SUSPECT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class PairMachineTest {
  private static final Duration OFFLINE_AFTER = Duration.ofSeconds(2);

  private final List<PeerState> seen = new ArrayList<>();
  private long now = Long.MAX_VALUE - 5_000_000_000L; // nanoseconds overflow on the way
  private final PairMachine machine =
      new PairMachine(OFFLINE_AFTER, () -> 0, now, (from, to, why) -> seen.add(to));

  private void pass(Duration time) {
    now += time.toNanos();
  }

  private void observe(boolean suspicious, boolean upToDate) {
    machine.observe(now, suspicious, upToDate);
  }

  private void isWellFor(Duration time) {
    for (long ms = 0; ms < time.toMillis(); ms += 500) {
      observe(false, true);
      pass(Duration.ofMillis(500));
    }
    observe(false, true);
  }

  /** The table of docs/RULES.md; what is not in it cannot happen. */
  private static Map<PeerState, Map<PairEvent, PeerState>> table() {
    var table = new EnumMap<PeerState, Map<PairEvent, PeerState>>(PeerState.class);
    for (PeerState away : List.of(CONNECTING, OFFLINE)) {
      table.put(
          away,
          new EnumMap<>(
              Map.of(
                  PairEvent.ESTABLISHED, CATCHING_UP,
                  PairEvent.RETURNED, SUSPECT,
                  PairEvent.REFUSED, OFFLINE,
                  PairEvent.EVICTED, EVICTED)));
    }
    table.get(CONNECTING).put(PairEvent.LOST, OFFLINE);
    for (PeerState trusted : List.of(CATCHING_UP, IN_SYNC)) {
      table.put(
          trusted,
          new EnumMap<>(
              Map.of(
                  PairEvent.SUSPECTED, SUSPECT,
                  PairEvent.REFUSED, OFFLINE,
                  PairEvent.EVICTED, EVICTED)));
    }
    table.get(CATCHING_UP).put(PairEvent.CAUGHT_UP, IN_SYNC);
    table.get(IN_SYNC).put(PairEvent.FELL_BEHIND, CATCHING_UP);
    table.put(
        SUSPECT,
        Map.of(
            PairEvent.TRUSTED, CATCHING_UP,
            PairEvent.LOST, OFFLINE,
            PairEvent.REFUSED, OFFLINE,
            PairEvent.EVICTED, EVICTED));
    table.put(EVICTED, Map.of(PairEvent.READMITTED, CONNECTING));
    return table;
  }

  @Test
  void everyTransitionIsThatOfTheTable_andThereAreNoOthers() {
    for (PeerState state : PeerState.values()) {
      for (PairEvent event : PairEvent.values()) {
        assertThat(PairMachine.next(state, event))
            .as(event + " in " + state)
            .isEqualTo(table().get(state).get(event));
      }
    }
  }

  @Test
  void aPeerThatIsThere_isConnected_caughtUp_andInSync() {
    machine.established(now);
    assertThat(machine.state()).isEqualTo(CATCHING_UP);
    observe(false, false);
    assertThat(machine.state()).isEqualTo(CATCHING_UP);
    observe(false, true);
    assertThat(machine.state()).isEqualTo(IN_SYNC);
    observe(false, false);
    assertThat(seen).containsExactly(CATCHING_UP, IN_SYNC, CATCHING_UP);
  }

  @Test
  void aPeerThatWasNeverReached_isOfflineAfterAWhile_andComesBackFromThere() {
    pass(OFFLINE_AFTER.minusNanos(1));
    observe(false, false);
    assertThat(machine.state()).isEqualTo(CONNECTING);
    pass(Duration.ofNanos(1));
    observe(false, false);
    observe(false, false);
    assertThat(seen).containsExactly(OFFLINE);
    machine.established(now);
    assertThat(seen).containsExactly(OFFLINE, CATCHING_UP);
  }

  @Test
  void aSilence_isSuspected_andTheFirstOneForgivenAtOnce() {
    machine.established(now);
    isWellFor(Duration.ofMinutes(5));
    observe(true, true);
    observe(true, true);
    assertThat(machine.state()).isEqualTo(SUSPECT);
    pass(Duration.ofMinutes(5));
    observe(true, true);
    assertThat(machine.state()).as("connected, so it is not lost").isEqualTo(SUSPECT);
    observe(false, true);
    assertThat(seen).containsExactly(CATCHING_UP, IN_SYNC, SUSPECT, CATCHING_UP, IN_SYNC);
  }

  @Test
  void anEndOfTheConnection_isASuspicion_andAfterAWhileALoss() {
    machine.established(now);
    observe(false, true);
    machine.disconnected(now, "reset");
    assertThat(machine.state()).isEqualTo(SUSPECT);
    pass(OFFLINE_AFTER.minusNanos(1));
    machine.disconnected(now, "again, which is no news");
    observe(false, true);
    assertThat(machine.state()).isEqualTo(SUSPECT);
    pass(Duration.ofNanos(1));
    observe(true, false);
    assertThat(machine.state()).isEqualTo(OFFLINE);
    pass(Duration.ofHours(1));
    machine.established(now);
    assertThat(seen).containsExactly(CATCHING_UP, IN_SYNC, SUSPECT, OFFLINE, CATCHING_UP);
  }

  @Test
  void aLinkThatFlaps_comesToRest_andIsTrustedAgainOnceItIsCalm() {
    machine.established(now);
    isWellFor(Duration.ofSeconds(10));
    for (int i = 0; i < 200; i++) {
      machine.disconnected(now, "flap");
      pass(Duration.ofMillis(100));
      machine.established(now);
      isWellFor(Duration.ofSeconds(1));
    }
    assertThat(seen.size()).as("220 seconds of flapping").isLessThan(15);
    assertThat(machine.state()).isEqualTo(SUSPECT);
    isWellFor(PairMachine.LONGEST_PROBATION);
    assertThat(machine.state()).isEqualTo(IN_SYNC);

    isWellFor(PairMachine.CALM);
    seen.clear();
    machine.disconnected(now, "one more");
    machine.established(now);
    isWellFor(Duration.ofMillis(500));
    assertThat(seen).as("it was calm before").containsExactly(SUSPECT, CATCHING_UP, IN_SYNC);
  }

  @Test
  void eachRelapseDoublesTheProbation_upToABound() {
    machine.established(now);
    observe(false, true);
    var probations = new ArrayList<Long>();
    for (int i = 0; i < 9; i++) {
      observe(true, true);
      probations.add(machine.probation().toSeconds());
      isWellFor(PairMachine.LONGEST_PROBATION);
      assertThat(machine.state()).isEqualTo(IN_SYNC);
    }
    assertThat(probations).containsExactly(0L, 1L, 2L, 4L, 8L, 16L, 32L, 32L, 32L);
  }

  /** Of a link that fails again as soon as it is trusted. */
  private static List<Long> probationsMs(long seed) {
    long now = 0;
    var why = new ArrayList<String>();
    var flapping =
        new PairMachine(
            OFFLINE_AFTER, new SplittableRandom(seed), now, (from, to, text) -> why.add(text));
    flapping.established(now);
    flapping.observe(now, false, true);
    var probations = new ArrayList<Long>();
    for (int i = 0; i < 9; i++) {
      flapping.observe(now, true, true);
      probations.add(flapping.probation().toMillis());
      assertThat(flapping.flaps()).isEqualTo(i);
      assertThat(why.get(why.size() - 1))
          .isEqualTo(
              "silent for longer than its rhythm explains"
                  + (i == 0
                      ? ""
                      : "; it comes and goes, and is trusted once it was well for "
                          + flapping.probation()));
      long end = now + PairMachine.LONGEST_PROBATION.toNanos();
      for (; now <= end; now += 250_000_000) {
        flapping.observe(now, false, true);
      }
    }
    return probations;
  }

  @Test
  void probationsDiffer_fromSeedToSeed_withinAQuarter() {
    assertThat(probationsMs(1)).isEqualTo(probationsMs(1)).isNotEqualTo(probationsMs(2));
    for (long seed = 0; seed < 50; seed++) {
      List<Long> probations = probationsMs(seed);
      for (int i = 0; i < probations.size(); i++) {
        long longest = i == 0 ? 0 : 1000L << Math.min(i - 1, 5);
        assertThat(probations.get(i)).isBetween(longest * 3 / 4, longest);
      }
    }
  }

  @Test
  void aRegionThatFlapsSlowly_returnsOnProbation() {
    machine.established(now);
    for (int i = 0; i < 3; i++) {
      isWellFor(Duration.ofSeconds(10));
      machine.disconnected(now, "slow flap");
      pass(Duration.ofSeconds(5));
      observe(false, false);
      assertThat(machine.state()).isEqualTo(OFFLINE);
      machine.established(now);
    }
    assertThat(machine.state()).isEqualTo(SUSPECT);
    isWellFor(Duration.ofSeconds(2));
    assertThat(machine.state()).isEqualTo(IN_SYNC);
  }

  @Test
  void aProbationBeginsAnewWithEverySuspicion() {
    machine.established(now);
    observe(false, true);
    observe(true, true);
    observe(false, true);
    observe(true, true); // a relapse: one second
    pass(Duration.ofMillis(900));
    observe(false, true);
    pass(Duration.ofMillis(900));
    observe(true, true);
    pass(Duration.ofMillis(900));
    observe(false, true);
    assertThat(machine.state()).isEqualTo(SUSPECT);
    pass(Duration.ofSeconds(1));
    observe(false, true);
    assertThat(machine.state()).isEqualTo(IN_SYNC);
  }

  @Test
  void aRefusal_isOffline_fromAnywhereAndAgain() {
    machine.refused(now, "no");
    machine.refused(now, "no");
    assertThat(seen).containsExactly(OFFLINE);
    machine.established(now);
    observe(false, true);
    machine.refused(now, "evicted there");
    assertThat(seen).containsExactly(OFFLINE, CATCHING_UP, IN_SYNC, OFFLINE);
    observe(false, true);
    assertThat(machine.state()).as("it is not connected any more").isEqualTo(OFFLINE);
  }

  @Test
  void anEvictedRegion_staysSo_whateverHappens_untilItIsTakenInAgain() {
    machine.established(now);
    machine.evicted(now, "operator");
    machine.disconnected(now, "closed");
    machine.refused(now, "no");
    machine.established(now);
    pass(Duration.ofDays(1));
    observe(true, false);
    observe(false, true);
    assertThat(seen).containsExactly(CATCHING_UP, EVICTED);
    assertThatThrownBy(() -> machine.evicted(now, "twice"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("EVICTED cannot happen to a pair that is EVICTED");

    machine.disconnected(now, "closed");
    machine.readmitted(now, "operator");
    observe(false, false);
    assertThat(machine.state()).isEqualTo(CONNECTING);
    machine.established(now);
    assertThat(machine.state()).isEqualTo(CATCHING_UP);
    assertThatThrownBy(() -> machine.readmitted(now, "never evicted"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("READMITTED cannot happen to a pair that is CATCHING_UP");
  }

  @RepeatedTest(50)
  void whateverHappens_isATransitionOfTheTable(RepetitionInfo run) {
    var random = new SplittableRandom(run.getCurrentRepetition()); // the repetition is the seed
    for (int i = 0; i < 500; i++) {
      pass(Duration.ofMillis(random.nextInt(3000)));
      PeerState before = machine.state();
      int told = seen.size();
      switch (random.nextInt(8)) {
        case 0 -> machine.established(now);
        case 1 -> machine.disconnected(now, "random");
        case 2 -> machine.refused(now, "random");
        default -> observe(random.nextInt(4) == 0, random.nextBoolean());
      }
      for (PeerState to : seen.subList(told, seen.size())) {
        assertThat(table().get(before).values()).contains(to);
        before = to;
      }
      assertThat(machine.state()).isEqualTo(before);
    }
  }
}
