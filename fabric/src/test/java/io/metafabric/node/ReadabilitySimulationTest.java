package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.index.Substitute;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.replicate.PeerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Four regions under partitions, crashes and moves of homes: whoever reads a key of which a payload
 * is anywhere within reach gets a value, which says whether a newer one is known; never one that
 * nobody wrote, and never one of whose remove the region knows.
 */
class ReadabilitySimulationTest {
  private static final int ROUNDS = 14;
  private static final int KEYS = 8;

  private static final int[] seen = new int[3];

  private static final class Run {
    final SimCluster cluster;
    final RandomGenerator random;
    final List<Key> keys = new ArrayList<>();
    final Map<Dot, MetadataRecord> written = new HashMap<>();
    final Map<RegionName, Map<Key, Set<Version>>> removesKnown = new HashMap<>();

    Run(long seed) {
      cluster = new SimCluster(seed, 16 << 10, "ap", "eu", "me", "us");
      random = cluster.world.fork("story");
      cluster.hotTierBytes = seed % 2 == 0 ? 64 << 10 : 4 << 10;
      for (int i = 0; i < KEYS; i++) {
        keys.add(Key.of("n/" + i));
      }
      cluster.regions.forEach(region -> removesKnown.put(region, new HashMap<>()));
    }

    void go() {
      cluster.startAll();
      cluster.world.runFor(Duration.ofSeconds(3));
      for (int round = 0; round < ROUNDS; round++) {
        cluster.network.defaultLink(
            new SimLink(Duration.ofMillis(20), Duration.ofMillis(60), 0.02, 0.02));
        for (int i = 0; i < 25; i++) {
          step();
          cluster.world.runFor(Duration.ofMillis(random.nextInt(60)));
          noteRemoves();
        }
        // Links that can be are there, and those that cannot have been noticed.
        cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
        for (int i = 0; i < 40; i++) {
          cluster.world.runFor(Duration.ofMillis(250));
          noteRemoves();
        }
        for (RegionName region : cluster.regions) {
          if (cluster.isUp(region)) {
            keys.forEach(key -> check(region, key));
          }
        }
      }
    }

    private void step() {
      RegionName region = anyRegion();
      int dice = random.nextInt(100);
      if (!cluster.isUp(region)) {
        if (dice < 15) {
          cluster.start(region);
        }
      } else if (dice < 3) {
        cluster.crash(region);
      } else if (dice < 11) {
        RegionName other = anyRegion();
        if (!other.equals(region)) {
          cluster.network.split(region.name(), other.name());
        }
      } else if (dice < 14) {
        cluster.network.healAll();
      } else if (dice < 18) {
        cluster.node(region).moveHome(anyKey(), anyRegion());
      } else if (dice < 40) {
        Key key = anyKey();
        if (cluster.node(region).hit("client", key.path()) == null) {
          cluster.node(region).read("client", key);
        }
      } else {
        write(region, dice < 48);
      }
    }

    private void write(RegionName region, boolean remove) {
      Key key = anyKey();
      Bytes payload = remove ? null : Bytes.utf8("value " + random.nextInt());
      Precondition condition = remove ? Precondition.VISIBLE : Precondition.NONE;
      cluster
          .node(region)
          .write(key, payload, Header.NEVER, condition)
          .thenAccept(
              record -> {
                if (record != null) {
                  written.put(record.header().version().dot(), record);
                }
              });
    }

    private RegionName anyRegion() {
      return cluster.regions.get(random.nextInt(cluster.regions.size()));
    }

    private Key anyKey() {
      return keys.get(random.nextInt(KEYS));
    }

    /** What a region has shown as removed, it must know for ever. */
    private void noteRemoves() {
      for (RegionName region : cluster.regions) {
        if (cluster.isUp(region)) {
          for (Key key : keys) {
            Header header = cluster.node(region).store().header(key);
            if (header != null && header.isTombstone()) {
              removesKnown
                  .get(region)
                  .computeIfAbsent(key, each -> new HashSet<>())
                  .add(header.version());
            }
          }
        }
      }
    }

