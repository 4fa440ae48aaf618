package io.metafabric;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Place;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.version.Version;
import io.metafabric.host.BackgroundTraining;
import io.metafabric.host.CertificateWatch;
import io.metafabric.host.FileDisk;
import io.metafabric.http.HttpRoute;
import io.metafabric.http.HttpServer;
import io.metafabric.node.FabricNode;
import io.metafabric.predict.ClientForecast;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.Route;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.shadow.ShadowRules;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The fabric that the builder opens: waits, where the node has futures. What hosts ask for is done
 * by its parts; here they are put together and closed.
 */
final class OpenFabric implements MetadataFabric {
  private final RunningNode running;
  private final @Nullable CertificateWatch certificates;
  private final BackgroundTraining training;
  private final PeerEvents events;
  private final Completions completions;
  private final OpenState state = new OpenState();
  private final OpenReads reads;
  private final OpenWrites writes;
  private final Guaranteed guaranteed;
  private final Operations operations;
  private final ShadowOperations shadowOperations;
  private final Routes routes;
  private final Learning learning;
  private volatile @Nullable HttpServer http;

  OpenFabric(
      RunningNode running,
      @Nullable CertificateWatch certificates,
      BackgroundTraining training,
      Clock clock,
      PeerEvents events,
      Completions completions,
      Duration fetchTimeout,
      Duration writeTimeout,
      int maxValueBytes,
      @Nullable SystemOfRecord origin,
      Duration originTimeToLive,
      OpenSession.Tokens tokens,
      Set<RegionName> placed,
      @Nullable PlaceOfAddress placeOfAddress) {
    this.running = running;
    this.certificates = certificates;
    this.training = training;
    this.events = events;
    this.completions = completions;
    this.reads =
        new OpenReads(state, running, clock, fetchTimeout, maxValueBytes, origin, originTimeToLive);
    this.writes = new OpenWrites(state, running, clock, completions, writeTimeout);
    this.guaranteed =
        new Guaranteed(
            state,
            running,
            tokens,
            fetchTimeout,
            completions,
            key -> reads.get(null, key, ReadOptions.neverStale()),
            writes::written);
    this.operations = new Operations(state, running, fetchTimeout, writeTimeout);
    this.shadowOperations = new ShadowOperations(state, running, completions);
    this.routes = new Routes(state, running, placed, placeOfAddress, fetchTimeout);
    this.learning = new Learning(state, running, clock);
  }

  private FabricNode<Versioned> node() {
    return running.get();
  }

  @Override
  public Optional<Versioned> get(String key) {
    return reads.get(null, key, ReadOptions.DEFAULT);
  }

  @Override
  public Optional<Versioned> get(String key, ReadOptions options) {
    return reads.get(null, key, options);
  }

  @Override
  public Version put(String key, byte[] value) {
    return writes.put(key, value);
  }

  @Override
  public Version put(String key, byte[] value, Version read) {
    return writes.put(key, value, read);
  }

  @Override
  public Version put(String key, byte[] value, Duration timeToLive) {
    return writes.put(key, value, timeToLive);
  }

  @Override
  public Siblings siblings(String key) {
    return reads.siblings(key);
  }

  @Override
  public CompletableFuture<Version> putAsync(String key, byte[] value) {
    return writes.putAsync(key, value);
  }

  @Override
  public Optional<Version> putIfAbsent(String key, byte[] value) {
    return writes.putIfAbsent(key, value);
  }

  @Override
  public Optional<Version> replace(String key, Version expected, byte[] value) {
    return writes.replace(key, expected, value);
  }

  @Override
  public boolean remove(String key) {
    return writes.remove(key).isPresent();
  }

  @Override
  public Session session() {
    return guaranteed.session();
  }

  @Override
  public Session session(SessionToken token) {
    return guaranteed.session(token);
  }

  @Override
  public Fresh get(String key, Duration maxStaleness) {
    return guaranteed.get(key, maxStaleness);
  }

  @Override
  public Version put(String key, byte[] value, WriteConcern concern, Duration timeout) {
    guaranteed.requireConcern(concern, timeout);
    Version version = put(key, value);
    guaranteed.awaitConcern(key, version, concern, timeout);
    return version;
  }

  @Override
  public boolean remove(String key, WriteConcern concern, Duration timeout) {
    guaranteed.requireConcern(concern, timeout);
    Optional<Version> version = writes.remove(key);
    version.ifPresent(written -> guaranteed.awaitConcern(key, written, concern, timeout));
    return version.isPresent();
  }

  @Override
  public void awaitReplicated(SessionToken token, String region, Duration timeout) {
    guaranteed.awaitReplicated(token, region, timeout);
  }

  @Override
  public CompletableFuture<Void> whenReplicated(
      SessionToken token, String region, Duration timeout) {
    return guaranteed.whenReplicated(token, region, timeout);
  }

  @Override
  public Records as(String client) {
    Objects.requireNonNull(
        client, "client must not be null; read from the fabric itself without one");
    state.requireOpen();
    PastAccess.requireClient(client);
    return new Caller(client);
  }

  @Override
  public Optional<PeerAddress> listening() {
    state.requireOpen();
    return Optional.ofNullable(node().listening());
  }

  /** Answers HTTP from now on; once, before the host has the fabric. */
  void serve(Function<List<HttpRoute>, HttpServer> server) {
    var endpoints =
        new HttpEndpoints(
            this, node().region().name(), () -> !state.isClosed() && node().store().isWritable());
    http = server.apply(endpoints.routes());
  }

