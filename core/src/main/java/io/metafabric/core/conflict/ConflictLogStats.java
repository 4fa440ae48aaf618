package io.metafabric.core.conflict;

/**
 * @param logged conflicts that were taken into the log since the opening
 * @param dropped conflicts that were not, because too many came at once or the disk refused
 * @param diskBytes of the log's files, never more than {@link ConflictLog#MAX_BYTES}
 * @param pendingBytes of heap that wait for the disk, never more than {@link
 *     ConflictLog#MAX_PENDING_BYTES}
 */
public record ConflictLogStats(long logged, long dropped, long diskBytes, long pendingBytes) {}
