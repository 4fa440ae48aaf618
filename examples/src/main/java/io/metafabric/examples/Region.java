package io.metafabric.examples;

import java.util.concurrent.CompletableFuture;

/** A region as the demo commands it, in this JVM or in another. */
interface Region extends AutoCloseable {
  /**
   * Begins a step.
   *
   * @return completes once it is done, and fails with an {@link IllegalStateException} that names
   *     the region if it failed, also if the region has ended
   */
  CompletableFuture<Void> begin(Step step);

  /** Accesses replayed so far. */
  long done();

  /** After {@link Step#REPLAY}. */
  RegionResult result();

  /** Stops a step that is under way. */
  @Override
  void close();

  /** What a region is told to do, one after the other. */
  enum Step {
    OPEN,
    LOAD,
    SYNC,
    REPLAY
  }
}
