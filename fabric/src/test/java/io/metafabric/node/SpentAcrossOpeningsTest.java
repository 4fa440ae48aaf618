package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk.Loss;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.arm.ArmStats;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CopyTotals;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.SpentFile;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A day's dollars are those of all openings in it. */
class SpentAcrossOpeningsTest {
  private static final Duration TTL = Duration.ofMinutes(30);

  /** So that what little is sent here counts. */
  private static final Prices DEAR = new Prices(1e-2, 1e-10, 0.01);

  private final SimCluster cluster = new SimCluster(3, 64 << 10, "eu", "us", "ap", "sa");
  private final Key key = Key.of("n/shadowed");

  private RegionName start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    return cluster.node(cluster.regions.get(0)).homesOf(key).home();
  }

  private FabricNode<?> in(RegionName region) {
    return cluster.node(region);
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private ArmStats arm(RegionName region) {
    return in(region).stats().prefetch().arm();
  }

  private double spent(RegionName region) {
    return arm(region).spentOfDay();
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  private void write(RegionName in, Key written, int bytes) {
    in(in).write(written, Bytes.copyOf(new byte[bytes]), Header.NEVER, Precondition.NONE);
  }

  /** Its home has one sent to another region, and pays for that. */
  private List<ShadowAnswer> pay(RegionName home) {
    in(home).setPrices(DEAR);
    write(home, key, 60_000);
    run(1);
    done(in(home).dropShadows(key));
    return done(in(home).makeShadows(key, 4, TTL));
  }

  @Test
  void whatWasSpent_countsInTheNextOpening_afterAStopInOrder() {
    RegionName home = start();
    assertThat(spent(home)).isZero();
    pay(home);
    double before = spent(home);
    assertThat(before).isGreaterThan(1e-3);
    cluster.stop(home);
    run(60);
    cluster.start(home);
    assertThat(spent(home)).isCloseTo(before, within(1e-9));
    assertThat(arm(home).total().spentDollars()).as("these are of this opening").isZero();
  }

  @Test
  void openingsThatAreKilled_spendTogetherWhatOneMay() {
    RegionName home = start();
    pay(home);
    double ofOne = spent(home);
    double perDay = 3.5 * ofOne;
    int paid = 1;
    for (int i = 0; i < 8; i++) {
      cluster.crash(home, Loss.NONE);
      cluster.start(home);
      run(20);
      in(home).setCopyBudget(CopyBudget.DEFAULT.withDollarsPerDay(perDay));
      boolean isPaid = pay(home).stream().anyMatch(each -> each.outcome() == MoveOutcome.DONE);
      paid += isPaid ? 1 : 0;
      assertThat(spent(home)).isLessThanOrEqualTo(Math.max(perDay, 3 * ofOne + 10 / 256.0));
    }
    assertThat(paid).isLessThanOrEqualTo(3);
    assertThat(done(in(home).makeShadows(key, 4, TTL)))
        .anyMatch(each -> each.message().contains("over dollars per day"));
  }

  @Test
  void whereTheNotesAreDamaged_nothingIsPaidFor() {
    RegionName home = start();
    pay(home);
    cluster.stop(home);
    for (int place = 0; place < 2; place++) {
      cluster.machine(home).disk().damage(SpentFile.NAME, place * 512L + 40);
    }
    cluster.start(home);
    run(10);
    assertThat(pay(home)).noneMatch(each -> each.outcome() == MoveOutcome.DONE);
  }

  @Test
  void whatIsBroughtAgain_countsInDollars_andIsNotRefused() {
    RegionName home = start();
    for (int i = 0; i < 50; i++) {
      write(home, Key.of("n/" + i), 4_000);
    }
    run(5);
    List<RegionName> left = cluster.regions.stream().filter(each -> !each.equals(home)).toList();
    for (RegionName each : left) {
      in(each).setPrices(DEAR);
      in(each).setCopyBudget(CopyBudget.DEFAULT.withDollarsPerDay(0));
    }
    cluster.crash(home);
    done(in(left.get(0)).evict(home));
    run(60);
    long made = 0;
    for (RegionName each : left) {
      var rebuilt = in(each).stats().rebuild();
      Map<RegionName, CopyTotals> missing = arm(each).missing();
      CopyTotals all =
          missing.values().stream().reduce(new CopyTotals(0, 0, 0, 0, 0, 0), CopyTotals::plus);
      assertThat(rebuilt.outstanding()).isZero();
      assertThat(all.copies()).isEqualTo(rebuilt.made());
      assertThat(all.bytes()).isEqualTo(rebuilt.bytes());
      assertThat(all.spentDollars()).isCloseTo(rebuilt.bytes() * 1e-8, within(1e-9));
      assertThat(spent(each)).isGreaterThanOrEqualTo(all.spentDollars());
      assertThat(arm(each).total().copies()).isGreaterThanOrEqualTo(all.copies());
      assertThat(arm(each).total().spentDollars()).isGreaterThanOrEqualTo(all.spentDollars());
      made += rebuilt.made();
    }
    assertThat(made).isGreaterThan(10);
  }
}
