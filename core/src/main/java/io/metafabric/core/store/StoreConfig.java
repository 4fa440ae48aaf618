package io.metafabric.core.store;

import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.record.RegionName;

/**
 * @param cluster regions of other clusters are not talked to, nor their directories opened
 * @param maxValueBytes larger values are refused
 * @param maxIndexBytes new keys are refused once the key index takes more
 * @param maxPendingBytes local writes are refused while more than this waits for the disk
 * @param conflicts what becomes of concurrent writes
 */
public record StoreConfig(
    String cluster,
    RegionName region,
    JournalConfig journal,
    Durabilities durability,
    int maxValueBytes,
    long maxPendingBytes,
    long maxIndexBytes,
    CompactionConfig compaction,
    ConflictConfig conflicts) {
  /** No home is moved by a node whose records of the fabric's own take more heap, by estimate. */
  public static final long MAX_SYSTEM_BYTES = 16 << 20;

  /** Headers that were published of late take no more heap than this, by estimate. */
  public static final long MAX_HEADER_CACHE_BYTES =
      RecentHeaders.MAX_BYTES + RecentVersions.MAX_BYTES;

  /** With the last writer winning everywhere. */
  public StoreConfig(
      String cluster,
      RegionName region,
      JournalConfig journal,
      Durabilities durability,
      int maxValueBytes,
      long maxPendingBytes,
      long maxIndexBytes,
      CompactionConfig compaction) {
    this(
        cluster,
        region,
        journal,
        durability,
        maxValueBytes,
        maxPendingBytes,
        maxIndexBytes,
        compaction,
        ConflictConfig.DEFAULT);
  }
}
