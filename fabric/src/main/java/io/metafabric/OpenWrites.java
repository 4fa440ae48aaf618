package io.metafabric;

import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Version;
import io.metafabric.node.FabricNode;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The writes of a host: wait until they are durable here, and for room where the disk does not keep
 * up. Has no state of its own. Thread-safe.
 */
final class OpenWrites {
  private final OpenState state;
  private final RunningNode running;
  private final Clock clock;
  private final Completions completions;
  private final Duration writeTimeout;

  OpenWrites(
      OpenState state,
      RunningNode running,
      Clock clock,
      Completions completions,
      Duration writeTimeout) {
    this.state = state;
    this.running = running;
    this.clock = clock;
    this.completions = completions;
    this.writeTimeout = writeTimeout;
  }

  private FabricNode<Versioned> node() {
    return running.get();
  }

  /** See {@link Records#put(String, byte[])}. */
  Version put(String key, byte[] value) {
    return required(write(key, copy(value), Header.NEVER, Precondition.NONE));
  }

  /** See {@link Records#put(String, byte[], Version)}. */
  Version put(String key, byte[] value, Version read) {
    Objects.requireNonNull(read, "read must not be null; Version.NONE has read nothing");
    return required(write(key, copy(value), Header.NEVER, Precondition.NONE, read));
  }

  /** See {@link Records#put(String, byte[], Duration)}. */
  Version put(String key, byte[] value, Duration timeToLive) {
    return required(write(key, copy(value), expiresAtMs(timeToLive), Precondition.NONE));
  }

  /** See {@link Records#putAsync}. */
  CompletableFuture<Version> putAsync(String key, byte[] value) {
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

  /** See {@link Records#putIfAbsent}. */
  Optional<Version> putIfAbsent(String key, byte[] value) {
    return write(key, copy(value), Header.NEVER, Precondition.ABSENT);
  }

  /** See {@link Records#replace}. */
  Optional<Version> replace(String key, Version expected, byte[] value) {
    Objects.requireNonNull(
        expected, "expected must not be null; Version.NONE expects a key never written");
    return write(key, copy(value), Header.NEVER, Precondition.version(expected), expected);
  }

  /** The version of the remove; empty if there was no value. */
  Optional<Version> remove(String key) {
    return write(key, null, Header.NEVER, Precondition.VISIBLE);
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

  /** Waits for a write of the node's, which is begun again once there is room for it. */
  Optional<Version> written(Key key, Supplier<CompletableFuture<@Nullable MetadataRecord>> write) {
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

  private static Optional<Version> version(@Nullable MetadataRecord record) {
    return record == null ? Optional.empty() : Optional.of(record.header().version());
  }

  private static Version required(Optional<Version> version) {
    return version.orElseThrow(
        () -> new IllegalStateException("a write without a condition cannot be declined"));
  }
}
