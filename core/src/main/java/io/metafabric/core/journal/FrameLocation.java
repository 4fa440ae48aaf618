package io.metafabric.core.journal;

/** Where a frame is. Immutable; valid while the journal is open. */
public final class FrameLocation {
  final Segment segment;
  final long offset;
  final int lengthBytes;
  private final long position;

  FrameLocation(Segment segment, long offset, int lengthBytes, long position) {
    this.segment = segment;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.position = position;
  }

  /** The frame's sequence number in the journal. */
  public long position() {
    return position;
  }
}
