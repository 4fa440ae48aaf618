package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Three regions that keep concurrent writes, with loss, partitions and crashes: in the end all know
 * the same versions, and every acknowledged write is one of them or was seen by one.
 */
class SiblingsSimulationTest {
  private static final int OPERATIONS = 300;
  private static final int KEYS = 20;

  /** Words, each once, in their order. */
  private static Bytes union(Bytes a, Bytes b) {
    var all = new TreeSet<>(words(a));
    all.addAll(words(b));
    return Bytes.utf8(String.join(" ", all));
  }

  private static Set<String> words(Bytes value) {
    return new TreeSet<>(Arrays.asList(value.toUtf8().split(" ")));
  }

  private static final class Run {
    final SimCluster cluster;
    final RandomGenerator random;
    final boolean merges;
    final Map<Dot, Key> acknowledged = new LinkedHashMap<>();
    final Map<Key, Set<String>> words = new HashMap<>();
    final Map<Key, List<MetadataRecord>> readOnce = new HashMap<>();
    int mostVersions;

    Run(long seed, ConflictRule rule, long segmentBytes) {
      cluster = new SimCluster(seed, segmentBytes, "eu", "us", "ap");
      cluster.conflicts =
          new ConflictConfig(new ConflictRules(Map.of("n", rule)), Duration.ofSeconds(60));
      merges = rule.merge() != null;
      random = cluster.world.fork("story");
      if (seed % 2 == 1) {
        cluster.world.jitter(Duration.ofMillis(1 + random.nextInt(30)));
      }
      cluster.network.defaultLink(
          new SimLink(Duration.ofMillis(40), Duration.ofMillis(120), 0.03, 0.03));
    }

    void go() {
      cluster.startAll();
      for (int i = 0; i < OPERATIONS; i++) {
        cluster.world.runFor(Duration.ofMillis(random.nextInt(100)));
        step();
      }
      quiet();
    }

    private void step() {
      RegionName region = cluster.regions.get(random.nextInt(3));
      int dice = random.nextInt(100);
      if (dice < 3 && cluster.isUp(region)) {
        cluster.crash(region);
      } else if (!cluster.isUp(region)) {
        if (dice < 60) {
          cluster.start(region);
        }
      } else if (dice < 6) {
        cluster.network.split("eu", dice % 2 == 0 ? "us" : "ap");
      } else if (dice < 12) {
        cluster.network.healAll();
      } else if (dice < 40) {
        read(region, anyKey());
      } else {
        write(region, anyKey(), dice);
      }
    }

    private Key anyKey() {
      return Key.of("n/" + random.nextInt(KEYS));
    }

    private void read(RegionName region, Key key) {
      cluster
          .node(region)
          .siblings(key)
          .whenComplete(
              (record, failure) -> {
                if (record != null) {
                  mostVersions = Math.max(mostVersions, record.versions().size());
                  readOnce.computeIfAbsent(key, any -> new ArrayList<>()).add(record);
                }
              });
      cluster.node(region).read("client", key);
    }

    private void write(RegionName region, Key key, int dice) {
      List<MetadataRecord> known = readOnce.getOrDefault(key, List.of());
      MetadataRecord read =
          known.isEmpty() || dice < 50 ? null : known.get(random.nextInt(known.size()));
      String word = "w" + acknowledged.size() + "-" + dice;
      Bytes payload = Bytes.utf8(word);
      Version seen = read == null ? Version.NONE : read.seen();
      if (merges && read != null) {
        for (Sibling each : read.versions()) {
          if (each.payload() == null) {
            return;
          }
          payload = union(payload, each.payload());
        }
      }
      boolean deletes = !merges && dice > 92;
      boolean blind = !merges && dice > 75;
      cluster
          .node(region)
          .store()
          .write(
              key, deletes ? null : payload, Header.NEVER, Precondition.NONE, blind ? null : seen)
          .whenComplete(
              (record, failure) -> {
                if (record != null) {
                  acknowledged.put(record.header().version().dot(), key);
                  words.computeIfAbsent(key, any -> new TreeSet<>()).add(word);
                }
              });
    }

    private void quiet() {
      cluster.network.healAll();
      cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
      for (RegionName region : cluster.regions) {
        if (!cluster.isUp(region)) {
          cluster.start(region);
        }
      }
      cluster.world.after(Duration.ofSeconds(60), this::traceDifferences);
      cluster.world.runUntil(
          "convergence", () -> isConverged() && everythingIsCovered(), Duration.ofMinutes(2));
      assertThat(mostVersions)
          .as(cluster.world.describe("more would fall out"))
          .isLessThan(MetadataRecord.MAX_VERSIONS);
    }

    private void traceDifferences() {
      for (Key key : cluster.allKeys()) {
        for (RegionName region : cluster.regions) {
          cluster.world.trace(key + " in " + region + " " + known(region, key));
        }
      }
    }

    private @Nullable MetadataRecord known(RegionName region, Key key) {
      MetadataRecord record = cluster.node(region).store().read(key);
      return record == null ? null : record.withoutPayload();
    }

    private boolean isConverged() {
      for (Key key : cluster.allKeys()) {
        MetadataRecord first = known(cluster.regions.get(0), key);
        for (RegionName region : cluster.regions) {
          if (first == null
              || !first.equals(known(region, key))
              || (merges && first.hasSiblings())
              || !hasItsPayloads(region, key)) {
            return false;
          }
        }
      }
      return true;
    }

    private boolean hasItsPayloads(RegionName region, Key key) {
      MetadataRecord record = cluster.node(region).store().read(key);
      return record != null
          && (!cluster.node(region).homesOf(key).include(region)
              || record.versions().stream()
                  .allMatch(each -> each.header().isTombstone() || each.payload() != null));
    }

    private boolean everythingIsCovered() {
      for (var each : acknowledged.entrySet()) {
        MetadataRecord known = known(cluster.regions.get(0), each.getValue());
        if (known == null
            || known.versions().stream()
                .noneMatch(version -> version.header().version().covers(each.getKey()))) {
          return false;
        }
      }
      return true;
    }
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void regionsConvergeOnTheSameSiblings_andNoAcknowledgedWriteIsLost(long seed) {
    var run = new Run(seed, ConflictRule.siblings(), 16 << 10);
    run.go();
    assertThat(run.acknowledged.size()).isGreaterThan(80);
    assertThat(run.mostVersions)
        .as(run.cluster.world.describe("there must have been conflicts"))
        .isGreaterThan(1);
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void regionsConverge_whenCompactionDoesNotWaitForThem(long seed) {
    var run = new Run(seed, ConflictRule.siblings(), 4096);
    run.cluster.compaction = new CompactionConfig(32 << 20, 0);
    run.go();
    assertThat(run.cluster.regions)
        .as(run.cluster.world.describe("compaction must have taken part"))
        .anyMatch(region -> run.cluster.hasCompactedSegments(region));
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#few")
  void aMergeHasEveryAcknowledgedWord_inOneVersionEverywhere(long seed) {
    var run = new Run(seed, ConflictRule.merge("union", SiblingsSimulationTest::union), 16 << 10);
    run.go();
    for (var each : run.words.entrySet()) {
      Key key = each.getKey();
      RegionName home = run.cluster.node(run.cluster.regions.get(0)).homesOf(key).home();
      MetadataRecord known = run.cluster.node(home).store().read(key);
      assertThat(known).isNotNull();
      assertThat(known.payload()).isNotNull();
      assertThat(words(known.payload()))
          .as(run.cluster.world.describe(key.path()))
          .containsAll(each.getValue());
    }
  }
}
