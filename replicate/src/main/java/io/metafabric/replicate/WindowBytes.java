package io.metafabric.replicate;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.wire.Frame;

/**
 * What changes take of what a peer has granted. Both sides count it alike: a receiver that counted
 * more than the sender would refuse what it had granted, and have all of it sent again.
 */
final class WindowBytes {
  /** What one that waits takes beside its records. */
  private static final int FRAME_BYTES = 256;

  private WindowBytes() {}

  static int of(Frame.Changes changes) {
    int bytes = FRAME_BYTES;
    for (var record : changes.records()) {
      bytes += RecordCodec.estimatedBytes(record);
    }
    return bytes;
  }
}
