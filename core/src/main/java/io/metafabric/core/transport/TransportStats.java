package io.metafabric.core.transport;

/**
 * What a transport has counted since it was made.
 *
 * @param sentBytes with framing
 * @param receivedBytes with framing
 * @param malformed connections dropped because what came in was not a frame
 * @param cutOff connections that the other side, or the network, ended within a frame
 * @param refusedConnections connections dropped because there were too many
 * @param refusedFrames frames not taken because the outgoing queue was full
 * @param skippedFrames frames of a type that this version does not know
 * @param waitingBytes of frames that wait to be sent or to be handled, with what each costs beside
 * @param maxWaitingBytes what the connections that are open now may let wait
 */
public record TransportStats(
    long sentBytes,
    long receivedBytes,
    long malformed,
    long cutOff,
    long refusedConnections,
    long refusedFrames,
    long skippedFrames,
    long waitingBytes,
    long maxWaitingBytes) {}
