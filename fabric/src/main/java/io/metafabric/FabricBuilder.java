package io.metafabric;

import io.metafabric.cache.AdaptiveTier;
import io.metafabric.cache.chronicle.ChronicleConfig;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.place.Homes;
import io.metafabric.core.place.Place;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.TokenSecret;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.ConflictConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.host.BackgroundTraining;
import io.metafabric.host.CertificateWatch;
import io.metafabric.host.FileDisk;
import io.metafabric.host.ForeignThread;
import io.metafabric.host.ListenerFailures;
import io.metafabric.host.SystemClock;
import io.metafabric.host.ThreadScheduler;
import io.metafabric.host.WarmTiers;
import io.metafabric.http.HttpConfig;
import io.metafabric.http.HttpServer;
import io.metafabric.migrate.HomeDirectory;
import io.metafabric.node.FabricNode;
import io.metafabric.node.NodeConfig;
import io.metafabric.node.NodePorts;
import io.metafabric.node.Predictors;
import io.metafabric.node.ShadowConfig;
import io.metafabric.node.WarmTierFactory;
import io.metafabric.predict.PredictorProvider;
import io.metafabric.predict.Source;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.PeerStateChange;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.ReplicationConfig;
import io.metafabric.replicate.RoutingConfig;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.CostBenefitPolicy;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.netty.NettyConfig;
import io.metafabric.replicate.netty.NettyPeerTransport;
import io.metafabric.replicate.shadow.ShadowRules;
import io.metafabric.replicate.tls.PeerProof;
import io.metafabric.replicate.tls.PeerTls;
import io.metafabric.replicate.zstd.ZstdCompression;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Configures and opens a fabric. Every setting has a default; setting one twice is an error. Not
 * thread-safe.
 */
public final class FabricBuilder {
  private static final int MAX_MAX_VALUE_BYTES = 64 << 20;
  private static final long MIN_HOT_TIER_BYTES = 64 << 10;
  private static final long MIN_INDEX_BYTES = 1 << 20;
  private static final long MIN_COMPACTION_BYTES = 64 << 10;
  private static final int DEFAULT_MAX_VALUE_BYTES = 1 << 20;
  private static final int QUEUE_BYTES = 16 << 20;
  private static final int CONTROL_RESERVE_BYTES = 1 << 20;
  private static final int MAX_INBOUND_CONNECTIONS = 256;
  private static final int MAX_STRANGERS = 128;
  private static final int CONNECTIONS_PER_SECOND = 64;
  private static final long DEFAULT_PEER_BYTES_PER_SECOND = 256L << 20;
  private static final long MIN_PEER_BYTES_PER_SECOND = 64 << 10;
  private static final long MAX_PENDING_BYTES = 32 << 20;
  private static final Duration LONGEST = Duration.ofDays(36_500);
  private static final Duration TICK = Duration.ofMillis(10);

  private @Nullable RegionName region;
  private @Nullable String cluster;
  private @Nullable Path directory;
  private @Nullable PeerAddress listen;
  private @Nullable PeerTls tls;
  private @Nullable ProtocolRange protocols;
  private @Nullable HttpConfig http;
  private @Nullable Durability durability;
  private @Nullable Long hotTierBytes;
  private @Nullable Long maxIndexBytes;
  private @Nullable Long retainedBytes;
  private @Nullable Long compactionBytesPerSecond;
  private @Nullable WarmTier warmTier;
  private @Nullable ChronicleConfig warmTierSize;
  private @Nullable Integer maxValueBytes;
  private @Nullable Long segmentBytes;
  private @Nullable Long readCacheBytes;
  private @Nullable Duration fetchTimeout;
  private @Nullable Duration writeTimeout;
  private @Nullable SystemOfRecord origin;
  private @Nullable TokenSecret sessionSecret;
  private @Nullable Duration originTimeToLive;
  private @Nullable Boolean prediction;
  private @Nullable List<Source> predictionSources;
  private @Nullable SummaryConfig accessSummaries;
  private @Nullable Prices prices;
  private @Nullable CopyBudget copyBudget;
  private @Nullable ShadowRules shadowRules;
  private @Nullable Long shadowBytes;
  private @Nullable Long keptCopyBytes;
  private @Nullable Long repairBytesPerSecond;
  private @Nullable Long peerBytesPerSecond;
  private @Nullable Hedging hedging;
  private @Nullable PlaceOfAddress placeOfAddress;
  private final Map<RegionName, Place> places = new TreeMap<>();
  private final Map<String, Durability> durabilities = new TreeMap<>();
  private final Map<String, ConflictRule> conflicts = new TreeMap<>();
  private @Nullable Duration maxClockSkew;
  private final Map<RegionName, PeerAddress> peers = new TreeMap<>();
  private final Map<String, Homes> homes = new TreeMap<>();
  private final List<PredictorProvider> predictors = new ArrayList<>();
  private final List<Consumer<PeerStateChange>> peerListeners = new ArrayList<>();

