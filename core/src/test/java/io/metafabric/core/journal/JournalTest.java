package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class JournalTest {
  static final JournalConfig CONFIG = new JournalConfig(4096);

  final SimDisk disk = new SimNode(new SimWorld(1), "paris").disk();

  static JournalEntry entry(int i) {
    return entry(i, Bytes.utf8("value " + i + " " + "x".repeat(i % 300)));
  }

  static JournalEntry entry(int i, Bytes payload) {
    var version =
        new Version(new Dot(new ActorId(7), i + 1L), VersionVector.EMPTY, new Stamp(i + 1L));
    return new JournalEntry.Stored(
        new MetadataRecord(
            Key.of("n/" + i),
            Header.value(version, new RegionName("paris"), payload, Header.NEVER),
            payload));
  }

  static Journal open(SimDisk disk, List<JournalEntry> into) {
    return Journal.open(CONFIG, disk, new FrameTable(), (entry, location) -> into.add(entry));
  }

  static void append(Journal journal, int from, int to) {
    for (int i = from; i < to; i++) {
      FrameLocation at = journal.append(List.of(entry(i))).get(0);
      journal.makeDurable();
      journal.publish(at.position());
    }
  }

  @Test
  void whatWasAppended_isReplayedInOrder_overManySegments() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 200);
    assertThat(journal.segmentCount()).isGreaterThan(3);
    journal.close();

    var replayed = new ArrayList<JournalEntry>();
    open(disk, replayed).abandon();

    assertThat(replayed).hasSize(201);
    for (int i = 0; i < 200; i++) {
      assertThat(replayed.get(i)).isEqualTo(entry(i));
    }
    assertThat(replayed.get(200)).isEqualTo(new JournalEntry.Closed());
  }

  @Test
  void aCursor_readsWhatIsPublished_fromAnyPosition() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 150);
    FrameLocation unpublished = journal.append(List.of(entry(150))).get(0);

    for (int after : new int[] {0, 1, 77, 149, 150}) {
      JournalCursor cursor = journal.cursorAfter(after);
      for (int i = after; i < 150; i++) {
        assertThat(cursor.next()).isEqualTo(entry(i));
      }
      assertThat(cursor.next()).isNull();
    }
    JournalCursor waiting = journal.cursorAfter(150);
    journal.publish(unpublished.position());
    assertThat(waiting.next()).isEqualTo(entry(150));
  }

  @RepeatedTest(40)
  void afterLossOfPower_everythingSyncedIsThere_andNothingIsInvented(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    var node = new SimNode(new SimWorld(run.getCurrentRepetition()), "paris");
    var journal = open(node.disk(), new ArrayList<>());
    int synced = random.nextInt(60);
    append(journal, 0, synced);
    int unsynced = random.nextInt(5);
    for (int i = 0; i < unsynced; i++) {
      journal.append(List.of(entry(synced + i)));
    }
    node.crash();

    var replayed = new ArrayList<JournalEntry>();
    var again = open(node.disk(), replayed);
    assertThat(replayed.size())
        .as("seed %d", run.getCurrentRepetition())
        .isBetween(synced, synced + unsynced);
    for (int i = 0; i < replayed.size(); i++) {
      assertThat(replayed.get(i)).isEqualTo(entry(i));
    }
    append(again, replayed.size(), replayed.size() + 3);
    again.close();
    var third = new ArrayList<JournalEntry>();
    open(node.disk(), third).abandon();
    assertThat(third).hasSize(replayed.size() + 4);
  }

  @Test
  void aFlippedByteAnywhereInWhatWasSynced_isATypedErrorWithFileAndOffset() {
    var random = new Random(5);
    for (int round = 0; round < 150; round++) {
      SimDisk fresh = new SimNode(new SimWorld(round), "paris").disk();
      var journal = open(fresh, new ArrayList<>());
      append(journal, 0, 40);
      journal.close();
      List<String> segments =
          fresh.list().stream().filter(name -> SegmentName.parse(name) != null).toList();
      String file = segments.get(random.nextInt(segments.size()));
      int offset = random.nextInt(fresh.contentOf(file).length);
      if (offset >= 20 && offset < 24) {
        continue; // reserved bytes of the segment's header, which nothing depends on
      }
      fresh.damage(file, offset);
      byte[] before = fresh.contentOf(file);

      var replayed = new ArrayList<JournalEntry>();
      Throwable thrown = catchThrowable(() -> open(fresh, replayed));

      assertThat(thrown)
          .as("byte %d of %s", offset, file)
          .isInstanceOf(CorruptJournalException.class);
      var corrupt = (CorruptJournalException) thrown;
      assertThat(corrupt.file()).isEqualTo(file);
      assertThat(corrupt.offset()).isLessThanOrEqualTo(offset);
      assertThat(fresh.contentOf(file)).as("nothing was changed on disk").isEqualTo(before);
    }
  }

  @Test
  void aMissingSegment_isDamage() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 200);
    journal.close();
    List<String> segments =
        disk.list().stream().filter(name -> SegmentName.parse(name) != null).toList();
    disk.delete(segments.get(1));
    assertThatThrownBy(() -> open(disk, new ArrayList<>()))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("is due");
  }

  @Test
  void aMissingLastSegment_isDamage() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 200);
    journal.close();
    List<String> segments =
        disk.list().stream().filter(name -> SegmentName.parse(name) != null).toList();
    disk.delete(segments.get(segments.size() - 1));
    assertThatThrownBy(() -> open(disk, new ArrayList<>()))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("was durable");
  }

  @Test
  void aTornValueThatLooksLikeManyFrames_isRefusedBeforeAllOfThemAreChecked() {
    var config = new JournalConfig(1 << 20);
    Journal journal = Journal.open(config, disk, new FrameTable(), (entry, at) -> {});
    journal.append(List.of(entry(1)));
    journal.makeDurable();
    int headers = 10_000;
    var crafted = ByteBuffer.allocate(headers * JournalFrame.HEADER_BYTES);
    for (int i = 0; i < headers; i++) {
      // Claims all that is behind it.
      crafted.putInt((headers - 1 - i) * JournalFrame.HEADER_BYTES).putInt(0);
      crafted.put((byte) EntryCodec.STORED).put((byte) JournalFrame.FORMAT).putShort((short) 0);
      crafted.putLong(4).putLong(0);
    }
    FrameLocation at = journal.append(List.of(entry(2, Bytes.copyOf(crafted.array())))).get(0);
    journal.abandon();
    disk.damage(at.segment.name().file(), at.offset + JournalFrame.HEADER_BYTES + 1);

    assertThatThrownBy(() -> Journal.open(config, disk, new FrameTable(), (entry, location) -> {}))
        .isInstanceOf(CorruptJournalException.class);
  }

  @Test
  void aTornTail_isCutAndKeptAside() {
    var config = new JournalConfig(1 << 20);
    var journal = Journal.open(config, disk, new FrameTable(), (entry, location) -> {});
    for (int i = 0; i < 10; i++) {
      journal.append(List.of(entry(i)));
    }
    journal.abandon();
    String segment =
        disk.list().stream()
            .filter(name -> SegmentName.parse(name) != null)
            .findFirst()
            .orElseThrow();
    long size = journal.sizeBytes();
    assertThat(disk.contentOf(segment).length).as("room in advance").isGreaterThan((int) size);
    try (var file = disk.open(segment)) {
      file.truncate(size - 3);
    }

    var replayed = new ArrayList<JournalEntry>();
    var again =
        Journal.open(config, disk, new FrameTable(), (entry, location) -> replayed.add(entry));

    assertThat(replayed).hasSize(9);
    assertThat(again.tornTails()).hasSize(1);
    TornTail torn = again.tornTails().get(0);
    assertThat(disk.list()).contains(torn.keptIn());
    assertThat(disk.contentOf(torn.keptIn())).hasSize((int) torn.bytes());
    again.close();
  }

  @Test
  void aFullDisk_refusesTheWrite_andTakesTheNextOnceThereIsRoom() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 5);
    long used = disk.list().stream().mapToLong(file -> disk.contentOf(file).length).sum();
    disk.setCapacityBytes(used + 10);
    var taken = new int[] {5};
    assertThatThrownBy(
            () -> {
              while (taken[0] < 100) {
                append(journal, taken[0], taken[0] + 1);
                taken[0]++;
              }
            })
        .isInstanceOf(StorageFullException.class);
    disk.setCapacityBytes(Long.MAX_VALUE);
    append(journal, taken[0], taken[0] + 3);
    journal.close();

    var replayed = new ArrayList<JournalEntry>();
    open(disk, replayed).abandon();
    assertThat(replayed).hasSize(taken[0] + 4);
  }

  @Test
  void afterAFailedSync_nothingIsAcceptedAnyMore() {
    var journal = open(disk, new ArrayList<>());
    append(journal, 0, 3);
    journal.append(List.of(entry(3)));
    disk.failNextSyncs(1);
    assertThatThrownBy(journal::makeDurable).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> journal.append(List.of(entry(4))))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("read-only");
  }

  /** Otherwise each sync would have to make a new length durable too. */
  @Test
  void roomIsMadeInAdvance_usedAgainAfterAKill_andGivenBackAtTheEnd() {
    var config = new JournalConfig(64 << 10);
    int step = 4096;
    String file = "journal-0000000000000001.log";
    Journal journal = Journal.open(config, disk, new FrameTable(), (entry, at) -> {});
    var lengths = new TreeSet<Integer>();
    for (int i = 0; i < 100; i++) {
      append(journal, i, i + 1);
      lengths.add(disk.contentOf(file).length);
    }
    assertThat(journal.segmentCount()).isEqualTo(1);
    assertThat(lengths)
        .hasSizeBetween(3, 10)
        .allSatisfy(length -> assertThat(length % step).isZero());
    journal.abandon();

    Journal again = Journal.open(config, disk, new FrameTable(), (entry, at) -> {});
    again.append(List.of(new JournalEntry.Closed()));
    assertThat(disk.contentOf(file)).hasSize(lengths.last());
    long bytes = again.sizeBytes();
    again.close();
    assertThat(disk.contentOf(file).length).isBetween((int) bytes, (int) bytes + 100);
  }
}
