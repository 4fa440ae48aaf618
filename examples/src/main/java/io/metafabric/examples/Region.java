package io.metafabric.examples;

/** A region as the demo commands it, in this JVM or in another. */
interface Region extends AutoCloseable {
  /** Begins a step; {@link #await} returns once it is done. */
  void begin(Step step);

  void await() throws InterruptedException;

  /** Accesses replayed so far. */
  long done();

  /** After {@link Step#REPLAY}. */
  RegionResult result();

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
