package io.metafabric.core.store;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Forgets what is dead, deleted or expired, once every region has applied it and all that it
 * replaced: the stable floor. Then nobody can bring back what it hides.
 *
 * <p>Looks at all that may have died now and then, and reads only what is under the floor; what is
 * more than a few keys is spread over many turns of its executor.
 */
final class DeadHeaders {
  /** Clocks may differ by this much: another region may still show what has expired here. */
  static final Duration EXPIRED_FOR = Duration.ofMinutes(2);

  /** Records are read so many at a time, and the executor has other turns in between. */
  private static final int READ_AT_ONCE = 256;

  private static final Duration PAUSE = Duration.ofMillis(5);

  /** Forgets a key unless it has changed. */
  @FunctionalInterface
  interface Forget {
    boolean forget(MetadataRecord dead);
  }

  private final KeyIndex index;
  private final Forget forget;
  private final Supplier<VersionVector> floor;
  private final SerialExecutor executor;
  private final Clock clock;
  private final Duration every;

  // The executor's: where the present round is.
  private VersionVector stable = VersionVector.EMPTY;
  private long expiredBeforeMs;
  private int nextTable;
  private long[] places = new long[0];
  private int nextPlace;

  // Until a wall clock shows this, another round under the same floor would find nothing.
  private long nothingBeforeMs = Long.MAX_VALUE;

  private final AtomicLong forgotten = new AtomicLong();

  /**
   * @param floor up to which counters every region has durably applied each actor's changes
   */
  DeadHeaders(
      KeyIndex index,
      Forget forget,
      Supplier<VersionVector> floor,
      SerialExecutor executor,
      Clock clock,
      Duration every) {
    this.index = index;
    this.forget = forget;
    this.floor = floor;
    this.executor = executor;
    this.clock = clock;
    this.every = every;
  }

  void start() {
    executor.schedule(every, this::begin);
  }

  private void begin() {
    VersionVector before = stable;
    stable = floor.get();
    long nowMs = clock.wallMs();
    if (stable.equals(before) && nowMs < nothingBeforeMs) {
      start();
      return;
    }
    expiredBeforeMs = nowMs - EXPIRED_FOR.toMillis();
    nothingBeforeMs = Long.MAX_VALUE;
    nextTable = 0;
    places = new long[0];
    nextPlace = 0;
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
          return false;
        }
        // Those that are not under the floor are dead or not, but cannot be forgotten.
        places = index.mortalsIn(nextTable++, stable::contains);
        nextPlace = 0;
      }
      lookAt(places[nextPlace++]);
    }
    return true;
  }

  private void lookAt(long place) {
    boolean looked = false;
    try {
      looked = lookedAt(place);
    } catch (StorageException e) {
      // Whoever asks for the key is told; the rest is looked at all the same.
    }
    if (!looked) {
      nothingBeforeMs = 0;
    }
  }

  /** False if it has moved or changed just now: it is met the next time. */
  private boolean lookedAt(long place) {
    MetadataRecord record = index.mortalAt(place);
    if (record == null) {
      return false;
    }
    Header header = record.header();
    if (!isDead(header, expiredBeforeMs)) {
      nothingBeforeMs = Math.min(nothingBeforeMs, header.expiresAtMs() + EXPIRED_FOR.toMillis());
    } else if (isUnder(stable, header)) {
      if (!forget.forget(record)) {
        return false;
      }
      forgotten.incrementAndGet();
    }
    return true;
  }

  private static boolean isDead(Header header, long expiredBeforeMs) {
    return header.isTombstone()
        || (header.expiresAtMs() != Header.NEVER && header.expiresAtMs() <= expiredBeforeMs);
  }

  private static boolean isUnder(VersionVector stable, Header header) {
    return stable.covers(header.version().asContext());
  }

  long forgotten() {
    return forgotten.get();
  }
}
