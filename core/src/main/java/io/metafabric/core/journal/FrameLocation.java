package io.metafabric.core.journal;

/**
 * Where a frame is. Immutable; valid while the journal is open, until the frame's segment is
 * compacted.
 */
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

  /** The frame's sequence number in the journal, which it keeps when it is compacted. */
  public long position() {
    return position;
  }

  /** The same as a number, for {@link FrameTable}. */
  public long place() {
    return FramePlace.of(segment.number, offset, lengthBytes);
  }

  private long accountedBytes() {
    return FramePlace.maxLengthBytes(FramePlace.of(0, offset, lengthBytes));
  }

  /** Whether that is the same place in the same file. */
  public boolean isSameAs(FrameLocation that) {
    return segment == that.segment && offset == that.offset;
  }

  /** The frame is part of the present state, for the accounting of garbage. */
  public void markLive() {
    segment.addLiveBytes(accountedBytes());
  }

  /**
   * The frame counts as live although no view names it, so that nobody will say when it is needed
   * no more: for a time ({@link Journal#releaseHeld}).
   */
  public void markHeld() {
    segment.addHeldBytes(accountedBytes());
  }

  /** The frame is so no more. */
  public void markDead() {
    segment.addLiveBytes(-accountedBytes());
  }
}
