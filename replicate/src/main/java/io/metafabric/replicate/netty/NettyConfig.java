package io.metafabric.replicate.netty;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;

/**
 * The bounds of one {@link NettyPeerTransport}. Immutable.
 *
 * <p>Per connection at most {@code outboundQueueBytes + controlReserveBytes} wait to be sent, and
 * {@code inboundQueueBytes} plus one read of the socket wait for the handler, beside one frame that
 * is being put together. Each waiting frame is charged a little more than its bytes, so that very
 * many tiny ones are bounded too.
 *
 * @param name of the fabric, for the name of the thread
 * @param maxFrameBytes the largest {@code length} of a frame once a connection is established
 * @param outboundQueueBytes of data frames that wait, per connection; a larger frame is taken when
 *     nothing else waits
 * @param controlReserveBytes of control frames that wait, per connection; likewise
 * @param inboundQueueBytes of frames that wait for the handler, per connection; above it reading
 *     pauses, below half of it reading goes on
 * @param maxConnections that came in, at one time; further ones are closed at once
 * @param maxStrangers of these, that have not said who they are; a newer one displaces an older one
 * @param connectionsPerSecond from one address, and four times as many after a rest; others are
 *     closed at once
 * @param bytesPerSecond that one connection may send, each frame counted with {@value
 *     #FRAME_COST_BYTES} more; what comes faster is read later
 * @param connectTimeout after which an attempt to connect, or to prove who one is, has failed
 */
public record NettyConfig(
    String name,
    int maxFrameBytes,
    int outboundQueueBytes,
    int controlReserveBytes,
    int inboundQueueBytes,
    int maxConnections,
    int maxStrangers,
    int connectionsPerSecond,
    long bytesPerSecond,
    Duration connectTimeout) {
  /** What handling a frame costs, whatever its size. */
  static final int FRAME_COST_BYTES = 256;

  private static final int MAX_FRAME_BYTES = 1 << 30;

  public NettyConfig {
    if (maxFrameBytes < FrameCodec.MAX_HANDSHAKE_BYTES || maxFrameBytes > MAX_FRAME_BYTES) {
      throw new ConfigurationException(
          "maxFrameBytes must be "
              + FrameCodec.MAX_HANDSHAKE_BYTES
              + " (a handshake) to "
              + MAX_FRAME_BYTES
              + ", was "
              + maxFrameBytes);
    }
    requirePositive("outboundQueueBytes", outboundQueueBytes);
    requirePositive("controlReserveBytes", controlReserveBytes);
    requirePositive("inboundQueueBytes", inboundQueueBytes);
    requirePositive("maxConnections", maxConnections);
    requirePositive("maxStrangers", maxStrangers);
    requirePositive("connectionsPerSecond", connectionsPerSecond);
    requirePositive("bytesPerSecond", bytesPerSecond);
    if (connectTimeout.toMillis() < 1 || connectTimeout.toMillis() > Integer.MAX_VALUE) {
      throw new ConfigurationException(
          "connectTimeout must be 1 ms to 24 days, was " + connectTimeout);
    }
  }

  /** What may wait in one connection, either way, beside one frame that is larger than a bound. */
  long maxWaitingBytes() {
    return (long) outboundQueueBytes + controlReserveBytes + inboundQueueBytes;
  }

  private static void requirePositive(String what, long value) {
    if (value < 1) {
      throw new ConfigurationException(what + " must be at least 1, was " + value);
    }
  }
}