  FabricBuilder() {}

  private static <T> T once(String name, @Nullable T before, T value) {
    Objects.requireNonNull(value, name);
    if (before != null) {
      throw new ConfigurationException(name + " is set twice: to " + before + " and to " + value);
    }
    return value;
  }

  /** This node's region. Default: {@code local}. */
  public FabricBuilder region(String name) {
    Objects.requireNonNull(name, "region");
    region = once("region", region, new RegionName(name));
    return this;
  }

  /** Nodes talk to nodes of the same cluster only. Default: {@code default}. */
  public FabricBuilder cluster(String name) {
    Objects.requireNonNull(name, "cluster");
    if (name.isBlank() || name.length() > 64) {
      throw new ConfigurationException("a cluster's name must have 1 to 64 characters");
    }
    cluster = once("cluster", cluster, name);
    return this;
  }

  /** Where the journal is; one fabric at a time. Default: {@code metafabric-<region>}. */
  public FabricBuilder directory(Path path) {
    directory = once("directory", directory, path);
    return this;
  }

  /**
   * How this node proves to its peers who it is, and whom of them it believes: TLS 1.3 with a
   * certificate on both sides, for all connections with other regions. Needed as soon as an address
   * of this or another node is beyond this machine. Default: none, on loopback addresses alone.
   *
   * <p>A region speaks for itself alone: one whose certificate names another is refused, and so is
   * one that streams changes of another. How to make certificates is in docs/SECURITY.md.
   */
  public FabricBuilder tls(PeerTls files) {
    tls = once("tls", tls, files);
    return this;
  }

  /**
   * Which versions of the protocol between regions this node speaks, for a time in which regions
   * run different versions of the library; the newest that both speak is spoken. Regions that have
   * none in common refuse each other. Default: all that this version of the library can.
   */
  public FabricBuilder protocols(int lowest, int highest) {
    protocols = once("protocols", protocols, new ProtocolRange(lowest, highest));
    return this;
  }

  /**
   * Where peers reach this node, {@code host:port}; port 0 chooses one. Beyond this machine only
   * with {@link #tls}. Default: nowhere.
   */
  public FabricBuilder listen(String address) {
    Objects.requireNonNull(address, "listen");
    listen = once("listen", listen, PeerAddress.parse(address));
    return this;
  }

  /**
   * Answers HTTP, for hosts in other languages and for operators; docs/HTTP.md says what. Beyond
   * this machine only with certificate and token. Default: nowhere.
   */
  public FabricBuilder http(HttpConfig config) {
    http = once("http", http, config);
    return this;
  }

  /** Another region, and where it listens. All regions must be told of all others. */
  public FabricBuilder peer(String regionName, String address) {
    Objects.requireNonNull(regionName, "regionName");
    Objects.requireNonNull(address, "address");
    var name = new RegionName(regionName);
    PeerAddress at = PeerAddress.parse(address);
    if (at.port() == 0) {
      throw new ConfigurationException(
          "peer " + name + " has port 0; give the port that it listens on");
    }
    peers.merge(
        name,
        at,
        (a, b) -> {
          throw new ConfigurationException(
              "peer " + name + " is set twice: to " + a + " and to " + b);
        });
    return this;
  }

