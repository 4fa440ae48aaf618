package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;

/** A segment's file made frame by frame, also as no writer leaves one. */
final class HandMadeSegment {
  private final SegmentName name;
  private final ByteWriter bytes = new ByteWriter(4096);

  private HandMadeSegment(SegmentName name, byte[] header) {
    this.name = name;
    raw(header);
  }

  static HandMadeSegment written(long firstPosition) {
    var scratch = new SimDisk(1);
    Segment segment = Segment.create(scratch, firstPosition);
    return new HandMadeSegment(segment.name(), scratch.contentOf(segment.name().file()));
  }

  static HandMadeSegment compacted(long firstPosition, long endPosition, int generation) {
    return new HandMadeSegment(
        new SegmentName(firstPosition, generation),
        Segment.compactedHeader(firstPosition, endPosition, generation).toArray());
  }

  /** Entry {@code i} at position {@code i}, for each of a range; nothing known to be durable. */
  HandMadeSegment entries(int from, int to) {
    for (int i = from; i <= to; i++) {
      frame(JournalTest.entry(i), i, 0);
    }
    return this;
  }

  HandMadeSegment frame(JournalEntry entry, long position, long durable) {
    JournalFrame.encode(bytes, entry, position, durable);
    return this;
  }

  /** The same with a byte that is wrong. */
  HandMadeSegment badFrame(JournalEntry entry, long position) {
    var frame = new ByteWriter(512);
    JournalFrame.encode(frame, entry, position, 0);
    byte[] damaged = frame.toArray();
    damaged[JournalFrame.HEADER_BYTES + 1] ^= 1;
    return raw(damaged);
  }

  HandMadeSegment seal(long frames, long position) {
    return frame(new JournalEntry.Sealed(frames), position, 0);
  }

  HandMadeSegment raw(byte... more) {
    for (byte each : more) {
      bytes.u8(each & 0xff);
    }
    return this;
  }

  /** Where the next frame begins. */
  int length() {
    return bytes.length();
  }

  byte[] toArray() {
    return bytes.toArray();
  }

  String file() {
    return name.file();
  }

  /** Durably, in place of what was there; returns the file's name. */
  String putInto(Disk disk) {
    put(disk, file(), toArray());
    return file();
  }

  static void put(Disk disk, String name, byte[] content) {
    try (DiskFile file = disk.open(name)) {
      file.truncate(0);
      file.write(0, ByteBuffer.wrap(content));
      file.sync();
    }
    disk.syncDirectory();
  }
}
