package io.metafabric.node;

import io.metafabric.cache.JournalTier;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNetwork;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.TrainedDictionary;
import io.metafabric.migrate.HomeDirectory;
import io.metafabric.predict.Retraining;
import io.metafabric.predict.Source;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.replicate.DeltaConfig;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.ReplicationConfig;
import io.metafabric.replicate.RoutingConfig;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Several regions of one node each, unmodified, in one simulated world. */
public final class SimCluster {
  public static final int MAX_VALUE_BYTES = 1 << 16;

  /** Belongs to no machine: who crashes does not close it. */
  private static final ThreadLocal<DeltaCoding> DELTAS = ThreadLocal.withInitial(Unclosed::new);

  public final SimWorld world;
  public final SimNetwork network;
  public final List<RegionName> regions;
  private final Map<RegionName, SimNode> machines = new TreeMap<>();
  private final Map<RegionName, FabricNode<MetadataRecord>> running = new TreeMap<>();
  private final Map<RegionName, List<PeerStateChange>> stateChanges = new TreeMap<>();
  private final long segmentBytes;
  public long hotTierBytes = 64 << 10;
  public long maxIndexBytes = 64 << 20;
  public long prefetchBytesPerSecond = 1 << 20;
  public CompactionConfig compaction = CompactionConfig.DEFAULT;
  public Durabilities durability = Durabilities.all(Durability.SYNC);
  public Duration compareEvery = Duration.ofMinutes(10);
  public long repairBytesPerSecond = 8 << 20;
  public ConflictConfig conflicts = ConflictConfig.DEFAULT;
  public RoutingConfig routing = RoutingConfig.DEFAULT;

  public ShadowConfig shadows = ShadowConfig.DEFAULT;

  /** None, so that it is plain who has what. */
  public long keptBytes = 0;

  /** How regions tell each other what is read in them. */
  public SummaryConfig summaries = SummaryConfig.DEFAULT;

  /** Of short payloads too, which most are. */
  public DeltaConfig deltas = new DeltaConfig(48, 48, 1 << 20, 32 << 20, 1);

  /** Where the ranking models of regions that start are trained; null for none. */
  public @Nullable Retraining retraining;

  /** What a region that starts speaks. */
  public Supplier<ProtocolRange> protocols = () -> ProtocolRange.ALL;

  /** What is done with a region that is to be opened again. */
  public Consumer<RegionName> onMustReopen =
      region -> {
        stop(region);
        start(region);
      };

