package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.predict.Foresight;
import io.metafabric.predict.ForesightFile;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what predictors have learned over a restart. Whatever goes wrong costs that learning and
 * nothing else. {@link #tick} and {@link #close} are the node's to call; the work is done in the
 * background.
 */
final class ForesightKeeper {
  private static final Logger log = LoggerFactory.getLogger(ForesightKeeper.class);

  private static final Duration EVERY = Duration.ofMinutes(5);

  private final Foresight foresight;
  private final ForesightFile file;
  private final Executor background;
  private final CompletableFuture<Void> restored = new CompletableFuture<>();
  private final AtomicLong savedAt = new AtomicLong();
  private long checkedNanos;

  /** Begins to read what was learned before. */
  ForesightKeeper(Foresight foresight, Disk disk, long maxBytes, Clock clock, Executor background) {
    this.foresight = foresight;
    this.file = new ForesightFile(disk, maxBytes);
    this.background = background;
    this.checkedNanos = clock.nanoTime();
    background.execute(this::restore);
  }

  private void restore() {
    try {
      var saved =
          file.read(damage -> log.warn("what was learned of accesses is learned anew: {}", damage));
      foresight.restore(
          saved,
          (predictor, why) ->
              log.warn("predictor {} cannot go on from what it had learned: {}", predictor, why));
    } catch (StorageException e) {
      log.warn("what was learned of accesses is learned anew: {}", e.getMessage());
    } finally {
      restored.complete(null);
    }
  }

  /** Completes once what was learned before is back, or is given up; before, it would replace. */
  CompletableFuture<Void> restored() {
    return restored;
  }

  /** Saves every few minutes what is new. */
  void tick(long nowNanos) {
    if (nowNanos - checkedNanos >= EVERY.toNanos()) {
      checkedNanos = nowNanos;
      background.execute(this::save);
    }
  }

  private void save() {
    long observed = foresight.observed();
    if (observed == savedAt.get()) {
      return;
    }
    try {
      if (!file.write(foresight.save())) {
        log.warn("what was learned of accesses is too much to be kept");
      }
      savedAt.set(observed);
    } catch (StorageException e) {
      // The message says which file and why; nothing but time is lost with it.
      log.warn("what was learned of accesses could not be kept: {}", e.getMessage());
    }
  }

  /** Saves what is new. Once the background has ended. */
  void close() {
    restored.complete(null);
    save();
  }
}
