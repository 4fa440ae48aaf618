package io.metafabric.replicate;

import java.util.concurrent.atomic.AtomicLong;

/** What becomes {@link DeltaStats}: all links and sessions count together. Thread-safe. */
final class DeltaCounters {
  final AtomicLong sent = new AtomicLong();
  final AtomicLong sentBytes = new AtomicLong();
  final AtomicLong savedBytes = new AtomicLong();
  final AtomicLong baseUnknown = new AtomicLong();
  final AtomicLong notSmaller = new AtomicLong();
  final AtomicLong overBudget = new AtomicLong();
  final AtomicLong received = new AtomicLong();
  final AtomicLong basesMissing = new AtomicLong();
  final AtomicLong knownBytes = new AtomicLong();

  DeltaStats stats() {
    return new DeltaStats(
        sent.get(),
        sentBytes.get(),
        savedBytes.get(),
        baseUnknown.get(),
        notSmaller.get(),
        overBudget.get(),
        received.get(),
        basesMissing.get(),
        knownBytes.get());
  }
}
