package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each opening of a region is an actor of its own: what a key's versions name must not grow. */
class ManyOpeningsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Key KEY = Key.of("n/1");
  private static final int OPENINGS = 45;

  /** As many as are left alone, and those of the openings of a minute or so. */
  private static final int MOST = 8 + 6;

  private final SimCluster cluster = new SimCluster(11, 1 << 16, "ap", "eu", "us");

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    seconds(3);
  }

  private void seconds(int seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private RegionName regionOf(int number) {
    return cluster.regions.get(number % cluster.regions.size());
  }

  private void openAnew(RegionName region) {
    cluster.stop(region, SimDisk.Loss.NONE);
    cluster.start(region);
  }

  private MetadataRecord write(RegionName in, Key key, @Nullable String value) {
    Bytes payload = value == null ? null : Bytes.utf8(value);
    return await(cluster.node(in).write(key, payload, Header.NEVER, Precondition.NONE));
  }

  private <T> T await(CompletableFuture<T> future) {
    cluster.world.runUntil("an answer", future::isDone, Duration.ofMinutes(1));
    return future.join();
  }

  private int named(RegionName region, Key key) {
    Header known = cluster.node(region).store().header(key);
    return known == null ? 0 : known.version().context().size();
  }

  private void assertFewAreNamed(Key key) {
    for (RegionName region : cluster.regions) {
      assertThat(named(region, key)).as("%s in %s", key, region).isLessThanOrEqualTo(MOST);
    }
  }

  private void assertNoConflict() {
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().conflicts()).as("in %s", region).isEmpty();
    }
  }

  @Test
  void aKeyThatEachOpeningWrites_namesTheLastOnesOnly() {
    for (int i = 0; i < OPENINGS; i++) {
      openAnew(regionOf(i));
      seconds(90);
      write(regionOf(i), KEY, "from " + i);
      seconds(20);
      assertFewAreNamed(KEY);
    }
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(3));
    assertNoConflict();
    assertThat(cluster.node(EU).store().header(KEY).version().dot().actor())
        .isEqualTo(cluster.node(regionOf(OPENINGS - 1)).store().actor());
  }

  /** No version of it is ever settled while it is the newest. */
  @Test
  void aKeyThatAllWriteAllTheTime_namesTheLastOnesOnly() {
    for (int i = 0; i < OPENINGS; i++) {
      openAnew(regionOf(i));
      for (int j = 0; j < 30; j++) {
        seconds(1);
        write(regionOf(j), KEY, i + " " + j);
      }
      assertFewAreNamed(KEY);
    }
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(3));
  }

  @Test
  void whatSessionsWrite_namesTheLastOnesOnly_ofOtherKeysToo() {
    Dependencies seen = Dependencies.NONE;
    for (int i = 0; i < OPENINGS; i++) {
      openAnew(regionOf(i));
      seconds(20);
      Key other = Key.of("other/" + i);
      seen = seen.saw(other, write(regionOf(i), other, "x").header().version());
      seconds(1);
      FabricNode<MetadataRecord> node = cluster.node(regionOf(i + 1));
      Sessions sessions = node.guarantees().sessions();
      await(sessions.readyToWrite(seen, Duration.ofSeconds(30)));
      seen = sessions.compacted(seen);
      MetadataRecord written =
          await(node.writeAfter(KEY, Bytes.utf8("y"), Header.NEVER, Precondition.NONE, seen));
      assertThat(seen.isEmpty() || written.header().version().context().covers(seen.all()))
          .isTrue();
      seen = seen.saw(KEY, written.header().version());
      assertFewAreNamed(KEY);
    }
  }

  @Test
  void whatARegionHasThatIsAway_goesOnBeingNamed() {
    write(US, KEY, "before");
    seconds(30);
    MetadataRecord last = write(US, KEY, "last");
    seconds(1);
    cluster.stop(US, SimDisk.Loss.NONE);
    for (int i = 0; i < OPENINGS; i++) {
      openAnew(EU);
      seconds(30);
      write(EU, KEY, "from " + i);
      assertThat(
              cluster.node(EU).store().header(KEY).version().covers(last.header().version().dot()))
          .isTrue();
    }
    cluster.start(US);
    cluster.world.runUntil("convergence", cluster::isConverged, Duration.ofMinutes(3));
    assertNoConflict();
    seconds(90);
    write(US, KEY, "once more");
    seconds(90);
    write(US, KEY, "and again");
    seconds(1);
    assertFewAreNamed(KEY);
  }

  /** What it brings back is named by nobody any more; it loses by its stamp. */
  @Test
  void anOlderDisk_bringsNothingBack() {
    write(US, KEY, "old");
    seconds(30);
    var old = cluster.files(US);
    for (int i = 0; i < OPENINGS; i++) {
      openAnew(EU);
      seconds(20);
      write(EU, KEY, "from " + i);
      seconds(20);
    }
    cluster.stop(US, SimDisk.Loss.NONE);
    cluster.replaceFiles(US, old);
    cluster.start(US);
    seconds(60);
    for (RegionName region : cluster.regions) {
      assertThat(cluster.node(region).store().header(KEY).payloadBytes())
          .as("in %s", region)
          .isEqualTo(("from " + (OPENINGS - 1)).length());
    }
  }
}
