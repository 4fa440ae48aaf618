package io.metafabric.replicate.netty;

import io.metafabric.core.transport.TlsStats;
import io.metafabric.core.transport.TransportStats;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What {@link TransportStats} reports. Thread-safe. */
final class TransportCounters {
  final LongAdder sentBytes = new LongAdder();
  final LongAdder receivedBytes = new LongAdder();
  final LongAdder malformed = new LongAdder();
  final LongAdder cutOff = new LongAdder();
  final LongAdder refusedConnections = new LongAdder();
  final LongAdder refusedFrames = new LongAdder();
  final LongAdder skippedFrames = new LongAdder();

  final LongAdder displaced = new LongAdder();
  final LongAdder throttled = new LongAdder();

  /** Whoever knocks can fill a log; one line a minute says that somebody does. */
  private static final long WARN_EVERY_NANOS = Duration.ofMinutes(1).toNanos();

  private final AtomicLong mayWarnAtNanos = new AtomicLong(System.nanoTime());

  boolean mayWarn() {
    long now = System.nanoTime();
    long at = mayWarnAtNanos.get();
    return now - at >= 0 && mayWarnAtNanos.compareAndSet(at, now + WARN_EVERY_NANOS);
  }

  TransportStats snapshot(
      int strangers, long waitingBytes, long maxWaitingBytes, @Nullable TlsStats tls) {
    return new TransportStats(
        sentBytes.sum(),
        receivedBytes.sum(),
        malformed.sum(),
        cutOff.sum(),
        refusedConnections.sum(),
        displaced.sum(),
        strangers,
        refusedFrames.sum(),
        skippedFrames.sum(),
        throttled.sum(),
        waitingBytes,
        maxWaitingBytes,
        tls);
  }
}
