package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.PositionNotKeptException;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left of a journal that is compacted, beside a map of what is live. */
class CompactedJournalTest {
  private static final JournalConfig CONFIG = new JournalConfig(4096);
  private static final double HALF = 0.5;

  private final SimDisk disk = new SimDisk(1);
  private Journal journal = open(new LinkedHashMap<>());

  /** A key's newest entry, and where it is. */
  private record Live(JournalEntry.Stored entry, FrameLocation at) {}

  private final Map<Key, Live> live = new HashMap<>();
  private long counter;

  /** The newest of each key is live, and of a deletion that was forgotten nothing. */
  private final class Newest implements Liveness {
    @Override
    public @Nullable JournalEntry kept(JournalEntry entry, long position) {
      Live known = live.get(key(entry));
      return known != null && known.at.position() == position ? entry : null;
    }

    @Override
    public boolean isForgotten(JournalEntry entry) {
      return ((JournalEntry.Stored) entry).record().header().isTombstone()
          && !live.containsKey(key(entry));
    }

    @Override
    public boolean isReplaced(JournalEntry entry) {
      return false;
    }

    @Override
    public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
      Live known = live.get(key(entry));
      if (known != null && known.at.isSameAs(from)) {
        live.put(key(entry), new Live(known.entry, to));
      } else if (known != null) {
        to.markDead();
      }
    }
  }

  private static Key key(JournalEntry entry) {
    return ((JournalEntry.Stored) entry).record().key();
  }

  private Journal open(Map<Long, JournalEntry> into) {
    return Journal.open(
        CONFIG, disk, new FrameTable(), (entry, at) -> into.put(at.position(), entry));
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private void write(Key key, int payloadBytes) {
    Bytes payload = Bytes.copyOf(new byte[payloadBytes]);
    append(
        new MetadataRecord(
            key, Header.value(version(), new RegionName("eu"), payload, Header.NEVER), payload));
  }

  private void delete(Key key) {
    append(new MetadataRecord(key, Header.tombstone(version(), new RegionName("eu")), null));
  }

  private Version version() {
    counter++;
    return new Version(new Dot(new ActorId(1), counter), VersionVector.EMPTY, new Stamp(counter));
  }

  private void append(MetadataRecord record) {
    var entry = new JournalEntry.Stored(record);
    FrameLocation at = journal.append(List.of(entry)).get(0);
    journal.makeDurable();
    journal.publish(at.position());
    at.markLive();
    Live before = live.put(record.key(), new Live(entry, at));
    if (before != null) {
      before.at.markDead();
    }
  }

  private boolean compact(double minGarbage, boolean forgetting) {
    Compaction compaction =
        Compaction.begin(journal, new Newest(), Long.MAX_VALUE, minGarbage, forgetting);
    if (compaction == null) {
      return false;
    }
    while (compaction.step(700)) {
      assertThat(compaction.writtenBytes()).isPositive();
    }
    return true;
  }

  private int compactAll(double minGarbage, boolean forgetting) {
    int times = 0;
    while (compact(minGarbage, forgetting)) {
      times++;
      assertThat(times).as("it comes to an end").isLessThan(200);
    }
    return times;
  }

  /** What a replay finds, by position. */
  private Map<Long, JournalEntry> replayed() {
    journal.close();
    var entries = new LinkedHashMap<Long, JournalEntry>();
    journal = open(entries);
    return entries;
  }

  private void checkReplay() {
    Map<Long, JournalEntry> entries = replayed();
    assertThat(new ArrayList<>(entries.keySet())).isSorted();
    live.forEach(
        (key, each) ->
            assertThat(entries.get(each.at.position())).as("%s", key).isEqualTo(each.entry));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whatIsLive_staysInItsPlaceAndOrder_andMostOfTheRestGoes(long seed) {
    var random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      write(key(random.nextInt(12)), random.nextInt(300));
      if (random.nextInt(60) == 0) {
        compact(HALF, false);
      }
    }
    compactAll(HALF, false);
    assertThat(journal.sizeBytes()).isLessThan(6 * 4096);
    assertThat(journal.liveBytes()).isBetween(12L * 40, 12L * 500);
    for (Live each : live.values()) {
      var at = each.at;
      assertThat(at.segment.readFrame(at.offset, at.lengthBytes).entry()).isEqualTo(each.entry);
    }
    checkReplay();
    write(key(1), 5);
    checkReplay();
  }

  @Test
  void whereNothingIsGarbage_nothingIsRewritten() {
    for (int i = 0; i < 100; i++) {
      write(key(i), 150);
    }
    assertThat(compact(0.1, false)).isFalse();
    checkReplay();
  }

  @Test
  void whatSomebodyNeeds_isNotTouched() {
    for (int i = 0; i < 200; i++) {
      write(key(1), 100);
    }
    assertThat(Compaction.begin(journal, new Newest(), 5, HALF, false)).isNull();
    long size = journal.sizeBytes();
    long half = journal.publishedPosition() / 2;
    Compaction compaction = Compaction.begin(journal, new Newest(), half, HALF, false);
    assertThat(compaction).isNotNull();
    while (compaction.step(1 << 20)) {}
    assertThat(journal.sizeBytes()).isBetween(size / 2 - 4096, size / 2 + 2 * 4096);
    Map<Long, JournalEntry> left = replayed();
    for (long position = half + 1; position <= 200; position++) {
      assertThat(left).containsKey(position);
    }
  }

  @Test
  void whatIsAbandoned_leavesTheJournalAsItWas() {
    for (int i = 0; i < 200; i++) {
      write(key(i % 5), 100);
    }
    List<String> files = disk.list();
    Compaction compaction = Compaction.begin(journal, new Newest(), Long.MAX_VALUE, HALF, false);
    assertThat(compaction).isNotNull();
    assertThat(compaction.step(1)).isTrue();
    assertThat(compaction.readBytes()).isPositive();
    compaction.abandon();
    compaction.abandon();
    assertThat(disk.list()).containsExactlyInAnyOrderElementsOf(files);
    checkReplay();
    assertThat(compactAll(HALF, false)).isPositive();
    checkReplay();
  }

  @Test
  void aForgottenDeletion_staysWhileSomethingOlderOfItsKeyMayBeInFront_andThenGoes() {
    write(key(0), 100);
    for (int i = 1; i < 100; i++) {
      write(key(i), 100);
    }
    delete(key(0));
    Live deleted = live.get(key(0));
    for (int i = 100; i < 200; i++) {
      write(key(i), 100);
    }
    live.remove(key(0));
    deleted.at.markForgotten();

    assertThat(journal.forgottenBytes()).isPositive();
    int times = 0;
    while (compact(0.9, true)) {
      List<JournalEntry> ofKey = read().stream().filter(each -> key(each).equals(key(0))).toList();
      if (!ofKey.isEmpty()) {
        assertThat(ofKey.get(ofKey.size() - 1)).as("hides the other").isEqualTo(deleted.entry);
      }
      assertThat(++times).as("it comes to an end").isLessThan(50);
    }
    assertThat(read()).noneMatch(each -> key(each).equals(key(0)));
    assertThat(journal.forgottenBytes()).isZero();
    checkReplay();
  }

  @Test
  void aReaderThatHasBegun_goesOnInWhatIsLeft_andOneThatNeedsAllIsTold() {
    for (int i = 0; i < 300; i++) {
      write(key(i % 7), 100);
    }
    JournalCursor begun = journal.cursorAfter(0);
    JournalCursor complete = journal.completeCursorAfter(0);
    for (int i = 0; i < 20; i++) {
      assertThat(begun.next()).isEqualTo(complete.next());
    }
    assertThat(begun.position()).isEqualTo(20);
    assertThat(compactAll(HALF, false)).isPositive();

    assertThatThrownBy(complete::next).isInstanceOf(PositionNotKeptException.class);
    assertThatThrownBy(() -> journal.completeCursorAfter(journal.keptFrom() - 2))
        .isInstanceOf(PositionNotKeptException.class);
    assertThat(journal.completeCursorAfter(journal.keptFrom() - 1).next()).isNotNull();
    var left = new ArrayList<JournalEntry>();
    long last = begun.position();
    for (JournalEntry next = begun.next(); next != null; next = begun.next()) {
      assertThat(begun.position()).isGreaterThan(last);
      last = begun.position();
      left.add(next);
    }
    assertThat(last).isEqualTo(journal.publishedPosition());
    live.values().forEach(each -> assertThat(left).contains(each.entry));
    write(key(1), 5);
    assertThat(begun.next()).isEqualTo(live.get(key(1)).entry);
  }

  @Test
  void aCopy_hasWhatIsLive_whereItWas_andIsAJournal() {
    for (int i = 0; i < 200; i++) {
      write(key(i % 9), 100);
    }
    var target = new SimDisk(2);
    Snapshot.Result copied = Snapshot.write(journal, new Newest(), target);

    assertThat(copied.position()).isEqualTo(200);
    var entries = new LinkedHashMap<Long, JournalEntry>();
    Journal copy =
        Journal.open(
            CONFIG, target, new FrameTable(), (entry, at) -> entries.put(at.position(), entry));
    assertThat(entries).hasSize((int) copied.entries());
    live.values()
        .forEach(each -> assertThat(entries).containsEntry(each.at.position(), each.entry));
    assertThat(copy.publishedPosition()).isEqualTo(200);
    assertThat(journal.pinnedAfter()).as("it is let go").isEqualTo(Long.MAX_VALUE);
    copy.abandon();
  }

  @Test
  void whatIsKeptForReadersAlone_countsAsGarbageAgain_onceAsMuchWasWritten() {
    write(key(9), 100);
    for (int i = 0; i < 100; i++) {
      write(key(i % 2), 100);
    }
    assertThat(compact(HALF, false)).isTrue();
    Live moved = live.get(key(9));
    long before = journal.liveBytes();
    long size = journal.sizeBytes();
    moved.at.markLive();
    moved.at.markHeld();
    long held = journal.liveBytes() - before;
    assertThat(held).isPositive();
    journal.releaseHeld();
    assertThat(journal.liveBytes()).as("not yet").isEqualTo(before + held);
    for (long written = 0; written < size; written += 100) {
      write(key(5), 100);
    }
    long live = journal.liveBytes();
    journal.releaseHeld();
    assertThat(journal.liveBytes()).isEqualTo(live - held);
  }

  private List<JournalEntry> read() {
    var entries = new ArrayList<JournalEntry>();
    JournalCursor cursor = journal.cursorAfter(0);
    for (JournalEntry next = cursor.next(); next != null; next = cursor.next()) {
      entries.add(next);
    }
    return entries;
  }
}
