package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A journal with siblings, lone dots and changes that are held, byte for byte: it must stay
 * readable. {@link #main} wrote it, and must never write over it.
 */
class GoldenConflictsTest {
  private static final String FILE = "journal-0000000000000001.log";
  private static final ActorId ACTOR = new ActorId(0x0123456789abcdefL);
  private static final ActorId OTHER = new ActorId(-5);
  private static final RegionName PARIS = new RegionName("paris");
  private static final RegionName TOKYO = new RegionName("tokyo");

  private static Version version(ActorId actor, long counter, VersionVector context) {
    return new Version(new Dot(actor, counter), context, new Stamp(counter * 65536L + 7));
  }

  private static MetadataRecord value(String id, Version version, String payload) {
    var bytes = Bytes.utf8(payload);
    return new MetadataRecord(
        Key.of("golden/" + id), Header.value(version, TOKYO, bytes, Header.NEVER), bytes);
  }

  private static List<JournalEntry> entries() {
    VersionVector seen =
        VersionVector.of(new Dot(OTHER, 300))
            .withLone(new Dot(ACTOR, 3))
            .withLone(new Dot(OTHER, 302));
    MetadataRecord winner = value("s", version(ACTOR, 9, seen), "shown");
    MetadataRecord beside = value("s", version(OTHER, 301, VersionVector.EMPTY), "beside");
    Version deleted = version(new ActorId(7), 1, VersionVector.EMPTY);
    var siblings =
        new MetadataRecord(
            winner.key(),
            winner.header(),
            winner.payload(),
            List.of(
                new Sibling(value("s", version(OTHER, 8, VersionVector.EMPTY), "x").header(), null),
                new Sibling(Header.tombstone(deleted, PARIS), null)));
    return List.of(
        new JournalEntry.Opened(ACTOR, 42, "cluster", PARIS),
        new JournalEntry.Stored(siblings),
        new JournalEntry.Held(
            TOKYO,
            OTHER,
            300,
            303,
            List.of(beside, value("t", version(OTHER, 303, seen), "").withoutPayload())),
        new JournalEntry.Closed());
  }

  private static List<JournalEntry> read(SimDisk disk) {
    var read = new ArrayList<JournalEntry>();
    Journal.open(
            new JournalConfig(4096), disk, new FrameTable(), (entry, position) -> read.add(entry))
        .close();
    return read;
  }

  @Test
  void siblingsAndHeldChanges_areRead() throws IOException {
    var disk = new SimDisk(1);
    try (InputStream in =
            GoldenConflictsTest.class.getResourceAsStream("conflicts-1/" + FILE + ".hex");
        DiskFile file = disk.open(FILE)) {
      assertThat(in).isNotNull();
      String hex = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      file.write(0, ByteBuffer.wrap(HexFormat.of().parseHex(hex.replaceAll("\\s", ""))));
    }
    assertThat(read(disk)).isEqualTo(entries());
  }

  /**
   * @param args a directory for the file
   */
  public static void main(String[] args) throws IOException {
    var disk = new SimDisk(1);
    Journal journal =
        Journal.open(new JournalConfig(4096), disk, new FrameTable(), (entry, at) -> {});
    List<JournalEntry> entries = entries();
    journal.append(entries.subList(0, entries.size() - 1));
    journal.close();
    Files.writeString(
        Path.of(args[0], FILE + ".hex"), HexFormat.of().formatHex(disk.contentOf(FILE)) + "\n");
  }
}
