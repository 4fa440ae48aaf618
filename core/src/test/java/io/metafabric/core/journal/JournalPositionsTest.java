package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.place.Configuration;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where a journal's entries are, what of them is kept for whom, and what it is configured with. */
class JournalPositionsTest {
  private static final RegionName EU = new RegionName("eu");

  private final SimDisk disk = new SimDisk(1);
  private final Journal journal = JournalTest.open(disk, new ArrayList<>());

  @Test
  void allButTheLastSegment_areSealed_onceAllInThemIsPublished() {
    assertThat(journal.sealedSegments()).isEmpty();
    assertThat(journal.positionBefore(0)).isZero();
    JournalTest.append(journal, 0, 120);
    List<Segment> sealed = journal.sealedSegments();
    assertThat(sealed).hasSize(journal.segmentCount() - 1).hasSizeGreaterThan(1);
    long end = sealed.get(sealed.size() - 1).endPosition() - 1;
    assertThat(journal.segmentWith(end)).isSameAs(sealed.get(sealed.size() - 1));
    assertThat(journal.segmentWith(end + 1)).isNotNull().isNotIn(sealed);
    assertThat(journal.segmentWith(120)).isNotNull();
    assertThat(journal.segmentWith(121)).isNull();

    int before = journal.segmentCount();
    FrameLocation at = null;
    for (int i = 120; journal.segmentCount() < before + 2; i++) {
      at = journal.append(List.of(JournalTest.entry(i))).get(0);
    }
    assertThat(journal.sealedSegments()).as("they are not published").isEqualTo(sealed);
    journal.publish(journal.segmentWith(120).endPosition() - 2);
    assertThat(journal.sealedSegments()).isEqualTo(sealed);
    journal.publish(journal.segmentWith(120).endPosition() - 1);
    assertThat(journal.sealedSegments()).hasSize(sealed.size() + 1);
    journal.makeDurable();
    journal.publish(at.position());
    assertThat(journal.sealedSegments()).hasSize(before + 1);
  }

  @Test
  void aPositionBeforeSomeBytes_isAtTheEndOfASegment() {
    JournalTest.append(journal, 0, 120);
    List<Segment> sealed = journal.sealedSegments();
    Segment last = sealed.get(sealed.size() - 1);
    long newest = journal.sizeBytes() - sealed.stream().mapToLong(Segment::endOffset).sum();
    assertThat(journal.positionBefore(newest - 1)).isEqualTo(120);
    assertThat(journal.positionBefore(newest)).isEqualTo(last.endPosition() - 1);
    assertThat(journal.positionBefore(newest + last.endOffset() - 1))
        .isEqualTo(last.endPosition() - 1);
    assertThat(journal.positionBefore(newest + last.endOffset()))
        .isEqualTo(sealed.get(sealed.size() - 2).endPosition() - 1);
    assertThat(journal.positionBefore(journal.sizeBytes() - 1))
        .isEqualTo(sealed.get(0).endPosition() - 1);
    assertThat(journal.positionBefore(journal.sizeBytes())).isZero();
  }

