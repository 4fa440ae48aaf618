package io.metafabric;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.Version;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A value and the write that made it. Immutable.
 *
 * <p>Two are equal if they are of the same write, and both stale or neither.
 */
public final class Versioned {
  private final MetadataRecord record;
  private final Bytes payload;
  private final boolean stale;

  Versioned(MetadataRecord record) {
    this(record, false);
  }

  Versioned(MetadataRecord record, boolean stale) {
    this.record = record;
    this.stale = stale;
    this.payload = Objects.requireNonNull(record.payload(), "a value has a payload");
  }

  MetadataRecord record() {
    return record;
  }

  public String key() {
    return record.key().path();
  }

  /** A copy of the value. */
  public byte[] bytes() {
    return payload.toArray();
  }

  /** A read-only view of the value; nothing is copied. */
  public ByteBuffer buffer() {
    return payload.asBuffer();
  }

  public int length() {
    return payload.length();
  }

  public String utf8() {
    return payload.toUtf8();
  }

  /** What {@link Records#replace} takes; {@link Version#NONE} if it came from the origin. */
  public Version version() {
    return record.header().version();
  }

  /** The region that wrote it. */
  public String writtenIn() {
    return record.header().writtenIn().name();
  }

  /**
   * Whether this region knows, or was told by another one, that a newer value has been written,
   * which no region that could be reached has: this is the newest one that could be read. {@link
   * #version()} is that of this older write, so a {@link Records#replace} that expects it fails.
   */
  public boolean isStale() {
    return stale;
  }

  /** When it is hidden; empty if never. */
  public Optional<Instant> expiresAt() {
    long atMs = record.header().expiresAtMs();
    return atMs == Header.NEVER ? Optional.empty() : Optional.of(Instant.ofEpochMilli(atMs));
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Versioned versioned
        && stale == versioned.stale
        && record.equals(versioned.record);
  }

  @Override
  public int hashCode() {
    return record.hashCode();
  }

  /** Without the value, which may be nobody's business. */
  @Override
  public String toString() {
    return key() + " " + version() + " (" + payload + (stale ? ", stale)" : ")");
  }
}
