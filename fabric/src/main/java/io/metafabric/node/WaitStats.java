package io.metafabric.node;

/**
 * Callers whose read or write has to wait for other regions: by what their session depends on, by
 * the staleness that they allow, or by where their write is to be durable. Immutable.
 *
 * @param callers that wait now
 * @param refused because those that waited held as much as they may
 */
public record WaitStats(int callers, long refused) {}
