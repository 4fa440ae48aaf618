package io.metafabric.replicate.netty;

import io.metafabric.core.transport.TransportStats;
import java.util.concurrent.atomic.LongAdder;

/** What {@link TransportStats} reports. Thread-safe. */
final class TransportCounters {
  final LongAdder sentBytes = new LongAdder();
  final LongAdder receivedBytes = new LongAdder();
  final LongAdder malformed = new LongAdder();
  final LongAdder cutOff = new LongAdder();
  final LongAdder refusedConnections = new LongAdder();
  final LongAdder refusedFrames = new LongAdder();
  final LongAdder skippedFrames = new LongAdder();

  TransportStats snapshot(long waitingBytes, long maxWaitingBytes) {
    return new TransportStats(
        sentBytes.sum(),
        receivedBytes.sum(),
        malformed.sum(),
        cutOff.sum(),
        refusedConnections.sum(),
        refusedFrames.sum(),
        skippedFrames.sum(),
        waitingBytes,
        maxWaitingBytes);
  }
}
