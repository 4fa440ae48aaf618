package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.sim.SimDisk;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A compaction step by step, and what it leaves of files, places and numbers. */
class CompactionStepsTest {
  private static final double HALF = 0.5;

  /** A journal of which some positions are live; entry {@code i} is at position {@code i}. */
  private static final class Machine implements Liveness {
    final SimDisk disk;
    final FrameTable frames = new FrameTable();
    final Journal journal;
    final Map<Long, FrameLocation> live = new TreeMap<>();
    final Set<Long> forgotten = new HashSet<>();
    final Set<Long> replaced = new HashSet<>();
    int moves;
    int failAtMove = -1;

    Machine(SimDisk disk, long segmentBytes) {
      this.disk = disk;
      journal = Journal.open(new JournalConfig(segmentBytes), disk, frames, (entry, at) -> {});
    }

    static Machine small() {
      return new Machine(new SimDisk(1), 4096);
    }

    void append(int from, int to, int payloadBytes, boolean durable) {
      for (int i = from; i <= to; i++) {
        FrameLocation at = journal.append(List.of(entry(i, payloadBytes)), durable).get(0);
        assertThat(at.position()).isEqualTo(i);
        if (durable) {
          journal.makeDurable();
        }
        at.markLive();
        live.put((long) i, at);
        journal.publish(i);
      }
    }

    /** All of a range but every tenth. */
    void killMost(long from, long to) {
      for (long i = from; i <= to; i++) {
        if (i % 10 != 0) {
          live.remove(i).markDead();
        }
      }
    }

    void forget(long position) {
      live.remove(position).markForgotten();
      forgotten.add(position);
    }

    @Nullable Compaction begin(long upTo, boolean forgetting) {
      return Compaction.begin(journal, this, upTo, HALF, forgetting);
    }

    Compaction begin() {
      Compaction begun = begin(Long.MAX_VALUE, false);
      assertThat(begun).isNotNull();
      return begun;
    }

    List<String> segments() {
      return disk.files().stream().filter(name -> name.endsWith(".log")).toList();
    }

    Map<Long, JournalEntry> replayed() {
      return CompactionStepsTest.replayed(disk);
    }

    @Override
    public @Nullable JournalEntry kept(JournalEntry entry, long position) {
      return live.containsKey(position) ? entry : null;
    }

    @Override
    public boolean isForgotten(JournalEntry entry) {
      long counter = ((JournalEntry.Stored) entry).record().header().version().dot().counter();
      return forgotten.contains(counter - 1);
    }

    @Override
    public boolean isReplaced(JournalEntry entry) {
      long counter = ((JournalEntry.Stored) entry).record().header().version().dot().counter();
      return replaced.contains(counter - 1);
    }

