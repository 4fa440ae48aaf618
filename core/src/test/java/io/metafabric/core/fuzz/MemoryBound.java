package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Notices a decoder that allocates what a length claims rather than what is there. */
final class MemoryBound implements AutoCloseable {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** A decoder's own buffers, and what Jazzer needs when a class is loaded meanwhile. */
  private static final long FIXED_BYTES = 128 << 20;

  /** The smallest part of an encoding, two bytes, becomes a few objects. */
  private static final long BYTES_FOR_EACH = 256;

  private final long bound;
  private final long before = THREADS.getCurrentThreadAllocatedBytes();

  MemoryBound(long inputBytes) {
    bound = FIXED_BYTES + BYTES_FOR_EACH * inputBytes;
  }

  @Override
  public void close() {
    assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
        .as("bytes allocated while decoding")
        .isLessThan(bound);
  }
}
