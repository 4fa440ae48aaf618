package io.metafabric.replicate;

/**
 * What was done so that reads need not wait for a slow or silent region. Immutable.
 *
 * @param hedgesSent second requests, because the answer to the first was late
 * @param hedgesWon of these, whose answer came first and was of use
 * @param hedgesRefused second requests that were not sent, because of {@link Hedging#maxExtraShare}
 * @param rerouted fetches that went on to other regions when the one that was asked fell silent or
 *     away
 */
public record RoutingStats(long hedgesSent, long hedgesWon, long hedgesRefused, long rerouted) {}
