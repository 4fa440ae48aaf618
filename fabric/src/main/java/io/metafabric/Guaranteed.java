package io.metafabric;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.version.Version;
import io.metafabric.node.FabricNode;
import io.metafabric.node.FreshReads;
import io.metafabric.node.Guarantees;
import io.metafabric.node.ReadOutcome;
import io.metafabric.node.SessionState;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Sessions, bounds on staleness, and write concern of an open fabric. Thread-safe. */
final class Guaranteed {
  /** Writes, and waits until that is stored. */
  @FunctionalInterface
  interface Writer {
    Optional<Version> write(Key key, Supplier<CompletableFuture<@Nullable MetadataRecord>> write);
  }

  private static final Duration FOREVER = Duration.ofDays(365);

  private final OpenState state;
  private final RunningNode running;
  private final OpenSession.Tokens tokens;
  private final Duration fetchTimeout;
  private final Executor callbacks;
  private final Function<String, Optional<Versioned>> reader;
  private final Writer writer;

  /**
   * @param reader reads the newest there is, never what is stale
   */
  Guaranteed(
      OpenState state,
      RunningNode running,
      OpenSession.Tokens tokens,
      Duration fetchTimeout,
      Executor callbacks,
      Function<String, Optional<Versioned>> reader,
      Writer writer) {
    this.state = state;
    this.running = running;
    this.tokens = tokens;
    this.fetchTimeout = fetchTimeout;
    this.callbacks = callbacks;
    this.reader = reader;
    this.writer = writer;
  }

  private FabricNode<Versioned> node() {
    return running.get();
  }

  Session session() {
    state.requireOpen();
    return new OpenSession(this, tokens, Dependencies.NONE);
  }

  Session session(SessionToken token) {
    state.requireOpen();
    return new OpenSession(this, tokens, tokens.read(token));
  }

  private Guarantees guarantees() {
    state.requireOpen();
    return node().guarantees();
  }

  Dependencies compacted(SessionState session) {
    state.requireOpen();
    return session.compacted(node());
  }

  Optional<Versioned> getInSession(Key key, SessionState session) {
    state.requireOpen();
    FabricNode<Versioned> node = node();
    state.awaited(session.readyToRead(node, key, fetchTimeout), "reading " + key);
    Optional<Versioned> value = reader.apply(key.path());
    session.wasShown(node, key, value.map(Versioned::version).orElse(null));
    return value;
  }

  Optional<Version> writeInSession(Key key, byte @Nullable [] value, SessionState session) {
    state.requireOpen();
    Bytes payload = value == null ? null : Bytes.copyOf(value);
    // Not one that is opened in its place, and may know less.
    FabricNode<Versioned> node = node();
    Dependencies after =
        state.awaited(
            session.readyToWrite(node, fetchTimeout), "writing " + key + " (it is not stored)");
    Optional<Version> version =
        writer.write(key, () -> SessionState.write(node, key, payload, after));
    version.ifPresent(written -> session.saw(key, written));
    return version;
  }

  Fresh get(String path, Duration maxStaleness) {
    Key key = Key.of(path);
    Duration bound = notNegative("maxStaleness", maxStaleness);
    FreshReads.Answer answer =
        state.awaited(
            guarantees().freshReads().read(null, key, bound, fetchTimeout), "reading " + key);
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

  /** Returns what can be counted in nanoseconds; nobody will see more pass. */
  private static Duration notNegative(String name, Duration value) {
    if (Objects.requireNonNull(value, name).isNegative()) {
      throw new IllegalArgumentException(name + " must not be negative, was " + value);
    }
    return value.compareTo(FOREVER) < 0 ? value : FOREVER;
  }

  /**
   * @throws ConfigurationException if no write can meet it
   */
  void requireConcern(WriteConcern concern, Duration timeout) {
    Objects.requireNonNull(concern, "concern");
    notNegative("timeout", timeout);
    guarantees().acknowledgements().require(concern);
  }

  /** Waits for the concern of a write that stands. */
  void awaitConcern(String key, Version version, WriteConcern concern, Duration timeout) {
    state.awaited(
        guarantees()
            .acknowledgements()
            .durable(Key.of(key), version, concern, notNegative("timeout", timeout)),
        "waiting for " + concern + " of " + key + " (it is stored)");
  }

  void awaitReplicated(SessionToken token, String region, Duration timeout) {
    state.awaited(replicated(token, region, timeout), "waiting for region " + region);
  }

  CompletableFuture<Void> whenReplicated(SessionToken token, String region, Duration timeout) {
    return replicated(token, region, timeout)
        .handleAsync(
            (done, failure) -> {
              if (failure != null) {
                throw state.asUnchecked(failure);
              }
              return null;
            },
            callbacks);
  }

  private CompletableFuture<Void> replicated(SessionToken token, String region, Duration timeout) {
    return guarantees()
        .acknowledgements()
        .replicated(tokens.read(token), new RegionName(region), notNegative("timeout", timeout));
  }
}
