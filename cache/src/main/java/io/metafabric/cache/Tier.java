package io.metafabric.cache;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import org.jspecify.annotations.Nullable;

/**
 * A view of some records' payloads. It accepts only the index's current dot, so that a slow fill
 * never hides a newer value. Thread-safe.
 *
 * <p>Expiry is the reader's business: a tier may still hold what has expired.
 */
public interface Tier extends AutoCloseable {
  /** For people: {@code hot}, {@code warm}. */
  String name();

  /** A record with its payload, or null. */
  @Nullable MetadataRecord get(Key key);

  /**
   * Takes a record in.
   *
   * @return false if it was not taken: it has no payload, or is not the key's current version
   */
  boolean fill(MetadataRecord record);

  long entries();

  long sizeBytes();

  @Override
  void close();
}
