package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.UnsupportedFormatException;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.JournalFiles;
import io.metafabric.core.journal.TornTail;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * What must hold of a directory with any files in it. It is refused as damaged or as of another
 * format, and nothing is changed; or it is opened, can be read, written to and opened again, and
 * what is read stays the same. Whatever is readable of it can be copied into a directory that
 * opens.
 */
final class JournalProbe {
  private record Placed(long position, JournalEntry entry) {}

  private final Map<String, byte[]> files;
  private final long bytes;

  private JournalProbe(Map<String, byte[]> files) {
    this.files = files;
    this.bytes = files.values().stream().mapToLong(each -> each.length).sum();
  }

  /** Returns whether the directory was opened. */
  static boolean holds(Map<String, byte[]> files) {
    var probe = new JournalProbe(files);
    probe.repairsIntoWhatOpens();
    return probe.opensOrChangesNothing();
  }

  private SimDisk disk() {
    var disk = new SimDisk(1);
    files.forEach(
        (name, content) -> {
          try (DiskFile file = disk.open(name)) {
            file.write(0, ByteBuffer.wrap(content));
          }
        });
    return disk.copy("a process that ended", new SplittableRandom(1));
  }

  private boolean opensOrChangesNothing() {
    SimDisk disk = disk();
    var found = new ArrayList<Placed>();
    var places = new ArrayList<FrameLocation>();
    var frames = new FrameTable();
    Journal journal = open(disk, frames, found, places);
    if (journal == null) {
      assertUnchanged(disk);
      assertToldAsDamaged(disk);
      return false;
    }
    assertInOrder(found);
    assertReadable(journal, frames, found, places);
    assertKeptAside(disk, journal.tornTails());
    assertWhole(disk, found);
    long next = journal.publishedPosition() + 1;
    long durable = journal.durablePosition();
    journal.abandon();
    assertThat(disk.openFiles()).isEmpty();

    assertOpensAgain(disk, found, next, durable);
    assertGoesOn(disk, found, next);
    return true;
  }

  /** Null if it is refused. */
  private @Nullable Journal open(
      SimDisk disk, FrameTable frames, List<Placed> found, List<FrameLocation> places) {
    try (var memory = new MemoryBound(bytes)) {
      return Journal.open(
          Samples.CONFIG,
          disk,
          frames,
          (entry, at) -> {
            found.add(new Placed(at.position(), entry));
            places.add(at);
          });
    } catch (CorruptJournalException | UnsupportedFormatException e) {
      return null;
    }
  }

  private void assertUnchanged(SimDisk disk) {
    assertThat(disk.openFiles()).isEmpty();
    Map<String, byte[]> after = Samples.files(disk);
    if (!files.containsKey(Samples.MARK)) {
      assertThat(after.remove(Samples.MARK)).isEmpty();
    }
    assertThat(after).containsExactlyInAnyOrderEntriesOf(files);
  }

  /** What is refused is not whole in other eyes. */
  private void assertToldAsDamaged(SimDisk disk) {
    List<JournalFiles.Report> reports = new JournalFiles(disk).inspect();
    if (!reports.isEmpty()) {
      assertThat(reports).anySatisfy(report -> assertThat(report.damages()).isNotEmpty());
    }
  }

  private static void assertInOrder(List<Placed> found) {
    long before = 0;
    for (Placed each : found) {
      assertThat(each.position()).isGreaterThan(before);
      assertThat(each.entry()).isNotInstanceOf(JournalEntry.Sealed.class);
      before = each.position();
    }
  }

  private static void assertReadable(
      Journal journal, FrameTable frames, List<Placed> found, List<FrameLocation> places) {
    JournalCursor cursor = journal.cursorAfter(0);
    for (int i = 0; i < found.size(); i++) {
      assertThat(frames.read(places.get(i).place())).isEqualTo(found.get(i).entry());
      assertThat(cursor.next()).isEqualTo(found.get(i).entry());
      assertThat(cursor.position()).isEqualTo(found.get(i).position());
    }
    assertThat(cursor.next()).isNull();
  }

  private void assertKeptAside(SimDisk disk, List<TornTail> tails) {
    for (TornTail tail : tails) {
      byte[] from = files.get(tail.file());
      assertThat(tail.offset() + tail.bytes()).isEqualTo(from.length);
      assertThat(disk.contentOf(tail.keptIn()))
          .isEqualTo(Arrays.copyOfRange(from, (int) tail.offset(), from.length));
    }
  }

  /** What was opened is not damaged in other eyes either. */
  private static void assertWhole(SimDisk disk, List<Placed> found) {
    long frames = 0;
    for (JournalFiles.Report report : new JournalFiles(disk).inspect()) {
      assertThat(report.damages()).isEmpty();
      frames += report.frames();
    }
    assertThat(frames).isEqualTo(found.size());
  }

  private void assertOpensAgain(SimDisk disk, List<Placed> found, long next, long durable) {
    var again = new ArrayList<Placed>();
    Journal journal = open(disk, new FrameTable(), again, new ArrayList<>());
    assertThat(journal).isNotNull();
    assertThat(again).isEqualTo(found);
    assertThat(journal.tornTails()).isEmpty();
    assertThat(journal.publishedPosition() + 1).isEqualTo(next);
    // That a next segment had been begun proved more, and it is gone.
    assertThat(journal.durablePosition()).isLessThanOrEqualTo(durable);
    journal.abandon();
  }

  private void assertGoesOn(SimDisk disk, List<Placed> found, long next) {
    Journal journal = open(disk, new FrameTable(), new ArrayList<>(), new ArrayList<>());
    var expected = new ArrayList<>(found);
    var added = new JournalEntry.Stored(Samples.records().get(0));
    expected.add(new Placed(next, added));
    expected.add(new Placed(next + 1, new JournalEntry.Closed()));
    journal.append(List.of(added));
    journal.close();
    var again = new ArrayList<Placed>();
    Journal reopened = open(disk, new FrameTable(), again, new ArrayList<>());
    assertThat(reopened).isNotNull();
    reopened.abandon();
    assertThat(again).isEqualTo(expected);
  }

  private void repairsIntoWhatOpens() {
    SimDisk disk = disk();
    var files = new JournalFiles(disk);
    long readable = files.inspect().stream().mapToLong(JournalFiles.Report::frames).sum();
    var target = new SimDisk(1);
    JournalFiles.Repair repair = files.repairInto(target, Samples.CONFIG.segmentBytes());
    assertThat(disk.openFiles()).isEmpty();
    assertThat(target.openFiles()).isEmpty();
    assertThat(Samples.files(disk)).containsExactlyInAnyOrderEntriesOf(this.files);

    var found = new ArrayList<Placed>();
    Journal journal = open(target, new FrameTable(), found, new ArrayList<>());
    assertThat(journal).as("what was repaired opens").isNotNull();
    assertThat(found).hasSize((int) repair.entries());
    long notes = 0;
    if (!repair.unreadable().isEmpty()) {
      // Each opening that is readable gets a note in place of what was known of other progress.
      notes = found.stream().filter(each -> isNote(each.entry())).count();
      assertThat(notes).isEqualTo(found.stream().filter(each -> isOpening(each.entry())).count());
    }
    assertThat(found.size() - notes).isLessThanOrEqualTo(readable);
    journal.abandon();
  }

  private static boolean isOpening(JournalEntry entry) {
    return entry instanceof JournalEntry.Opened;
  }

  private static boolean isNote(JournalEntry entry) {
    return entry instanceof JournalEntry.Applied applied && applied.counter() == 0;
  }
}
