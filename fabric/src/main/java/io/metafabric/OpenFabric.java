package io.metafabric;

import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.error.HomeMoveException;
import io.metafabric.core.error.OriginException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.version.Version;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.host.BackgroundTraining;
import io.metafabric.host.CertificateWatch;
import io.metafabric.host.FileDisk;
import io.metafabric.node.FabricNode;
import io.metafabric.node.FreshReads;
import io.metafabric.node.Guarantees;
import io.metafabric.node.ReadOutcome;
import io.metafabric.node.Sessions;
import io.metafabric.replicate.Comparison;
import io.metafabric.replicate.HomeMoves;
import io.metafabric.replicate.PeerStats;
import io.metafabric.replicate.arm.CopyBudget;
import io.metafabric.replicate.arm.Prices;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
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
  private final OpenSession.Tokens tokens;
  private final AtomicBoolean closed = new AtomicBoolean();

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
      OpenSession.Tokens tokens) {
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
    this.tokens = tokens;
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
    requireOpen();
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
      if (closed.get()) {
        throw closedException();
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
      throw interrupted("reading " + key, e);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
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
      throw interrupted("loading " + key, e);
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
    requireOpen();
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
      throw interrupted("reading the siblings of " + key, e);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
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
    requireOpen();
    takeRoomForCallback(parsed);
    try {
      // What waits for the callbacks' thread is the version, not the record with its value.
      CompletableFuture<Version> written =
          withRoom(parsed, () -> node().write(parsed, payload, Header.NEVER, Precondition.NONE))
              .thenApply(record -> required(version(record)))
              .handleAsync(OpenFabric::orThrow, completions);
      // Of what hangs on a future the first comes last: behind the host's callbacks.
      written.whenComplete((version, failure) -> completions.giveRoomBack());
      return written;
    } catch (RuntimeException e) {
      completions.giveRoomBack();
      throw e;
    }
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
      throw interrupted("writing " + key + " (it may still be stored)", e);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
    }
  }

  /**
   * Waits for room in the queue to the disk rather than failing at once; others may take it first.
   */
  private CompletableFuture<@Nullable MetadataRecord> withRoom(
      Key key, Supplier<CompletableFuture<@Nullable MetadataRecord>> write) {
    requireOpen();
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
    requireOpen();
    try {
      long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - clock.nanoTime());
      if (!node().awaitRoom(Math.max(1, leftMs)) || leftMs < 0) {
        throw new OverloadedException(
            "the disk did not keep up for " + writeTimeout + "; write slower");
      }
    } catch (InterruptedException e) {
      throw interrupted("waiting to write " + key, e);
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
      throw interrupted("waiting to write " + key, e);
    }
  }

  @Override
  public Session session() {
    requireOpen();
    return new OpenSession(this, tokens, Dependencies.NONE);
  }

  @Override
  public Session session(SessionToken token) {
    requireOpen();
    return new OpenSession(this, tokens, tokens.read(token));
  }

  private Guarantees guarantees() {
    requireOpen();
    return node().guarantees();
  }

  Dependencies compacted(Dependencies dependencies) {
    return guarantees().sessions().compacted(dependencies);
  }

  Optional<Versioned> getInSession(Key key, OpenSession session) {
    awaited(
        guarantees().sessions().readyToRead(key, session.seen(), fetchTimeout), "reading " + key);
    Optional<Versioned> value = get(null, key.path(), ReadOptions.neverStale());
    if (value.isPresent()) {
      session.saw(key, value.get().version());
    } else {
      Header deleted = node().store().header(key);
      if (deleted != null) {
        session.saw(key, deleted.version());
      }
    }
    return value;
  }

  Optional<Version> writeInSession(Key key, byte @Nullable [] value, OpenSession session) {
    Bytes payload = value == null ? null : Bytes.copyOf(value);
    Precondition condition = value == null ? Precondition.VISIBLE : Precondition.NONE;
    Dependencies seen = session.seen();
    Sessions sessions = guarantees().sessions();
    awaited(sessions.readyToWrite(seen, fetchTimeout), "writing " + key + " (it is not stored)");
    Dependencies left = sessions.compacted(seen);
    session.compacted(seen, left);
    Optional<Version> version =
        written(key, () -> node().writeAfter(key, payload, Header.NEVER, condition, left));
    version.ifPresent(written -> session.saw(key, written));
    return version;
  }

  @Override
  public Fresh get(String path, Duration maxStaleness) {
    Key key = Key.of(path);
    requireNotNegative("maxStaleness", maxStaleness);
    FreshReads.Answer answer =
        awaited(
            guarantees().freshReads().read(null, key, maxStaleness, fetchTimeout),
            "reading " + key);
    node().finished(null, key, answer.outcome());
    Header header = answer.version();
    return new Fresh(
        answer.outcome() instanceof ReadOutcome.Value value
            ? Optional.of(new Versioned(value.record()))
            : Optional.empty(),
        header == null ? Version.NONE : header.version(),
        answer.by().name(),
        Duration.ofNanos(answer.ageNanos()));
  }

  private static void requireNotNegative(String name, Duration value) {
    if (Objects.requireNonNull(value, name).isNegative()) {
      throw new IllegalArgumentException(name + " must not be negative, was " + value);
    }
  }

  @Override
  public Version put(String key, byte[] value, WriteConcern concern, Duration timeout) {
    requireConcern(concern, timeout);
    Version version = put(key, value);
    awaitConcern(key, version, concern, timeout);
    return version;
  }

  @Override
  public boolean remove(String key, WriteConcern concern, Duration timeout) {
    requireConcern(concern, timeout);
    Optional<Version> version = write(key, null, Header.NEVER, Precondition.VISIBLE);
    version.ifPresent(written -> awaitConcern(key, written, concern, timeout));
    return version.isPresent();
  }

  private void requireConcern(WriteConcern concern, Duration timeout) {
    Objects.requireNonNull(concern, "concern");
    requireNotNegative("timeout", timeout);
    guarantees().acknowledgements().require(concern);
  }

  private void awaitConcern(String key, Version version, WriteConcern concern, Duration timeout) {
    awaited(
        guarantees().acknowledgements().durable(Key.of(key), version, concern, timeout),
        "waiting for " + concern + " of " + key + " (it is stored)");
  }

  @Override
  public void awaitReplicated(SessionToken token, String region, Duration timeout) {
    awaited(replicated(token, region, timeout), "waiting for region " + region);
  }

  @Override
  public CompletableFuture<Void> whenReplicated(
      SessionToken token, String region, Duration timeout) {
    return replicated(token, region, timeout)
        .handleAsync(
            (done, failure) -> {
              if (failure != null) {
                throw asUnchecked(failure);
              }
              return null;
            },
            completions);
  }

  private CompletableFuture<Void> replicated(SessionToken token, String region, Duration timeout) {
    requireNotNegative("timeout", timeout);
    return guarantees()
        .acknowledgements()
        .replicated(tokens.read(token), new RegionName(region), timeout);
  }

  /** What it waits for has a timeout of its own. */
  private <T> T awaited(CompletableFuture<T> future, String doing) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      throw interrupted(doing, e);
    } catch (ExecutionException e) {
      throw closed.get() ? closedException() : asUnchecked(e.getCause());
    }
  }

  private static Version orThrow(@Nullable Version written, @Nullable Throwable failure) {
    if (failure != null) {
      throw failure instanceof CompletionException wrapped
          ? wrapped
          : new CompletionException(failure);
    }
    return Objects.requireNonNull(written);
  }

  private static Optional<Version> version(@Nullable MetadataRecord record) {
    return record == null ? Optional.empty() : Optional.of(record.header().version());
  }

  private static Version required(Optional<Version> version) {
    return version.orElseThrow(
        () -> new IllegalStateException("a write without a condition cannot be declined"));
  }

  private static FabricException interrupted(String doing, InterruptedException e) {
    Thread.currentThread().interrupt();
    return new FabricException("interrupted while " + doing, e);
  }

  private RuntimeException asUnchecked(@Nullable Throwable cause) {
    if (cause instanceof StorageException && closed.get()) {
      return closedException();
    }
    if (cause instanceof RuntimeException unchecked) {
      return unchecked;
    }
    return new FabricException("an unexpected failure: " + cause, cause);
  }

  private void requireOpen() {
    if (closed.get()) {
      throw closedException();
    }
  }

  private static FabricClosedException closedException() {
    return new FabricClosedException("the fabric is closed; open a new one");
  }

  @Override
  public Records as(String client) {
    Objects.requireNonNull(
        client, "client must not be null; read from the fabric itself without one");
    requireOpen();
    if (client.isBlank() || client.length() > 256) {
      throw new ConfigurationException("a client's name must have 1 to 256 characters");
    }
    return new Caller(client);
  }

  @Override
  public Optional<PeerAddress> listening() {
    requireOpen();
    return Optional.ofNullable(node().listening());
  }

  @Override
  public FabricStats stats() {
    requireOpen();
    return FabricStats.of(node().stats(), events.stats(), completions.memory());
  }

  @Override
  public List<Peer> peers() {
    requireOpen();
    return node().replicator().peers().stream().map(region -> (Peer) new Link(region)).toList();
  }

  @Override
  public Peer peer(String region) {
    Objects.requireNonNull(region, "region");
    requireOpen();
    var name = new RegionName(region);
    if (!node().replicator().peers().contains(name)) {
      throw new ConfigurationException(
          "region " + name + " is not a peer here; the peers are " + node().replicator().peers());
    }
    return new Link(name);
  }

  @Override
  public Explanation explain(String key) {
    Key parsed = Key.of(key);
    requireOpen();
    return Explanation.of(
        parsed,
        node().store().header(parsed),
        node().homesOf(parsed),
        node().hotTier().peek(parsed) != null,
        node().store().holdsPayload(parsed),
        node().predictionsOf(parsed),
        node().decisionsOn(parsed));
  }

  @Override
  public List<Conflict> conflicts() {
    requireOpen();
    return node().store().conflicts();
  }

  @Override
  public long backup(Path directory) {
    Objects.requireNonNull(directory, "directory");
    requireOpen();
    var target = new FileDisk(directory);
    Disk.DirectoryLock lock = target.lock();
    try {
      return node().store().backup(target).entries();
    } finally {
      lock.close();
    }
  }

  @Override
  public void moveHome(String key, String region) {
    Key parsed = Key.of(key);
    var to = new RegionName(region);
    requireOpen();
    HomeMoves.Result moved = awaitMove(node().moveHome(parsed, to), parsed);
    switch (moved.outcome()) {
      case DONE -> {}
      case UNREACHABLE -> throw new RegionUnreachableException(notMoved(parsed, to, moved));
      default -> throw new HomeMoveException(notMoved(parsed, to, moved));
    }
  }

  private HomeMoves.Result awaitMove(CompletableFuture<HomeMoves.Result> moving, Key key) {
    // The longest there is: the old home reads the record elsewhere and asks the new one.
    Duration longest = fetchTimeout.multipliedBy(3);
    try {
      return moving.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return new HomeMoves.Result(MoveOutcome.UNREACHABLE, "no answer within " + longest);
    } catch (InterruptedException e) {
      throw interrupted("moving the home of " + key, e);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
    }
  }

  private static String notMoved(Key key, RegionName to, HomeMoves.Result moved) {
    return "the home of " + key + " was not moved to " + to + ": " + moved.message();
  }

  @Override
  public Comparison compare(String region) {
    Objects.requireNonNull(region, "region");
    requireOpen();
    CompletableFuture<Comparison> comparing;
    try {
      comparing = node().compare(new RegionName(region));
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(e.getMessage() + "; name one of the peers");
    }
    try {
      return comparing.get();
    } catch (InterruptedException e) {
      throw interrupted("comparing with " + region + " (it goes on)", e);
    } catch (ExecutionException e) {
      throw closed.get() ? closedException() : asUnchecked(e.getCause());
    }
  }

  @Override
  public void reloadCertificates() {
    requireOpen();
    if (certificates == null) {
      throw new ConfigurationException(
          "there are no certificates to reload: the fabric was opened without tls(...)");
    }
    certificates.reload();
  }

  @Override
  public Configuration configuration() {
    requireOpen();
    return node().configuration();
  }

  @Override
  public void evict(String region) {
    Objects.requireNonNull(region, "region");
    requireOpen();
    await(node().evict(new RegionName(region)), "evicting " + region);
  }

  @Override
  public void readmit(String region) {
    Objects.requireNonNull(region, "region");
    requireOpen();
    await(node().readmit(new RegionName(region)), "readmitting " + region);
  }

  private void await(CompletableFuture<Configuration> decision, String doing) {
    try {
      decision.get(writeTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new OverloadedException(
          doing
              + " took more than "
              + writeTimeout
              + ", and may still happen; look at configuration()");
    } catch (InterruptedException e) {
      throw interrupted(doing + " (it may still happen)", e);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
    }
  }

  @Override
  public void setPrediction(boolean enabled) {
    requireOpen();
    running.setPrediction(enabled);
  }

  @Override
  public void setPrices(Prices prices) {
    Objects.requireNonNull(prices, "prices");
    requireOpen();
    var regions = new TreeSet<>(node().replicator().peers());
    regions.add(node().region());
    prices.requireRegions(regions);
    running.setPrices(prices);
  }

  @Override
  public void setCopyBudget(CopyBudget budget) {
    Objects.requireNonNull(budget, "budget");
    requireOpen();
    running.setCopyBudget(budget);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      originFlights.close();
      try {
        running.close();
      } finally {
        if (certificates != null) {
          certificates.close();
        }
        training.close();
        events.close();
        completions.close();
      }
    }
  }

  private final class Link implements Peer {
    private final RegionName region;

    Link(RegionName region) {
      this.region = region;
    }

    @Override
    public RegionName region() {
      return region;
    }

    @Override
    public PeerStats stats() {
      requireOpen();
      return node().replicator().stats(region);
    }

    @Override
    public void pause() {
      requireOpen();
      node().replicator().pause(region);
    }

    @Override
    public void resume() {
      requireOpen();
      node().replicator().resume(region);
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
