package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTotals;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What becomes of shadows that went with a region, were dropped, or have no room. */
class LostShadowsTest {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final CopyBudget NO_MONEY = CopyBudget.DEFAULT.withDollarsPerDay(0);

  private final SimCluster cluster = new SimCluster(3, 64 << 10, "eu", "us", "ap", "sa", "af");
  private final Key key = Key.of("n/shadowed");
  private Homes homes;

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    homes = cluster.node(cluster.regions.get(0)).homesOf(key);
    put("first");
  }

  private void put(String value) {
    in(homes.home()).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    run(1);
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private FabricNode<MetadataRecord> in(RegionName region) {
    return cluster.node(region);
  }

  private FabricNode<MetadataRecord> home() {
    return in(homes.home());
  }

  private RebuildStats rebuild() {
    return home().stats().rebuild();
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  private void make(int factor, Duration timeToLive) {
    assertThat(done(home().makeShadows(key, factor, timeToLive)))
        .filteredOn(each -> each.outcome() == MoveOutcome.DONE)
        .hasSize(factor - 2);
  }

  private List<RegionName> holders() {
    return done(home().shadowsOf(key)).stream()
        .filter(answer -> answer.facts() != null)
        .map(ShadowAnswer::region)
        .sorted()
        .toList();
  }

  /** Regions that are neither home nor backup of the key. */
  private List<RegionName> others() {
    return cluster.regions.stream().filter(each -> !homes.include(each)).toList();
  }

  private void isolate(RegionName region) {
    for (RegionName other : cluster.regions) {
      if (!other.equals(region)) {
        cluster.network.split(region.name(), other.name());
      }
    }
  }

  @Test
  void whatOnlyMoneyLackedFor_doesNotWaitForTheRegionThatIsAway() {
    start();
    make(4, LONG);
    cluster.crash(holders().get(0));
    home().setCopyBudget(NO_MONEY);
    run(60);
    assertThat(rebuild().outstanding()).isOne();
    assertThat(holders()).hasSize(1);

    home().setCopyBudget(CopyBudget.DEFAULT);
    run(65);
    assertThat(holders()).hasSize(2);
    assertThat(rebuild().outstanding()).isZero();
  }

  @Test
  void whatARegionRefuses_isNotSentToItAgainEachSecond() {
    start();
    List<RegionName> others = others();
    make(4, LONG);
    RegionName full =
        others.stream().filter(each -> !holders().contains(each)).findFirst().orElseThrow();
    cluster.shadows = new ShadowConfig(ShadowRules.NONE, 1);
    cluster.stop(full);
    cluster.start(full);
    run(10);
    long sent = shadowsPaid(homes.home());
    RegionName lost = holders().get(0);
    isolate(lost);
    run(90);
    assertThat(rebuild().outstanding()).isOne();
    assertThat(rebuild().failed()).isBetween(1L, 2L);
    assertThat(shadowsPaid(homes.home()) - sent).as("each costs").isBetween(1L, 2L);

    cluster.network.healAll();
    run(20);
    assertThat(holders()).hasSize(2).contains(lost);
    assertThat(rebuild().outstanding()).isZero();
  }

  private long shadowsPaid(RegionName by) {
    return in(by).stats().prefetch().arm().shadows().values().stream()
        .mapToLong(CopyTotals::copies)
        .sum();
  }

  @Test
  void whatIsDropped_isNotMadeAgain() {
    start();
    make(3, LONG);
    cluster.crash(holders().get(0));
    home().setCopyBudget(NO_MONEY);
    run(45);
    assertThat(rebuild().outstanding()).isOne();

    done(in(others().stream().filter(cluster::isUp).findFirst().orElseThrow()).dropShadows(key));
    assertThat(rebuild().outstanding()).isZero();
    home().setCopyBudget(CopyBudget.DEFAULT);
    run(120);
    assertThat(holders()).isEmpty();
  }

  @Test
  void whatIsDropped_whileARegionThatHasItIsAway_isNotMadeAgainInItsStead() {
    start();
    make(3, LONG);
    cluster.crash(holders().get(0));
    run(5);
    done(home().dropShadows(key));
    run(120);
    assertThat(holders()).isEmpty();
    assertThat(rebuild().made()).isZero();
  }

  /** The home had not heard that it ended. */
  @Test
  void whatHasEndedByTheWordOfTheBackup_isNotMadeAgain() {
    start();
    make(3, Duration.ofSeconds(10));
    RegionName holder = holders().get(0);
    cluster.network.split(holder.name(), homes.home().name());
    run(20);
    assertThat(in(holder).stats().shadows().expired()).isOne();
    cluster.network.healAll();
    run(30);
    assertThat(holders()).isEmpty();
    assertThat(rebuild().made()).isZero();
  }

  /** Five of five regions, of which one stays away: there is nowhere else. */
  @Test
  void whatIsOwedForAWhile_isOwedNoLonger_howeverLongItsRegionStaysAway() {
    start();
    make(5, Duration.ofMinutes(2));
    RegionName lost = holders().get(0);
    cluster.crash(lost);
    run(60);
    assertThat(rebuild().outstanding()).isOne();
    run(90);
    assertThat(holders()).isEmpty();
    assertThat(rebuild().outstanding()).isZero();
    long paid = shadowsPaid(homes.home());
    run(3600);
    cluster.start(lost);
    run(60);
    assertThat(holders()).isEmpty();
    assertThat(rebuild().made()).isZero();
    assertThat(shadowsPaid(homes.home())).isEqualTo(paid);
  }

  @Test
  void whatIsOverWhenItsRegionIsTakenToStayAway_isNotMadeAgain() {
    start();
    make(3, Duration.ofSeconds(10));
    run(2);
    cluster.crash(holders().get(0));
    run(60);
    assertThat(holders()).isEmpty();
    assertThat(rebuild().made()).isZero();
    assertThat(rebuild().outstanding()).isZero();
  }

  @Test
  void whatIsMadeAgain_livesForWhatIsLeft() {
    start();
    make(3, Duration.ofMinutes(1));
    RegionName lost = holders().get(0);
    cluster.crash(lost);
    run(50);
    RegionName instead = holders().get(0);
    assertThat(instead).isNotEqualTo(lost);
    assertThat(rebuild().made()).isOne();
    run(15);
    assertThat(holders()).isEmpty();
    assertThat(in(instead).stats().shadows().expired()).isOne();
  }

  /** Its holder said that it lives on, for twice as long each time. */
  @Test
  void whatHasEarnedALongerLife_isMadeAgainForThat() {
    start();
    make(3, Duration.ofSeconds(10));
    RegionName lost = holders().get(0);
    for (int i = 0; i < 35; i++) {
      if (in(lost).hit("c", key.path()) == null) {
        assertThat(in(lost).readHere("c", key)).isNotNull();
      }
      run(1);
    }
    cluster.crash(lost);
    run(45);
    assertThat(rebuild().made()).isOne();
    assertThat(holders()).hasSize(1);
    run(40);
    assertThat(holders()).isEmpty();
  }

  @Test
  void aShadowThatBecomesHome_isNoneAnyMore_andIsMadeUpForOnce() {
    start();
    make(3, LONG);
    RegionName holder = holders().get(0);
    done(home().moveHome(key, holder));
    run(20);
    homes = home().homesOf(key);
    assertThat(homes.home()).isEqualTo(holder);
    assertThat(in(holder).stats().shadows().held()).isZero();
    assertThat(in(holder).store().holdsPayload(key)).isTrue();
    assertThat(holders()).hasSize(1);
    for (int i = 0; i < 3; i++) {
      isolate(holders().get(0));
      run(12);
      cluster.network.healAll();
      run(12);
    }
    assertThat(holders()).hasSize(1);
    assertThat(rebuild().made()).isOne();
  }

  @Test
  void forWhatHasNoRoom_nothingIsPaid_howeverOftenItIsRead() {
    cluster.shadows = new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, LONG)), 1);
    start();
    RegionName reader = others().get(0);
    for (int i = 0; i < 4; i++) {
      in(reader).finished("c", key, done(in(reader).read("c", key)));
      run(31);
    }
    assertThat(in(reader).stats().shadows().refused()).isGreaterThan(1);
    assertThat(shadowsPaid(reader)).isZero();
  }

  /** A copy of something else has come just now, and does not make room yet. */
  @Test
  void forWhatOtherCopiesLeaveNoRoom_aPriceIsPaidOnce_notAtEachRead() {
    cluster.shadows =
        new ShadowConfig(ShadowRules.of(ShadowRule.forNamespace("n", 3, LONG)), 1 << 20);
    cluster.keptBytes = 1 << 20;
    start();
    home().write(key, Bytes.copyOf(new byte[2_000]), Header.NEVER, Precondition.NONE);
    run(1);
    RegionName reader = others().get(0);
    in(reader).setCopyBudget(CopyBudget.DEFAULT.withStoredBytes(4_000));
    Key other = otherKey(reader);
    in(home().homesOf(other).home())
        .write(other, Bytes.copyOf(new byte[2_000]), Header.NEVER, Precondition.NONE);
    run(1);
    in(reader).finished("c", other, done(in(reader).read("c", other)));
    run(1);
    assertThat(in(reader).stats().kept().bytes()).isGreaterThan(2_000);
    for (int i = 0; i < 5; i++) {
      in(reader).finished("c", key, done(in(reader).read("c", key)));
      run(1);
    }
    assertThat(in(reader).stats().shadows().refused()).isOne();
    assertThat(shadowsPaid(reader)).isOne();
  }

  /** Of no rule, and not to be held there. */
  private Key otherKey(RegionName reader) {
    int i = 0;
    while (home().homesOf(Key.of("m/" + i)).include(reader)) {
      i++;
    }
    return Key.of("m/" + i);
  }

  @Test
  void aRequest_waitsForBytes_inAllAndNotForEachRegion() {
    start();
    home().write(key, Bytes.copyOf(new byte[800]), Header.NEVER, Precondition.NONE);
    run(1);
    home().setCopyBudget(CopyBudget.DEFAULT.withBytesPerSecond(300));
    run(1);
    long beganNanos = cluster.world.nanoTime();
    List<ShadowAnswer> answers = done(home().makeShadows(key, 5, LONG));
    assertThat(cluster.world.nanoTime() - beganNanos).isBetween(4_000_000_000L, 6_000_000_000L);
    assertThat(answers).filteredOn(each -> each.outcome() == MoveOutcome.DONE).hasSize(2);
  }

  @Test
  void whatIsWrittenWhileARequestWaits_isWhatIsSent() {
    start();
    home().write(key, Bytes.copyOf(new byte[800]), Header.NEVER, Precondition.NONE);
    run(1);
    home().setCopyBudget(CopyBudget.DEFAULT.withBytesPerSecond(300));
    run(1);
    var making = home().makeShadows(key, 4, LONG);
    run(2);
    put("second");
    assertThat(done(making)).allMatch(each -> each.outcome() == MoveOutcome.DONE);
    run(1);
    assertThat(holders())
        .hasSize(2)
        .anyMatch(
            holder -> {
              MetadataRecord there = in(holder).readHere("c", key);
              return there != null && Bytes.utf8("second").equals(there.payload());
            });
  }
}
