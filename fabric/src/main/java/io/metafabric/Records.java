package io.metafabric;

import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads and writes of records by key, {@code namespace/id}. Thread-safe. docs/CONTRACT.md says what
 * each operation promises, waits for, and returns in each failure.
 *
 * <p>Every method throws {@link io.metafabric.core.error.InvalidKeyException} for a malformed key
 * and {@link io.metafabric.core.error.FabricClosedException} once the fabric is closed.
 */
public interface Records {
  /**
   * The value of a key, from the nearest place that has it. Waits for another region only if this
   * one does not hold the value, and no longer than the fetch timeout.
   *
   * <p>If nobody who has the newest value can be reached, an older one that still is to be had is
   * returned, and {@linkplain Versioned#isStale() says so}; never one of which this region knows
   * that it was removed or has expired.
   *
   * @throws io.metafabric.core.error.RegionUnreachableException if no region that could tell was
   *     reachable; absent is never a guess
   */
  Optional<Versioned> get(String key);

  /**
   * The same, with a say in what it may be answered with.
   *
   * @throws io.metafabric.core.error.RegionUnreachableException as {@link #get(String)}, and if
   *     there is only a stale value and {@code options} do not take it
   */
  Optional<Versioned> get(String key, ReadOptions options);

  /**
   * Stores a value. Returns once it is durable here; other regions learn of it later.
   *
   * @throws io.metafabric.core.error.ValueTooLargeException if it is larger than {@code
   *     maxValueBytes}
   * @throws io.metafabric.core.error.ContextTooLargeException if more openings have written it than
   *     other regions can be told, and they have to be: where siblings are kept, or in a session
   * @throws io.metafabric.core.error.StorageException if the disk refused it
   * @throws io.metafabric.core.error.OverloadedException if the disk did not keep up for the whole
   *     write timeout
   * @throws io.metafabric.core.error.ClockSkewException if this node's clock disagrees with those
   *     of most of its peers; nothing was stored
   */
  Version put(String key, byte[] value);

  /**
   * The same, with a time to live, after which the value is hidden in every region.
   *
   * @param timeToLive at least 1 ms
   */
  Version put(String key, byte[] value, Duration timeToLive);

  /**
   * The same, without waiting for the disk: the future completes when {@link #put} would return,
   * and fails with a {@link io.metafabric.core.error.StorageException} if the disk refused.
   * Everything else that {@code put} throws is thrown by the call itself: a malformed key, a value
   * that is null or too large, a closed fabric, and overload after the write timeout.
   *
   * <p>What the host hangs on the future runs on a thread of the fabric, one after the other: long
   * work belongs on an executor of the host's ({@code thenApplyAsync}), and waiting there for
   * another such future waits for ever.
   *
   * @throws io.metafabric.core.error.OverloadedException if the disk, or the callbacks of earlier
   *     writes, did not keep up for the whole write timeout
   */
  CompletableFuture<Version> putAsync(String key, byte[] value);

  /**
   * Stores a value in place of what the caller has read, and of nothing else. Where the namespace
   * keeps concurrent writes, those that the caller has not read stay beside it, also those of other
   * callers of this node. Where the last writer wins, this is {@link #put(String, byte[])}.
   *
   * @param read from {@link Versioned#version()}, which stands for that one write and what its
   *     writer had seen; from {@link Siblings#version()}, which stands for all of them; or {@code
   *     Version.NONE} if nothing was read
   * @throws io.metafabric.core.error.ConflictOpenException if a conflict was left open for so many
   *     writes that this one's place among them cannot be told any more
   */
  Version put(String key, byte[] value, Version read);

  /**
   * All values that were written concurrently and none of which has replaced another, as far as
   * this region knows; one, or none, if there is no conflict. Waits for other regions as {@link
   * #get} does.
   *
   * @throws io.metafabric.core.error.RegionUnreachableException if one of them is not here, and no
   *     region that holds it was reachable
   */
  Siblings siblings(String key);

  /** Stores a value where this region sees none; empty if it sees one. */
  Optional<Version> putIfAbsent(String key, byte[] value);

  /**
   * Stores a value where this region's version is {@code expected}; empty if it is another. A
   * compare-and-set against this region's state alone: another region may do the same meanwhile.
   */
  Optional<Version> replace(String key, Version expected, byte[] value);

  /**
   * Deletes the value that this region sees, and all that it knows beside it; false if it sees
   * none.
   *
   * @throws io.metafabric.core.error.RemovalRefusedException if values of the namespace are never
   *     removed: counters and sets, {@link io.metafabric.core.conflict.ConflictRule#neverRemoved}
   */
  boolean remove(String key);
}
