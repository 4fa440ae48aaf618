package io.metafabric;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.OriginException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.Place;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.version.Version;
import io.metafabric.host.BackgroundTraining;
import io.metafabric.host.CertificateWatch;
import io.metafabric.host.FileDisk;
import io.metafabric.http.HttpRoute;
import io.metafabric.http.HttpServer;
import io.metafabric.node.FabricNode;
import io.metafabric.node.ReadOutcome;
import io.metafabric.predict.ClientForecast;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.Route;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Prices;
import io.metafabric.replicate.shadow.ShadowRules;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The fabric that the builder opens: waits, where the node has futures. */
final class OpenFabric implements MetadataFabric {
  private final RunningNode running;
  private final @Nullable CertificateWatch certificates;
  private final BackgroundTraining training;
  private final Clock clock;
  private final PeerEvents events;
  private final Completions completions;
  private final Duration fetchTimeout;
  private final Duration writeTimeout;
  private final int maxValueBytes;
  private final @Nullable SystemOfRecord origin;
  private final Duration originTimeToLive;
  private final OriginFlights originFlights;
  private final OpenState state = new OpenState();
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
    this.clock = clock;
    this.events = events;
    this.completions = completions;
    this.fetchTimeout = fetchTimeout;
    this.writeTimeout = writeTimeout;
    this.maxValueBytes = maxValueBytes;
    this.origin = origin;
    this.originTimeToLive = originTimeToLive;
    this.originFlights = new OriginFlights(fetchTimeout);
    this.guaranteed =
        new Guaranteed(
            state,
            running,
            tokens,
            fetchTimeout,
            completions,
            key -> get(null, key, ReadOptions.neverStale()),
            this::written);
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
    return get(null, key, ReadOptions.DEFAULT);
  }

  @Override
  public Optional<Versioned> get(String key, ReadOptions options) {
    return get(null, key, options);
  }

  private Optional<Versioned> get(@Nullable String client, String path, ReadOptions options) {
    Objects.requireNonNull(options, "options");
    state.requireOpen();
    if (path != null) {
      Optional<Versioned> hit = node().hit(client, path);
      if (hit != null) {
        return hit;
      }
    }
    return getBeyondHot(client, Key.of(path), options);
  }

  private Optional<Versioned> getBeyondHot(@Nullable String client, Key key, ReadOptions options) {
    MetadataRecord here = node().readHere(client, key);
    if (here != null) {
      return Optional.of(new Versioned(here));
    }
    ReadOutcome outcome = taken(await(node().read(client, key), key), options);
    if (outcome instanceof ReadOutcome.Absent absent && !absent.everWritten() && origin != null) {
      return counted(client, key, originFlights.ask(key, () -> load(origin, key)));
    }
    node().finished(client, key, outcome);
    if (outcome instanceof ReadOutcome.Value value) {
      return Optional.of(new Versioned(value.record()));
    }
    if (outcome instanceof ReadOutcome.Superseded older) {
      return Optional.of(new Versioned(older.record(), true));
    }
    if (outcome instanceof ReadOutcome.Absent) {
      return Optional.empty();
    }
    if (outcome instanceof ReadOutcome.Unreachable unreachable) {
      if (state.isClosed()) {
        throw OpenState.closedException();
      }
      throw new RegionUnreachableException(
          key
              + " cannot be read now: "
              + unreachable.why()
              + "; this region does not hold it; try again when the link is back");
    }
    throw new IllegalStateException("a read ended with " + outcome);
  }

  private static ReadOutcome taken(ReadOutcome outcome, ReadOptions options) {
    return outcome instanceof ReadOutcome.Superseded older && !options.allowsStale()
        ? new ReadOutcome.Unreachable(
            older.why() + ", and an older value of it was not to be returned")
        : outcome;
  }

  private ReadOutcome await(CompletableFuture<ReadOutcome> reading, Key key) {
    try {
      return reading.get(fetchTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      String why = "no answer within " + fetchTimeout;
      MetadataRecord older = node().supersededHere(key);
      return older == null
          ? new ReadOutcome.Unreachable(why)
          : new ReadOutcome.Superseded(older, why);
    } catch (InterruptedException e) {
      throw OpenState.interrupted("reading " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  private Optional<Versioned> counted(
      @Nullable String client, Key key, Optional<Versioned> loaded) {
    ReadOutcome outcome =
        loaded.isPresent()
            ? new ReadOutcome.Value(loaded.get().record(), Outcome.ORIGIN)
            : new ReadOutcome.Absent(false);
    node().finished(client, key, outcome);
    return loaded;
  }

  private Optional<Versioned> load(SystemOfRecord from, Key key) {
    Optional<byte[]> value;
    try {
      value = Objects.requireNonNull(from.load(key.path()), "the system of record returned null");
    } catch (InterruptedException e) {
      throw OpenState.interrupted("loading " + key, e);
    } catch (Exception e) {
      throw new OriginException("the system of record failed to load " + key + ": " + e, e);
    }
    if (value.isEmpty()) {
      return Optional.empty();
    }
    if (value.get().length > maxValueBytes) {
      throw new OriginException(
          "the system of record returned "
              + value.get().length
              + " bytes for "
              + key
              + ", more than maxValueBytes = "
              + maxValueBytes);
    }
    long expiresAtMs = clock.wallMs() + originTimeToLive.toMillis();
    return Optional.of(
        new Versioned(node().fillFromOrigin(key, Bytes.copyOf(value.get()), expiresAtMs)));
  }

  @Override
  public Version put(String key, byte[] value) {
    return required(write(key, copy(value), Header.NEVER, Precondition.NONE));
  }

  @Override
  public Version put(String key, byte[] value, Version read) {
    Objects.requireNonNull(read, "read must not be null; Version.NONE has read nothing");
    return required(write(key, copy(value), Header.NEVER, Precondition.NONE, read));
  }

  @Override
  public Siblings siblings(String path) {
    Key key = Key.of(path);
    state.requireOpen();
    MetadataRecord known;
    try {
      known =
          node()
              .siblings(key)
              .toCompletableFuture()
              .get(fetchTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new RegionUnreachableException(
          "the siblings of " + key + " did not come within " + fetchTimeout);
    } catch (InterruptedException e) {
      throw OpenState.interrupted("reading the siblings of " + key, e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
    if (known == null) {
      return new Siblings(List.of(), false, Version.NONE);
    }
    long nowMs = clock.wallMs();
    var values = new ArrayList<Versioned>();
    boolean deleted = false;
    for (Sibling each : known.versions()) {
      deleted |= each.header().isTombstone();
      if (each.header().isVisibleAt(nowMs)) {
        values.add(new Versioned(new MetadataRecord(key, each.header(), each.payload())));
      }
    }
    return new Siblings(values, deleted, known.seen());
  }

  @Override
  public Version put(String key, byte[] value, Duration timeToLive) {
    return required(write(key, copy(value), expiresAtMs(timeToLive), Precondition.NONE));
  }

  @Override
  public CompletableFuture<Version> putAsync(String key, byte[] value) {
    Key parsed = Key.of(key);
    Bytes payload = copy(value);
    state.requireOpen();
    takeRoomForCallback(parsed);
    try {
      var written = new CompletableFuture<Version>();
      withRoom(parsed, () -> node().write(parsed, payload, Header.NEVER, Precondition.NONE))
          .whenComplete((record, failure) -> completeLater(written, record, failure));
      return written;
    } catch (RuntimeException e) {
      completions.giveRoomBack();
      throw e;
    }
  }

  private void completeLater(
      CompletableFuture<Version> written,
      @Nullable MetadataRecord record,
      @Nullable Throwable failure) {
    // What waits for the callbacks' thread is the version, not the record with its value.
    Version version = record == null ? null : record.header().version();
    completions.execute(
        () -> {
          try {
            // The host's callbacks run in here.
            if (version != null) {
              written.complete(version);
            } else {
              written.completeExceptionally(
                  Objects.requireNonNull(failure, "a write without a condition is not declined"));
            }
          } finally {
            completions.giveRoomBack();
          }
        });
  }

  @Override
  public Optional<Version> putIfAbsent(String key, byte[] value) {
    return write(key, copy(value), Header.NEVER, Precondition.ABSENT);
  }

  @Override
  public Optional<Version> replace(String key, Version expected, byte[] value) {
    Objects.requireNonNull(
        expected, "expected must not be null; Version.NONE expects a key never written");
    return write(key, copy(value), Header.NEVER, Precondition.version(expected), expected);
  }

  @Override
  public boolean remove(String key) {
    return write(key, null, Header.NEVER, Precondition.VISIBLE).isPresent();
  }

  private static Bytes copy(byte[] value) {
    return Bytes.copyOf(
        Objects.requireNonNull(value, "a value must not be null; use remove to delete"));
  }

  private long expiresAtMs(Duration timeToLive) {
    Objects.requireNonNull(
        timeToLive, "timeToLive must not be null; put without one keeps a value");
    try {
      long millis = timeToLive.toMillis();
      if (millis < 1) {
        throw new IllegalArgumentException("timeToLive must be at least 1 ms, was " + timeToLive);
      }
      return Math.addExact(clock.wallMs(), millis);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("timeToLive " + timeToLive + " is too long", e);
    }
  }

  private Optional<Version> write(
      String path, @Nullable Bytes payload, long expiresAtMs, Precondition condition) {
    return write(path, payload, expiresAtMs, condition, null);
  }

  private Optional<Version> write(
      String path,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    Key key = Key.of(path);
    return written(key, () -> node().writeHere(key, payload, expiresAtMs, condition, read));
  }

  private Optional<Version> written(
      Key key, Supplier<CompletableFuture<@Nullable MetadataRecord>> write) {
    CompletableFuture<@Nullable MetadataRecord> writing = withRoom(key, write);
    try {
      return version(writing.get());
    } catch (InterruptedException e) {
      throw OpenState.interrupted("writing " + key + " (it may still be stored)", e);
    } catch (ExecutionException e) {
      throw state.asUnchecked(e.getCause());
    }
  }

  /**
   * Waits for room in the queue to the disk rather than failing at once; others may take it first.
   */
  private CompletableFuture<@Nullable MetadataRecord> withRoom(
      Key key, Supplier<CompletableFuture<@Nullable MetadataRecord>> write) {
    state.requireOpen();
    CompletableFuture<@Nullable MetadataRecord> writing = write.get();
    if (!foundNoRoom(writing)) {
      return writing;
    }
    long deadlineNanos = clock.nanoTime() + writeTimeout.toNanos();
    do {
      awaitRoom(key, deadlineNanos);
      writing = write.get();
    } while (foundNoRoom(writing));
    return writing;
  }

  private static boolean foundNoRoom(CompletableFuture<@Nullable MetadataRecord> writing) {
    return writing.isCompletedExceptionally()
        && writing.handle((record, failure) -> failure instanceof OverloadedException).join();
  }

  private void awaitRoom(Key key, long deadlineNanos) {
    state.requireOpen();
    try {
      long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - clock.nanoTime());
      if (!node().awaitRoom(Math.max(1, leftMs)) || leftMs < 0) {
        throw new OverloadedException(
            "the disk did not keep up for " + writeTimeout + "; write slower");
      }
    } catch (InterruptedException e) {
      throw OpenState.interrupted("waiting to write " + key, e);
    }
  }

  private void takeRoomForCallback(Key key) {
    try {
      if (!completions.takeRoom(Math.max(1, writeTimeout.toMillis()))) {
        throw new OverloadedException(
            "the callbacks of earlier writes did not keep up for "
                + writeTimeout
                + "; let them do less, or on another executor");
      }
    } catch (InterruptedException e) {
      throw OpenState.interrupted("waiting to write " + key, e);
    }
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
    Optional<Version> version = write(key, null, Header.NEVER, Precondition.VISIBLE);
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

  private static Optional<Version> version(@Nullable MetadataRecord record) {
    return record == null ? Optional.empty() : Optional.of(record.header().version());
  }

  private static Version required(Optional<Version> version) {
    return version.orElseThrow(
        () -> new IllegalStateException("a write without a condition cannot be declined"));
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
      originFlights.close();
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
      return OpenFabric.this.get(client, key, ReadOptions.DEFAULT);
    }

    @Override
    public Optional<Versioned> get(String key, ReadOptions options) {
      return OpenFabric.this.get(client, key, options);
    }

    @Override
    public Version put(String key, byte[] value) {
      return OpenFabric.this.put(key, value);
    }

    @Override
    public Version put(String key, byte[] value, Version read) {
      return OpenFabric.this.put(key, value, read);
    }

    @Override
    public Siblings siblings(String key) {
      return OpenFabric.this.siblings(key);
    }

    @Override
    public Version put(String key, byte[] value, Duration timeToLive) {
      return OpenFabric.this.put(key, value, timeToLive);
    }

    @Override
    public CompletableFuture<Version> putAsync(String key, byte[] value) {
      return OpenFabric.this.putAsync(key, value);
    }

    @Override
    public Optional<Version> putIfAbsent(String key, byte[] value) {
      return OpenFabric.this.putIfAbsent(key, value);
    }

    @Override
    public Optional<Version> replace(String key, Version expected, byte[] value) {
      return OpenFabric.this.replace(key, expected, value);
    }

    @Override
    public boolean remove(String key) {
      return OpenFabric.this.remove(key);
    }
  }
}
