package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Frames one after the other, and which bytes are none. */
class FrameReaderTest {
  private static final int AT = Segment.HEADER_BYTES;

  private final SimDisk disk = new SimDisk(1);

  private DiskFile file(HandMadeSegment segment) {
    return disk.open(segment.putInto(disk));
  }

  private static JournalEntry entry(int i, int payloadBytes) {
    return JournalTest.entry(i, Bytes.copyOf(new byte[payloadBytes]));
  }

  @Test
  void framesOfAnyLength_areReadInAFewReads() {
    HandMadeSegment segment = HandMadeSegment.written(1);
    int[] lengths = {10, 5_000, 200_000, 3, 1_500_000, 20, 131_072, 1};
    int frames = 0;
    for (int times = 0; times < 5; times++) {
      for (int length : lengths) {
        frames++;
        segment.frame(entry(frames, length), frames, 0);
      }
      for (int i = 0; i < 200; i++) {
        frames++;
        segment.frame(entry(frames, 300), frames, 0);
      }
    }
    DiskFile file = file(segment);
    long operations = disk.operations();
    var reader = new FrameReader(file, AT);
    for (int i = 1; i <= frames; i++) {
      long offset = reader.offset();
      int length = (i - 1) % 208 < lengths.length ? lengths[(i - 1) % 208] : 300;
      JournalFrame frame = reader.next(segment.length(), i);
      assertThat(frame.entry()).isEqualTo(entry(i, length));
      assertThat(frame.position()).isEqualTo(i);
      assertThat(frame.offset()).isEqualTo(offset);
      assertThat(frame.endOffset()).isEqualTo(reader.offset());
      assertThat(frame.lengthBytes()).isEqualTo((int) (reader.offset() - offset));
    }
    assertThat(reader.next(segment.length(), frames + 1)).isNull();
    assertThat(reader.offset()).isEqualTo(segment.length());
    assertThat(disk.operations() - operations).isLessThan(80);
  }