  /**
   * Where a region is, this one or a peer: how far regions are from each other before that was
   * measured, and from clients outside ({@link MetadataFabric#route}). Default: not known.
   *
   * @param latitude in degrees, north is positive
   * @param longitude in degrees, east is positive
   * @throws io.metafabric.core.error.InvalidPlaceException if there is no such place
   */
  public FabricBuilder place(String regionName, double latitude, double longitude) {
    Objects.requireNonNull(regionName, "regionName");
    var name = new RegionName(regionName);
    if (places.put(name, new Place(latitude, longitude)) != null) {
      throw new ConfigurationException("the place of region " + name + " is set twice");
    }
    return this;
  }

  /**
   * Says where clients outside are, for {@link MetadataFabric#route(String, java.net.InetAddress)}.
   * The library brings no database of addresses. Default: none.
   */
  public FabricBuilder placeOfAddress(PlaceOfAddress resolver) {
    placeOfAddress = once("placeOfAddress", placeOfAddress, resolver);
    return this;
  }

  /**
   * When a read that waits for one region asks a second one too, and how often at most. Default:
   * {@link Hedging#DEFAULT}; {@link Hedging#OFF} never does.
   */
  public FabricBuilder hedging(Hedging value) {
    hedging = once("hedging", hedging, value);
    return this;
  }

  /**
   * Fixes home and backup of a namespace, two different regions, the same in all regions. Default:
   * they follow from a hash of each key.
   */
  public FabricBuilder home(String namespace, String home, String backup) {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(home, "home");
    Objects.requireNonNull(backup, "backup");
    requireNamespace(namespace);
    var fixed = new Homes(new RegionName(home), new RegionName(backup));
    if (homes.put(namespace, fixed) != null) {
      throw new ConfigurationException("the home of namespace " + namespace + " is set twice");
    }
    return this;
  }

  private static void requireNamespace(String namespace) {
    try {
      if (Key.of(namespace + "/id").namespace().equals(namespace)) {
        return;
      }
    } catch (InvalidKeyException e) {
      throw noSuchNamespace(namespace, e);
    }
    throw noSuchNamespace(namespace, null);
  }

  private static ConfigurationException noSuchNamespace(
      String namespace, @Nullable Throwable cause) {
    return new ConfigurationException(
        "no key can have the namespace \""
            + namespace
            + "\"; use 1 to "
            + Key.MAX_NAMESPACE_LENGTH
            + " characters of a-z 0-9 . _ -",
        cause);
  }

  /** What a write waits for. Default: {@link Durability#SYNC}. */
  public FabricBuilder durability(Durability mode) {
    durability = once("durability", durability, mode);
    return this;
  }

  /** What a write to one namespace waits for. Default: as all others. */
  public FabricBuilder durability(String namespace, Durability mode) {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(mode, "durability");
    requireNamespace(namespace);
    if (durabilities.put(namespace, mode) != null) {
      throw new ConfigurationException(
          "the durability of namespace " + namespace + " is set twice");
    }
    return this;
  }

  /**
   * What becomes of concurrent writes of the keys of one namespace; the same in all regions, which
   * refuse each other otherwise. Default: {@link ConflictRule#lastWriterWins()}.
   */
  public FabricBuilder conflicts(String namespace, ConflictRule rule) {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(rule, "rule");
    requireNamespace(namespace);
    if (conflicts.put(namespace, rule) != null) {
      throw new ConfigurationException(
          "the conflict rule of namespace " + namespace + " is set twice");
    }
    if (conflicts.size() > ConflictRules.MAX_NAMESPACES) {
      throw new ConfigurationException(
          "at most " + ConflictRules.MAX_NAMESPACES + " namespaces can have conflict rules");
    }
    return this;
  }