  public SimCluster(long seed, long segmentBytes, String... names) {
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

  public void startAll() {
    regions.forEach(this::start);
  }

  public void start(RegionName region) {
    running.put(region, open(region, machine(region)));
  }

  /** The region comes back on a machine with an empty disk. */
  public void startOnNewMachine(RegionName region) {
    var machine = new SimNode(world, region.name());
    machine.crash(); // into another life, and so to another identity
    machines.put(region, machine);
    start(region);
  }

  /** Opens a node that says that it is the region, on a machine where nobody looks for it. */
  public FabricNode<MetadataRecord> open(RegionName region, SimNode machine) {
    var peers = new TreeMap<RegionName, PeerAddress>();
    for (RegionName other : regions) {
      if (!other.equals(region)) {
        peers.put(other, new PeerAddress(other.name(), 7000));
      }
    }
    var replication =
        ReplicationConfig.of(
                "test", region, new PeerAddress(machine.name(), 7000), peers, MAX_VALUE_BYTES)
            .withRepair(compareEvery, repairBytesPerSecond)
            .speaking(protocols.get())
            .withDeltas(deltas)
            .routedBy(routing);
    var store =
        new StoreConfig(
            "test",
            region,
            new JournalConfig(segmentBytes),
            durability,
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
            CopyBudget.DEFAULT.withBytesPerSecond(prefetchBytesPerSecond),
            true,
            summaries,
            shadows,
            keptBytes);
    var limits = new TransportLimits(1 << 20, 4 << 20, 1 << 20, 4 << 20);
    var ports =
        new NodePorts(
            machine.clock(),
            machine.scheduler(),
            machine.random(),
            machine.disk(),
            loop -> network.transport(machine, limits, loop),
            DELTAS::get);
    world.trace(
        region
            + " starts on "
            + machine.name()
            + ", and speaks protocol "
            + replication.protocols());
    return FabricNode.open(
        config,
        ports,
        (index, wasted) -> new LruTier<>(hotTierBytes, index, record -> record, wasted),
        JournalTier::new,
        Predictors.all(List.of(), Source.DEFAULT, region, 1, retraining),
        change -> stateChanged(region, change),
        () -> mustReopen(region));
  }

  /** As a host does: soon, and not on the node's own thread. */
  private void mustReopen(RegionName region) {
    int life = machine(region).life();
    world.after(
        Duration.ofMillis(1),
        "refill of " + region,
        () -> {
          if (isUp(region) && machine(region).life() == life) {
            world.trace(region + " is to be filled anew");
            reopen(region, life);
          }
        });
  }

  private void reopen(RegionName region, int life) {
    try {
      onMustReopen.accept(region);
    } catch (RuntimeException e) {
      if (machine(region).life() == life) {
        throw e;
      }
      world.trace(region + " crashed when it was to be opened anew: " + e);
    }
  }

  private void stateChanged(RegionName region, PeerStateChange change) {
    world.trace(
        region + " sees " + change.region() + " " + change.to() + ", because " + change.why());
    stateChanges.computeIfAbsent(region, none -> new ArrayList<>()).add(change);
  }

  /** What a region was told of another, all its lives together. */
  List<PeerState> statesSeen(String region, String of) {
    return stateChanges.getOrDefault(new RegionName(region), List.of()).stream()
        .filter(change -> change.region().name().equals(of))
        .map(PeerStateChange::to)
        .toList();
  }

  /** The power of one machine fails. */
  public void crash(RegionName region) {
    crash(region, SimDisk.Loss.SOME);
  }

  /** Its process ends. */
  public void crash(RegionName region, SimDisk.Loss loss) {
    machine(region).crash(loss);
    running.remove(region);
  }

  /** Stops one in order. */
  void stop(RegionName region) {
    node(region).close();
    running.remove(region);
  }

  /** The same, and the power is switched off. */
  public void stop(RegionName region, SimDisk.Loss loss) {
    try {
      node(region).close();
    } finally {
      crash(region, loss);
    }
  }

  /** The files of a region that is down. */
  public Map<String, byte[]> files(RegionName region) {
    var files = new TreeMap<String, byte[]>();
    var disk = machine(region).disk();
    disk.list().forEach(name -> files.put(name, disk.contentOf(name)));
    return files;
  }

  /** Puts other files, or none, in the place of those of a region that is down. */
  public void replaceFiles(RegionName region, Map<String, byte[]> files) {
    world.trace(region + " gets " + files.size() + " files in place of its own");
    var disk = machine(region).disk();
    disk.list().forEach(disk::delete);
    files.forEach(
        (name, bytes) -> {
          try (DiskFile file = disk.open(name)) {
            file.write(0, ByteBuffer.wrap(bytes));
            file.sync();
          }
        });
    disk.syncDirectory();
  }

  public boolean isUp(RegionName region) {
    return running.containsKey(region);
  }

  public FabricNode<MetadataRecord> node(RegionName region) {
    FabricNode<MetadataRecord> node = running.get(region);
    if (node == null) {
      throw new IllegalStateException(region + " is down");
    }
    return node;
  }

  public SimNode machine(RegionName region) {
    SimNode machine = machines.get(region);
    if (machine == null) {
      throw new IllegalArgumentException("no region " + region);
    }
    return machine;
  }

  public Set<Key> allKeys() {
    var keys = new TreeSet<Key>();
    running.values().forEach(node -> node.store().forEachKey(keys::add));
    return keys;
  }

  /**
   * Whether every region knows the very same header of every key. Of what was deleted, some regions
   * may know that, and others may have forgotten it, once all have it; and so with what a context
   * has under the stable floor, which nobody can ask for any more.
   */
  public boolean isConverged() {
    for (Key key : allKeys()) {
      var headers = new HashSet<Optional<Header>>();
      for (RegionName region : regions) {
        headers.add(Optional.ofNullable(node(region).store().header(key)));
      }
      if (headers.size() > 1) {
        headers.clear();
        for (RegionName region : regions) {
          headers.add(
              Optional.ofNullable(node(region).store().header(key))
                  .map(header -> aboveFloor(header, node(region).stableFloor())));
        }
      }
      boolean forgotten = headers.remove(Optional.empty());
      boolean same = headers.size() <= 1;
      if (!same || (forgotten && !headers.stream().allMatch(each -> each.get().isTombstone()))) {
        return false;
      }
    }
    return true;
  }

  private static Header aboveFloor(Header header, VersionVector floor) {
    Version version = header.version();
    return header.withVersion(version.withContext(version.context().beyond(floor)));
  }

  /** For people who look at a failure: what keeps the regions apart. */
  public void traceDifferences() {
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

  boolean hasCompactedSegments(RegionName region) {
    return machine(region).disk().list().stream()
        .anyMatch(name -> name.startsWith("journal-") && name.indexOf('-', 8) > 0);
  }

  /** Whether home and backup hold the payload of every value. */
  public boolean payloadsAreHome() {
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

  private static final class Unclosed implements DeltaCoding {
    private final DeltaCoding zstd = Objects.requireNonNull(ZstdDeltas.load());

    @Override
    public @Nullable Bytes encode(Bytes base, Bytes value) {
      return zstd.encode(base, value);
    }

    @Override
    public Bytes decode(Bytes base, Bytes delta, int valueBytes) {
      return zstd.decode(base, delta, valueBytes);
    }

    @Override
    public @Nullable TrainedDictionary train(List<Bytes> samples, int maxBytes) {
      return zstd.train(samples, maxBytes);
    }

    @Override
    public @Nullable Bytes encodeBy(Bytes dictionary, Bytes value) {
      return zstd.encodeBy(dictionary, value);
    }

    @Override
    public Bytes decodeBy(Bytes dictionary, Bytes told, int valueBytes) {
      return zstd.decodeBy(dictionary, told, valueBytes);
    }

    @Override
    public void close() {}
  }
}
