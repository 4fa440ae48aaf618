package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.UpdateTotals;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a region with a copy is sent when the home writes: by how it reads. */
class CopyUpdatesTest {
  private static final int BYTES = 4096;
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final SimCluster cluster = new SimCluster(23, 1 << 20, "ap", "eu", "us");
  private final Random random = new Random(1);
  private RegionName home;
  private RegionName backup;
  private RegionName holder;
  private Key key;
  private Bytes written;

  private void start() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(20)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    key = Key.of("n/1");
    home = cluster.node(cluster.regions.get(0)).homesOf(key).home();
    backup = cluster.node(home).homesOf(key).backup();
    holder =
        cluster.regions.stream()
            .filter(region -> !region.equals(home) && !region.equals(backup))
            .findFirst()
            .orElseThrow();
    write();
    read();
  }

  private void write() {
    byte[] value = new byte[BYTES];
    random.nextBytes(value);
    written = Bytes.copyOf(value);
    cluster.node(home).write(key, written, Header.NEVER, Precondition.NONE);
    cluster.world.runFor(SECOND);
    for (RegionName region : new RegionName[] {home, backup}) {
      assertThat(cluster.node(region).store().read(key).payload())
          .as("the last copies are none of its business")
          .isEqualTo(written);
    }
  }

  /** Returns whether it was here. */
  private boolean read() {
    var node = cluster.node(holder);
    if (node.hit("c", key.path()) != null) {
      return true;
    }
    var read = node.read("c", key);
    cluster.world.runFor(SECOND);
    assertThat(read.join()).isInstanceOf(ReadOutcome.Value.class);
    MetadataRecord shown = node.hit("c", key.path()).orElseThrow();
    assertThat(shown.payload()).as("what is read is the newest").isEqualTo(written);
    return false;
  }

  private UpdateTotals updates() {
    return cluster
        .node(home)
        .stats()
        .prefetch()
        .arm()
        .updates()
        .getOrDefault(holder, new UpdateTotals(0, 0, 0, 0, 0));
  }

  private Decision.Reason lastReason() {
    var decisions = cluster.node(home).decisionsOn(key);
    return decisions.get(decisions.size() - 1).reason();
  }

  @Test
  void aCopyThatIsReadOften_isPushed_andNoReadWaits() {
    start();
    for (int i = 0; i < 60; i++) {
      write();
      for (int second = 0; second < 5; second++) {
        cluster.world.runFor(SECOND);
        assertThat(read()).isTrue();
      }
    }
    assertThat(updates().pushed()).isEqualTo(60);
    assertThat(updates().invalidated()).isZero();
  }

  @Test
  void aCopyThatIsWrittenOften_andReadSeldom_isInvalidated_andFetchedOnDemand() {
    start();
    for (int i = 0; i < 300; i++) {
      write();
      if (i % 60 == 59) {
        assertThat(read()).isFalse();
      }
    }
    assertThat(updates().pushed()).isLessThan(20);
    assertThat(updates().invalidated()).isGreaterThan(270);
    assertThat(updates().dropped()).isZero();
    assertThat(lastReason()).isEqualTo(Decision.Reason.INVALIDATED);
  }

  @Test
  void aCopyThatIsNeverReadAgain_isDropped_onceForAll_untilItIsFetched() {
    start();
    for (int i = 0; i < 120; i++) {
      write();
      cluster.world.runFor(Duration.ofSeconds(4));
    }
    assertThat(updates().dropped()).isEqualTo(1);
    assertThat(lastReason()).isEqualTo(Decision.Reason.DROPPED);
    UpdateTotals then = updates();
    write();
    assertThat(updates()).isEqualTo(then);
    assertThat(read()).isFalse();
    write();
    assertThat(updates().pushed()).isEqualTo(then.pushed() + 1);
  }

  @Test
  void aHolderOfThePreviousProtocol_isJudgedByItsFetches() {
    cluster.protocols = () -> new ProtocolRange(FrameCodec.MIN_PROTOCOL, FrameCodec.PROTOCOL - 1);
    start();
    for (int i = 0; i < 60; i++) {
      write();
    }
    assertThat(updates().invalidated()).isPositive();
    long pushed = updates().pushed();
    for (int i = 0; i < 60; i++) {
      write();
      read();
    }
    assertThat(updates().pushed()).isGreaterThan(pushed);
    assertThat(updates().dropped()).isZero();
  }

  @Test
  void switchedOff_noCopyIsPushed() {
    start();
    cluster.node(home).setPrediction(false);
    write();
    assertThat(updates().refused()).isEqualTo(1);
    assertThat(read()).isFalse();
  }
}
