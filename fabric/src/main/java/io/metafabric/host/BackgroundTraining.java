package io.metafabric.host;

import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.predict.RankingTrainer;
import io.metafabric.predict.Retraining;
import io.metafabric.predict.tribuo.TribuoSupport;
import io.metafabric.predict.tribuo.TribuoTrainer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the ranking models of one fabric are trained, if the library for it is there. */
public final class BackgroundTraining implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BackgroundTraining.class);

  private final @Nullable SerialExecutor thread;
  private final @Nullable Retraining retraining;

  private BackgroundTraining(@Nullable SerialExecutor thread, @Nullable Retraining retraining) {
    this.thread = thread;
    this.retraining = retraining;
  }

  /** By Tribuo on a thread of its own, or not at all if that is not on the class path. */
  public static BackgroundTraining automatic(Scheduler threads) {
    if (!TribuoSupport.isPresent()) {
      log.info(
          "ranking: taught one outcome at a time; models trained beside that would need {}",
          TribuoSupport.LIBRARY);
      return new BackgroundTraining(null, null);
    }
    RankingTrainer trainer = Tribuo.trainer();
    log.info("ranking: models trained by {} compete in the background", trainer.name());
    SerialExecutor thread = threads.serial("training");
    return new BackgroundTraining(thread, new Retraining(trainer, thread));
  }

  /** Null if there is none. */
  public @Nullable Retraining retraining() {
    return retraining;
  }

  /** Waits for a training that runs, and begins none any more. */
  @Override
  public void close() {
    if (thread != null) {
      thread.close();
    }
  }

  /** A class of its own: it cannot be loaded without the library. */
  private static final class Tribuo {
    static RankingTrainer trainer() {
      return new TribuoTrainer();
    }
  }
}
