package io.metafabric.replicate;

/**
 * How far copies that are missing were made again: payloads that this region is to hold, as home or
 * backup, and does not. Immutable.
 *
 * @param outstanding how many are known to be missing now
 * @param made how many came since the fabric was opened
 * @param bytes of payloads that came
 * @param failed how often nobody who was asked gave one; it is asked for again
 */
public record RebuildStats(int outstanding, long made, long bytes, long failed) {
  /** Both together. */
  public RebuildStats plus(RebuildStats that) {
    return new RebuildStats(
        outstanding + that.outstanding, made + that.made, bytes + that.bytes, failed + that.failed);
  }
}