  @Override
  public Optional<PeerAddress> httpAddress() {
    state.requireOpen();
    return Optional.ofNullable(http).map(HttpServer::address);
  }

  @Override
  public FabricStats stats() {
    state.requireOpen();
    HttpServer serving = http;
    return FabricStats.of(
        node().stats(),
        events.stats(),
        completions.memory(),
        serving == null ? null : serving.stats());
  }

  @Override
  public List<Peer> peers() {
    return operations.peers();
  }

  @Override
  public Peer peer(String region) {
    return operations.peer(region);
  }

  @Override
  public void moveHome(String key, String region) {
    operations.moveHome(key, region);
  }

  @Override
  public Comparison compare(String region) {
    return operations.compare(region);
  }

  @Override
  public void evict(String region) {
    operations.evict(region);
  }

  @Override
  public void readmit(String region) {
    operations.readmit(region);
  }

  @Override
  public Explanation explain(String key) {
    Key parsed = Key.of(key);
    state.requireOpen();
    return Explanation.of(
        parsed,
        node().store().header(parsed),
        node().homesOf(parsed),
        node().hotTier().peek(parsed) != null,
        node().store().holdsPayload(parsed),
        node().keptCopy(parsed),
        node().predictionsOf(parsed),
        node().decisionsOn(parsed),
        node().shadowDecisionsOn(parsed));
  }

  @Override
  public Route route(String key, Place client, Map<String, Duration> measured) {
    return routes.route(key, client, measured);
  }

  @Override
  public Route route(String key, Map<String, Duration> measured) {
    return routes.route(key, measured);
  }

  @Override
  public Route route(String key, InetAddress client) {
    return routes.route(key, client);
  }

  @Override
  public List<Conflict> conflicts() {
    state.requireOpen();
    return node().store().conflicts();
  }

  @Override
  public long backup(Path directory) {
    Objects.requireNonNull(directory, "directory");
    state.requireOpen();
    var target = new FileDisk(directory);
    Disk.DirectoryLock lock = target.lock();
    try {
      return node().store().backup(target).entries();
    } finally {
      lock.close();
    }
  }

  @Override
  public void reloadCertificates() {
    state.requireOpen();
    if (certificates == null) {
      throw new ConfigurationException(
          "there are no certificates to reload: the fabric was opened without tls(...)");
    }
    certificates.reload();
  }

  @Override
  public Configuration configuration() {
    state.requireOpen();
    return node().configuration();
  }

  @Override
  public void setPrediction(boolean enabled) {
    state.requireOpen();
    running.setPrediction(enabled);
  }

  @Override
  public void setPrices(Prices prices) {
    Objects.requireNonNull(prices, "prices");
    state.requireOpen();
    var regions = new TreeSet<>(node().replicator().peers());
    regions.add(node().region());
    prices.requireRegions(regions);
    running.setPrices(prices);
  }

  @Override
  public void setCopyBudget(CopyBudget budget) {
    Objects.requireNonNull(budget, "budget");
    state.requireOpen();
    running.setCopyBudget(budget);
  }

  @Override
  public long train(Iterable<PastAccess> accesses) {
    return learning.train(accesses);
  }

  @Override
  public ClientForecast predict(String client) {
    return learning.predict(client);
  }

  @Override
  public CompletionStage<ShadowOutcome> shadow(String key, int factor, Duration timeToLive) {
    return shadowOperations.shadow(key, factor, timeToLive);
  }

  @Override
  public CompletionStage<ShadowReport> shadows(String key) {
    return shadowOperations.shadows(key);
  }

  @Override
  public CompletionStage<ShadowOutcome> dropShadows(String key) {
    return shadowOperations.drop(key);
  }

  @Override
  public void setShadowRules(ShadowRules rules) {
    shadowOperations.setRules(rules);
  }

  @Override
  public void close() {
    if (state.close()) {
      reads.close();
      HttpServer serving = http;
      if (serving != null) {
        serving.close();
      }
      try {
        running.close();
      } finally {
        shadowOperations.close();
        if (certificates != null) {
          certificates.close();
        }
        training.close();
        events.close();
        completions.close();
      }
    }
  }

  /** Reads on behalf of one client; writes are the same for all. */
  private final class Caller implements Records {
    private final String client;

    Caller(String client) {
      this.client = client;
    }

    @Override
    public Optional<Versioned> get(String key) {
      return reads.get(client, key, ReadOptions.DEFAULT);
    }

    @Override
    public Optional<Versioned> get(String key, ReadOptions options) {
      return reads.get(client, key, options);
    }

    @Override
    public Version put(String key, byte[] value) {
      return writes.put(key, value);
    }

    @Override
    public Version put(String key, byte[] value, Version read) {
      return writes.put(key, value, read);
    }

    @Override
    public Siblings siblings(String key) {
      return reads.siblings(key);
    }

    @Override
    public Version put(String key, byte[] value, Duration timeToLive) {
      return writes.put(key, value, timeToLive);
    }

    @Override
    public CompletableFuture<Version> putAsync(String key, byte[] value) {
      return writes.putAsync(key, value);
    }

    @Override
    public Optional<Version> putIfAbsent(String key, byte[] value) {
      return writes.putIfAbsent(key, value);
    }

    @Override
    public Optional<Version> replace(String key, Version expected, byte[] value) {
      return writes.replace(key, expected, value);
    }

    @Override
    public boolean remove(String key) {
      return writes.remove(key).isPresent();
    }
  }
}
