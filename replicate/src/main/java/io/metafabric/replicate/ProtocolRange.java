package io.metafabric.replicate;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.wire.FrameCodec;

/**
 * Which versions of the protocol a node speaks, both ends included. Of two nodes the highest
 * version that both speak is spoken. Immutable.
 */
public record ProtocolRange(int lowest, int highest) {
  /** All that this library can. */
  public static final ProtocolRange ALL =
      new ProtocolRange(FrameCodec.MIN_PROTOCOL, FrameCodec.PROTOCOL);

  public ProtocolRange {
    if (lowest < FrameCodec.MIN_PROTOCOL || highest > FrameCodec.PROTOCOL || lowest > highest) {
      throw new ConfigurationException(
          "the versions of the protocol must be of "
              + FrameCodec.MIN_PROTOCOL
              + " to "
              + FrameCodec.PROTOCOL
              + ", the lowest first, and were "
              + lowest
              + " to "
              + highest);
    }
  }

  /** Whether there is a version that others, who speak {@code from} to {@code to}, speak too. */
  boolean meets(int from, int to) {
    return from <= highest && to >= lowest && from <= to;
  }

  /** The version that is spoken with them. */
  int agreedWith(int to) {
    return Math.min(highest, to);
  }

  boolean contains(int protocol) {
    return protocol >= lowest && protocol <= highest;
  }

  @Override
  public String toString() {
    return lowest == highest ? String.valueOf(lowest) : lowest + " to " + highest;
  }
}