  @Test
  void whatIsBehindTheEnd_isNotRead() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 1);
    int end = segment.length();
    DiskFile file = file(segment.entries(2, 2));
    var reader = new FrameReader(file, AT);
    assertThat(reader.next(end, 1)).isNotNull();
    assertThat(reader.next(end, 2)).isNull();
    assertThat(reader.next(segment.length(), 2).entry()).as("now there is more").isNotNull();
  }

  @Test
  void wherePositionsMayBeMissing_anyInTheRangeIsRead() {
    DiskFile file = file(HandMadeSegment.written(1).entries(1, 1).entries(5, 5));
    var reader = new FrameReader(file, AT);
    assertThat(reader.next(file.sizeBytes(), 1, 1).position()).isEqualTo(1);
    long offset = reader.offset();
    for (long[] range : new long[][] {{2, 4}, {6, 9}}) {
      assertThatThrownBy(() -> reader.next(file.sizeBytes(), range[0], range[1]))
          .isInstanceOf(WireFormatException.class)
          .hasMessage("the frame has position 5, but " + range[0] + " is due here");
      assertThat(reader.offset()).isEqualTo(offset);
    }
    assertThat(reader.next(file.sizeBytes(), 5, 5).position()).isEqualTo(5);
  }

  @Test
  void aFrameThatDoesNotEndInTime_isNone() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 1);
    DiskFile file = file(segment);
    int length = segment.length() - AT;
    for (int left : new int[] {1, JournalFrame.HEADER_BYTES - 1}) {
      assertThatThrownBy(() -> new FrameReader(file, AT).next(AT + left, 1))
          .isInstanceOf(WireFormatException.class)
          .hasMessage("only " + left + " bytes are left, too few for a frame");
    }
    for (int left : new int[] {JournalFrame.HEADER_BYTES, length - 1}) {
      assertThatThrownBy(() -> new FrameReader(file, AT).next(AT + left, 1))
          .isInstanceOf(WireFormatException.class)
          .hasMessage("a frame claims " + length + " bytes, but " + left + " are left");
    }
    file.write(AT, ByteBuffer.wrap(new byte[] {(byte) 0x80, 0, 0, 0}));
    assertThatThrownBy(() -> new FrameReader(file, AT).next(segment.length(), 1))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("claims " + ((1L << 31) + JournalFrame.HEADER_BYTES) + " bytes");
  }

  /** Nothing may be cut off behind what was not there to be read. */
  @Test
  void aFileThatIsShorterThanItWasSaidToBe_isNoBadFrame() {
    HandMadeSegment segment = HandMadeSegment.written(1).entries(1, 1);
    DiskFile file = file(segment);
    var reader = new FrameReader(file, AT);
    assertThatThrownBy(() -> reader.next(segment.length() + 50, 1))
        .isInstanceOfSatisfying(
            CorruptJournalException.class,
            damaged -> {
              assertThat(damaged.file()).isEqualTo(segment.file());
              assertThat(damaged.offset()).isEqualTo(segment.length());
            })
        .hasMessageContaining("the file ends 50 bytes early");
  }

  private static ByteBuffer frame(int format, int reserved) {
    var out = new ByteWriter(100);
    JournalFrame.encode(out, JournalTest.entry(1), 7, 3);
    byte[] bytes = out.toArray();
    bytes[9] = (byte) format;
    bytes[11] = (byte) reserved;
    return ByteBuffer.wrap(bytes).putInt(4, Checksums.crc32c(bytes, 8, bytes.length - 8));
  }

  private static void assertRefused(ByteBuffer bytes, String why) {
    assertThatThrownBy(() -> JournalFrame.decode(bytes, 0, 1, 10))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(why);
  }

  @Test
  void aFrameHasItsLength_itsChecksum_thisFormat_andNothingInReserve() {
    ByteBuffer good = frame(1, 0);
    assertThat(JournalFrame.decode(good, 0, 7, 7).entry()).isEqualTo(JournalTest.entry(1));
    assertThat(JournalFrame.decode(good, 0, 7, 7).durable()).isEqualTo(3);
    assertRefused(frame(2, 0), "it has format 2");
    assertRefused(frame(1, 1), "reserved bytes are not 0");
    assertRefused(good.duplicate().limit(good.limit() - 1), "length is wrong");
    assertRefused(good.duplicate().limit(JournalFrame.HEADER_BYTES - 1), "length is wrong");
    assertRefused(ByteBuffer.allocate(good.limit() + 1).put(0, good, 0, good.limit()), "length");
    assertRefused(frame(1, 0).put(20, (byte) 1), "checksum is wrong");
    for (long[] range : new long[][] {{8, 10}, {1, 6}}) {
      assertThatThrownBy(() -> JournalFrame.decode(good, 0, range[0], range[1]))
          .hasMessageContaining("the frame has position 7");
    }
  }

  @Test
  void whereAHeaderCannotStand_noChecksumIsMade() {
    ByteBuffer frame = frame(1, 0);
    ByteBuffer bytes = ByteBuffer.allocate(5 + frame.limit()).put(5, frame, 0, frame.limit());
    assertThat(JournalFrame.isPlausible(bytes, 5, 7, 7)).isTrue();
    assertThat(JournalFrame.hasGoodChecksum(bytes, 5)).isTrue();
    assertThat(JournalFrame.hasGoodChecksum(bytes, 5, new RangeCrc32c(bytes))).isTrue();
    assertThat(JournalFrame.durableAt(bytes, 5)).isEqualTo(3);
    assertThat(JournalFrame.claimedBytes(bytes, 5)).isEqualTo(frame.limit());
    assertThat(JournalFrame.isPlausible(bytes, 5, 8, 9)).isFalse();
    assertThat(JournalFrame.isPlausible(bytes, 5, 5, 6)).isFalse();
    assertThat(JournalFrame.isPlausible(bytes.duplicate().limit(bytes.limit() - 1), 5, 7, 7))
        .isFalse();
    assertThat(JournalFrame.isPlausible(bytes.duplicate().limit(32), 5, 7, 7)).isFalse();
    for (int[] wrong : new int[][] {{5, 0x80}, {13, 7}, {13, 0}, {14, 2}, {15, 1}, {16, 1}}) {
      byte before = bytes.get(wrong[0]);
      bytes.put(wrong[0], (byte) wrong[1]);
      assertThat(JournalFrame.isPlausible(bytes, 5, 7, 7)).as("byte %d", wrong[0]).isFalse();
      bytes.put(wrong[0], before);
    }
    bytes.put(bytes.limit() - 1, (byte) ~bytes.get(bytes.limit() - 1));
    assertThat(JournalFrame.hasGoodChecksum(bytes, 5)).isFalse();
    assertThat(JournalFrame.hasGoodChecksum(bytes, 5, new RangeCrc32c(bytes))).isFalse();

    var empty = new ByteWriter(40);
    JournalFrame.encode(empty, new JournalEntry.Closed(), 7, 0);
    ByteBuffer header = ByteBuffer.wrap(empty.toArray());
    assertThat(header.limit()).isEqualTo(JournalFrame.HEADER_BYTES);
    assertThat(JournalFrame.isPlausible(header, 0, 7, 7)).as("without a body").isTrue();
  }
}
