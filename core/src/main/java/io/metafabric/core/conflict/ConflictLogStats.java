package io.metafabric.core.conflict;

/**
 * @param logged conflicts that were written to the log
 * @param dropped conflicts that were not, because too many came at once or the disk refused
 * @param bytes of the log on disk, and waiting for it
 * @param maxBytes which it never exceeds
 */
public record ConflictLogStats(long logged, long dropped, long bytes, long maxBytes) {}
