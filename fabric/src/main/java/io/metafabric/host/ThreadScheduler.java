package io.metafabric.host;

import io.metafabric.core.port.Scheduler;
import io.metafabric.core.port.SerialExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives every serial executor a daemon thread named {@code metafabric-<fabric>-<name>}.
 * Thread-safe.
 */
public final class ThreadScheduler implements Scheduler {
  /** Hears of tasks that threw, on the thread that ran them. */
  @FunctionalInterface
  public interface FailureListener {
    void taskFailed(String thread, Throwable failure);
  }

  private static final Logger log = LoggerFactory.getLogger(ThreadScheduler.class);

  private final String fabric;
  private final FailureListener failures;

  /** Failures are logged. */
  public ThreadScheduler(String fabric) {
    this(fabric, (thread, failure) -> log.error("a task failed; the others go on", failure));
  }

  public ThreadScheduler(String fabric, FailureListener failures) {
    this.fabric = fabric;
    this.failures = failures;
  }

  /** Whose threads they are. */
  public String fabric() {
    return fabric;
  }

  @Override
  public SerialExecutor serial(String name) {
    return SerialThread.start("metafabric-" + fabric + "-" + name, this::report);
  }

  private void report(String thread, Throwable failure) {
    try {
      failures.taskFailed(thread, failure);
    } catch (RuntimeException | Error e) {
      log.error("the failure of a task on {} could not be reported", thread, e);
    }
  }
}
