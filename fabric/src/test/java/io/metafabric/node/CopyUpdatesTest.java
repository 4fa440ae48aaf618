package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.arm.Decision;
import io.metafabric.replicate.arm.KeptCopy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.arm.UpdateTotals;
import java.time.Duration;
import java.util.Map;
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
        .getOrDefault(holder, UpdateTotals.NONE);
  }

  private Decision.Reason lastReason() {
    var decisions = cluster.node(home).decisionsOn(key);
    return decisions.get(decisions.size() - 1).reason();
  }

  @Test
  void aCopyThatIsReadOften_isPushed_andNoReadWaits() {
    start();
    long before = updates().pushed();
    for (int i = 0; i < 60; i++) {
      write();
      for (int second = 0; second < 5; second++) {
        cluster.world.runFor(SECOND);
        assertThat(read()).isTrue();
      }
    }
    assertThat(updates().pushed() - before).isEqualTo(60);
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
    for (int i = 0; i < 20; i++) {
      write();
      read();
    }
    assertThat(updates().pushed()).isGreaterThan(then.pushed() + 5);
    assertThat(read()).isTrue();
  }

  private Key otherKey(String prefix, int number) {
    for (int i = 0; ; i++) {
      Key other = Key.of("n/" + prefix + "." + number + "." + i);
      var at = cluster.node(home).homesOf(other);
      if (at.home().equals(home) && backup.equals(at.backup())) {
        return other;
      }
    }
  }

  /** Writes keys that are new, each read there soon after or never; how many of them were there. */
  private int foundOfNew(String prefix, int count, boolean isRead) {
    int found = 0;
    for (int i = 0; i < count; i++) {
      Key other = otherKey(prefix, i);
      cluster.node(home).write(other, written, Header.NEVER, Precondition.NONE);
      cluster.world.runFor(SECOND);
      boolean there = cluster.node(holder).readHere("c", other) != null;
      found += there ? 1 : 0;
      if (isRead && !there) {
        cluster.node(holder).read("c", other);
      }
      cluster.world.runFor(SECOND);
    }
    return found;
  }

  @Test
  void whatIsNew_isThereBeforeItIsRead_whereTheLikesOfItAreRead() {
    cluster.keptBytes = 1 << 20;
    start();
    assertThat(foundOfNew("read", 60, true)).isGreaterThan(50);
    assertThat(updates().unasked()).isGreaterThan(50);
    assertThat(updates().read()).isGreaterThan(50);
    var decisions = cluster.node(home).decisionsOn(otherKey("read", 59));
    assertThat(decisions).hasSize(1);
    assertThat(decisions.get(0).toString()).startsWith("pushed: first copy in " + holder);
  }

  @Test
  void whatIsNew_isNotSentWhereTheLikesOfItAreNeverRead() {
    cluster.keptBytes = 1 << 20;
    start();
    for (int i = 0; i < 400; i++) {
      cluster.node(home).write(otherKey("unread", i), written, Header.NEVER, Precondition.NONE);
      cluster.world.runFor(SECOND);
    }
    long before = updates().pushed();
    for (int i = 400; i < 500; i++) {
      cluster.node(home).write(otherKey("unread", i), written, Header.NEVER, Precondition.NONE);
      cluster.world.runFor(SECOND);
    }
    assertThat(updates().pushed() - before).isLessThan(10);
  }

  @Test
  void whatOthersWrite_isSentOnByTheHome() {
    cluster.keptBytes = 1 << 20;
    start();
    foundOfNew("read", 60, true);
    Key other = otherKey("elsewhere", 0);
    cluster.node(backup).write(other, written, Header.NEVER, Precondition.NONE);
    cluster.world.runFor(SECOND);
    MetadataRecord there = cluster.node(holder).readHere("c", other);
    assertThat(there).isNotNull();
    assertThat(there.payload()).isEqualTo(written);
  }

  /**
   * Counted in changes that the home makes to its own books: what is paused is paid for by none.
   */
  @Test
  void whatOthersWrite_isNotSentOn_toARegionThatIsPaused() {
    cluster.keptBytes = 1 << 20;
    start();
    foundOfNew("read", 60, true);
    long before = updates().pushed();
    cluster.node(home).replicator().pause(holder);
    for (int i = 0; i < 10; i++) {
      Key other = otherKey("paused", i);
      cluster.node(backup).write(other, written, Header.NEVER, Precondition.NONE);
      cluster.world.runFor(SECOND);
      assertThat(cluster.node(holder).readHere("c", other)).isNull();
    }
    assertThat(updates().pushed()).isEqualTo(before);

    cluster.node(home).replicator().resume(holder);
    cluster.world.runFor(SECOND);
    Key other = otherKey("resumed", 0);
    cluster.node(backup).write(other, written, Header.NEVER, Precondition.NONE);
    cluster.world.runFor(SECOND);
    assertThat(cluster.node(holder).readHere("c", other)).isNotNull();
  }

  @Test
  void ofWhatMayHaveSiblings_nothingIsSentUnasked_norKept() {
    cluster.keptBytes = 1 << 20;
    cluster.conflicts =
        new ConflictConfig(
            new ConflictRules(Map.of("n", ConflictRule.siblings())), Duration.ofSeconds(60));
    start();
    assertThat(foundOfNew("read", 60, true)).isZero();
    assertThat(updates().unasked()).isZero();
    assertThat(cluster.node(holder).stats().kept().copies()).isZero();
  }

  @Test
  void aCopyIsExplained_whereItIsKept_andClientsAreSentThere() {
    cluster.keptBytes = 1 << 20;
    start();
    assertThat(foundOfNew("read", 60, true)).isGreaterThan(50);
    Key kept = otherKey("read", 50);
    KeptCopy why = cluster.node(holder).keptCopy(kept);
    assertThat(why.cause()).isEqualTo(KeptCopy.Cause.SENT);
    assertThat(why.bytes()).isGreaterThan(BYTES);
    assertThat(why.expiresIn()).isPositive();
    assertThat(cluster.node(home).keptCopy(kept)).as("which holds it anyway").isNull();
    assertThat(cluster.node(holder).store().holdsPayload(kept)).isFalse();
    for (RegionName asked : cluster.regions) {
      var route = cluster.node(asked).route(kept, null, Map.of());
      cluster.world.runFor(SECOND);
      assertThat(route.join().choices())
          .as("asked in %s", asked)
          .filteredOn(choice -> choice.region().equals(holder))
          .allSatisfy(choice -> assertThat(choice.holdsPayload()).isEqualTo(!asked.equals(backup)));
    }
  }

  @Test
  void whereThereIsNoRoom_nothingIsSentUnasked_butNowAndThen() {
    cluster.keptBytes = 0;
    start();
    assertThat(foundOfNew("read", 60, true)).isZero();
    assertThat(updates().unasked()).isBetween(1L, 5L);
  }

  /** Prices and the worth of a millisecond go into the next decision. */
  @Test
  void whereWaitingIsWorthNothing_fromNowOn_nothingIsSentThatIsReadNowAndThen() {
    cluster.keptBytes = 1 << 20;
    start();
    assertThat(foundOfNew("read", 30, true)).isGreaterThan(20);
    cluster.node(home).setPrices(Prices.DEFAULT.withSavedMs(0));
    long before = updates().pushed();
    assertThat(foundOfNew("cheap", 30, true)).isZero();
    assertThat(updates().pushed()).isEqualTo(before);
  }

  @Test
  void theBudgetOfTheHome_isNeverExceeded_andWhatItRefusesIsTold() {
    cluster.keptBytes = 1 << 20;
    cluster.prefetchBytesPerSecond = BYTES;
    start();
    long began = cluster.world.nanoTime();
    long before = updates().pushedBytes();
    for (int i = 0; i < 50; i++) {
      for (int j = 0; j < 5; j++) {
        cluster
            .node(home)
            .write(otherKey("many", 5 * i + j), written, Header.NEVER, Precondition.NONE);
      }
      cluster.world.runFor(SECOND);
      double seconds = 1 + (cluster.world.nanoTime() - began) / 1e9;
      assertThat((double) updates().pushedBytes() - before).isLessThanOrEqualTo(BYTES * seconds);
    }
    assertThat(updates().refused()).isPositive();
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
