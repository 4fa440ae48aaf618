package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A journal that was closed in order is opened by its image, and no other journal is. */
class JournalImageTest {
  private static final JournalConfig CONFIG = JournalTest.CONFIG;
  private static final int ENTRIES = 100;

  private final SimDisk disk = new SimDisk(1);
  private byte[] image = {};

  /** A compacted segment, and several as they were written behind it. */
  @BeforeEach
  void writeAndClose() {
    try (var compacted = new JournalCopy(disk, 1 << 20)) {
      for (int i = 1; i <= 10; i++) {
        compacted.add(JournalTest.entry(i), i);
      }
      compacted.finish(20);
    }
    Journal journal = JournalTest.open(disk, new ArrayList<>());
    JournalTest.append(journal, 20, 20 + ENTRIES);
    assertThat(journal.image()).as("it is open").isNull();
    journal.close();
    image = bytesOf(journal.image());
  }

  private static byte[] bytesOf(@Nullable JournalImage image) {
    assertThat(image).isNotNull();
    var out = new ByteWriter(1024);
    image.writeTo(out);
    return out.toArray();
  }

  private JournalImage image() {
    return JournalImage.readFrom(new ByteReader(ByteBuffer.wrap(image)));
  }

  private @Nullable Journal opened() {
    return Journal.open(CONFIG, disk, new FrameTable(), image());
  }

  private void assertIsOfAnother(String why) {
    assertThat(image().isOf(disk)).as(why).isFalse();
    assertThat(opened()).as(why).isNull();
    assertThat(disk.openFiles()).as(why).isEmpty();
  }

  private List<String> segments() {
    return disk.list().stream().filter(name -> name.endsWith(".log")).toList();
  }