  /**
   * How far ahead of this node's clock a change of another region may be stamped. One that is
   * further ahead is held back, with all that follows from where it came, until it is not. Default:
   * 60 s.
   */
  public FabricBuilder maxClockSkew(Duration skew) {
    maxClockSkew = once("maxClockSkew", maxClockSkew, positive("maxClockSkew", skew));
    return this;
  }

  /**
   * How much of the journal's end is kept whole for peers, backups and other readers that have not
   * read it; beyond that compaction does not wait for them. Default: 256 MiB.
   *
   * @param bytes 0 or more
   */
  public FabricBuilder retainedBytes(long bytes) {
    if (bytes < 0) {
      throw new ConfigurationException("retainedBytes must be 0 or more, was " + bytes);
    }
    retainedBytes = once("retainedBytes", retainedBytes, bytes);
    return this;
  }

  /**
   * How fast compaction reads while there is time; where writers are faster, it hurries. Default:
   * 32 MiB a second.
   */
  public FabricBuilder compactionBytesPerSecond(long bytes) {
    if (bytes < MIN_COMPACTION_BYTES) {
      throw new ConfigurationException(
          "compactionBytesPerSecond must be at least " + MIN_COMPACTION_BYTES + ", was " + bytes);
    }
    compactionBytesPerSecond = once("compactionBytesPerSecond", compactionBytesPerSecond, bytes);
    return this;
  }

  /**
   * Bound on the memory of the key index, outside of the heap: about 31 bytes a key. New keys are
   * refused once it takes more. Default: half of the JVM's maximum heap, of which {@code
   * -XX:MaxDirectMemorySize} allows as much again unless it is set.
   */
  public FabricBuilder maxIndexBytes(long bytes) {
    if (bytes < MIN_INDEX_BYTES) {
      throw new ConfigurationException(
          "maxIndexBytes must be at least " + MIN_INDEX_BYTES + ", was " + bytes);
    }
    maxIndexBytes = once("maxIndexBytes", maxIndexBytes, bytes);
    return this;
  }

  /** Size of the hot tier in memory. Default: 64 MiB. */
  public FabricBuilder hotTierBytes(long bytes) {
    if (bytes < MIN_HOT_TIER_BYTES) {
      throw new ConfigurationException(
          "hotTierBytes must be at least " + MIN_HOT_TIER_BYTES + ", was " + bytes);
    }
    hotTierBytes = once("hotTierBytes", hotTierBytes, bytes);
    return this;
  }

  /**
   * Memory outside of the heap for records that were read from the journal of late, about; taken as
   * it fills; at most 64 GiB. Less than 64 KiB is none. Default: 64 MiB, at most an eighth of the
   * JVM's maximum heap.
   */
  public FabricBuilder readCacheBytes(long bytes) {
    if (bytes < 0 || bytes > JournalConfig.MAX_READ_CACHE_BYTES) {
      throw new ConfigurationException(
          "readCacheBytes must be 0 to " + JournalConfig.MAX_READ_CACHE_BYTES + ", was " + bytes);
    }
    readCacheBytes = once("readCacheBytes", readCacheBytes, bytes);
    return this;
  }

  /** Which tier answers what the hot one cannot. Default: {@link WarmTier#AUTO}. */
  public FabricBuilder warmTier(WarmTier tier) {
    warmTier = once("warmTier", warmTier, tier);
    return this;
  }

  /**
   * Size of the file of Chronicle Map where that is the warm tier, taken from the disk at once. A
   * file of another size is filled anew. At least 4 MiB. Default: 256 MiB.
   */
  public FabricBuilder warmTierBytes(long bytes) {
    warmTierSize = once("warmTierBytes", warmTierSize, new ChronicleConfig(bytes));
    return this;
  }

