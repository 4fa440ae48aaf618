package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTotals;
import io.metafabric.replicate.shadow.ShadowRules;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What was lost and is made again, among five regions, step by step. */
class RemadeShadowsTest {
  private static final Duration TTL = Duration.ofMinutes(30);

  private final SimCluster cluster = new SimCluster(3, 64 << 10, "eu", "us", "ap", "sa", "af");
  private final Key key = Key.of("n/shadowed");
  private Homes homes;
  private List<RegionName> others;

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    homes = cluster.node(cluster.regions.get(0)).homesOf(key);
    others = cluster.regions.stream().filter(region -> !homes.include(region)).toList();
    home().write(key, Bytes.copyOf(new byte[800]), Header.NEVER, Precondition.NONE);
    run(1);
  }

  private FabricNode<?> home() {
    return cluster.node(homes.home());
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  private List<RegionName> holders() {
    return done(home().shadowsOf(key)).stream()
        .filter(answer -> answer.facts() != null)
        .map(ShadowAnswer::region)
        .sorted()
        .toList();
  }

  private void make(int factor) {
    assertThat(done(home().makeShadows(key, factor, TTL))).hasSize(factor - 2);
  }

  private long paidBy(RegionName region) {
    return cluster.node(region).stats().prefetch().arm().shadows().values().stream()
        .mapToLong(CopyTotals::copies)
        .sum();
  }

  /** One is silent and stays so; the other lacks only bytes for a moment. */
  @Test
  void aRegionThatIsSilent_isNotWaitedFor_whereAnotherLackedOnlyBytes() {
    start();
    make(3);
    RegionName lost = holders().get(0);
    RegionName silent = others.stream().filter(each -> !each.equals(lost)).findFirst().get();
    cluster.crash(lost);
    cluster.crash(silent);
    run(5);
    home().setCopyBudget(CopyBudget.DEFAULT.withBytesPerSecond(1));
    // The budget is overdrawn, so that what is to be made again finds none.
    home().write(Key.of("n/other"), Bytes.copyOf(new byte[40]), Header.NEVER, Precondition.NONE);
    done(home().makeShadows(Key.of("n/other"), 5, TTL));
    run(40);
    assertThat(holders()).isEmpty();
    assertThat(home().stats().rebuild().outstanding()).isPositive();
    home().setCopyBudget(CopyBudget.DEFAULT);
    run(5);
    assertThat(holders()).hasSize(1).doesNotContain(lost, silent);
  }

  @Test
  void whatIsDropped_isNotMadeAgain_thoughItsRegionWasAwayThen() {
    start();
    make(3);
    cluster.crash(holders().get(0));
    run(5);
    done(home().dropShadows(key));
    run(60);
    assertThat(holders()).isEmpty();
    assertThat(home().stats().rebuild().made()).isZero();
  }

  @Test
  void whatIsDroppedWhileItWaits_isForgotten() {
    start();
    make(5);
    cluster.crash(holders().get(0));
    run(45);
    assertThat(home().stats().rebuild().outstanding()).isOne();
    done(home().dropShadows(key));
    assertThat(home().stats().rebuild().outstanding()).isZero();
    run(70);
    assertThat(holders()).isEmpty();
  }

  @Test
  void whatIsDroppedWhileItIsMadeAgain_isDroppedOnceMore() {
    start();
    make(3);
    RegionName lost = holders().get(0);
    cluster.crash(lost);
    done(home().evict(lost));
    cluster.world.runUntil(
        "remake", () -> home().stats().rebuild().outstanding() == 1, Duration.ofSeconds(5));
    long paid = paidBy(homes.home());
    // All but the payload's own way has been gone, so it overtakes nothing that is asked.
    cluster.world.runUntil("payment", () -> paidBy(homes.home()) > paid, Duration.ofSeconds(5));
    done(home().dropShadows(key));
    run(20);
    assertThat(holders()).isEmpty();
  }

  @Test
  void whoRefuses_isNotPaidAndSentAgainEachSecond() {
    cluster.shadows = new ShadowConfig(ShadowRules.NONE, 2_000);
    start();
    make(3);
    RegionName lost = holders().get(0);
    fillShelves(lost);
    cluster.crash(lost);
    run(32);
    long before = paidBy(homes.home());
    run(50);
    assertThat(home().stats().rebuild().outstanding()).isOne();
    assertThat(paidBy(homes.home()) - before).as("once each").isLessThanOrEqualTo(2);
    run(70);
    assertThat(home().stats().rebuild().failed()).as("and once more").isGreaterThan(2);
  }

  private void fillShelves(RegionName except) {
    for (int i = 0; i < 40; i++) {
      Key other = Key.of("n/fills" + i);
      Homes at = home().homesOf(other);
      if (!at.include(except)) {
        cluster
            .node(at.home())
            .write(other, Bytes.copyOf(new byte[1_200]), Header.NEVER, Precondition.NONE);
        run(1);
        done(cluster.node(at.home()).makeShadows(other, 5, TTL));
      }
    }
  }

  @Test
  void whatCannotBeReadNow_isMadeAgainWhenItCan() {
    start();
    make(3);
    RegionName lost = holders().get(0);
    cluster.stop(homes.home());
    cluster.start(homes.home());
    run(20);
    cluster.crash(homes.backup());
    SimFault unreadable =
        cluster
            .machine(homes.home())
            .disk()
            .failAll(SimDisk.Operation.READ, file -> file.startsWith("journal-"));
    cluster.crash(lost);
    run(60);
    assertThat(unreadable.hits()).isPositive();
    assertThat(home().stats().rebuild().outstanding()).isOne();
    assertThat(home().stats().rebuild().made()).isZero();
    unreadable.end();
    run(200);
    assertThat(holders()).hasSize(1).doesNotContain(lost);
    assertThat(home().stats().rebuild().outstanding()).isZero();
  }

  /** The home that it had before does not have it made once more. */
  @Test
  void afterItsHomeHasMoved_aShadowIsMadeAgainOnce() {
    start();
    RegionName before = homes.home();
    make(3);
    RegionName lost = holders().get(0);
    RegionName next = others.stream().filter(each -> !each.equals(lost)).findFirst().get();
    done(cluster.node(before).moveHome(key, next));
    run(20);
    long paid = paidBy(next) + paidBy(before);
    cluster.crash(lost);
    run(200);
    assertThat(paidBy(next) + paidBy(before) - paid).isOne();
    assertThat(cluster.node(before).stats().rebuild().outstanding()).isZero();
    assertThat(cluster.node(next).stats().rebuild().outstanding()).isZero();
  }
}
