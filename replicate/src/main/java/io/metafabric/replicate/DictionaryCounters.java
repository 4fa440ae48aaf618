package io.metafabric.replicate;

import java.util.concurrent.atomic.AtomicLong;

/** What becomes {@link DictionaryStats}: all links and sessions count together. Thread-safe. */
final class DictionaryCounters {
  final AtomicLong trained = new AtomicLong();
  final AtomicLong useless = new AtomicLong();
  final AtomicLong sent = new AtomicLong();
  final AtomicLong told = new AtomicLong();
  final AtomicLong toldBytes = new AtomicLong();
  final AtomicLong savedBytes = new AtomicLong();
  final AtomicLong received = new AtomicLong();
  final AtomicLong missing = new AtomicLong();
  final AtomicLong retainedBytes = new AtomicLong();

  DictionaryStats stats() {
    return new DictionaryStats(
        trained.get(),
        useless.get(),
        sent.get(),
        told.get(),
        toldBytes.get(),
        savedBytes.get(),
        received.get(),
        missing.get(),
        retainedBytes.get());
  }
}
