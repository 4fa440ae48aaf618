package io.metafabric;

import java.util.Optional;

/**
 * The host's own database, asked for keys that no region knows. Called by the reading thread, once
 * per key at a time; may block. Thread-safe.
 */
@FunctionalInterface
public interface SystemOfRecord {
  /** The value, or empty if there is none. What it throws reaches the reader as the cause. */
  Optional<byte[]> load(String key) throws Exception;
}
