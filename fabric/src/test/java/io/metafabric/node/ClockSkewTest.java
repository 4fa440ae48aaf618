package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.PeerStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/** A region whose clock is an hour ahead. */
class ClockSkewTest {
  private static final Key BEFORE = Key.of("n/before");
  private static final Key AHEAD = Key.of("n/ahead");

  private final SimCluster cluster = new SimCluster(11, 16 << 10, "eu", "us", "ap");
  private final RegionName eu = cluster.regions.get(0);
  private final RegionName us = cluster.regions.get(1);

  private void run(Duration time) {
    cluster.world.runFor(time);
  }

  private void write(RegionName region, Key key, String value) {
    cluster.node(region).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
  }

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(Duration.ofSeconds(5));
  }

  @Test
  void itMayNotWrite_whileMostOfItsPeersDisagree_andTheyMay() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    run(Duration.ofSeconds(2));
    assertThatThrownBy(() -> write(eu, AHEAD, "no"))
        .isInstanceOf(ClockSkewException.class)
        .hasMessageContaining("us=-36");
    write(us, BEFORE, "yes");
    run(Duration.ofSeconds(2));
    assertThat(cluster.node(eu).store().header(BEFORE)).isNotNull();

    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(2));
    write(eu, AHEAD, "yes");
    run(Duration.ofSeconds(2));
    assertThat(cluster.isConverged()).isTrue();
  }

  /** What it wrote before anybody could tell waits with the others, and their clocks stay right. */
  @Test
  void whatItWroteMeanwhile_isHeld_appliedInTheEnd_andHoldsUpNobodyElse() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    write(eu, AHEAD, "from the future");
    run(Duration.ofSeconds(5));
    assertThat(cluster.node(us).store().header(AHEAD)).isNull();
    assertThat(cluster.node(us).stats().store().held().changes()).isEqualTo(1);
    write(us, BEFORE, "now");
    run(Duration.ofSeconds(5));
    Header now = cluster.node(eu).store().header(BEFORE);
    assertThat(now).isNotNull();
    assertThat(now.version().stamp().wallMs())
        .isLessThan(cluster.machine(us).clock().wallMs() + 60_000);

    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(2));
    write(eu, Key.of("n/behind"), "waits behind it");
    run(Duration.ofMinutes(1));
    assertThat(cluster.node(us).store().header(Key.of("n/behind"))).isNull();
    run(Duration.ofHours(1));
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(5));
    assertThat(cluster.node(us).store().header(AHEAD)).isNotNull();
    assertThat(cluster.node(us).stats().store().held().changes()).isZero();
  }

  /** It would be the whole window every few seconds, for as long as clocks differ. */
  @Test
  void whatWaitsBehindIt_isNotSentAgainAndAgain_andTheSenderSaysThatNothingIsTaken() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    write(eu, AHEAD, "from the future");
    run(Duration.ofMillis(100));
    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(2));
    var random = new Random(1);
    byte[] value = new byte[4096];
    for (int i = 0; i < 300; i++) {
      random.nextBytes(value);
      cluster
          .node(eu)
          .write(Key.of("n/" + i), Bytes.copyOf(value), Header.NEVER, Precondition.NONE);
      if (i % 50 == 0) {
        run(Duration.ofMillis(10));
      }
    }
    run(Duration.ofMinutes(1));
    PeerStats toUs = cluster.node(eu).replicator().stats(us);
    assertThat(toUs.problem()).contains("us", "held");
    assertThat(toUs.inFlightBytes()).isPositive().isLessThan(200_000);
    long resends = toUs.resends();
    run(Duration.ofMinutes(10));
    assertThat(cluster.node(eu).replicator().stats(us).resends() - resends).isBetween(10L, 21L);

    run(Duration.ofMinutes(50));
    assertThat(cluster.isConverged()).isTrue();
    assertThat(cluster.node(eu).replicator().stats(us).problem()).isNull();
  }

  /** It would hold up repairs, and catching up, for as long as its clock was ahead. */
  @Test
  void aComparison_bringsAllButWhatIsTooFarAhead_andSaysSo() {
    start();
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    write(eu, AHEAD, "from the future");
    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(5));
    for (RegionName asker : List.of(eu, us)) {
      // Both ways, and in more than one frame.
      List<Key> lackedByUs = give(eu, asker + "-eu", 300);
      List<Key> lackedByEu = give(us, asker + "-us", 300);
      var comparing = cluster.node(asker).compare(asker.equals(eu) ? us : eu);
      cluster.world.runUntil("the comparison", comparing::isDone, Duration.ofMinutes(5));
      assertThat(comparing)
          .failsWithin(Duration.ZERO)
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(ClockSkewException.class)
          .withMessageContaining(AHEAD.path());
      assertThat(lackedByUs).allMatch(key -> cluster.node(us).store().header(key) != null);
      assertThat(lackedByEu).allMatch(key -> cluster.node(eu).store().header(key) != null);
    }
    assertThat(cluster.node(us).store().header(AHEAD)).isNull();
    run(Duration.ofHours(1));
    var comparing = cluster.node(eu).compare(us);
    cluster.world.runUntil("the comparison", comparing::isDone, Duration.ofMinutes(5));
    assertThat(comparing).isCompleted();
    assertThat(cluster.node(us).store().header(AHEAD)).isNotNull();
  }

  /** As the home it would say that there is no value. */
  @Test
  void aHomeDoesNotMove_toWhereItsValueIsTooFarAhead() {
    start();
    Key key = Key.of("n/0");
    for (int i = 1; !cluster.node(eu).homesOf(key).home().equals(eu); i++) {
      key = Key.of("n/" + i);
    }
    cluster.machine(eu).jumpWall(Duration.ofHours(1));
    write(eu, key, "from the future");
    cluster.machine(eu).jumpWall(Duration.ofHours(-1));
    run(Duration.ofSeconds(5));
    var moving = cluster.node(eu).moveHome(key, us);
    cluster.world.runUntil("the move", moving::isDone, Duration.ofMinutes(1));
    assertThat(moving.join().outcome()).isEqualTo(MoveOutcome.REFUSED);
    assertThat(moving.join().message()).contains("ahead of this node's clock");

    run(Duration.ofMinutes(1));
    RegionName ap = cluster.regions.get(2);
    var reading = cluster.node(ap).read(null, key);
    cluster.world.runUntil("the read", reading::isDone, Duration.ofMinutes(1));
    assertThat(reading.join()).isInstanceOf(ReadOutcome.Value.class);
  }

  /** Of a directory that is no more, so that comparisons alone bring them. */
  private List<Key> give(RegionName to, String name, int count) {
    var gone = new ActorId(name.hashCode());
    var given = new ArrayList<Inbound>();
    Bytes payload = Bytes.utf8("x".repeat(1000));
    for (int i = 1; i <= count; i++) {
      var version = new Version(new Dot(gone, i), VersionVector.EMPTY, new Stamp((long) i << 16));
      Header header = Header.value(version, to, payload, Header.NEVER);
      given.add(new Inbound(new MetadataRecord(Key.of("n/" + name + i), header, payload), true));
    }
    var done = cluster.node(to).store().applyAll(given);
    cluster.world.runUntil("they are there", done::isDone, Duration.ofMinutes(1));
    return given.stream().map(each -> each.record().key()).toList();
  }
}