  /** Larger values are refused; at most 64 MiB, the same in all regions. Default: 1 MiB. */
  public FabricBuilder maxValueBytes(int bytes) {
    if (bytes < 1 || bytes > MAX_MAX_VALUE_BYTES) {
      throw new ConfigurationException(
          "maxValueBytes must be 1 to " + MAX_MAX_VALUE_BYTES + ", was " + bytes);
    }
    maxValueBytes = once("maxValueBytes", maxValueBytes, bytes);
    return this;
  }

  /** Size of a file of the journal. Default: 64 MiB. */
  public FabricBuilder segmentBytes(long bytes) {
    segmentBytes = once("segmentBytes", segmentBytes, bytes);
    return this;
  }

  /** How long a read may wait for other regions in all. Default: 3 s. */
  public FabricBuilder fetchTimeout(Duration timeout) {
    fetchTimeout = once("fetchTimeout", fetchTimeout, positive("fetchTimeout", timeout));
    return this;
  }

  /** How long a write may wait for room in the queue to the disk. Default: 10 s. */
  public FabricBuilder writeTimeout(Duration timeout) {
    writeTimeout = once("writeTimeout", writeTimeout, positive("writeTimeout", timeout));
    return this;
  }

  private static Duration positive(String name, Duration value) {
    Objects.requireNonNull(value, name);
    if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(LONGEST) > 0) {
      throw new ConfigurationException(name + " must be 1 ms to " + LONGEST + ", was " + value);
    }
    return value;
  }

  /**
   * Makes session tokens that nobody can forge who does not know this; the same in all regions.
   * Default: none, and tokens have a checksum alone; see {@link SessionToken}.
   *
   * @param secret at least 16 bytes, random ones; copied
   */
  public FabricBuilder sessionSecret(byte[] secret) {
    Objects.requireNonNull(secret, "secret");
    TokenSecret next;
    try {
      next = new TokenSecret(secret.clone());
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(e.getMessage() + "; give all regions the same random ones");
    }
    sessionSecret = once("sessionSecret", sessionSecret, next);
    return this;
  }

  /** Where to look for keys that no region knows. Default: nowhere. */
  public FabricBuilder systemOfRecord(SystemOfRecord source) {
    origin = once("systemOfRecord", origin, source);
    return this;
  }

  /**
   * For how long a value of the system of record is shown before it is asked again. Default: 60 s.
   */
  public FabricBuilder originTimeToLive(Duration timeToLive) {
    originTimeToLive =
        once("originTimeToLive", originTimeToLive, positive("originTimeToLive", timeToLive));
    return this;
  }

  /**
   * Whether payloads are copied at first before they are asked for: prefetches, and the copies that
   * homes send and that are kept beside the hot tier. Default: they are.
   */
  public FabricBuilder prediction(boolean enabled) {
    prediction = once("prediction", prediction, enabled);
    return this;
  }

  /**
   * What the library's own predictor takes its candidates from, for example {@code
   * "needs-first-order"}; docs/EVALUATION.md says what each source earns on which reads. Default:
   * {@link Source#DEFAULT}.
   *
   * @param names of one or more {@link Source}s, each once
   */
  public FabricBuilder predictionSources(String... names) {
    List<Source> chosen = Arrays.stream(names).map(Source::of).toList();
    if (chosen.isEmpty() || chosen.stream().distinct().count() < chosen.size()) {
      throw new ConfigurationException("predictionSources must be one or more, each once");
    }
    predictionSources = once("predictionSources", predictionSources, chosen);
    return this;
  }

  /**
   * How often and in how many bytes other regions are told what is read here, so that all learn
   * from all; they do not hear who reads (docs/SECURITY.md). {@link SummaryConfig#OFF} neither
   * tells nor learns. Nothing is told while prediction is off. Default: {@link
   * SummaryConfig#DEFAULT}, every 2 s at most 16 KiB before compression.
   */
  public FabricBuilder accessSummaries(SummaryConfig config) {
    accessSummaries = once("accessSummaries", accessSummaries, config);
    return this;
  }

  /** Adds a predictor to those that the library and the service loader bring; for one fabric. */
  public FabricBuilder predictor(PredictorProvider provider) {
    predictors.add(Objects.requireNonNull(provider, "provider"));
    return this;
  }

  /**
   * Adds a listener that is told whenever the state of a peer changes, from the opening on: on one
   * thread of the fabric, in order. One that takes its time holds up the listeners alone; while
   * 1,024 changes wait, further ones are dropped and counted. What a listener throws is logged and
   * counted.
   */
  public FabricBuilder onPeerStateChange(Consumer<PeerStateChange> listener) {
    peerListeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * What transfer between regions and storage cost, and a saved millisecond is worth; {@link
   * MetadataFabric#setPrices} changes them later. Default: {@link Prices#DEFAULT}.
   */
  public FabricBuilder prices(Prices value) {
    prices = once("prices", prices, value);
    return this;
  }

  /**
   * What copies may cost this region, shadows among them; {@link MetadataFabric#setCopyBudget}
   * changes it later. Default: {@link CopyBudget#DEFAULT}.
   */
  public FabricBuilder copyBudget(CopyBudget budget) {
    copyBudget = once("copyBudget", copyBudget, budget);
    return this;
  }

  /**
   * Which payloads are held by more regions than home and backup, of those that are read here;
   * {@link MetadataFabric#setShadowRules} changes them later. Default: {@link ShadowRules#NONE}.
   */
  public FabricBuilder shadowRules(ShadowRules rules) {
    shadowRules = once("shadowRules", shadowRules, rules);
    return this;
  }

  /**
   * What the shadows that this region has may take in memory, 0 to 64 GiB; one that does not fit is
   * refused. Default: 64 MiB, at most a sixteenth of the JVM's maximum heap.
   */
  public FabricBuilder shadowBytes(long bytes) {
    shadowBytes =
        once("shadowBytes", shadowBytes, new ShadowConfig(ShadowRules.NONE, bytes).maxBytes());
    return this;
  }

  /**
   * What copies may take in memory, beside the hot tier and the shadows, that other regions' homes
   * sent unasked or that were read here, and that pay for longer than the hot tier may have them; 0
   * to 64 GiB, with 0 there are none. Never more than the copy budget's stored bytes. Default: 256
   * MiB, at most a sixteenth of the JVM's maximum heap.
   */
  public FabricBuilder keptCopyBytes(long bytes) {
    if (bytes < 0 || bytes > NodeConfig.MAX_KEPT_BYTES) {
      throw new ConfigurationException(
          "keptCopyBytes must be 0 to " + NodeConfig.MAX_KEPT_BYTES + ", was " + bytes);
    }
    keptCopyBytes = once("keptCopyBytes", keptCopyBytes, bytes);
    return this;
  }

  /**
   * Budget of the comparisons that this region begins with others, both ways; see {@link
   * MetadataFabric#compare}. Default: 8 MiB/s.
   */
  public FabricBuilder repairBytesPerSecond(long bytes) {
    if (bytes < 1) {
      throw new ConfigurationException("repairBytesPerSecond must be at least 1, was " + bytes);
    }
    repairBytesPerSecond = once("repairBytesPerSecond", repairBytesPerSecond, bytes);
    return this;
  }

  /**
   * How fast one peer may send on a connection; what comes faster is read later. Default: 256
   * MiB/s.
   */
  public FabricBuilder peerBytesPerSecond(long bytes) {
    if (bytes < MIN_PEER_BYTES_PER_SECOND) {
      throw new ConfigurationException(
          "peerBytesPerSecond must be at least " + MIN_PEER_BYTES_PER_SECOND + ", was " + bytes);
    }
    peerBytesPerSecond = once("peerBytesPerSecond", peerBytesPerSecond, bytes);
    return this;
  }

  /**
   * Opens the fabric: replays the directory's journal and begins to listen and to dial. Does not
   * wait for peers; {@link MetadataFabric#stats()} says how things stand with them.
   *
   * @throws ConfigurationException if settings contradict each other, there is a price or a place
   *     of a region that is neither this one nor a peer, a shadowing factor above the number of
   *     regions, an address is beyond this machine and there is no {@link #tls}, a file that it
   *     names is missing or is not what it should be, or {@link WarmTier#CHRONICLE} is asked for
   *     and cannot run
   * @throws io.metafabric.core.error.DirectoryInUseException if another fabric has the directory
   * @throws io.metafabric.core.error.StorageException if the directory cannot be used or is damaged
   * @throws io.metafabric.core.error.ListenException if the listener cannot be bound
   */
  public MetadataFabric open() {
    RegionName here = or(region, new RegionName("local"));
    if (!peers.isEmpty() && listen == null) {
      throw new ConfigurationException(
          "region "
              + here
              + " has peers "
              + peers.keySet()
              + ", which could not reach it; add listen(\"127.0.0.1:port\")");
    }
    int maxBytes = or(maxValueBytes, DEFAULT_MAX_VALUE_BYTES);
    NodeConfig config = nodeConfig(here, maxBytes);
    peers.values().forEach(peer -> NettyPeerTransport.requireServed(peer, tls != null));
    if (listen != null) {
      NettyPeerTransport.requireServed(listen, tls != null);
    }
    var clock = new SystemClock();
    if (http != null) {
      HttpServer.requireServed(http, clock.wallMs());
    }
    PeerProof proof = tls == null ? null : PeerProof.open(tls, clusterName(), here, clock::wallMs);
    Path where = or(directory, Path.of("metafabric-" + here));
    var disk = new FileDisk(where);
    var random = new SecureRandom();
    var scheduler = new ThreadScheduler(here.name());
    long hotBytes = or(hotTierBytes, 64L << 20);
    var events = new PeerEvents(peerListeners, scheduler, ListenerFailures::log);
    BackgroundTraining training = BackgroundTraining.automatic(scheduler);
    WarmTierFactory warm = warmTiers(disk);
    List<PredictorProvider> own = List.copyOf(predictors);
    List<Source> sources = or(predictionSources, Source.DEFAULT);
    RunningNode.Opener opener =
        (boundBefore, onMustReopen) ->
            FabricNode.open(
                boundBefore == null ? config : config.listeningAt(boundBefore),
                new NodePorts(
                    clock,
                    scheduler,
                    random,
                    disk,
                    loop ->
                        new NettyPeerTransport(
                            nettyConfig(here, maxBytes), ZstdCompression.load(), proof, loop),
                    new ForeignThread(here.name()),
                    ZstdDeltas::load),
                (index, wasted) ->
                    new AdaptiveTier<>(hotBytes, index, Versioned::new, clock, wasted),
                warm,
                Predictors.all(own, sources, here, random.nextLong(), training.retraining()),
                events::publish,
                onMustReopen);
    RunningNode node;
    try {
      node = new RunningNode(opener, () -> scheduler.serial("refill"));
    } catch (RuntimeException e) {
      training.close();
      events.close();
      throw e;
    }
    var open =
        new OpenFabric(
            node,
            proof == null ? null : new CertificateWatch(proof, scheduler.serial("certificates")),
            training,
            clock,
            events,
            new Completions(
                scheduler.serial("callbacks"), clock, task -> node.get().store().afterGroup(task)),
            or(fetchTimeout, Duration.ofSeconds(3)),
            or(writeTimeout, Duration.ofSeconds(10)),
            maxBytes,
            origin,
            or(originTimeToLive, Duration.ofSeconds(60)),
            new OpenSession.Tokens(or(cluster, "default"), sessionSecret),
            places.keySet(),
            placeOfAddress);
    HttpConfig served = http;
    if (served != null) {
      serve(open, served, scheduler, clock);
    }
    return open;
  }

  private static void serve(
      OpenFabric open, HttpConfig served, ThreadScheduler scheduler, SystemClock clock) {
    try {
      open.serve(
          routes ->
              new HttpServer(
                  served,
                  scheduler.fabric(),
                  routes,
                  scheduler.serial("http-work"),
                  clock::wallMs));
    } catch (RuntimeException e) {
      open.close();
      throw e;
    }
  }

  private String clusterName() {
    return or(cluster, "default");
  }

  private WarmTierFactory warmTiers(FileDisk disk) {
    ChronicleConfig size = or(warmTierSize, new ChronicleConfig(256L << 20));
    return switch (or(warmTier, WarmTier.AUTO)) {
      case AUTO -> WarmTiers.automatic(disk, size);
      case JOURNAL -> WarmTiers.journal(disk);
      case CHRONICLE -> WarmTiers.chronicle(disk, size);
    };
  }

  private NodeConfig nodeConfig(RegionName here, int maxBytes) {
    String clusterName = clusterName();
    var defaults = ReplicationConfig.of(clusterName, here, listen, peers, maxBytes);
    var replication =
        defaults
            .withRepair(
                defaults.compareEvery(), or(repairBytesPerSecond, defaults.repairBytesPerSecond()))
            .speaking(or(protocols, ProtocolRange.ALL))
            .routedBy(new RoutingConfig(places, or(hedging, Hedging.DEFAULT)));
    var regions = new ArrayList<>(peers.keySet());
    regions.add(here);
    Prices priced = or(prices, Prices.DEFAULT);
    priced.requireRegions(Set.copyOf(regions));
    var store =
        new StoreConfig(
            clusterName,
            here,
            new JournalConfig(
                or(segmentBytes, JournalConfig.DEFAULT_SEGMENT_BYTES),
                or(readCacheBytes, Math.min(64L << 20, Runtime.getRuntime().maxMemory() / 8))),
            new Durabilities(durabilities, or(durability, Durability.SYNC)),
            maxBytes,
            MAX_PENDING_BYTES,
            or(maxIndexBytes, Runtime.getRuntime().maxMemory() / 2),
            new CompactionConfig(
                or(compactionBytesPerSecond, CompactionConfig.DEFAULT.bytesPerSecond()),
                or(retainedBytes, CompactionConfig.DEFAULT.retainBytes())),
            new ConflictConfig(
                new ConflictRules(conflicts),
                or(maxClockSkew, ConflictConfig.DEFAULT.maxClockSkew())));
    return new NodeConfig(
        store,
        replication,
        new HomeDirectory(regions, homes),
        TICK,
        CostBenefitPolicy.of(priced),
        or(copyBudget, CopyBudget.DEFAULT),
        or(prediction, true),
        or(accessSummaries, SummaryConfig.DEFAULT),
        shadowConfig(regions),
        or(
            keptCopyBytes,
            Math.min(NodeConfig.DEFAULT_KEPT_BYTES, Runtime.getRuntime().maxMemory() / 16)));
  }

  private ShadowConfig shadowConfig(List<RegionName> regions) {
    ShadowRules rules = or(shadowRules, ShadowRules.NONE);
    rules.requireRegions(Set.copyOf(regions));
    long least = Math.min(ShadowConfig.DEFAULT.maxBytes(), Runtime.getRuntime().maxMemory() / 16);
    return new ShadowConfig(rules, or(shadowBytes, least));
  }

  private NettyConfig nettyConfig(RegionName here, int maxBytes) {
    return new NettyConfig(
        here.name(),
        maxBytes + FrameCodec.MAX_BYTES_BESIDE_PAYLOAD,
        QUEUE_BYTES,
        CONTROL_RESERVE_BYTES,
        QUEUE_BYTES,
        MAX_INBOUND_CONNECTIONS,
        MAX_STRANGERS,
        CONNECTIONS_PER_SECOND,
        or(peerBytesPerSecond, DEFAULT_PEER_BYTES_PER_SECOND),
        Duration.ofSeconds(3));
  }

  private static <T> T or(@Nullable T value, T otherwise) {
    return value == null ? otherwise : value;
  }
}
