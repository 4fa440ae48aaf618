package io.metafabric.node;

import io.metafabric.cache.JournalTier;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNetwork;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.migrate.HomeDirectory;
import io.metafabric.replicate.ReplicationConfig;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import io.metafabric.replicate.arm.Prices;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Several regions of one node each, unmodified, in one simulated world. */
final class SimCluster {
  static final int MAX_VALUE_BYTES = 1 << 16;

  final SimWorld world;
  final SimNetwork network;
  final List<RegionName> regions;
  private final Map<RegionName, SimNode> machines = new TreeMap<>();
  private final Map<RegionName, FabricNode<MetadataRecord>> running = new TreeMap<>();
  private final long segmentBytes;
  long hotTierBytes = 64 << 10;
  long maxIndexBytes = 64 << 20;
  CompactionConfig compaction = CompactionConfig.DEFAULT;
  ConflictConfig conflicts = ConflictConfig.DEFAULT;

  SimCluster(long seed, long segmentBytes, String... names) {
    this.world = new SimWorld(seed);
    this.network = new SimNetwork(world);
    this.segmentBytes = segmentBytes;
    var all = new ArrayList<RegionName>();
    for (String name : names) {
      var region = new RegionName(name);
      all.add(region);
      machines.put(region, new SimNode(world, name));
    }
    this.regions = List.copyOf(all);
  }

  void startAll() {
    regions.forEach(this::start);
  }

  void start(RegionName region) {
    SimNode machine = machine(region);
    var peers = new TreeMap<RegionName, PeerAddress>();
    for (RegionName other : regions) {
      if (!other.equals(region)) {
        peers.put(other, new PeerAddress(other.name(), 7000));
      }
    }
    var replication =
        ReplicationConfig.of(
            "test", region, new PeerAddress(region.name(), 7000), peers, MAX_VALUE_BYTES);
    var store =
        new StoreConfig(
            "test",
            region,
            new JournalConfig(segmentBytes),
            Durabilities.all(Durability.SYNC),
            MAX_VALUE_BYTES,
            8 << 20,
            maxIndexBytes,
            compaction,
            conflicts);
    var config =
        new NodeConfig(
            store,
            replication,
            new HomeDirectory(regions, Map.of()),
            Duration.ofMillis(50),
            CostBenefitPolicy.of(Prices.DEFAULT),
            1 << 20,
            true);
    var limits = new TransportLimits(1 << 20, 4 << 20, 1 << 20, 4 << 20);
    var ports =
        new NodePorts(
            machine.clock(),
            machine.scheduler(),
            machine.random(),
            machine.disk(),
            loop -> network.transport(machine, limits, loop));
    world.trace(region + " starts");
    running.put(
        region,
        FabricNode.open(
            config,
            ports,
            (index, wasted) -> new LruTier<>(hotTierBytes, index, record -> record, wasted),
            JournalTier::new,
            Predictors.all(List.of(), region, 1)));
  }

  /** The power of one machine fails. */
  void crash(RegionName region) {
    machine(region).crash();
    running.remove(region);
  }

  /** Stops one in order. */
  void stop(RegionName region) {
    node(region).close();
    running.remove(region);
  }

  boolean isUp(RegionName region) {
    return running.containsKey(region);
  }

  FabricNode<MetadataRecord> node(RegionName region) {
    FabricNode<MetadataRecord> node = running.get(region);
    if (node == null) {
      throw new IllegalStateException(region + " is down");
    }
    return node;
  }

  SimNode machine(RegionName region) {
    SimNode machine = machines.get(region);
    if (machine == null) {
      throw new IllegalArgumentException("no region " + region);
    }
    return machine;
  }

  Set<Key> allKeys() {
    var keys = new TreeSet<Key>();
    running.values().forEach(node -> node.store().forEachKey(keys::add));
    return keys;
  }

  /** Whether every region knows the very same header of every key. */
  boolean isConverged() {
    for (Key key : allKeys()) {
      var first = node(regions.get(0)).store().header(key);
      for (RegionName region : regions) {
        var header = node(region).store().header(key);
        if (header == null || !header.equals(first)) {
          return false;
        }
      }
    }
    return true;
  }

  /** For people who look at a failure: what keeps the regions apart. */
  void traceDifferences() {
    for (RegionName region : regions) {
      world.trace(region + " " + node(region).stats().replication());
    }
    for (Key key : allKeys()) {
      for (RegionName region : regions) {
        var node = node(region);
        world.trace(
            key
                + " in "
                + region
                + (node.store().holdsPayload(key) ? " held " : " header ")
                + node.store().header(key));
      }
    }
  }

  /** Whether compaction has been at work in this region's directory. */
  boolean hasCompactedSegments(RegionName region) {
    return machine(region).disk().list().stream()
        .anyMatch(name -> name.startsWith("journal-") && name.indexOf('-', 8) > 0);
  }

  /** Whether home and backup hold the payload of every value. */
  boolean payloadsAreHome() {
    for (Key key : allKeys()) {
      for (RegionName region : regions) {
        var node = node(region);
        var header = node.store().header(key);
        if (header != null
            && !header.isTombstone()
            && node.homesOf(key).include(region)
            && !node.store().holdsPayload(key)) {
          return false;
        }
      }
    }
    return true;
  }
}
