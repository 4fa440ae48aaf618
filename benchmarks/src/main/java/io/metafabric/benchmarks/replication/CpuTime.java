package io.metafabric.benchmarks.replication;

import java.time.Duration;

/**
 * What a process has used of the processors: unlike a rate, hardly a matter of who else is busy.
 */
final class CpuTime {
  private CpuTime() {}

  /** Of this process since its start, its compilers and collector included. */
  static long nanos() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos();
  }
}
