package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What shadows are sent when a key is written while prediction is off. */
class UpdatesOfShadowsTest {
  private static final Duration TTL = Duration.ofMinutes(30);

  private final SimCluster cluster = new SimCluster(5, 64 << 10, "eu", "us", "ap");
  private final Key key = Key.of("n/shadowed");
  private RegionName home;
  private RegionName other;

  private void start(ShadowRules rules) {
    cluster.shadows = new ShadowConfig(rules, 1 << 20);
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    Homes homes = cluster.node(cluster.regions.get(0)).homesOf(key);
    home = homes.home();
    other = cluster.regions.stream().filter(each -> !homes.include(each)).findFirst().get();
    write(1);
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  private Dot write(int what) {
    byte[] value = new byte[1_000];
    value[0] = (byte) what;
    cluster.node(home).write(key, Bytes.copyOf(value), Header.NEVER, Precondition.NONE);
    run(1);
    return cluster.node(home).store().header(key).version().dot();
  }

  private ShadowAnswer shadow() {
    return done(cluster.node(home).shadowsOf(key)).stream()
        .filter(answer -> answer.region().equals(other))
        .findFirst()
        .get();
  }

  private void isSwitchedOff() {
    cluster.node(home).setPrediction(false);
    run(1);
  }

  @Test
  void oneThatWasAskedForByName_isUpdated_alsoWhilePredictionIsOff() {
    start(ShadowRules.NONE);
    done(cluster.node(home).makeShadows(key, 3, TTL));
    isSwitchedOff();
    Dot last = write(2);
    assertThat(shadow().facts().reason()).isEqualTo(ShadowReason.REQUESTED);
    assertThat(shadow().facts().dot()).isEqualTo(last);
  }

  @Test
  void oneThatARuleMade_isUpdatedWhilePredictionIsOn_only() {
    start(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)));
    var outcome = done(cluster.node(other).read("c", key));
    cluster.node(other).finished("c", key, outcome);
    run(1);
    Dot second = write(2);
    assertThat(shadow().facts().reason()).isEqualTo(ShadowReason.FIRST_READ);
    assertThat(shadow().facts().dot()).isEqualTo(second);
    isSwitchedOff();
    write(3);
    assertThat(shadow().facts().dot()).isEqualTo(second);
    cluster.node(home).setPrediction(true);
    assertThat(shadow().facts().dot()).isEqualTo(second);
    Dot fourth = write(4);
    assertThat(shadow().facts().dot()).isEqualTo(fourth);
  }
}
