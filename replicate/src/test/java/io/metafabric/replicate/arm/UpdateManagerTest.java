package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** What a home sends to a region that need not hold a key, by what it is told of its reads. */
class UpdateManagerTest {
  private static final long SECOND = 1_000_000_000L;
  private static final RegionName HERE = new RegionName("oslo");
  private static final RegionName THERE = new RegionName("paris");
  private static final Key KEY = Key.of("n/1");
  private static final int BYTES = 4096;
  private static final double RTT_MS = 40;

  private final ReplicationManager arm =
      Candidates.manager(CostBenefitPolicy.of(Prices.DEFAULT), CopyBudget.DEFAULT);
  private long counter;
  private long nowNanos;

  private static CopyTerms terms(int bytes, double rttMs) {
    return new CopyTerms(HERE, THERE, bytes, rttMs);
  }

  private static CopyWrite.Held held(boolean isCopy) {
    return isCopy ? CopyWrite.Held.COPY : CopyWrite.Held.NOTHING;
  }

  private CopyWrite write(Key key, int bytes, boolean holds) {
    return new CopyWrite(
        key, new Dot(new ActorId(1), ++counter), terms(bytes, RTT_MS), 1, held(holds));
  }

  private Update written() {
    return arm.decide(write(KEY, BYTES, true), nowNanos);
  }

  private void read() {
    arm.readElsewhere(KEY, terms(BYTES, RTT_MS), false, nowNanos);
  }

  private UpdateTotals totals() {
    return arm.stats(nowNanos).updates().getOrDefault(THERE, UpdateTotals.NONE);
  }

  private Decision lastDecision() {
    List<Decision> decisions = arm.explain(KEY);
    return decisions.get(decisions.size() - 1);
  }

  @Test
  void aCopyThatIsReadBetweenWrites_isPushed_forEver() {
    for (int i = 0; i < 500; i++) {
      nowNanos += 10 * SECOND;
      assertThat(written()).isEqualTo(Update.PUSH);
      nowNanos += SECOND;
      read();
    }
    assertThat(totals().pushed()).isEqualTo(500);
    assertThat(totals().pushedBytes()).isEqualTo(500L * BYTES);
    assertThat(totals().read()).isEqualTo(500);
    assertThat(totals().savedMs()).isEqualTo(500 * RTT_MS);
    assertThat(totals().spentDollars()).isGreaterThanOrEqualTo(500 * BYTES * 0.02 / 1e9);
    assertThat(lastDecision().appraisal().probability()).isGreaterThan(0.8);
    assertThat(lastDecision().toString()).startsWith("pushed: update of the copy in paris, 4096 B");
  }

