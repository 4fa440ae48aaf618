package io.metafabric.core.store;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.journal.Compaction;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the journal within a bound of what is live in it: 1.5 times the live bytes and two
 * segments. Begins before that, slowly; hurries where writers are faster.
 *
 * <p>Its work is done on its executor, in steps; {@link #check} may be called from anywhere.
 */
final class Compactor implements AutoCloseable {
  private static final long STEP_BYTES = 256 * 1024;
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

  /** Begins at this many times the live bytes and one segment. */
  private static final double BEGIN_AT = 1.25;

  private static final double HURRY_AT = 1.4;
  private static final double MIN_GARBAGE = 0.15;

  /** Begins to rewrite segments without garbage at this share of forgotten headers. */
  private static final double FORGET_AT = 0.2;

  private final Journal journal;
  private final Liveness liveness;
  private final SerialExecutor executor;
  private final CompactionConfig config;
  private final LongSupplier neededAfter;
  private final long checkEveryBytes;
  private final AtomicBoolean active = new AtomicBoolean();
  private volatile long checkedAtPosition;
  private volatile long checkedAtBytes;

  // The executor's.
  private @Nullable Compaction underWay;

  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong readBytes = new AtomicLong();
  private final AtomicLong writtenBytes = new AtomicLong();
  private final AtomicLong freedBytes = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private volatile @Nullable String problem;

  Compactor(
      Journal journal,
      Liveness liveness,
      SerialExecutor executor,
      CompactionConfig config,
      LongSupplier neededAfter) {
    this.journal = journal;
    this.liveness = liveness;
    this.executor = executor;
    this.config = config;
    this.neededAfter = neededAfter;
    this.checkEveryBytes = Math.max(1, journal.segmentBytes() / 16);
    this.checkedAtBytes = Long.MIN_VALUE / 2;
  }

  /** Cheap: looks at the segments only once enough was written since the last time. */
  void check() {
    long bytes = journal.sizeBytes();
    if (active.get() || Math.abs(bytes - checkedAtBytes) < checkEveryBytes) {
      return;
    }
    checkedAtBytes = bytes;
    journal.releaseHeld();
    if (isOver(BEGIN_AT, 1) && active.compareAndSet(false, true)) {
      checkedAtPosition = journal.publishedPosition();
      executor.execute(this::run);
    }
  }

  private boolean isOver(double timesLive, int segments) {
    long live = journal.liveBytes() - journal.forgottenBytes();
    return journal.sizeBytes() > timesLive * live + segments * journal.segmentBytes();
  }

  /** To forget costs a rewriting of all that is older. */
  private boolean isWorthForgetting() {
    return journal.forgottenBytes() > FORGET_AT * journal.sizeBytes();
  }

  private void run() {
    try {
      Compaction compaction = underWay;
      if (compaction == null) {
        compaction =
            Compaction.begin(journal, liveness, compactableTo(), MIN_GARBAGE, isWorthForgetting());
        underWay = compaction;
        writtenBytes.addAndGet(compaction == null ? 0 : compaction.writtenBytes());
      }
      if (compaction == null) {
        rest();
        return;
      }
      long before = journal.sizeBytes();
      boolean more = step(compaction);
      if (!more) {
        underWay = null;
        runs.incrementAndGet();
        freedBytes.addAndGet(Math.max(0, before - journal.sizeBytes()));
      }
      goOn(more);
    } catch (RuntimeException e) {
      // Also a defect: the next attempt begins anew, and the problem is told.
      failed(e);
    }
  }

  private boolean step(Compaction compaction) {
    long readBefore = compaction.readBytes();
    long writtenBefore = compaction.writtenBytes();
    try {
      return compaction.step(STEP_BYTES);
    } finally {
      readBytes.addAndGet(compaction.readBytes() - readBefore);
      writtenBytes.addAndGet(compaction.writtenBytes() - writtenBefore);
    }
  }

  private void goOn(boolean more) {
    if (!more && !isOver(BEGIN_AT, 1)) {
      rest();
    } else if (isOver(HURRY_AT, 1)) {
      executor.execute(this::run);
    } else {
      long pauseNanos = STEP_BYTES * 1_000_000_000 / config.bytesPerSecond();
      executor.schedule(Duration.ofNanos(pauseNanos), this::run);
    }
  }

  /** Whoever published after the last look may have found us active: look once more. */
  private void rest() {
    active.set(false);
    if (journal.publishedPosition() > checkedAtPosition) {
      check();
    }
  }

  private void failed(RuntimeException cause) {
    failures.incrementAndGet();
    problem = String.valueOf(cause.getMessage());
    abandon();
    executor.schedule(AFTER_FAILURE, this::run);
  }

  private void abandon() {
    Compaction compaction = underWay;
    underWay = null;
    if (compaction != null) {
      try {
        compaction.abandon();
      } catch (StorageException e) {
        // The file that is left is deleted when the journal is opened next.
        problem = e.getMessage();
      }
    }
  }

  /** What peers need is kept, but not more than the bound. */
  private long compactableTo() {
    long needed = Math.min(neededAfter.getAsLong(), journal.pinnedAfter());
    return Math.max(needed, journal.positionBefore(config.retainBytes()));
  }

  CompactionStats stats() {
    return new CompactionStats(
        runs.get(), readBytes.get(), writtenBytes.get(), freedBytes.get(), failures.get(), problem);
  }

  /** The executor has ended. */
  @Override
  public void close() {
    abandon();
  }
}
