package io.metafabric.core.store;

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
 * <p>Looks at one of the index's tables at a time, on its executor.
 */
final class DeadHeaders {
  /** All tables are looked at within this time. */
  static final Duration ROUND = Duration.ofSeconds(60);

  /** Clocks may differ by this much: another region may still show what has expired here. */
  static final Duration EXPIRED_FOR = Duration.ofMinutes(2);

  private static final Duration PAUSE = ROUND.dividedBy(KeyIndex.tables());

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

  // The executor's.
  private int nextTable;

  private final AtomicLong forgotten = new AtomicLong();

  /**
   * @param floor up to which counters every region has durably applied each actor's changes
   */
  DeadHeaders(
      KeyIndex index,
      Forget forget,
      Supplier<VersionVector> floor,
      SerialExecutor executor,
      Clock clock) {
    this.index = index;
    this.forget = forget;
    this.floor = floor;
    this.executor = executor;
    this.clock = clock;
  }

  void start() {
    executor.schedule(PAUSE, this::run);
  }

  private void run() {
    try {
      if (index.mortals() > 0) {
        lookAt(nextTable++);
      }
    } finally {
      // Also behind a damaged frame: the rest is looked at all the same.
      start();
    }
  }

  private void lookAt(int table) {
    if (table == KeyIndex.tables() - 1) {
      nextTable = 0;
    }
    VersionVector stable = floor.get();
    long expiredBeforeMs = clock.wallMs() - EXPIRED_FOR.toMillis();
    // Those that are not under the floor are dead or not, but cannot be forgotten.
    for (MetadataRecord record : index.mortalsIn(table, stable::contains)) {
      if (isDead(record.header(), expiredBeforeMs)
          && isUnder(stable, record.header())
          && forget.forget(record)) {
        forgotten.incrementAndGet();
      }
    }
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