  @Test
  void aCopyThatIsWrittenOften_andNeverRead_isInvalidated_thenDropped_andPushedWhenReadAgain() {
    Update update = written();
    int pushed = 0;
    while (update != Update.DROP) {
      pushed += update == Update.PUSH ? 1 : 0;
      nowNanos += SECOND;
      assertThat(nowNanos).isLessThan(2 * SentUpdates.DROP_AFTER_MS * 1_000_000);
      update = written();
    }
    assertThat(pushed).isLessThan(100);
    assertThat(nowNanos).isGreaterThanOrEqualTo(SentUpdates.DROP_AFTER_MS * 1_000_000);
    assertThat(totals().dropped()).isEqualTo(1);
    assertThat(totals().invalidated()).isPositive();
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.DROPPED);
    for (int i = 0; i < 20; i++) {
      nowNanos += SECOND;
      read();
      update = written();
    }
    assertThat(update).isEqualTo(Update.PUSH);
  }

  @Test
  void aReadNowAndThen_keepsItFromBeingDropped() {
    for (int i = 0; i < 1000; i++) {
      if (i % 100 == 0) {
        read();
      }
      nowNanos += 2 * SECOND;
      assertThat(written()).isNotEqualTo(Update.DROP);
    }
    assertThat(totals().invalidated()).isGreaterThan(800);
  }

  @Test
  void theSameWrite_isDecidedOnce_andPaidOnce() {
    CopyWrite write = write(KEY, BYTES, true);
    for (int i = 0; i < 5; i++) {
      assertThat(arm.decide(write, i)).isEqualTo(Update.PUSH);
    }
    assertThat(totals().pushed()).isEqualTo(1);
    assertThat(arm.explain(KEY)).hasSize(1);
  }

  @Test
  void whatARegionNeverHad_isSentIfOthersLikeItAreRead_andNotIfNone() {
    int sentOfRead = 0;
    for (int i = 0; i < 2_000; i++) {
      Key key = Key.of("read/" + i);
      nowNanos += SECOND;
      sentOfRead += arm.decide(write(key, BYTES, false), nowNanos) == Update.PUSH ? 1 : 0;
      arm.readElsewhere(key, terms(BYTES, RTT_MS), false, nowNanos + SECOND / 2);
    }
    assertThat(sentOfRead).isEqualTo(2_000);
    assertThat(totals().unasked()).isEqualTo(2_000);

    int sentOfUnread = 0;
    for (int i = 0; i < 20_000; i++) {
      nowNanos += SECOND;
      Key key = Key.of("unread/" + i);
      boolean sent = arm.decide(write(key, BYTES, false), nowNanos) == Update.PUSH;
      sentOfUnread += i >= 16_000 && sent ? 1 : 0;
      assertThat(arm.explain(key)).as("what nobody has is no news").hasSize(sent ? 1 : 0);
    }
    assertThat(sentOfUnread).isZero();
  }

  @Test
  void aRegionThatDoesNotTakeWhatItNeverAskedFor_isLeftAlone_forAWhile() {
    assertThat(arm.decide(write(KEY, BYTES, false), nowNanos)).isEqualTo(Update.PUSH);
    arm.dropped(KEY, THERE, nowNanos);
    nowNanos += UpdateManager.NOT_TAKEN_MS * 1_000_000 - 1_000_000;
    assertThat(arm.decide(write(KEY, BYTES, false), nowNanos)).isEqualTo(Update.INVALIDATE);
    assertThat(arm.decide(write(KEY, BYTES, true), nowNanos)).isEqualTo(Update.PUSH);
    nowNanos += 2_000_000;
    assertThat(arm.decide(write(KEY, BYTES, false), nowNanos)).isEqualTo(Update.PUSH);
  }

  @RepeatedTest(100)
  void thePayloadGoes_ifAndOnlyIfItBringsMoreThanItCosts(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    arm.setBudget(
        new CopyBudget(CopyBudget.MAX_BYTES, CopyBudget.MAX_DOLLARS, CopyBudget.MAX_BYTES), 0);
    Update before = null;
    for (int i = 0; i < 50; i++) {
      arm.setPrices(
          Prices.DEFAULT
              .withTransferPerGb("oslo", "paris", random.nextDouble())
              .withSavedMs("paris", random.nextDouble() * 0.1));
      nowNanos += (long) (random.nextDouble() * 20 * SECOND);
      int bytes = random.nextInt(1 << 18);
      double rttMs = random.nextDouble() * 200;
      if (random.nextInt(4) == 0) {
        arm.readElsewhere(KEY, terms(bytes, rttMs), false, nowNanos);
      }
      double pressure = 1 + random.nextDouble();
      Update update =
          arm.decide(
              new CopyWrite(
                  KEY,
                  new Dot(new ActorId(1), ++counter),
                  terms(bytes, rttMs),
                  pressure,
                  CopyWrite.Held.COPY),
              nowNanos);
      Appraisal numbers = lastDecision().appraisal();
      double least = lastDecision().leastRatio();
      assertThat(least).isGreaterThanOrEqualTo(before == Update.PUSH ? 1.4 : 1.6);
      assertThat(numbers.probability()).isBetween(0.0, 1.0);
      assertThat(numbers.linkPressure()).isEqualTo(pressure);
      assertThat(update == Update.PUSH)
          .as("seed %d, write %d: %s", run.getCurrentRepetition(), i, lastDecision())
          .isEqualTo(numbers.benefit() > numbers.cost() * least);
      before = update;
    }
  }

  @RepeatedTest(20)
  void whatIsPushed_neverExceedsTheBudget_andTheRestGoesAsHeaders(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    long perSecond = 10_000;
    arm.setBudget(CopyBudget.DEFAULT.withBytesPerSecond(perSecond), 0);
    nowNanos = 5 * SECOND;
    long began = nowNanos;
    for (int i = 0; i < 500; i++) {
      Key key = Key.of("n/" + random.nextInt(50));
      arm.readElsewhere(key, terms(BYTES, RTT_MS), false, nowNanos);
      arm.decide(write(key, random.nextInt(3000), random.nextBoolean()), nowNanos);
      nowNanos += random.nextInt(100_000_000);
      assertThat((double) totals().pushedBytes())
          .isLessThanOrEqualTo(perSecond * (1 + (nowNanos - began) / 1e9));
    }
    assertThat(totals().refused()).isPositive();
    assertThat(totals().pushed() + totals().refused()).isEqualTo(500);
  }

  @RepeatedTest(20)
  void whatIsSpent_neverExceedsTheDollarsOfADay(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    double perDay = 1e-6 + random.nextDouble() * 1e-5;
    arm.setBudget(CopyBudget.DEFAULT.withDollarsPerDay(perDay), 0);
    for (int i = 0; i < 2_000; i++) {
      Key key = Key.of("n/" + random.nextInt(50));
      nowNanos += random.nextLong(20 * SECOND);
      arm.readElsewhere(key, terms(BYTES, RTT_MS), false, nowNanos);
      arm.decide(write(key, random.nextInt(3000), random.nextBoolean()), nowNanos);
    }
    assertThat(nowNanos).as("all in one day").isLessThan(24 * 3600 * SECOND);
    assertThat(totals().spentDollars()).isLessThanOrEqualTo(perDay);
    assertThat(totals().refused()).isPositive();
  }

  @Test
  void switchedOff_everythingGoesAsAHeader() {
    arm.setEnabled(false);
    read();
    assertThat(written()).isEqualTo(Update.INVALIDATE);
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.SWITCHED_OFF);
    assertThat(totals().refused()).isEqualTo(1);
    arm.setEnabled(true);
    assertThat(written()).isEqualTo(Update.PUSH);
  }

  /** As many as a cluster can have beside this one. */
  private static List<RegionName> allOthers() {
    return IntStream.rangeClosed(1, FrameCodec.MAX_REGIONS - 1)
        .mapToObj(i -> new RegionName("r%02d".formatted(i)))
        .toList();
  }

  private CopyWrite writeTo(RegionName region, Key key, Dot dot, boolean holds) {
    return new CopyWrite(key, dot, new CopyTerms(HERE, region, BYTES, RTT_MS), 1, held(holds));
  }

  @Test
  void allRegions_areDecidedOnAlike_howeverManyThereAre() {
    arm.setBudget(
        new CopyBudget(CopyBudget.MAX_BYTES, CopyBudget.MAX_DOLLARS, CopyBudget.MAX_BYTES), 0);
    var random = new Random(1);
    int pushed = 0;
    int notPushed = 0;
    for (int i = 0; i < 300; i++) {
      nowNanos += 5 * SECOND;
      Key key = Key.of("n/" + random.nextInt(20));
      boolean isRead = random.nextInt(30) == 0;
      boolean holds = random.nextBoolean();
      var dot = new Dot(new ActorId(1), ++counter);
      var updates = EnumSet.noneOf(Update.class);
      for (RegionName region : allOthers()) {
        if (isRead) {
          var terms = new CopyTerms(HERE, region, BYTES, RTT_MS);
          arm.readElsewhere(key, terms, false, nowNanos);
        }
        updates.add(arm.decide(writeTo(region, key, dot, holds), nowNanos));
      }
      assertThat(updates).as("write %d", i).hasSize(1);
      pushed += updates.contains(Update.PUSH) ? 1 : 0;
      notPushed += updates.contains(Update.PUSH) ? 0 : 1;
    }
    assertThat(pushed).isBetween(10, 290);
    assertThat(notPushed).isPositive();
    UpdateTotals first = arm.stats(nowNanos).updates().get(allOthers().get(0));
    assertThat(arm.stats(nowNanos).updates()).hasSize(allOthers().size());
    assertThat(arm.stats(nowNanos).updates().values()).containsOnly(first);
    assertThat(first.spentDollars()).isPositive();
  }

  @Test
  void switchedOff_noRegionIsSentAnything_howeverManyThereAre() {
    arm.setEnabled(false);
    for (RegionName region : allOthers()) {
      Key key = Key.of("n/" + region);
      arm.readElsewhere(key, new CopyTerms(HERE, region, BYTES, RTT_MS), false, nowNanos);
      CopyWrite write = writeTo(region, key, new Dot(new ActorId(1), ++counter), true);
      assertThat(arm.decide(write, nowNanos)).as("%s", region).isEqualTo(Update.INVALIDATE);
      assertThat(arm.explain(key))
          .extracting(Decision::reason)
          .containsExactly(Decision.Reason.SWITCHED_OFF);
      assertThat(arm.stats(nowNanos).updates().get(region).refused()).isOne();
    }
  }

  @Test
  void ofMoreRegionsThanMembers_theOneHeardOfLongestAgo_isForgotten() {
    RegionName eldest = allOthers().get(0);
    CopyWrite write = writeTo(eldest, KEY, new Dot(new ActorId(1), ++counter), true);
    assertThat(arm.decide(write, nowNanos)).isEqualTo(Update.PUSH);
    for (int i = 0; i < 3 * FrameCodec.MAX_REGIONS; i++) {
      nowNanos += SECOND;
      arm.readElsewhere(
          KEY, new CopyTerms(HERE, new RegionName("x" + i), BYTES, RTT_MS), false, nowNanos);
      if (i < FrameCodec.MAX_REGIONS) {
        arm.decide(write, nowNanos);
      }
    }
    assertThat(arm.stats(nowNanos).retainedBytes())
        .isLessThanOrEqualTo(arm.stats(nowNanos).maxRetainedBytes());
    assertThat(arm.stats(nowNanos).updates().get(eldest).pushed())
        .as("the same write was decided once while it was heard of")
        .isOne();
    arm.decide(write, nowNanos);
    assertThat(arm.stats(nowNanos).updates().get(eldest).pushed()).isEqualTo(2);
  }

  @Test
  void whereCopiesAreNotTaken_orLetGoOf_storageCostsMore_untilTheyAreTakenAgain() {
    written();
    assertThat(lastDecision().appraisal().targetPressure()).isEqualTo(1);
    for (int i = 0; i < 100; i++) {
      arm.dropped(KEY, THERE, nowNanos);
    }
    written();
    double full = lastDecision().appraisal().targetPressure();
    assertThat(full).isGreaterThan(4);
    Appraisal appraisal = lastDecision().appraisal();
    assertThat(appraisal.cost())
        .isCloseTo(appraisal.transfer() + full * appraisal.storage(), within(1e-12));
    for (int i = 0; i < 200; i++) {
      nowNanos += SECOND;
      written();
      read();
    }
    assertThat(lastDecision().appraisal().targetPressure()).isLessThan(1.1);
  }

  @Test
  void whatWasNotTaken_isForgottenWithTime() {
    for (int i = 0; i < 200; i++) {
      arm.dropped(KEY, THERE, nowNanos);
    }
    written();
    assertThat(lastDecision().appraisal().targetPressure()).isGreaterThan(50);
    nowNanos += Duration.ofMinutes(30).toNanos();
    written();
    assertThat(lastDecision().appraisal().targetPressure()).isBetween(1.9, 2.1);
    nowNanos += Duration.ofHours(5).toNanos();
    written();
    assertThat(lastDecision().appraisal().targetPressure()).isLessThan(1.01);
  }

  /** Each was counted as taken when it was sent. */
  @Test
  void whereEachCopyThatIsSentIsDropped_noneIsTakenToBeKept() {
    for (int i = 0; i < 500; i++) {
      nowNanos += SECOND;
      assertThat(written()).isEqualTo(Update.PUSH);
      read();
      arm.dropped(KEY, THERE, nowNanos);
    }
    nowNanos += SECOND;
    written();
    assertThat(lastDecision().appraisal().targetPressure()).isGreaterThan(20);
  }

  @Test
  void totals_areOfAllKindsOfCopies_byRegion() {
    assertThat(written()).isEqualTo(Update.PUSH);
    arm.readElsewhere(KEY, terms(BYTES, RTT_MS), false, nowNanos + SECOND);
    arm.sendShadow(terms(500, RTT_MS), 1_000, nowNanos);
    var here = new CopyTerms(THERE, HERE, 500, RTT_MS);
    arm.makeShadow(here, false, 1_000, nowNanos);
    assertThat(arm.earnedByShadow(new ShadowUse(here, 3, 0, 0, 0, 1_000)).isPaid()).isTrue();

    ArmStats stats = arm.stats(nowNanos);
    UpdateTotals updates = totals();
    double ofOne = RTT_MS * Prices.DEFAULT.perSavedMs() / 1e6;
    assertThat(updates.read()).isPositive();
    assertThat(updates.savedDollars()).isCloseTo(updates.read() * ofOne, within(1e-15));
    CopyTotals shadows = stats.shadows().get(THERE);
    assertThat(shadows.copies()).isEqualTo(2);
    assertThat(shadows.savedMs()).isEqualTo(3 * RTT_MS);
    assertThat(shadows.savedDollars()).isCloseTo(3 * ofOne, within(1e-15));

    CopyTotals all = stats.byRegion().get(THERE);
    assertThat(all.copies()).isEqualTo(3);
    assertThat(all.bytes()).isEqualTo(updates.pushedBytes() + shadows.bytes());
    assertThat(all.spentDollars())
        .isCloseTo(updates.spentDollars() + shadows.spentDollars(), within(1e-15));
    assertThat(all.savedMs()).isEqualTo(updates.savedMs() + shadows.savedMs());
    assertThat(all.savedDollars())
        .isCloseTo(updates.savedDollars() + shadows.savedDollars(), within(1e-15));
    assertThat(stats.total()).isEqualTo(all);
  }

  private Update toShadow(Key key, int bytes, CopyWrite.Held shadow) {
    var dot = new Dot(new ActorId(1), ++counter);
    return arm.decide(new CopyWrite(key, dot, terms(bytes, RTT_MS), 1, shadow), nowNanos);
  }

  private Update toShadow(Key key, int bytes) {
    return toShadow(key, bytes, CopyWrite.Held.PROMISED_SHADOW);
  }

  @Test
  void aShadowThatNobodyAskedForByName_isSentWhatItIsWorth_andNothingWithTheSwitchOff() {
    int pushed = 0;
    for (int i = 0; i < 1_000; i++) {
      nowNanos += SECOND;
      pushed += toShadow(KEY, BYTES, CopyWrite.Held.SHADOW) == Update.PUSH ? 1 : 0;
    }
    assertThat(pushed).as("that nobody reads").isBetween(1, 100);
    assertThat(lastDecision().appraisal().storage()).as("is paid where it is").isZero();
    for (int i = 0; i < 20; i++) {
      nowNanos += SECOND;
      toShadow(KEY, BYTES, CopyWrite.Held.SHADOW);
      arm.readElsewhere(KEY, terms(BYTES, RTT_MS), true, nowNanos);
    }
    assertThat(toShadow(KEY, BYTES, CopyWrite.Held.SHADOW)).isEqualTo(Update.PUSH);
    arm.readElsewhere(KEY, terms(BYTES, RTT_MS), true, nowNanos);
    arm.setEnabled(false);
    assertThat(toShadow(KEY, BYTES, CopyWrite.Held.SHADOW)).isEqualTo(Update.INVALIDATE);
    assertThat(lastDecision().reason()).isEqualTo(Decision.Reason.SWITCHED_OFF);
  }

  @Test
  void
      aShadowThatWasAskedForByName_isSentWhatItIsNotWorth_alsoWithTheSwitchOff_andPaysForTransferAlone() {
    arm.setPrices(Prices.DEFAULT.withSavedMs(0));
    arm.setEnabled(false);
    for (int i = 0; i < 50; i++) {
      nowNanos += SECOND;
      assertThat(toShadow(KEY, 1_000)).isEqualTo(Update.PUSH);
    }
    assertThat(totals().pushed()).isEqualTo(50);
    double transfer = 50 * 1_000 * Prices.DEFAULT.perTransferredByte() / 1e6;
    assertThat(totals().spentDollars()).isCloseTo(transfer, within(1e-12));
    arm.readElsewhere(KEY, terms(1_000, RTT_MS), true, nowNanos);
    assertThat(totals().read()).as("the region of the shadow counts").isZero();
    assertThat(arm.explain(KEY).get(0)).asString().contains("update of the shadow in");
  }

  @Test
  void updatesOfShadows_keepToTheBudget() {
    arm.setBudget(CopyBudget.DEFAULT.withBytesPerSecond(2_500), 0);
    assertThat(toShadow(Key.of("n/a"), 1_000)).isEqualTo(Update.PUSH);
    assertThat(toShadow(Key.of("n/b"), 1_000)).isEqualTo(Update.PUSH);
    assertThat(toShadow(Key.of("n/c"), 1_000)).isEqualTo(Update.INVALIDATE);
    assertThat(totals().refused()).isOne();
  }

  @Test
  void aFetch_isNoReadOfTheCopyThatWasSent() {
    assertThat(written()).isEqualTo(Update.PUSH);
    arm.fetchedElsewhere(KEY, terms(BYTES, RTT_MS), nowNanos + SECOND);
    assertThat(totals().read()).as("it had to ask, so it had none").isZero();
    assertThat(totals().savedMs()).isZero();
    assertThat(written()).isEqualTo(Update.PUSH);
    read();
    assertThat(totals().read()).isEqualTo(1);
  }

  @Test
  void whatIsLearned_isBounded_howeverManyKeysAndRegions() {
    for (int i = 0; i < 60_000; i++) {
      var there = new RegionName("r" + i % 200);
      arm.readElsewhere(Key.of("n/" + i), new CopyTerms(HERE, there, BYTES, RTT_MS), false, 0);
    }
    ArmStats stats = arm.stats(0);
    assertThat(stats.retainedBytes()).isLessThanOrEqualTo(stats.maxRetainedBytes());
    assertThat(stats.retainedBytes()).isGreaterThan(UpdateManager.MAX_BYTES / 2);
  }
}
