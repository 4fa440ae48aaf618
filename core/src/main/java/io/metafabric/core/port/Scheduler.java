package io.metafabric.core.port;

/** Where work runs. Thread-safe. */
public interface Scheduler {
  /**
   * A new serial executor, with a thread of its own in production.
   *
   * @param name for people: thread names, reports
   */
  SerialExecutor serial(String name);
}
