package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What another version of the library wrote is told from damage, and stays as it is. */
class OtherFormatTest {
  private static final String FIRST = "journal-0000000000000001.log";
  private static final String COMPACTED = "journal-0000000000000001-00000001.log";

  private final SimDisk disk = new SimDisk(1);

  /** Nothing of it is known to be durable, as after a crash under {@code OS}. */
  private void writeUnsynced(int entries) {
    Journal journal = JournalTest.open(disk, new ArrayList<>());
    for (int i = 0; i < entries; i++) {
      journal.append(List.of(JournalTest.entry(i)));
    }
    journal.abandon();
    disk.delete(DurableMark.NAME);
  }

  private void writeCompacted() {
    try (var copy = new JournalCopy(disk, 1 << 20)) {
      for (int i = 0; i < 20; i++) {
        copy.add(JournalTest.entry(i), i + 1);
      }
      copy.finish(20);
    }
  }

  private void rewrite(String file, UnaryOperator<ByteBuffer> change) {
    ByteBuffer changed = change.apply(ByteBuffer.wrap(disk.contentOf(file)));
    try (DiskFile to = disk.open(file)) {
      to.write(0, changed.rewind());
    }
  }

  private static ByteBuffer withHeaderOfFormat(ByteBuffer segment, int format, int checksumAt) {
    segment.put(7, (byte) ('0' + format));
    return segment.putInt(checksumAt, Checksums.crc32c(segment.duplicate().limit(checksumAt)));
  }

  private static ByteBuffer withFrameOfFormat(ByteBuffer segment, int format, int at) {
    segment.put(at + 9, (byte) format);
    int end = at + JournalFrame.HEADER_BYTES + segment.getInt(at);
    var covered = segment.duplicate().position(at + 8).limit(end);
    return segment.putInt(at + 4, Checksums.crc32c(covered));
  }

  private static int lastFrameIn(ByteBuffer segment, int framesAt) {
    int at = framesAt;
    int last = at;
    while (at + JournalFrame.HEADER_BYTES <= segment.limit() && segment.getLong(at + 12) != 0) {
      last = at;
      at += JournalFrame.HEADER_BYTES + segment.getInt(at);
    }
    return last;
  }

  private Map<String, List<Byte>> files() {
    var content = new TreeMap<String, List<Byte>>();
    for (String file : disk.list()) {
      var bytes = new ArrayList<Byte>();
      for (byte each : disk.contentOf(file)) {
        bytes.add(each);
      }
      content.put(file, bytes);
    }
    // Opening makes an empty one.
    content.remove(DurableMark.NAME, List.<Byte>of());
    return content;
  }

  private void assertRefused(String file, int format) {
    Map<String, List<Byte>> before = files();
    assertThatThrownBy(() -> JournalTest.open(disk, new ArrayList<>()))
        .isInstanceOfSatisfying(
            UnsupportedFormatException.class,
            refused -> {
              assertThat(refused.file()).isEqualTo(file);
              assertThat(refused.found()).isEqualTo(format);
              assertThat(refused.supported()).isEqualTo(1);
            })
        .hasMessageContaining(file)
        .hasMessageContaining("has format " + format)
        .hasMessageContaining("reads format 1");
    assertThat(files()).isEqualTo(before);
    assertThat(disk.openFiles()).isEmpty();

    var damages = new ArrayList<JournalFiles.Damage>();
    new JournalFiles(disk).inspect().forEach(report -> damages.addAll(report.damages()));
    assertThat(damages)
        .anySatisfy(
            damage -> {
              assertThat(damage.file()).isEqualTo(file);
              assertThat(damage.why())
                  .isEqualTo("it has format " + format + ", but this version reads format 1");
            });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 9})
  void aSegment(int format) {
    writeUnsynced(5);
    rewrite(FIRST, segment -> withHeaderOfFormat(segment, format, 16));
    assertRefused(FIRST, format);
  }

  @Test
  void aSegmentThatHasNoFrameYet_isNotTakenForACreationThatWasCutShort() {
    writeUnsynced(5);
    rewrite(FIRST, segment -> withHeaderOfFormat(segment, 2, 16));
    try (DiskFile file = disk.open(FIRST)) {
      file.truncate(Segment.HEADER_BYTES);
    }
    assertThatThrownBy(() -> JournalTest.open(disk, new ArrayList<>()))
        .isInstanceOf(UnsupportedFormatException.class);
    assertThat(disk.list()).contains(FIRST);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aCompactedSegment_alsoOneBesideWhatWentIntoIt(boolean beside) {
    if (beside) {
      writeUnsynced(5);
    }
    var other = new SimDisk(2);
    try (var copy = new JournalCopy(other, 1 << 20)) {
      for (int i = 0; i < 5; i++) {
        copy.add(JournalTest.entry(i), i + 1);
      }
      copy.finish(5);
    }
    try (DiskFile to = disk.open(COMPACTED)) {
      to.write(0, ByteBuffer.wrap(other.contentOf(COMPACTED)));
    }
    rewrite(COMPACTED, segment -> withHeaderOfFormat(segment, 2, 28));
    assertRefused(COMPACTED, 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 255})
  void theLastFrame_isNotTakenForATornTail(int format) {
    writeUnsynced(5);
    rewrite(
        FIRST,
        segment -> withFrameOfFormat(segment, format, lastFrameIn(segment, Segment.HEADER_BYTES)));
    assertRefused(FIRST, format);
  }

  @Test
  void theFirstFrameOfAnEarlierSegment() {
    writeUnsynced(200);
    rewrite(FIRST, segment -> withFrameOfFormat(segment, 2, Segment.HEADER_BYTES));
    assertRefused(FIRST, 2);
  }

  @Test
  void aFrameOfACompactedSegment() {
    writeCompacted();
    rewrite(COMPACTED, segment -> withFrameOfFormat(segment, 2, Segment.COMPACTED_HEADER_BYTES));
    assertRefused(COMPACTED, 2);
  }
}
