package io.metafabric.core.record;

import io.metafabric.core.version.Version;

/**
 * What every region knows of a record: all but the payload. Immutable.
 *
 * <p>The home is not part of it: which region answers for a key is decided apart from what was
 * written, by the home directory.
 *
 * @param version the write that made this state
 * @param writtenIn the region whose node issued the write; it can always serve the payload
 * @param kind whether the write stored a value or deleted it
 * @param payloadBytes length of the payload; 0 for a tombstone
 * @param payloadCrc32c checksum of the payload; 0 for a tombstone
 * @param expiresAtMs epoch milliseconds from which on the record is hidden; {@link #NEVER} if none
 */
public record Header(
    Version version,
    RegionName writtenIn,
    Kind kind,
    int payloadBytes,
    int payloadCrc32c,
    long expiresAtMs) {
  public static final long NEVER = 0;

  /** Clocks of regions are expected to differ by no more than this, two minutes. */
  public static final long CLOCKS_DIFFER_MS = 120_000;

  /** What a write did. */
  public enum Kind {
    VALUE,
    TOMBSTONE,
    /**
     * Put together what its context names, and nothing else: whoever has seen all of that need not
     * have seen this.
     */
    MERGED
  }

  public Header {
    if (payloadBytes < 0) {
      throw new IllegalArgumentException("payloadBytes must be >= 0, was " + payloadBytes);
    }
    if (expiresAtMs < 0) {
      throw new IllegalArgumentException("expiresAtMs must be >= 0, was " + expiresAtMs);
    }
    if (kind == Kind.TOMBSTONE && (payloadBytes != 0 || payloadCrc32c != 0)) {
      throw new IllegalArgumentException("a tombstone has no payload");
    }
  }

  public static Header value(
      Version version, RegionName writtenIn, Bytes payload, long expiresAtMs) {
    return new Header(
        version, writtenIn, Kind.VALUE, payload.length(), payload.crc32c(), expiresAtMs);
  }

  /** What concurrent values have become, by a merge. */
  public static Header merged(
      Version version, RegionName writtenIn, Bytes payload, long expiresAtMs) {
    return new Header(
        version, writtenIn, Kind.MERGED, payload.length(), payload.crc32c(), expiresAtMs);
  }

  public static Header tombstone(Version version, RegionName writtenIn) {
    return new Header(version, writtenIn, Kind.TOMBSTONE, 0, 0, NEVER);
  }

  public boolean isTombstone() {
    return kind == Kind.TOMBSTONE;
  }

  /**
   * Whether this is a merge that a concurrent write says all of, since its writer had seen all that
   * was merged. Of two merges of the same the later one says it.
   */
  public boolean isSaidBy(Header that) {
    return kind == Kind.MERGED
        && !version.covers(that.version.dot())
        && that.version.seen().covers(version.context())
        && (that.kind != Kind.MERGED
            || !version.seen().covers(that.version.context())
            || that.version.isLaterThan(version));
  }

  /** Whether a reader may see the value at {@code nowMs} (epoch milliseconds). */
  public boolean isVisibleAt(long nowMs) {
    return kind != Kind.TOMBSTONE && (expiresAtMs == NEVER || nowMs < expiresAtMs);
  }

  /**
   * Whether a reader somewhere may still see the value at {@code nowMs} of this region's clock:
   * those of others may be behind it by {@link #CLOCKS_DIFFER_MS}.
   */
  public boolean mayBeVisibleElsewhereAt(long nowMs) {
    return isVisibleAt(nowMs - CLOCKS_DIFFER_MS);
  }

  /** What clocks have reached, whatever they differ by, that show {@code leastWallMs} or more. */
  public static long reachedBy(long leastWallMs) {
    return Math.max(leastWallMs, CLOCKS_DIFFER_MS) - CLOCKS_DIFFER_MS;
  }

  /** Whether a reader sees nothing of this by a clock that shows {@code reachedMs} or more. */
  public boolean isDeadAt(long reachedMs) {
    return kind == Kind.TOMBSTONE || (expiresAtMs != NEVER && expiresAtMs <= reachedMs);
  }

  /** Whether {@code payload} is the one this header speaks of. */
  public boolean describes(Bytes payload) {
    return kind != Kind.TOMBSTONE
        && payload.length() == payloadBytes
        && payload.crc32c() == payloadCrc32c;
  }

  /**
   * Which of two concurrent writes a plain read shows, in every region: a value rather than a
   * deletion, then the later one.
   */
  public boolean winsOver(Header that) {
    return isTombstone() == that.isTombstone()
        ? version.isLaterThan(that.version)
        : that.isTombstone();
  }

  public Header withVersion(Version next) {
    return new Header(next, writtenIn, kind, payloadBytes, payloadCrc32c, expiresAtMs);
  }
}