  @Test
  void itsBytesMakeItAgain() {
    assertThat(bytesOf(image())).isEqualTo(image);
    for (int length = 0; length < image.length; length++) {
      byte[] cut = Arrays.copyOf(image, length);
      assertThatThrownBy(() -> JournalImage.readFrom(new ByteReader(ByteBuffer.wrap(cut))))
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aSegmentThatEndsBeforeItBegins_isRefused() {
    for (long[] each : new long[][] {{0, 5, 50, 60}, {7, 6, 50, 60}, {7, 9, 61, 60}}) {
      var out = new ByteWriter(64);
      out.varint(1).varint(1).varint(1).i64(each[0]).varint(0).varint(1);
      byte[] bytes = out.varint(each[1]).varint(each[2]).varint(each[3]).varint(0).i64(0).toArray();
      assertThatThrownBy(() -> JournalImage.readFrom(new ByteReader(ByteBuffer.wrap(bytes))))
          .isInstanceOf(WireFormatException.class)
          .hasMessageContaining("before it begins");
    }
  }

  @Test
  void byItsImage_aJournalIsOpenedUnread_andIsTheSame() {
    assertThat(segments()).hasSizeGreaterThan(3);
    assertThat(image().isOf(disk)).isTrue();
    var entries = new ArrayList<JournalEntry>();
    Journal replayed = JournalTest.open(disk, entries);
    long replayedBytes = replayed.replayedBytes();
    replayed.abandon();

    Journal journal = opened();
    assertThat(journal).isNotNull();
    assertThat(replayedBytes).isPositive();
    assertThat(journal.replayedBytes()).isZero();
    assertThat(journal.durablePosition()).isEqualTo(journal.publishedPosition());
    for (int after : new int[] {0, 5, 10, 20, 21, 77, 119, 120}) {
      JournalCursor cursor = journal.cursorAfter(after);
      int first = after < 10 ? after : Math.max(10, after - 10);
      for (int i = first; i < entries.size(); i++) {
        assertThat(cursor.next()).isEqualTo(entries.get(i));
      }
      assertThat(cursor.next()).isNull();
    }
    FrameLocation next = journal.append(List.of(JournalTest.entry(500))).get(0);
    assertThat(next.position()).isEqualTo(122);
    journal.makeDurable();
    journal.abandon();
    var more = new ArrayList<JournalEntry>();
    JournalTest.open(disk, more).abandon();
    assertThat(more.subList(0, entries.size())).isEqualTo(entries);
    assertThat(more.get(entries.size())).isEqualTo(JournalTest.entry(500));
  }

  @Test
  void byItsImage_framesAreWhereTheyWere_andAreFoundByTheirPlaces() {
    Map<Long, JournalEntry> places = new HashMap<>();
    var config = new JournalConfig(1 << 20);
    Journal large =
        Journal.open(config, disk, new FrameTable(), (entry, at) -> places.put(at.place(), entry));
    for (int i = 200; i < 1000; i++) {
      JournalEntry entry = JournalTest.entry(i, Bytes.copyOf(new byte[1000]));
      places.put(large.append(List.of(entry)).get(0).place(), entry);
    }
    large.close();
    image = bytesOf(large.image());
    assertThat(image().isOf(disk)).isTrue();
    assertThat(disk.openFiles()).isEmpty();

    var frames = new FrameTable();
    Journal journal = Journal.open(config, disk, frames, image());
    assertThat(journal).isNotNull();
    places.forEach((place, entry) -> assertThat(frames.read(place)).isEqualTo(entry));
    Segment last = journal.segmentWith(journal.publishedPosition());
    assertThat(last.before(journal.publishedPosition()).offset())
        .as("a reader need not start at the front")
        .isGreaterThan(500_000);
    journal.abandon();
  }

  private static SegmentImage with(SegmentImage of, long endPosition) {
    return new SegmentImage(
        of.name(), of.number(), endPosition, of.endOffset(), of.fileBytes(), of.checkpoints());
  }

  private boolean isOf(List<SegmentImage> segments, long closedPosition, long closedOffset) {
    boolean is = new JournalImage(segments, closedPosition, closedOffset).isOf(disk);
    assertThat(disk.openFiles()).isEmpty();
    return is;
  }

  @Test
  void anImageThatSaysOtherwiseWhereSegmentsEnd_isOfAnother() {
    JournalImage image = image();
    long position = image.closedPosition();
    long offset = image.closedOffset();
    assertThat(isOf(image.segments(), position, offset)).isTrue();
    for (int i = 0; i < image.segments().size(); i++) {
      for (int more : new int[] {-1, 1}) {
        var segments = new ArrayList<>(image.segments());
        segments.set(i, with(segments.get(i), segments.get(i).endPosition() + more));
        assertThat(isOf(segments, position, offset)).as("segment %d, %d", i, more).isFalse();
      }
    }
    assertThat(isOf(image.segments(), position - 1, offset)).isFalse();
    assertThat(isOf(image.segments(), position + 1, offset)).isFalse();
    for (long wrong : new long[] {0, offset - 40, offset - 1, offset + 1, offset + 20}) {
      assertThat(isOf(image.segments(), position, wrong)).as("%d", wrong).isFalse();
    }
  }

  @Test
  void anImageOfCompactedSegmentsAlone_isOfAnother() {
    var other = new SimDisk(2);
    try (var compacted = new JournalCopy(other, 1 << 20)) {
      compacted.add(JournalTest.entry(1), 1);
      compacted.finish(1);
    }
    Journal copy = JournalTest.open(other, new ArrayList<>());
    Segment only = copy.segmentWith(1);
    SegmentImage whole = only.image(only.file().sizeBytes());
    copy.abandon();
    assertThat(new JournalImage(List.of(whole), 1, whole.endOffset() - 30).isOf(other)).isFalse();
    assertThat(other.openFiles()).isEmpty();
  }

  @Test
  void aSegmentOfAnotherFormat_isTold_andNothingIsLeftOpen() {
    String last = segments().get(segments().size() - 1);
    byte[] content = disk.contentOf(last);
    content[7] = '2';
    ByteBuffer.wrap(content).putInt(16, Checksums.crc32c(content, 0, 16));
    put(last, content);
    assertThatThrownBy(this::opened).isInstanceOf(UnsupportedFormatException.class);
    assertThat(disk.openFiles()).isEmpty();
  }

  @Test
  void whatWasWrittenSince_isNotInTheImage() {
    Journal journal = opened();
    assertThat(journal).isNotNull();
    JournalTest.append(journal, 500, 501);
    journal.abandon();
    assertIsOfAnother("one more entry");
  }

  @Test
  void aLongerJournalThatWasDurable_isAnother() {
    try (var mark = new DurableMark(disk)) {
      mark.write(mark.read());
      assertThat(image().isOf(disk)).isTrue();
      mark.write(mark.read() + 1);
    }
    assertIsOfAnother("its end is missing");
  }

  @Test
  void aJournalWithoutOneOfItsFiles_orWithAnother_isAnother() {
    for (String name : segments()) {
      byte[] content = disk.contentOf(name);
      disk.delete(name);
      assertIsOfAnother("without " + name);
      put(name, content);
      assertThat(image().isOf(disk)).isTrue();
    }
    put(new SegmentName(500, 0).file(), new byte[100]);
    assertIsOfAnother("one more file");
  }

  @Test
  void aFileOfAnotherLength_orWithAnotherBeginning_isAnother() {
    for (String name : segments()) {
      byte[] content = disk.contentOf(name);
      put(name, Arrays.copyOf(content, content.length + 1));
      assertIsOfAnother(name + " is longer");
      put(name, Arrays.copyOf(content, content.length - 1));
      assertIsOfAnother(name + " is shorter");
      byte[] damaged = content.clone();
      damaged[9] ^= 1;
      put(name, damaged);
      assertIsOfAnother(name + " begins otherwise");
      put(name, content);
    }
    assertThat(image().isOf(disk)).isTrue();
  }

  @Test
  void aLastFrameThatIsDamaged_isAnother() {
    String last = segments().get(segments().size() - 1);
    byte[] content = disk.contentOf(last);
    content[content.length - 1] ^= 1;
    put(last, content);
    assertIsOfAnother("the last byte");
  }

  private void put(String name, byte[] content) {
    try (DiskFile file = disk.open(name)) {
      file.truncate(0);
      file.write(0, ByteBuffer.wrap(content));
    }
  }
}
