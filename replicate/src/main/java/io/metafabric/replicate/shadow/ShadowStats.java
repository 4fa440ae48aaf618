package io.metafabric.replicate.shadow;

/**
 * What became of shadows in one region since the fabric was opened. Immutable.
 *
 * @param held how many there are now
 * @param made how many came
 * @param expired how many ended because their time to live was over
 * @param dropped how many ended because somebody said so
 * @param hits reads of keys that had a shadow here, from memory or not; a read of which the access
 *     log was full is not counted
 * @param refused how many did not come because there was no room
 * @param bytes what they take, by estimate
 * @param maxBytes what they may take
 * @param leavesForgotten of how many shadows in other regions this one, their home, has forgotten
 *     for want of room: until they are renewed they are neither counted nor made again
 */
public record ShadowStats(
    int held,
    long made,
    long expired,
    long dropped,
    long hits,
    long refused,
    long bytes,
    long maxBytes,
    long leavesForgotten) {
  /** The same with what the home of others has forgotten. */
  public ShadowStats withLeavesForgotten(long forgotten) {
    return new ShadowStats(held, made, expired, dropped, hits, refused, bytes, maxBytes, forgotten);
  }
}
