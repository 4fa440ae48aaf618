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
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the home merges while somebody who has seen all of it writes something else. */
class MergedAndSeenTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");

  private final SimCluster cluster = new SimCluster(1, 1 << 14, "ap", "eu", "us");
  private Key key = Key.of("n/0");

  private static Bytes union(Bytes a, Bytes b) {
    var all = new TreeSet<>(Arrays.asList(a.toUtf8().split(" ")));
    all.addAll(Arrays.asList(b.toUtf8().split(" ")));
    return Bytes.utf8(String.join(" ", all));
  }

  private void start(ConflictRule rule) {
    cluster.conflicts =
        new ConflictConfig(new ConflictRules(Map.of("n", rule)), Duration.ofSeconds(60));
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(15));
    key =
        IntStream.range(0, 1000)
            .mapToObj(i -> Key.of("n/" + i))
            .filter(each -> cluster.node(EU).homesOf(each).home().equals(AP))
            .findFirst()
            .orElseThrow();
  }

  private void write(RegionName region, @Nullable String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    cluster.node(region).write(key, payload, Header.NEVER, Precondition.NONE);
  }

  /** Two write, eu sees both, and the home has not told what it makes of them. */
  private void twoWrite_andEuSeesBoth() {
    write(EU, "a");
    write(US, "b");
    cluster.world.runUntil(
        "eu sees both",
        () -> {
          MetadataRecord seen = cluster.node(EU).store().read(key);
          return seen != null && seen.hasSiblings();
        },
        Duration.ofMinutes(1));
  }

  private void requireOneMergeThatWasNotSeen() {
    assertThat(cluster.node(AP).store().read(key).versions())
        .as("the home has merged what both had written")
        .anyMatch(each -> each.header().kind() == Header.Kind.MERGED);
  }

  private String shownIn(RegionName region) {
    var read = cluster.node(region).read(null, key);
    cluster.world.runUntil("read", read::isDone, Duration.ofMinutes(1));
    return read.join() instanceof ReadOutcome.Value value
        ? value.record().payload().toUtf8()
        : "nothing";
  }

  private void assertShownEverywhere(String value) {
    for (RegionName region : cluster.regions) {
      assertThat(shownIn(region)).as(region.toString()).isEqualTo(value);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatWasDeleted_whenAllOfItHadBeenSeen_doesNotComeBackMerged(boolean homeOnly) {
    start(rule(homeOnly));
    twoWrite_andEuSeesBoth();
    write(EU, null);
    cluster.world.runFor(Duration.ofMillis(30));
    requireOneMergeThatWasNotSeen();
    for (int i = 0; i < 200; i++) {
      cluster.world.runFor(Duration.ofMillis(5));
      assertThat(shownIn(EU)).as("after the deletion").isEqualTo("nothing");
    }
    cluster.world.runFor(Duration.ofSeconds(20));
    assertShownEverywhere("nothing");
    cluster.world.runFor(Duration.ofHours(1));
    assertShownEverywhere("nothing");
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(key)).as("all is forgotten").isNull();
    }
  }

  private static ConflictRule rule(boolean homeOnly) {
    ConflictRule rule = ConflictRule.merge("union", MergedAndSeenTest::union);
    return homeOnly ? rule.homeOnly() : rule;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatClosedTheConflict_isNotMergedWithWhatItHadClosed(boolean homeOnly) {
    start(rule(homeOnly));
    twoWrite_andEuSeesBoth();
    write(EU, "c");
    cluster.world.runFor(Duration.ofMillis(30));
    requireOneMergeThatWasNotSeen();
    cluster.world.runFor(Duration.ofSeconds(20));
    assertShownEverywhere("c");
  }

  @Test
  void whatHadSeenOnlyOneOfTwo_isMergedAsBefore() {
    start(rule(false));
    write(US, "b");
    write(EU, "a");
    cluster.world.runFor(Duration.ofMillis(1));
    write(EU, "a c");
    cluster.world.runFor(Duration.ofSeconds(20));
    assertShownEverywhere("a b c");
  }

  @Test
  void underAPartition_theDeletionHolds_onceItReachesTheHome() {
    start(rule(false));
    twoWrite_andEuSeesBoth();
    cluster.network.split("ap", "eu");
    cluster.network.split("ap", "us");
    cluster.world.runFor(Duration.ofSeconds(20));
    write(EU, null);
    cluster.world.runFor(Duration.ofMinutes(2));
    requireOneMergeThatWasNotSeen();
    cluster.network.heal("ap", "eu");
    cluster.network.heal("ap", "us");
    cluster.world.runFor(Duration.ofMinutes(2));
    assertShownEverywhere("nothing");
  }
}
