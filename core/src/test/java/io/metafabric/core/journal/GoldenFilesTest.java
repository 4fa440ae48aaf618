package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Files that a released format has left on people's disks, byte for byte: they must stay readable.
 * {@link #main} wrote them, and must never write over them: a new format gets a new directory.
 */
class GoldenFilesTest {
  private static final List<String> FILES =
      List.of(
          "journal-0000000000000001-00000001.log", "journal-0000000000000007.log", "journal.mark");

  private static final ActorId ACTOR = new ActorId(0x0123456789abcdefL);
  private static final RegionName PARIS = new RegionName("paris");

  private static JournalEntry stored(int counter, String id, String payload, long expiresAtMs) {
    var context =
        VersionVector.EMPTY.with(new Dot(new ActorId(-5), 300)).with(new Dot(new ActorId(9), 2));
    var version = new Version(new Dot(ACTOR, counter), context, new Stamp(counter * 65536L + 7));
    var bytes = Bytes.utf8(payload);
    return new JournalEntry.Stored(
        new MetadataRecord(
            Key.of("golden/" + id), Header.value(version, PARIS, bytes, expiresAtMs), bytes));
  }

  /** By position, from 1 on; what compaction has dropped is null. */
  private static List<JournalEntry> entries() {
    var tombstone =
        new Version(new Dot(ACTOR, 4), VersionVector.EMPTY.with(new Dot(ACTOR, 1)), new Stamp(99));
    var all = new ArrayList<JournalEntry>();
    all.add(new JournalEntry.Opened(ACTOR, 42, "cluster \u00e9", PARIS));
    all.add(null);
    all.add(stored(2, "b \u20ac", "second", 1_900_000_000_000L));
    all.add(new JournalEntry.Applied(new RegionName("tokyo"), new ActorId(77), 12_345));
    all.add(
        new JournalEntry.Stored(
            new MetadataRecord(Key.of("golden/a"), Header.tombstone(tombstone, PARIS), null)));
    all.add(null);
    all.add(stored(5, "a", "", Header.NEVER));
    JournalEntry.Stored last = (JournalEntry.Stored) stored(6, "c", "x".repeat(300), Header.NEVER);
    all.add(new JournalEntry.Stored(last.record().withoutPayload()));
    all.add(new JournalEntry.Closed());
    return all;
  }

  private static SimDisk format1() throws IOException {
    var disk = new SimDisk(1);
    for (String name : FILES) {
      try (InputStream in = GoldenFilesTest.class.getResourceAsStream("format-1/" + name + ".hex");
          DiskFile file = disk.open(name)) {
        assertThat(in).as(name).isNotNull();
        String hex = new String(in.readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII);
        file.write(0, ByteBuffer.wrap(HexFormat.of().parseHex(hex.replaceAll("\\s", ""))));
      }
    }
    return disk;
  }

  @Test
  void format1_isRead() throws IOException {
    var read = new ArrayList<JournalEntry>();
    var positions = new ArrayList<Long>();
    try (Journal journal =
        Journal.open(
            new JournalConfig(4096),
            format1(),
            new FrameTable(),
            (entry, at) -> {
              read.add(entry);
              positions.add(at.position());
            })) {
      assertThat(positions).containsExactly(1L, 3L, 4L, 5L, 7L, 8L, 9L);
      assertThat(read).isEqualTo(entries().stream().filter(entry -> entry != null).toList());
      assertThat(journal.keptFrom()).isEqualTo(7);
      assertThat(journal.durablePosition()).isEqualTo(9);
    }
  }

  @Test
  void anyFlippedByte_orMissingEnd_isNoticed() throws IOException {
    for (String name : FILES.subList(0, 2)) {
      int size = format1().contentOf(name).length;
      for (int at = 0; at < size; at++) {
        boolean reserved = name.length() == 28 && at >= 20 && at < 24;
        if (!reserved) {
          SimDisk flipped = format1();
          flipped.damage(name, at);
          assertRefused(flipped, name + " flipped at " + at);
        }
        SimDisk cut = format1();
        try (DiskFile file = cut.open(name)) {
          file.truncate(at);
        }
        assertRefused(cut, name + " cut at " + at);
      }
    }
  }

  private static void assertRefused(SimDisk disk, String what) {
    assertThatThrownBy(
            () -> Journal.open(new JournalConfig(4096), disk, new FrameTable(), (entry, at) -> {}))
        .as(what)
        .isInstanceOf(CorruptJournalException.class);
  }

  /**
   * @param args a directory for the files
   */
  public static void main(String[] args) throws IOException {
    var disk = new SimDisk(1);
    List<JournalEntry> entries = entries();
    try (var copy = new JournalCopy(disk, 1 << 20)) {
      for (int i = 0; i < 6; i++) {
        if (entries.get(i) != null) {
          copy.add(entries.get(i), i + 1);
        }
      }
      copy.finish(6);
    }
    Journal journal =
        Journal.open(new JournalConfig(4096), disk, new FrameTable(), (entry, at) -> {});
    journal.append(List.of(entries.get(6), entries.get(7)));
    journal.close();
    for (String name : FILES) {
      Files.writeString(
          Path.of(args[0], name + ".hex"), HexFormat.of().formatHex(disk.contentOf(name)) + "\n");
    }
  }
}
