package io.metafabric.node;

/**
 * What one bounded thing holds at the moment.
 *
 * @param what it is, in words that do not change
 * @param bytes held, by its own account; outside of the heap or on it, as the thing is
 * @param maxBytes nothing more is taken once there is as much; the one value, frame or slab that
 *     crosses it may be above it
 */
public record MemoryUse(String what, long bytes, long maxBytes) {}