    @Override
    public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
      if (moves++ == failAtMove) {
        throw new StorageException("the index failed", null);
      }
      FrameLocation known = live.get(to.position());
      if (known != null) {
        assertThat(known.isSameAs(from)).isTrue();
        assertThat(from.lengthBytes).isEqualTo(known.lengthBytes);
        live.put(to.position(), to);
      }
    }
  }

  private static JournalEntry entry(long i, int payloadBytes) {
    return JournalTest.entry((int) i, Bytes.copyOf(new byte[payloadBytes]));
  }

  private static Map<Long, JournalEntry> replayed(SimDisk disk) {
    var found = new TreeMap<Long, JournalEntry>();
    Journal.open(
            JournalTest.CONFIG,
            disk,
            new FrameTable(),
            (entry, at) -> found.put(at.position(), entry))
        .abandon();
    return found;
  }

  private static void finish(Compaction compaction) {
    while (compaction.step(1 << 20)) {}
  }

  @Test
  void aStep_readsAboutAsMuchAsItMay_ofWhatIsLiveToo() {
    for (boolean garbage : new boolean[] {true, false}) {
      var machine = Machine.small();
      machine.append(1, 60, 100, true);
      long most = machine.live.get(1L).lengthBytes;
      machine.killMost(1, garbage ? 60 : 29);
      Compaction compaction = machine.begin();
      long before = 0;
      int steps = 0;
      while (compaction.step(1000)) {
        assertThat(compaction.readBytes() - before).isBetween(1000L, 1000 + most - 1);
        before = compaction.readBytes();
        steps++;
      }
      assertThat(steps).isGreaterThan(2);
    }
  }

  @Test
  void aStepOfExactlyAFrame_readsOne() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    List<FrameLocation> frames = List.copyOf(machine.live.values());
    machine.killMost(1, 60);
    Compaction compaction = machine.begin();
    long read = 0;
    for (FrameLocation each : frames.subList(0, 10)) {
      compaction.step(each.lengthBytes);
      read += each.lengthBytes;
      assertThat(compaction.readBytes()).isEqualTo(read);
    }
  }

  @Test
  void whatIsUpToAPosition_isTaken_andNothingBehindIt() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    long end = machine.journal.sealedSegments().get(0).endPosition();
    assertThat(machine.begin(end - 2, false)).isNull();
    Compaction compaction = machine.begin(end - 1, false);
    assertThat(compaction).isNotNull();
    finish(compaction);
    assertThat(machine.journal.keptFrom()).isEqualTo(end);
  }

  @Test
  void ofAJournalThatHasFailed_nothingIsCompacted() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    machine.journal.refuseFromNowOn(new StorageException("broken", null));
    List<String> files = machine.disk.files();
    assertThat(machine.begin(Long.MAX_VALUE, false)).isNull();
    assertThat(machine.disk.files()).isEqualTo(files);
  }

  @Test
  void afterwards_framesAreInTheirNewPlaces_andTheOldFilesAreGone() {
    var machine = Machine.small();
    machine.append(1, 90, 100, true);
    machine.killMost(1, 90);
    List<String> files = machine.segments();
    Map<Long, FrameLocation> before = new HashMap<>(machine.live);
    long size = machine.journal.sizeBytes();
    Compaction compaction = machine.begin();
    finish(compaction);

    assertThat(machine.moves).isGreaterThan(3);
    Segment target = machine.journal.sealedSegments().get(0);
    assertThat(target.isCompacted()).isTrue();
    assertThat(machine.segments()).hasSizeLessThan(files.size());
    assertThat(machine.disk.openFiles())
        .hasSize(machine.segments().size() + 1)
        .containsAll(machine.segments());
    machine.live.forEach(
        (position, at) ->
            assertThat(machine.frames.read(at.place())).isEqualTo(entry(position, 100)));
    before.forEach(
        (position, at) -> {
          if (position < target.endPosition()) {
            assertThat(at.segment.isRetired()).isTrue();
            assertThat(machine.frames.read(at.place())).isNull();
          } else {
            assertThat(at.segment.isRetired()).isFalse();
          }
        });
    assertThat(target.isRetired()).isFalse();
    assertThat(machine.journal.sizeBytes()).isLessThan(size);
    long seal = machine.disk.contentOf(target.name().file()).length;
    assertThat(compaction.writtenBytes()).isEqualTo(seal);
    assertThat(target.endOffset()).isLessThan(seal);
    assertThat(machine.journal.liveBytes())
        .isEqualTo(machine.live.values().stream().mapToLong(at -> at.lengthBytes).sum());
  }

  @Test
  void whatHasEnded_takesNoStep_andIsNotGivenUp() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    Compaction compaction = machine.begin();
    finish(compaction);
    List<String> files = machine.disk.files();
    assertThatThrownBy(() -> compaction.step(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has ended");
    compaction.abandon();
    assertThat(machine.disk.files()).isEqualTo(files);
    assertThat(machine.replayed().keySet()).containsAll(machine.live.keySet());
  }

  @Test
  void whatIsGivenUp_isNotLeftOpen() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    List<String> open = machine.disk.openFiles();
    Compaction compaction = machine.begin();
    assertThat(machine.disk.openFiles()).hasSize(open.size() + 1);
    compaction.abandon();
    assertThat(machine.disk.openFiles()).isEqualTo(open);
  }

  @Test
  void whatAnEarlierOneHasLeft_isNotInTheNewFile() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    HandMadeSegment.put(machine.disk, new SegmentName(1, 1).file(), new byte[20_000]);
    finish(machine.begin());
    machine.journal.close();
    assertThat(machine.replayed().keySet()).containsAll(machine.live.keySet());
  }

  /** More than is written at a time, and more than one checkpoint. */
  @Test
  void aLargeSegment_isWrittenInParts_andReadFromAnyPosition() {
    var machine = new Machine(new SimDisk(1), 1 << 20);
    machine.append(1, 1200, 1000, true);
    for (long i = 1; i <= 1000; i++) {
      if (i % 3 != 0) {
        machine.live.remove(i).markDead();
      }
    }
    Compaction compaction = machine.begin();
    long file = 0;
    while (compaction.step(50_000)) {
      long length = machine.disk.contentOf(new SegmentName(1, 1).file()).length;
      assertThat(compaction.writtenBytes()).isEqualTo(length);
      assertThat(length - file).isLessThan(400_000);
      file = length;
    }
    assertThat(file).as("before its end").isGreaterThan(200_000);
    Segment target = machine.journal.sealedSegments().get(0);
    assertThat(target.before(900).offset()).isGreaterThan(200_000);
    for (long after = 0; after < 1100; after++) {
      JournalCursor cursor = machine.journal.cursorAfter(after);
      JournalEntry next = cursor.next();
      long due = after + 1;
      while (!machine.live.containsKey(due) && due < target.endPosition()) {
        due++;
      }
      assertThat(cursor.position()).isEqualTo(due);
      assertThat(next).isEqualTo(entry(due, 1000));
    }
  }

  @Test
  void aSourceThatIsDamaged_endsIt_andStays() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    Segment first = machine.journal.sealedSegments().get(0);
    machine.disk.damage(first.name().file(), 100);
    Compaction compaction = machine.begin();
    assertThatThrownBy(() -> finish(compaction))
        .isInstanceOfSatisfying(
            CorruptJournalException.class,
            damaged -> assertThat(damaged.file()).isEqualTo(first.name().file()));
    compaction.abandon();
    assertThat(machine.segments()).contains(first.name().file());
    assertThat(machine.journal.keptFrom()).isEqualTo(1);
  }

  /** An index that could not be told still names the old files, which therefore stay readable. */
  @Test
  void ifTheIndexCannotBeTold_theOldFilesStayOpen_untilTheEnd_andThereIsNoImage() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    machine.killMost(1, 60);
    machine.failAtMove = 1;
    FrameLocation old = machine.live.get(20L);
    assertThatThrownBy(() -> finish(machine.begin())).hasMessageContaining("the index failed");
    assertThat(machine.frames.read(old.place())).isEqualTo(entry(20, 100));
    machine.journal.close();
    assertThat(machine.journal.image()).isNull();
    assertThat(machine.disk.openFiles()).isEmpty();
    assertThat(machine.replayed().keySet()).containsAll(machine.live.keySet());
  }

  /** What replaced the garbage is not durable by itself where nobody waits for the disk. */
  @Test
  void whatHasReplacedTheGarbage_isDurableBeforeTheGarbageGoes() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    long end = machine.journal.sealedSegments().get(0).endPosition();
    machine.append(61, 62, 100, false);
    assertThat(machine.journal.durablePosition()).isEqualTo(60);
    machine.killMost(1, end - 1);
    finish(machine.begin());
    machine.disk.crash(SimDisk.Loss.ALL);
    assertThat(machine.replayed().keySet()).contains(61L, 62L);
  }

  @Test
  void wheneverPowerIsLost_whateverSurvives_whatIsLiveIsThere() {
    long begun = compacted(new SimDisk(1), Long.MAX_VALUE, false).disk.operations();
    long ended = compacted(new SimDisk(1), Long.MAX_VALUE, true).disk.operations();
    for (int seed = 0; seed < 60; seed++) {
      for (long before = begun; before < ended; before++) {
        Machine machine = compacted(new SimDisk(seed), before, true);
        var found = replayed(machine.disk);
        assertThat(found.keySet())
            .as("seed %d, operation %d", seed, before)
            .containsAll(machine.live.keySet());
      }
    }
  }

  /** Dies before an operation of the disk, or at the end. */
  private static Machine compacted(SimDisk disk, long before, boolean compact) {
    var machine = new Machine(disk, 4096);
    machine.append(1, 45, 100, true);
    machine.killMost(1, 45);
    if (compact) {
      if (before < Long.MAX_VALUE) {
        disk.beforeOperation(before - disk.operations(), disk::crash);
      }
      Throwable thrown =
          catchThrowable(
              () -> {
                finish(machine.begin());
                machine.journal.makeDurable();
              });
      assertThat(thrown == null || thrown instanceof StorageException).isTrue();
    }
    return machine;
  }

  @Test
  void aDeadHeaderThatIsForgotten_goesIfNothingInFrontOfItWasReplaced() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    Segment first = machine.journal.sealedSegments().get(0);
    assertThat(first.firstPosition()).isEqualTo(1);
    machine.killMost(1, first.endPosition() - 2);
    long dead = first.endPosition() - 1;
    machine.forget(dead);
    finish(machine.begin());
    assertThat(machine.journal.forgottenBytes()).isZero();
    machine.journal.close();
    assertThat(machine.replayed()).doesNotContainKey(dead);
  }

  @Test
  void aDeadHeaderThatIsForgotten_staysWithoutItsPayload_whileSomethingMayBeInFrontOfIt() {
    var machine = Machine.small();
    machine.append(1, 60, 100, true);
    List<Segment> sealed = machine.journal.sealedSegments();
    Segment second = sealed.get(1);
    long dead = second.firstPosition() + 1;
    machine.forget(dead);
    machine.killMost(dead + 1, second.endPosition() - 1);
    machine.killMost(second.firstPosition(), second.firstPosition());
    finish(machine.begin());

    assertThat(machine.journal.forgottenBytes()).isPositive();
    Segment target = machine.journal.segmentWith(dead);
    assertThat(target.isCompacted()).isTrue();
    assertThat(target.liveBytes()).isGreaterThanOrEqualTo(target.forgottenBytes());
    assertThat(target.cleanUpTo()).as("it is not clean").isZero();
    assertThat(target.rewrittenAt()).isEqualTo(60);
    var kept = ((JournalEntry.Stored) entry(dead, 100)).record().withoutPayload();
    assertThat(machine.journal.cursorAfter(dead - 1).next())
        .isEqualTo(new JournalEntry.Stored(kept));

    // Once all in front of it is clean, it goes.
    machine.append(61, 61, 100, true);
    int times = 0;
    for (Compaction next = machine.begin(Long.MAX_VALUE, true);
        next != null;
        next = machine.begin(Long.MAX_VALUE, true)) {
      finish(next);
      assertThat(++times).isLessThan(20);
    }
    assertThat(machine.journal.forgottenBytes()).isZero();
    machine.journal.close();
    assertThat(machine.replayed()).doesNotContainKey(dead).containsKeys(1L, 61L);
  }

  @Test
  void aSegmentThatKeepsWhatWasReplaced_isNotClean_norWhatIsBehindIt() {
    for (boolean replaced : new boolean[] {true, false}) {
      var machine = Machine.small();
      machine.append(1, 60, 100, true);
      if (replaced) {
        machine.replaced.add(10L);
      }
      Segment first = machine.journal.sealedSegments().get(0);
      machine.killMost(1, first.endPosition() - 1);
      finish(machine.begin(first.endPosition() - 1, false));
      List<Segment> sealed = machine.journal.sealedSegments();
      assertThat(sealed.get(0).cleanUpTo()).isEqualTo(replaced ? 0 : 60);
      assertThat(machine.journal.cleanBefore(sealed.get(0))).isEqualTo(Long.MAX_VALUE);
      assertThat(machine.journal.cleanBefore(sealed.get(1))).isEqualTo(replaced ? 0 : 60);
    }
  }
}
