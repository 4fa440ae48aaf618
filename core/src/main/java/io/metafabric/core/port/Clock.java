package io.metafabric.core.port;

/** Time, as the rooms see it. Thread-safe. */
public interface Clock {
  /** Epoch milliseconds; may jump either way. */
  long wallMs();

  /** Nanoseconds since some fixed moment; never goes back. */
  long nanoTime();
}
