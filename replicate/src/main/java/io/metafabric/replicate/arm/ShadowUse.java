package io.metafabric.replicate.arm;

/**
 * What came of a shadow in some time: what it spared its readers, and what it was sent. Immutable.
 *
 * @param terms of the payload that it holds
 * @param reads that waited for no other region
 * @param updates that were sent to it
 * @param updateBytes of their payloads
 * @param readBytes of those that somebody has read: without the shadow they had been fetched
 * @param overMs since it was made, or looked at before
 */
public record ShadowUse(
    CopyTerms terms, long reads, long updates, long updateBytes, long readBytes, double overMs) {
  public ShadowUse {
    if (reads < 0 || updates < 0 || readBytes < 0 || updateBytes < readBytes || !(overMs >= 0)) {
      throw new IllegalArgumentException(
          "reads, updates and bytes must be >= 0, and no more be read than sent: "
              + reads
              + ", "
              + updates
              + ", "
              + readBytes
              + " of "
              + updateBytes
              + " in "
              + overMs
              + " ms");
    }
  }
}
