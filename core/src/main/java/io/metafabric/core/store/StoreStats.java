package io.metafabric.core.store;

import io.metafabric.core.conflict.ConflictLogStats;

/**
 * @param keys keys known, deleted ones included
 * @param tombstones of these, deleted ones that are not forgotten yet
 * @param tombstoneBytes of the journal, for tombstones
 * @param forgotten dead headers that were forgotten since the opening, because all regions had them
 * @param duplicates versions that came again after they had been applied, and were discarded
 * @param indexBytes memory of the key index, outside of the heap
 * @param readCacheBytes memory of what was read of late, most of it outside of the heap
 * @param headerCacheBytes of heap, by estimate, for headers that were published of late
 * @param appendedBytes written to the journal since the opening, without what compaction wrote
 * @param pendingBytes waiting for the disk
 * @param commits group commits since the opening
 * @param dotCollisions versions seen twice with different payloads, or that claim to have seen each
 *     other; anything but 0 is a defect
 * @param tornTailBytes cut off when the journal was opened
 * @param replayedBytes of the journal, read at the opening; 0 after a stop in order
 * @param conflicts what was written to the conflict log
 * @param held changes that are stamped too far ahead of this node's clock, and wait
 * @param liveBytes of the journal, those that are part of the present state
 * @param supersededBytes of these, values that are shown, as superseded, until their successors can
 *     be read
 * @param supersededDropped how many of those were given up, for want of room, before that
 */
public record StoreStats(
    long keys,
    long tombstones,
    long tombstoneBytes,
    long forgotten,
    long duplicates,
    long indexBytes,
    long readCacheBytes,
    long maxReadCacheBytes,
    long headerCacheBytes,
    long journalBytes,
    long appendedBytes,
    int segments,
    long pendingBytes,
    long commits,
    long written,
    long dotCollisions,
    long tornTailBytes,
    long replayedBytes,
    long liveBytes,
    long supersededBytes,
    long supersededDropped,
    CompactionStats compaction,
    ConflictLogStats conflicts,
    HeldStats held) {}