  @Test
  void whatIsPinned_isNamedByTheEarliestPin() {
    JournalTest.append(journal, 0, 10);
    assertThat(journal.pinnedAfter()).isEqualTo(Long.MAX_VALUE);
    try (Journal.Pin late = journal.pinPublished()) {
      assertThat(late.position()).isEqualTo(10);
      try (Journal.Pin early = journal.pin(4)) {
        assertThat(journal.pinnedAfter()).isEqualTo(early.position()).isEqualTo(4);
      }
      assertThat(journal.pinnedAfter()).isEqualTo(10);
    }
    assertThat(journal.pinnedAfter()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void itsBytesAreThoseOfItsFiles() {
    JournalTest.append(journal, 0, 120);
    long size = journal.sizeBytes();
    assertThat(journal.appendedBytes()).isEqualTo(size);
    assertThat(journal.replayedBytes()).isZero();
    journal.close();
    long inFiles =
        disk.list().stream()
            .filter(name -> name.endsWith(".log"))
            .mapToLong(name -> disk.contentOf(name).length)
            .sum();
    assertThat(inFiles).as("and of the last entry").isBetween(size + 1, size + 40);
    Journal again = JournalTest.open(disk, new ArrayList<>());
    assertThat(again.sizeBytes()).isEqualTo(inFiles);
    assertThat(again.replayedBytes()).isEqualTo(inFiles);
    assertThat(again.appendedBytes()).isZero();
    again.abandon();
  }

  @Test
  void aCheckpoint_isTheLastAtOrBeforeAPosition_andThereIsOneInSoManyBytes() {
    var checkpoints = new Checkpoints(100);
    for (int i = 0; i < 50; i++) {
      checkpoints.add(10 + 2 * i, 24 + 30 * i);
    }
    List<Checkpoints.Checkpoint> all = checkpoints.all();
    assertThat(all).hasSize(13).startsWith(new Checkpoints.Checkpoint(10, 24));
    for (int i = 1; i < all.size(); i++) {
      assertThat(all.get(i).offset() - all.get(i - 1).offset()).isEqualTo(120);
      assertThat(checkpoints.before(all.get(i).position() - 1)).isEqualTo(all.get(i - 1));
      assertThat(checkpoints.before(all.get(i).position())).isEqualTo(all.get(i));
      assertThat(checkpoints.before(all.get(i).position() + 1)).isEqualTo(all.get(i));
    }
    assertThat(checkpoints.before(1)).as("the front").isEqualTo(all.get(0));
    checkpoints = new Checkpoints(30);
    checkpoints.add(1, 0);
    checkpoints.add(2, 30);
    assertThat(checkpoints.all()).hasSize(2);
  }

  @Test
  void aSegmentHas4KiBTo1GiB() {
    for (long bytes : new long[] {4096, JournalConfig.MAX_SEGMENT_BYTES}) {
      assertThat(new JournalConfig(bytes, 0).segmentBytes()).isEqualTo(bytes);
    }
    for (long bytes : new long[] {4095, JournalConfig.MAX_SEGMENT_BYTES + 1}) {
      assertThatThrownBy(() -> new JournalConfig(bytes))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("was " + bytes);
    }
    assertThatThrownBy(() -> new JournalConfig(4096, -1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("readCacheBytes");
  }

  @Test
  void aWriteWaitsForTheDisk_orTheDiskHasItInTime_orNobodyAsks() {
    Duration day = Duration.ofDays(1);
    Durability interval = Durability.interval(Duration.ofMillis(1));
    assertThat(Durability.SYNC.waitsForDisk()).isTrue();
    assertThat(Durability.SYNC.hasInterval()).isFalse();
    assertThat(Durability.OS.waitsForDisk()).isFalse();
    assertThat(Durability.OS.hasInterval()).isFalse();
    assertThat(interval.waitsForDisk()).isFalse();
    assertThat(interval.hasInterval()).isTrue();
    assertThat(interval.syncWithin()).isEqualTo(Duration.ofMillis(1));
    assertThat(Durability.interval(day)).hasToString("INTERVAL(PT24H)");
    assertThat(interval)
        .isEqualTo(Durability.interval(Duration.ofMillis(1)))
        .hasSameHashCodeAs(Durability.interval(Duration.ofMillis(1)))
        .isNotEqualTo(Durability.interval(day))
        .isNotEqualTo("INTERVAL(PT0.001S)");
    for (Duration wrong : List.of(Duration.ofNanos(999_999), day.plusNanos(1))) {
      assertThatThrownBy(() -> Durability.interval(wrong))
          .isInstanceOf(ConfigurationException.class);
    }
  }

  @Test
  void whatIsStoredInPlaceOfAnother_hasNoPayload_andIsNoDeletion() {
    var dot = new Dot(new ActorId(1), 2);
    var since = new Dot(new ActorId(1), 1);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(1));
    Bytes payload = Bytes.utf8("v");
    Header header = Header.value(version, EU, payload, Header.NEVER);
    var whole = new MetadataRecord(Key.of("n/1"), header, payload);
    var deleted = new MetadataRecord(Key.of("n/1"), Header.tombstone(version, EU), null);

    for (MetadataRecord record : List.of(whole, deleted)) {
      assertThatThrownBy(() -> new JournalEntry.Stored(record, since))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(new JournalEntry.Stored(record).sinceOfNext()).isEqualTo(dot);
    }
    assertThat(new JournalEntry.Stored(whole.withoutPayload(), since).sinceOfNext())
        .isEqualTo(since);
    assertThat(new JournalEntry.Stored(whole.withoutPayload()).sinceOfNext()).isNull();
  }

  @Test
  void aRegionTakesPart_ifItIsAMember_andHasItsPresentState() {
    Configuration without = Configuration.INITIAL.without(EU);
    Configuration again = without.readmitting(EU);
    assertThat(JournalEntry.Configured.INITIAL.admits(EU)).isTrue();
    assertThat(new JournalEntry.Configured(without, without.epoch(), true).admits(EU)).isFalse();
    assertThat(new JournalEntry.Configured(again, again.since(EU) - 1, true).admits(EU)).isFalse();
    assertThat(new JournalEntry.Configured(again, again.since(EU), true).admits(EU)).isTrue();
  }
}