    private void check(RegionName region, Key key) {
      Header before = cluster.node(region).store().header(key);
      Substitute substitute = cluster.node(region).store().substitute(key);
      RegionName holder = holderWithinReach(region, key, before, substitute);
      ReadOutcome outcome = SimReads.outcome(cluster, region, key);
      Header after = cluster.node(region).store().header(key);
      String what =
          cluster.world.describe(
              region
                  + " reads "
                  + key
                  + ": "
                  + outcome
                  + "; it knew "
                  + before
                  + ", then "
                  + after
                  + "; readable in "
                  + holder);
      if (outcome instanceof ReadOutcome.Value value) {
        seen[0]++;
        checkValue(region, value.record(), what);
        assertThat(after.version().dot())
            .as(what)
            .isEqualTo(value.record().header().version().dot());
      } else if (outcome instanceof ReadOutcome.Superseded older) {
        seen[1]++;
        checkValue(region, older.record(), what);
        if (after != null) {
          assertThat(older.record().header().version().dot())
              .as(what)
              .isNotEqualTo(after.version().dot());
        }
      } else {
        seen[2]++;
        boolean removed = after != null && after.isTombstone();
        boolean denied = outcome instanceof ReadOutcome.Absent && homeDenies(region, key);
        assertThat(holder == null || removed || denied).as(what).isTrue();
        if (outcome instanceof ReadOutcome.Absent) {
          assertThat(after == null || removed).as(what).isTrue();
        }
      }
    }

    /** The home's word holds, also where a region that it cannot reach has written the key. */
    private boolean homeDenies(RegionName reader, Key key) {
      RegionName home = cluster.node(reader).homesOf(key).home();
      return withinReach(reader).contains(home) && cluster.node(home).store().header(key) == null;
    }

    private void checkValue(RegionName region, MetadataRecord shown, String what) {
      Dot dot = shown.header().version().dot();
      MetadataRecord original = written.get(dot);
      // A write whose acknowledgement a crash has swallowed is not among those.
      if (original != null) {
        assertThat(shown.key()).as(what).isEqualTo(original.key());
        assertThat(shown.payload()).as(what).isEqualTo(original.payload());
      }
      assertThat(removesKnown.get(region).getOrDefault(shown.key(), Set.of()))
          .as(what)
          .noneMatch(remove -> remove.covers(dot));
    }

    private @Nullable RegionName holderWithinReach(
        RegionName reader, Key key, @Nullable Header known, @Nullable Substitute substitute) {
      if (known != null && known.isTombstone()) {
        return null;
      }
      for (RegionName other : withinReach(reader)) {
        FabricNode<MetadataRecord> node = cluster.node(other);
        MetadataRecord record = node.store().read(key);
        if (record == null || record.header().isTombstone()) {
          continue;
        }
        MetadataRecord held = record.payload() != null ? record : node.supersededHere(key);
        boolean isOfUse =
            held != null
                && (known == null
                    || held.header().version().covers(known.version().dot())
                    || (substitute != null && substitute.allows(held, 0)));
        if (isOfUse) {
          return other;
        }
      }
      return null;
    }

    /** Itself, and those to which it has a connection. */
    private List<RegionName> withinReach(RegionName reader) {
      var within = new ArrayList<RegionName>();
      within.add(reader);
      cluster.node(reader).stats().replication().peers().stream()
          .filter(
              peer -> peer.state() == PeerState.IN_SYNC || peer.state() == PeerState.CATCHING_UP)
          .filter(peer -> cluster.isUp(peer.region()))
          .forEach(peer -> within.add(peer.region()));
      return within;
    }
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#some")
  void whoeverReads_getsAValueIfOneIsWithinReach(long seed) {
    new Run(seed).go();
  }

  @AfterAll
  static void allKindsOfAnswersWereSeen() {
    System.out.printf("%d fresh, %d stale, %d without a value%n", seen[0], seen[1], seen[2]);
    assertThat(seen).as("fresh, stale, none").doesNotContain(0);
  }
}
