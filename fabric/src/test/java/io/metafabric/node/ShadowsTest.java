package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.place.Place;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.Frame.ShadowFacts;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.RoutingConfig;
import io.metafabric.replicate.ShadowWork;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTotals;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shadows among five regions, step by step. */
class ShadowsTest {
  private static final Duration TTL = Duration.ofSeconds(10);

  private static final CopyTotals NOTHING = new CopyTotals(0, 0, 0, 0, 0, 0);

  private final SimCluster cluster = new SimCluster(3, 64 << 10, "eu", "us", "ap", "sa", "af");
  private final Key key = Key.of("n/shadowed");

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    put("first");
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private Homes homes() {
    RegionName up = cluster.regions.stream().filter(cluster::isUp).findFirst().orElseThrow();
    return cluster.node(up).homesOf(key);
  }

  private RegionName home() {
    return homes().home();
  }

  private RegionName backup() {
    return homes().backup();
  }

  /** Regions that are neither home nor backup of the key. */
  private List<RegionName> others() {
    return cluster.regions.stream()
        .filter(region -> !region.equals(home()) && !region.equals(backup()))
        .toList();
  }

  private FabricNode<MetadataRecord> in(RegionName region) {
    return cluster.node(region);
  }

  private void put(String value) {
    in(home()).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    run(1);
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  private List<ShadowAnswer> made(RegionName by, int factor) {
    return done(in(by).makeShadows(key, factor, TTL));
  }

  private List<RegionName> holders() {
    return done(in(home()).shadowsOf(key)).stream()
        .filter(answer -> answer.facts() != null)
        .map(ShadowAnswer::region)
        .sorted()
        .toList();
  }

  private boolean answersFromHere(RegionName region, String value) {
    MetadataRecord here = in(region).readHere("c", key);
    return here != null && here.payload() != null && here.payload().equals(Bytes.utf8(value));
  }

  private void read(RegionName region) {
    read(region, key);
  }

  private void read(RegionName region, Key what) {
    var hit = in(region).hit("c", what.path());
    if (hit == null && in(region).readHere("c", what) == null) {
      var outcome = done(in(region).read("c", what));
      in(region).finished("c", what, outcome);
      assertThat(outcome).isInstanceOf(ReadOutcome.Value.class);
    }
  }

  @Test
  void shadowsAreMade_whoeverAsks_andAreReadAtHome() {
    start();
    for (int factor = 3; factor <= 4; factor++) {
      List<ShadowAnswer> answers = made(others().get(2), factor);
      assertThat(answers).hasSize(factor - 2);
      assertThat(answers).allMatch(answer -> answer.outcome() == MoveOutcome.DONE);
      assertThat(holders()).hasSize(factor - 2);
    }
    for (RegionName holder : holders()) {
      assertThat(answersFromHere(holder, "first")).as("in %s", holder).isTrue();
      assertThat(in(holder).store().holdsPayload(key)).as("not its journal").isFalse();
      ShadowFacts facts = done(in(holder).shadowsOf(key)).get(0).facts();
      assertThat(facts.reason()).isEqualTo(ShadowReason.REQUESTED);
      assertThat(facts.leftMs()).isBetween(1L, TTL.toMillis());
      assertThat(facts.dot()).isEqualTo(in(home()).store().header(key).version().dot());
    }
  }

  /** All are as far from the home, and nobody has read yet. */
  @Test
  void aShadowGoesWhereTwoReadersAreNear_byTheirPlaces() {
    start();
    List<RegionName> others = others();
    cluster.routing =
        new RoutingConfig(
            Map.of(
                home(), new Place(51.51, -0.13),
                others.get(0), new Place(-23.55, -46.63),
                others.get(1), new Place(1.35, 103.82),
                others.get(2), new Place(3.14, 101.69)),
            Hedging.DEFAULT);
    for (RegionName region : cluster.regions) {
      cluster.stop(region);
      cluster.start(region);
    }
    run(5);
    made(home(), 3);
    assertThat(holders()).hasSize(1).isSubsetOf(others.get(1), others.get(2));
  }

  @Test
  void aShadow_isKeptUpToDate() {
    start();
    made(home(), 5);
    put("second");
    for (RegionName holder : others()) {
      assertThat(answersFromHere(holder, "second")).as("in %s", holder).isTrue();
    }
  }

  @Test
  void whatNobodyReads_ends_andWhatIsRead_livesOn() {
    start();
    made(home(), 5);
    RegionName reader = others().get(1);
    for (int i = 0; i < 30; i++) {
      read(reader);
      run(1);
    }
    assertThat(holders()).containsExactly(reader);
    ShadowFacts facts = done(in(reader).shadowsOf(key)).get(0).facts();
    assertThat(facts.hits()).isBetween(25L, 30L);
    run(8 * 10 + 20);
    assertThat(holders()).isEmpty();
    assertThat(in(reader).stats().shadows().expired()).isOne();
    assertThat(in(reader).hotTier().peek(key)).isNull();
    assertThat(cluster.payloadsAreHome()).isTrue();
  }

  @Test
  void whileHomeAndBackupAreAway_noShadowEnds_andItEndsWhenTheyAreBack() {
    start();
    made(home(), 3);
    RegionName holder = holders().get(0);
    RegionName home = home();
    RegionName backup = backup();
    cluster.crash(home);
    cluster.crash(backup);
    run(120);
    assertThat(answersFromHere(holder, "first")).isTrue();
    var answer = done(in(holder).dropShadows(key));
    assertThat(answer.get(0).outcome()).isEqualTo(MoveOutcome.REFUSED);
    assertThat(answersFromHere(holder, "first")).isTrue();
    var elsewhere = others().get(0).equals(holder) ? others().get(1) : others().get(0);
    assertThat(done(in(elsewhere).read("c", key))).isInstanceOf(ReadOutcome.Value.class);

    cluster.start(home);
    cluster.start(backup);
    run(60);
    assertThat(holders()).isEmpty();
  }

  /** Home and backup are away meanwhile, so it is the last payload that can be read. */
  @Test
  void aClockThatIsAhead_endsNoShadow_ofARecordThatHasExpiredByItAlone() {
    start();
    long inAnHourMs = cluster.machine(home()).clock().wallMs() + 3_600_000;
    in(home()).write(key, Bytes.utf8("mortal"), inAnHourMs, Precondition.NONE);
    run(1);
    made(home(), 3);
    RegionName holder = holders().get(0);
    RegionName home = home();
    RegionName backup = backup();
    cluster.crash(home);
    cluster.crash(backup);
    run(30);
    cluster.machine(holder).jumpWall(Duration.ofHours(2));
    run(60);
    cluster.machine(holder).jumpWall(Duration.ofHours(-2));
    run(20);
    assertThat(answersFromHere(holder, "mortal")).isTrue();

    run(3600);
    assertThat(in(holder).stats().shadows().held()).as("nobody can say that it may go").isOne();
    cluster.start(home);
    cluster.start(backup);
    run(60);
    assertThat(holders()).isEmpty();
    assertThat(in(holder).stats().shadows().held()).isZero();
  }

  @Test
  void dropped_theyAreGoneEverywhere() {
    start();
    made(home(), 5);
    var answers = done(in(others().get(0)).dropShadows(key));
    assertThat(answers.stream().filter(answer -> answer.outcome() == MoveOutcome.DONE)).hasSize(3);
    assertThat(holders()).isEmpty();
    assertThat(in(others().get(1)).stats().shadows().dropped()).isOne();
  }

  @Test
  void theFirstRead_makesAShadow_upToTheFactor() {
    cluster.shadows =
        new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 1 << 20);
    start();
    read(others().get(0));
    run(1);
    assertThat(holders()).containsExactly(others().get(0));
    read(others().get(1));
    run(1);
    assertThat(holders()).as("the factor is reached").containsExactly(others().get(0));
    ShadowFacts facts = done(in(others().get(0)).shadowsOf(key)).get(0).facts();
    assertThat(facts.reason()).isEqualTo(ShadowReason.FIRST_READ);
    assertThat(in(others().get(0)).shadowDecisionsOn(key)).isNotEmpty();
  }

