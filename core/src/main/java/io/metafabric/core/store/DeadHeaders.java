package io.metafabric.core.store;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Forgets what is dead, deleted or expired, once every region has applied it and all that it
 * replaced: the stable floor. Then nobody can bring back what it hides.
 *
 * <p>Looks at all that may have died now and then, and reads only what is under the floor; what is
 * more than a few keys is spread over many turns of its executor.
 */
final class DeadHeaders {
  /** Clocks may differ by this much: another region may still show what has expired here. */
  static final Duration EXPIRED_FOR = Duration.ofMillis(Header.CLOCKS_DIFFER_MS);

  /** Records are read so many at a time, and the executor has other turns in between. */
  private static final int READ_AT_ONCE = 256;

  private static final Duration PAUSE = Duration.ofMillis(5);

  /** Forgets unless the key has changed. */
  interface Forget {
    /** The key, of which all versions are dead. */
    boolean forget(MetadataRecord dead);

    /**
     * The dead versions of a key that has others.
     *
     * @param left at least one version
     */
    boolean forgetSome(MetadataRecord known, List<Sibling> left);
  }

  private final KeyIndex index;
  private final Forget forget;
  private final Supplier<VersionVector> floor;
  private final SerialExecutor executor;
  private final LongSupplier leastWallMs;
  private final Duration every;

  // The executor's: where the present round is.
  private VersionVector stable = VersionVector.EMPTY;
  private long expiredBeforeMs;
  private int nextTable;
  private long[] places = new long[0];
  private int nextPlace;
  private List<Key> withSiblings = List.of();
  private int nextWithSiblings;

  // Until that clock shows this, another round under the same floor would find nothing.
  private long nothingBeforeMs = Long.MAX_VALUE;

  private final AtomicLong forgotten = new AtomicLong();

  /**
   * @param floor up to which counters every region has durably applied each actor's changes
   * @param leastWallMs what all regions' clocks have reached: what has expired by one clock alone
   *     may be shown elsewhere
   */
  DeadHeaders(
      KeyIndex index,
      Forget forget,
      Supplier<VersionVector> floor,
      SerialExecutor executor,
      LongSupplier leastWallMs,
      Duration every) {
    this.index = index;
    this.forget = forget;
    this.floor = floor;
    this.executor = executor;
    this.leastWallMs = leastWallMs;
    this.every = every;
  }

  void start() {
    executor.schedule(every, this::begin);
  }

  private void begin() {
    VersionVector before = stable;
    stable = floor.get();
    long nowMs = leastWallMs.getAsLong();
    if (stable.equals(before) && nowMs < nothingBeforeMs) {
      start();
      return;
    }
    expiredBeforeMs = Header.reachedBy(nowMs);
    nothingBeforeMs = Long.MAX_VALUE;
    nextTable = 0;
    places = new long[0];
    nextPlace = 0;
    withSiblings = index.keysWithMortalSiblings();
    nextWithSiblings = 0;
    goOn();
  }

  private void goOn() {
    boolean isLeft = true;
    try {
      isLeft = step();
    } finally {
      if (isLeft) {
        executor.schedule(PAUSE, this::goOn);
      } else {
        start();
      }
    }
  }

  /** Returns whether anything is left of this round. */
  private boolean step() {
    for (int read = 0; read < READ_AT_ONCE; read++) {
      while (nextPlace == places.length) {
        if (nextTable == KeyIndex.tables()) {
          return stepWithSiblings(READ_AT_ONCE - read);
        }
        // Those that are not under the floor are dead or not, but cannot be forgotten.
        places = index.mortalsIn(nextTable++, stable::contains);
        nextPlace = 0;
      }
      long place = places[nextPlace++];
      lookAt(() -> lookedAtFront(place));
    }
    return true;
  }

  private boolean stepWithSiblings(int atOnce) {
    int end = Math.min(withSiblings.size(), nextWithSiblings + atOnce);
    while (nextWithSiblings < end) {
      Key key = withSiblings.get(nextWithSiblings++);
      lookAt(() -> lookedAt(index.read(key)));
    }
    return end < withSiblings.size();
  }

  /** What has siblings is looked at by its key, whichever version is in front. */
  private boolean lookedAtFront(long place) {
    MetadataRecord record = index.mortalAt(place);
    return (record != null && record.hasSiblings()) || lookedAt(record);
  }

  private void lookAt(BooleanSupplier look) {
    boolean looked = false;
    try {
      looked = look.getAsBoolean();
    } catch (StorageException e) {
      // Whoever asks for the key is told; the rest is looked at all the same.
    }
    if (!looked) {
      nothingBeforeMs = 0;
    }
  }

  /** False if it has moved or changed just now: it is met the next time. */
  private boolean lookedAt(@Nullable MetadataRecord record) {
    if (record == null) {
      return false;
    }
    if (!record.hasSiblings()) {
      return !mayGo(record.header()) || counted(forget.forget(record));
    }
    List<Sibling> left = record.versions().stream().filter(each -> !mayGo(each.header())).toList();
    if (left.size() == record.versions().size() || !record.showsNoMoreWith(left)) {
      return true;
    }
    return counted(left.isEmpty() ? forget.forget(record) : forget.forgetSome(record, left));
  }

  private boolean counted(boolean isForgotten) {
    if (isForgotten) {
      forgotten.incrementAndGet();
    }
    return isForgotten;
  }

  /** Whether it is dead, and under the floor with all that it hides. */
  private boolean mayGo(Header header) {
    if (!header.isDeadAt(expiredBeforeMs)) {
      if (header.expiresAtMs() != Header.NEVER) {
        nothingBeforeMs = Math.min(nothingBeforeMs, header.expiresAtMs() + EXPIRED_FOR.toMillis());
      }
      return false;
    }
    return stable.covers(header.version().seen());
  }

  long forgotten() {
    return forgotten.get();
  }
}
