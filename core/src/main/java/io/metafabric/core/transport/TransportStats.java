package io.metafabric.core.transport;

import org.jspecify.annotations.Nullable;

/**
 * What a transport has counted since it was made.
 *
 * @param sentBytes with framing
 * @param receivedBytes with framing
 * @param malformed connections dropped because what came in was not a frame
 * @param cutOff connections that the other side, or the network, ended within a frame
 * @param refusedConnections connections dropped because there were too many, or too many of late
 *     from where they came
 * @param displaced connections that had not said who they were, dropped to make room for newer ones
 * @param strangers connections that are open now and have not said who they are
 * @param refusedFrames frames not taken because the outgoing queue was full
 * @param skippedFrames frames of a type that the version spoken does not know
 * @param throttled how often reading from a connection paused because more came than its rate
 * @param waitingBytes of frames that wait to be sent or to be handled, with what each costs beside
 * @param maxWaitingBytes what the connections that are open now may let wait
 * @param tls null if connections are made without
 */
public record TransportStats(
    long sentBytes,
    long receivedBytes,
    long malformed,
    long cutOff,
    long refusedConnections,
    long displaced,
    int strangers,
    long refusedFrames,
    long skippedFrames,
    long throttled,
    long waitingBytes,
    long maxWaitingBytes,
    @Nullable TlsStats tls) {}
