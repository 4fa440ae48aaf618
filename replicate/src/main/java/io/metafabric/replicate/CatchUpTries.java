package io.metafabric.replicate;

import io.metafabric.core.port.SerialExecutor;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings back one peer that lacks what the journal does not have any more: one try at a time, again
 * where more was found to be lacking meanwhile, and after one that failed again with longer and
 * longer pauses. What a try has brought is there, so the next one is about the rest. Belongs to the
 * loop.
 */
final class CatchUpTries {
  private static final int MAX_DOUBLINGS = 5;

  private final SerialExecutor loop;
  private final Duration firstPause;
  private final Supplier<CompletableFuture<Void>> how;
  private final LongSupplier lackingUpTo;
  private final Runnable onDone;
  private SerialExecutor.@Nullable Task pause;
  private int connection;
  private int failures;
  private boolean trying;
  private boolean done;

  /**
   * @param how tries once; completes on any thread
   * @param lackingUpTo the position up to which entries are lacking; 0 if none
   * @param onDone is called when a try has brought all that was lacking
   */
  CatchUpTries(
      SerialExecutor loop,
      Duration firstPause,
      Supplier<CompletableFuture<Void>> how,
      LongSupplier lackingUpTo,
      Runnable onDone) {
    this.loop = loop;
    this.firstPause = firstPause;
    this.how = how;
    this.lackingUpTo = lackingUpTo;
    this.onDone = onDone;
  }

  /** The peer is connected: what it was brought before, it may have lost. */
  void connected() {
    disconnected();
    failures = 0;
    lacksMore();
  }

  /** What was begun comes to nothing. */
  void disconnected() {
    connection++;
    trying = false;
    done = false;
    if (pause != null) {
      pause.cancel();
      pause = null;
    }
  }

  /** More is lacking, or perhaps nothing. */
  void lacksMore() {
    done = false;
    if (!trying && pause == null && lackingUpTo.getAsLong() > 0) {
      attempt();
    }
  }

  /** Whether the peer was brought all that was lacking. */
  boolean isDone() {
    return done;
  }

  /** How often it has failed since it last came to an end. */
  int failures() {
    return failures;
  }

  private void attempt() {
    int on = connection;
    long upTo = lackingUpTo.getAsLong();
    pause = null;
    trying = true;
    how.get()
        .whenComplete((nothing, failure) -> loop.execute(() -> ended(on, upTo, failure != null)));
  }

  private void ended(int on, long upTo, boolean hasFailed) {
    if (on != connection) {
      return;
    }
    trying = false;
    if (hasFailed) {
      long factor = 1L << Math.min(failures++, MAX_DOUBLINGS);
      pause = loop.schedule(firstPause.multipliedBy(factor), this::attempt);
      return;
    }
    failures = 0;
    if (upTo == lackingUpTo.getAsLong()) {
      done = true;
      onDone.run();
    } else {
      lacksMore();
    }
  }
}