  @Test
  void whileARegionIsAway_itsShadowsAreMadeWhereTheyAreRead() {
    cluster.shadows =
        new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 1 << 20);
    start();
    RegionName away = others().get(0);
    RegionName instead = others().get(1);
    read(away);
    run(1);
    assertThat(holders()).containsExactly(away);
    for (RegionName other : cluster.regions) {
      if (!other.equals(away)) {
        cluster.network.split(away.name(), other.name());
      }
    }
    run(8);
    read(instead);
    run(1);
    assertThat(holders()).containsExactly(instead);
  }

  @Test
  void aRegionThatIsAway_isNamed() {
    start();
    RegionName away = others().get(0);
    cluster.crash(away);
    run(5);
    List<ShadowAnswer> answers = made(home(), 5);
    assertThat(answers).filteredOn(a -> a.outcome() == MoveOutcome.DONE).hasSize(2);
    assertThat(answers)
        .filteredOn(a -> a.outcome() == MoveOutcome.UNREACHABLE)
        .extracting(ShadowAnswer::region)
        .containsExactly(away);
    assertThat(done(in(home()).shadowsOf(key)))
        .filteredOn(a -> a.outcome() == MoveOutcome.UNREACHABLE)
        .extracting(ShadowAnswer::region)
        .containsExactly(away);
  }

  @Test
  void whatHasNoValue_hasNoShadow() {
    start();
    List<ShadowAnswer> answers = done(in(home()).makeShadows(Key.of("n/unknown"), 5, TTL));
    assertThat(answers).hasSize(1);
    assertThat(answers.get(0).outcome()).isEqualTo(MoveOutcome.NOT_FOUND);
  }

  @Test
  void whatIsDeleted_losesItsShadows() {
    start();
    made(home(), 5);
    in(home()).write(key, null, Header.NEVER, Precondition.NONE);
    run(2);
    assertThat(holders()).isEmpty();
  }

  @Test
  void aShadowThatBecomesHome_goesToTheJournal() {
    start();
    made(home(), 3);
    RegionName holder = holders().get(0);
    RegionName home = home();
    RegionName backup = backup();
    done(in(home).moveHome(key, holder));
    run(1);
    assertThat(home()).isEqualTo(holder);
    assertThat(in(holder).store().holdsPayload(key)).isTrue();
    cluster.crash(home);
    cluster.crash(backup);
    run(60);
    assertThat(answersFromHere(holder, "first")).isTrue();
  }

  @Test
  void shadowsThatTheRulesDoNotWantAnyMore_end() {
    cluster.shadows =
        new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 1 << 20);
    start();
    RegionName reader = others().get(0);
    read(reader);
    run(1);
    assertThat(holders()).containsExactly(reader);
    in(reader).setShadowRules(ShadowRules.NONE);
    for (int i = 0; i < 40; i++) {
      read(reader);
      run(1);
    }
    assertThat(holders()).isEmpty();
  }

  @Test
  void aShadowThatWentWithAnEvictedRegion_isMadeAgain() {
    start();
    made(home(), 3);
    RegionName lost = holders().get(0);
    cluster.crash(lost);
    done(in(home()).evict(lost));
    run(5);
    assertThat(holders()).hasSize(1).doesNotContain(lost);
    assertThat(in(home()).stats().rebuild().made()).isOne();
    assertThat(in(home()).stats().rebuild().outstanding()).isZero();
    assertThat(answersFromHere(holders().get(0), "first")).isTrue();
  }

  @Test
  void aShadowInARegionThatStaysAway_isMadeAgainElsewhere_withoutAnOperator() {
    start();
    assertThat(done(in(home()).makeShadows(key, 3, Duration.ofMinutes(10)))).hasSize(1);
    RegionName away = holders().get(0);
    cluster.crash(away);
    run(20);
    assertThat(in(home()).stats().rebuild().made()).as("it may be back in a moment").isZero();
    run(25);
    assertThat(holders()).hasSize(1).doesNotContain(away);
    assertThat(answersFromHere(holders().get(0), "first")).isTrue();
    assertThat(in(home()).stats().rebuild().made()).isOne();
    assertThat(in(home()).stats().rebuild().outstanding()).isZero();

    cluster.start(away);
    run(60);
    assertThat(holders()).as("nothing more, and nothing less").hasSize(1).doesNotContain(away);
  }

  @Test
  void aShadowInARegionThatFlaps_isNotMadeAgain() {
    start();
    assertThat(done(in(home()).makeShadows(key, 3, Duration.ofMinutes(10)))).hasSize(1);
    RegionName flaps = holders().get(0);
    for (int i = 0; i < 4; i++) {
      for (RegionName other : cluster.regions) {
        if (!other.equals(flaps)) {
          cluster.network.split(flaps.name(), other.name());
        }
      }
      run(15);
      cluster.network.healAll();
      run(15);
    }
    assertThat(in(home()).stats().rebuild().made()).isZero();
    assertThat(holders()).containsExactly(flaps);
  }

  @Test
  void aShadowThatWentWithTheMemoryOfItsRegion_isMadeAgain() {
    start();
    assertThat(done(in(home()).makeShadows(key, 3, Duration.ofMinutes(10)))).hasSize(1);
    RegionName restarts = holders().get(0);
    cluster.crash(restarts);
    cluster.start(restarts);
    run(15);
    assertThat(holders()).hasSize(1);
    RegionName loses = holders().get(0);
    cluster.crash(loses);
    cluster.startOnNewMachine(loses);
    run(30);
    assertThat(holders()).hasSize(1);
    assertThat(answersFromHere(holders().get(0), "first")).isTrue();
    assertThat(in(home()).stats().rebuild().made()).isEqualTo(2);
  }

  @Test
  void whereThereIsNoOtherRegion_aShadowIsMadeAgain_whenItsRegionIsBack() {
    start();
    assertThat(done(in(home()).makeShadows(key, 5, Duration.ofMinutes(10)))).hasSize(3);
    RegionName away = holders().get(0);
    cluster.crash(away);
    run(45);
    assertThat(holders()).hasSize(2);
    assertThat(in(home()).stats().rebuild().outstanding()).isOne();
    cluster.start(away);
    run(20);
    assertThat(holders()).hasSize(3);
    assertThat(in(home()).stats().rebuild().outstanding()).isZero();
  }

  @Test
  void aHomeThatIsMovedToAShadow_makesAnotherOne() {
    start();
    assertThat(done(in(home()).makeShadows(key, 3, Duration.ofMinutes(10)))).hasSize(1);
    RegionName holder = holders().get(0);
    done(in(home()).moveHome(key, holder));
    run(10);
    assertThat(home()).isEqualTo(holder);
    assertThat(holders()).filteredOn(others()::contains).hasSize(1);
  }

  /** It cannot give back the leave that it was given by the home that it is itself by now. */
  @ParameterizedTest
  @ValueSource(ints = {0, 20, 40, 60, 80, 100, 120})
  void aHomeThatIsMovedToWhoTakesAShadow_isAskedForNothing(int ms) {
    // No room, so that each leave is given back.
    cluster.shadows = new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 64);
    start();
    RegionName reader = others().get(0);
    var moving = in(home()).moveHome(key, reader);
    cluster.world.runFor(Duration.ofMillis(ms));
    read(reader);
    done(moving);
    run(20);
    assertThat(home()).isEqualTo(reader);
    assertThat(in(reader).store().holdsPayload(key)).isTrue();
  }

  @Test
  void aHomeThatIsMovedElsewhere_learnsWhoHasAShadow_andSendsItWhatIsNew() {
    start();
    assertThat(done(in(home()).makeShadows(key, 3, Duration.ofMinutes(10)))).hasSize(1);
    RegionName holder = holders().get(0);
    RegionName next = others().stream().filter(each -> !each.equals(holder)).findFirst().get();
    done(in(home()).moveHome(key, next));
    run(10);
    assertThat(home()).isEqualTo(next);
    put("second");
    assertThat(holders()).containsExactly(holder);
    assertThat(answersFromHere(holder, "second")).isTrue();
  }

  @Test
  void aBackupThatLostItsDisk_isGivenWhatItIsToHold() {
    start();
    RegionName backup = backup();
    cluster.crash(backup);
    cluster.startOnNewMachine(backup);
    run(60);
    assertThat(in(backup).store().holdsPayload(key)).isTrue();
    assertThat(in(backup).stats().rebuild().outstanding()).isZero();
  }

  @Test
  void aHomeThatBeganAnew_learnsWhoHasAShadow_andSendsItWhatIsNew() {
    start();
    made(home(), 3);
    RegionName holder = holders().get(0);
    RegionName home = home();
    cluster.crash(home);
    cluster.start(home);
    run(8);
    in(home).write(key, Bytes.utf8("second"), Header.NEVER, Precondition.NONE);
    run(1);
    assertThat(answersFromHere(holder, "second")).isTrue();
  }

  @Test
  void whoReadsMost_getsTheShadow() {
    start();
    RegionName often = others().get(2);
    for (int i = 0; i < 5; i++) {
      assertThat(done(in(often).replicator().fetchFrom(home(), key))).isNotNull();
    }
    assertThat(done(in(others().get(0)).replicator().fetchFrom(home(), key))).isNotNull();
    made(home(), 3);
    assertThat(holders()).containsExactly(often);
  }

  @Test
  void aRegionOfAnOlderProtocol_isPassedOver() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    RegionName old = others().get(0);
    cluster.crash(old);
    cluster.protocols = () -> new ProtocolRange(1, 2);
    cluster.start(old);
    run(5);
    put("first");
    List<ShadowAnswer> answers = made(home(), 5);
    assertThat(answers)
        .filteredOn(a -> a.outcome() == MoveOutcome.DONE)
        .extracting(ShadowAnswer::region)
        .containsExactlyInAnyOrder(others().get(1), others().get(2));
    assertThat(answers)
        .filteredOn(a -> a.region().equals(old))
        .hasSize(1)
        .allMatch(a -> a.message().contains("protocol 2"));
  }

  @Test
  void whatHomesLackAfterAnEviction_isBroughtWithinTheBudget_andProgressIsShown() {
    cluster.prefetchBytesPerSecond = 20_000;
    start();
    RegionName lost = home();
    var keys = new ArrayList<Key>();
    for (int i = 0; keys.size() < 60; i++) {
      Key each = Key.of("n/lost" + i);
      if (in(lost).homesOf(each).include(lost)) {
        keys.add(each);
        in(lost).write(each, Bytes.copyOf(new byte[4000]), Header.NEVER, Precondition.NONE);
      }
    }
    run(10);
    cluster.crash(lost);
    List<RegionName> up = cluster.regions.stream().filter(cluster::isUp).toList();
    done(in(up.get(0)).evict(lost));
    int seen = 0;
    for (int second = 1; second <= 60; second++) {
      run(1);
      for (RegionName each : up) {
        RebuildStats stats = in(each).stats().rebuild();
        seen = Math.max(seen, stats.outstanding());
        assertThat(stats.bytes()).isLessThanOrEqualTo((second + 2) * 20_000L);
      }
    }
    assertThat(seen).as("more than one second's worth").isGreaterThan(5);
    long made = 0;
    for (RegionName each : up) {
      RebuildStats stats = in(each).stats().rebuild();
      assertThat(stats.outstanding()).as("in %s", each).isZero();
      made += stats.made();
    }
    assertThat(made).isGreaterThanOrEqualTo(60);
    for (Key each : keys) {
      for (RegionName region : up) {
        if (in(region).homesOf(each).include(region)) {
          assertThat(in(region).store().holdsPayload(each)).isTrue();
        }
      }
    }
  }

  @Test
  void shadowsThatWentWithARegion_areMadeAgainWithinTheBudget() {
    cluster.prefetchBytesPerSecond = 20_000;
    start();
    // All are as far from each other, so the first by name are chosen.
    var lost = new RegionName("af");
    var asks = new RegionName("eu");
    var keys = new ArrayList<Key>();
    for (int i = 0; keys.size() < 120; i++) {
      Key each = Key.of("n/shadow" + i);
      if (!in(lost).homesOf(each).include(lost)) {
        keys.add(each);
        in(asks).write(each, Bytes.copyOf(new byte[4000]), Header.NEVER, Precondition.NONE);
      }
    }
    run(5);
    for (Key each : keys) {
      done(in(asks).makeShadows(each, 4, Duration.ofMinutes(10)));
    }
    cluster.crash(lost);
    List<RegionName> up = cluster.regions.stream().filter(cluster::isUp).toList();
    done(in(up.get(0)).evict(lost));
    for (int second = 1; second <= 60; second++) {
      run(1);
      for (RegionName each : up) {
        assertThat(in(each).stats().rebuild().bytes()).isLessThanOrEqualTo((second + 2) * 20_000L);
      }
    }
    long made = 0;
    for (RegionName each : up) {
      RebuildStats stats = in(each).stats().rebuild();
      assertThat(stats.outstanding()).as("in %s", each).isZero();
      made += stats.made();
    }
    assertThat(made).isGreaterThan(40);
  }

  private CopyTotals paidByHome(RegionName to) {
    return in(home()).stats().prefetch().arm().shadows().getOrDefault(to, NOTHING);
  }

  @Test
  void theHomePays_forWhatIsAskedForByName_andSaysWhenItCannot() {
    start();
    made(home(), 3);
    RegionName holder = holders().get(0);
    CopyTotals paid = paidByHome(holder);
    assertThat(paid.copies()).isOne();
    assertThat(paid.bytes()).isGreaterThan("first".length());
    assertThat(paid.spentDollars()).isPositive();
    assertThat(in(home()).shadowDecisionsOn(key))
        .anyMatch(each -> each.contains("benefit") && each.contains("cost"));

    in(home()).setCopyBudget(CopyBudget.DEFAULT.withDollarsPerDay(0));
    List<ShadowAnswer> answers = made(others().get(0), 5);
    assertThat(answers)
        .isNotEmpty()
        .allMatch(answer -> answer.outcome() == MoveOutcome.REFUSED)
        .allMatch(answer -> answer.message().contains("over dollars per day"));
    assertThat(holders()).containsExactly(holder);

    in(home()).setCopyBudget(CopyBudget.DEFAULT);
    made(home(), 5);
    assertThat(holders()).hasSize(3);
  }

  @Test
  void whereThereIsNoRoom_aReadPaysForNone_andGivesItsLeaveBack() {
    cluster.shadows = new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 100);
    start();
    RegionName reader = others().get(0);
    read(reader);
    run(1);
    assertThat(in(reader).stats().shadows().refused()).isOne();
    assertThat(in(reader).stats().prefetch().arm().shadows()).as("nothing is paid").isEmpty();
    assertThat(in(reader).shadowDecisionsOn(key))
        .anyMatch(each -> each.contains("there is no room"));
    var terms = ShadowTerms.of(ShadowReason.FIRST_READ, 3, TTL);
    RegionName other = others().get(1);
    assertThat(
            done(in(other).replicator().askShadow(home(), ShadowVerb.CLAIM, key, terms, null))
                .get(0)
                .outcome())
        .as("its leave can go to another")
        .isEqualTo(MoveOutcome.DONE);
  }

  @Test
  void aRequest_waitsForBytesToBeEarned_butNotForLong() {
    start();
    in(home()).write(key, Bytes.copyOf(new byte[800]), Header.NEVER, Precondition.NONE);
    run(1);
    in(home()).setCopyBudget(CopyBudget.DEFAULT.withBytesPerSecond(1_000));
    long beganNanos = cluster.world.nanoTime();
    assertThat(made(home(), 5)).allMatch(answer -> answer.outcome() == MoveOutcome.DONE);
    assertThat(cluster.world.nanoTime() - beganNanos).isBetween(2_000_000_000L, 3_500_000_000L);

    in(home()).setCopyBudget(CopyBudget.DEFAULT.withBytesPerSecond(10));
    beganNanos = cluster.world.nanoTime();
    assertThat(made(home(), 5))
        .as("the first may be larger than a second's worth, and is paid off")
        .filteredOn(answer -> answer.outcome() == MoveOutcome.REFUSED)
        .hasSize(2)
        .allMatch(answer -> answer.message().contains("over bytes per second"));
    assertThat(cluster.world.nanoTime() - beganNanos).isLessThan(7_000_000_000L);
  }

  @Test
  void whatCannotBePaid_getsNoShadowOnARead_andTheHomeSendsItNothing() {
    cluster.shadows =
        new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)), 1 << 20);
    start();
    RegionName reader = others().get(0);
    in(reader).setCopyBudget(CopyBudget.DEFAULT.withDollarsPerDay(0));
    for (int i = 0; i < 5; i++) {
      read(reader);
      run(1);
    }
    assertThat(holders()).isEmpty();
    assertThat(in(reader).shadowDecisionsOn(key))
        .hasSize(1)
        .allMatch(each -> each.contains("over dollars per day") && each.contains("cost"));
    read(others().get(1));
    run(1);
    assertThat(holders()).as("its leave went to another").containsExactly(others().get(1));
  }

  @Test
  void aShadowThatIsReadLessThanItCosts_ends_andSaysWhy() {
    start();
    made(home(), 4);
    RegionName seldom = holders().get(0);
    RegionName often = holders().get(1);
    for (RegionName each : cluster.regions) {
      // A read of 40 ms is worth 0.04, and an update of a thousand bytes costs 0.02.
      in(each).setPrices(Prices.DEFAULT.withSavedMs(0.001));
    }
    for (int second = 0; second < 60; second++) {
      in(home()).write(key, Bytes.copyOf(new byte[1_000]), Header.NEVER, Precondition.NONE);
      run(1);
      read(often);
      if (second % 8 == 0) {
        read(seldom);
      }
    }
    assertThat(holders()).containsExactly(often);
    assertThat(in(seldom).shadowDecisionsOn(key))
        .anyMatch(each -> each.contains("too costly; benefit") && each.contains("updates"));
    assertThat(in(often).shadowDecisionsOn(key))
        .anyMatch(each -> each.startsWith("shadow lives on: benefit"));
    CopyTotals earned =
        in(often).stats().prefetch().arm().shadows().values().stream()
            .reduce(NOTHING, CopyTotals::plus);
    assertThat(earned.savedMs()).isPositive();
    assertThat(earned.savedDollars()).isPositive();
  }

  /** Errs: answers for nobody. */
  private static final class SaysNothing implements ShadowWork {
    @Override
    public CompletableFuture<List<ShadowAnswer>> asked(RegionName by, Frame.ShadowRequest request) {
      return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public CompletableFuture<ShadowAnswer> hold(MetadataRecord record, ShadowTerms terms) {
      throw new AssertionError("nobody asks it to");
    }

    @Override
    public void fetched(Key key, RegionName by) {}

    @Override
    public Map<RegionName, Long> shadowsOf(Key key) {
      return Map.of();
    }

    @Override
    public boolean hasShadow(Key key, RegionName region) {
      return false;
    }

    @Override
    public boolean isAskedFor(Key key, RegionName region) {
      return false;
    }
  }

  @Test
  void aHomeThatAnswersForNobody_hasNoShadowEnded() {
    start();
    made(home(), 3);
    RegionName holder = holders().get(0);
    in(home()).replicator().shadowsBy(new SaysNothing());
    in(backup()).replicator().shadowsBy(new SaysNothing());
    assertThat(done(in(holder).dropShadows(key)))
        .filteredOn(answer -> answer.region().equals(holder))
        .hasSize(1)
        .allMatch(answer -> answer.outcome() == MoveOutcome.REFUSED);
    assertThat(answersFromHere(holder, "first")).isTrue();
  }

  /** In a region whose client's reads make none, so that what there is was predicted. */
  private long predictedWith(double confidence) {
    cluster.hotTierBytes = 4 << 10;
    var rules =
        ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL), ShadowRule.forClient("c", 1, TTL));
    cluster.shadows = new ShadowConfig(rules.withConfidence(confidence), 1 << 20);
    start();
    RegionName reader = others().get(0);
    var keys = new ArrayList<Key>();
    for (int i = 0; keys.size() < 12; i++) {
      Key each = Key.of("n/" + i);
      if (!in(reader).homesOf(each).include(reader)) {
        keys.add(each);
        in(home()).write(each, Bytes.copyOf(new byte[900]), Header.NEVER, Precondition.NONE);
      }
    }
    run(2);
    for (int round = 0; round < 12; round++) {
      for (Key each : keys) {
        read(reader, each);
        cluster.world.runFor(Duration.ofMillis(300));
      }
    }
    return keys.stream()
        .map(each -> done(in(reader).shadowsOf(each)).get(0).facts())
        .filter(facts -> facts != null && facts.reason() == ShadowReason.PREDICTED)
        .count();
  }

  @Test
  void whatIsProbableEnough_getsAShadow() {
    assertThat(predictedWith(0.1)).isPositive();
  }

  @Test
  void whatIsNot_getsNone() {
    assertThat(predictedWith(1)).isZero();
    assertThat(in(others().get(0)).stats().prefetch().arrived()).isPositive();
  }

  @Test
  void whereThereIsNoRoom_noShadowIsMade_andItIsSaid() {
    cluster.shadows = new ShadowConfig(ShadowRules.NONE, 100);
    start();
    List<ShadowAnswer> answers = made(home(), 3);
    assertThat(answers).allMatch(answer -> answer.outcome() == MoveOutcome.REFUSED);
    assertThat(answers.get(0).message()).contains("of 100 bytes");
    assertThat(in(others().get(0)).stats().shadows().refused()).isOne();
    assertThat(cluster.payloadsAreHome()).isTrue();
  }
}
