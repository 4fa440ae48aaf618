package io.metafabric.predict;

import java.util.concurrent.Executor;

/**
 * Who trains ranking models, and where. Thread-safe if the executor is.
 *
 * @param executor where a training may take its time; one that is closed may drop it
 */
public record Retraining(RankingTrainer trainer, Executor executor) {}
