package io.metafabric.cache;

import org.jspecify.annotations.Nullable;

/**
 * What {@link EvictionPolicy} arranges in its queues. All but {@link #touch} belongs to whoever
 * holds the policy's lock.
 */
abstract class QueueNode {
  static final int MAX_TOUCHES = 15;

  /** In place of a time: no read is expected. */
  static final long NOT_EXPECTED = Long.MIN_VALUE;

  @Nullable QueueNode before;
  @Nullable QueueNode after;
  @Nullable NodeQueue queue;

  /**
   * Reads since the policy last looked. Readers race for it: a lost one costs a little accuracy.
   */
  private byte touches;

  /** The generation of the last read; racy like the count. */
  private byte readIn;

  /** What is left of the reads that the policy has seen. */
  byte credit;

  private int weightBytes;

  /** Until when a read is expected, in nanoseconds of the tier's clock. */
  private long expectedUntilNanos = NOT_EXPECTED;

  QueueNode(int weightBytes) {
    this.weightBytes = weightBytes;
  }

  abstract int hash();

  final int weightBytes() {
    return weightBytes;
  }

  /** Of one in a queue that is the queue's business. */
  final void setWeightBytes(int bytes) {
    weightBytes = bytes;
  }

  /**
   * Any thread, on every read: a plain store or two, and none once there have been enough.
   *
   * @param generation {@link EvictionPolicy#generation} at about this time
   */
  final void touch(byte generation) {
    // First, so that who sees the touch mostly sees when it was.
    if (readIn != generation) {
      readIn = generation;
    }
    if (touches < MAX_TOUCHES) {
      touches++;
    }
  }

  final byte readIn() {
    return readIn;
  }

  /** Whether it was read since the policy last looked. */
  final boolean wasTouched() {
    return touches != 0;
  }

  final int takeTouches() {
    int taken = touches;
    if (taken != 0) {
      touches = 0;
    }
    return taken;
  }

  final void expect(long untilNanos) {
    expectedUntilNanos = untilNanos;
  }

  final long expectedUntilNanos() {
    return expectedUntilNanos;
  }
}
