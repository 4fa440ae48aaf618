package io.metafabric.core.journal;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks into the files of a journal that nobody has open, reads all that is readable, and changes
 * nothing. Holds about 100 bytes of heap for each frame while it repairs, and one segment while it
 * looks.
 */
public final class JournalFiles {
  /**
   * One segment's file.
   *
   * @param file its name
   * @param compacted whether it was rewritten
   * @param frames good ones
   * @param payloads frames with a payload
   * @param firstPosition of its first good frame; 0 if there is none
   * @param lastPosition of its last good frame; 0 if there is none
   * @param damages what is unreadable
   */
  public record Report(
      String file,
      long bytes,
      boolean compacted,
      long frames,
      long payloads,
      long firstPosition,
      long lastPosition,
      List<Damage> damages) {}

  /**
   * Bytes that are not a good frame, or a place where something is missing.
   *
   * @param toOffset exclusive
   */
  public record Damage(String file, long fromOffset, long toOffset, String why) {}

  /**
   * @param entries that were copied
   * @param unreadable what was not
   */
  public record Repair(long entries, List<Damage> unreadable) {}

  private interface Found {
    void frame(JournalFrame frame);
  }

  private final Disk disk;

  public JournalFiles(Disk disk) {
    this.disk = disk;
  }

  private List<SegmentName> segments() {
    return disk.list().stream().map(SegmentName::parse).filter(Objects::nonNull).sorted().toList();
  }

  /**
   * One report for each segment, in order. What is missing between two of them is told with the
   * second, what is missing at the end with the last.
   */
  public List<Report> inspect() {
    var scanned = new ArrayList<ScannedSegment>();
    var payloads = new ArrayList<Long>();
    for (SegmentName name : segments()) {
      long[] count = new long[1];
      scanned.add(
          scan(
              name,
              frame -> {
                if (frame.entry() instanceof JournalEntry.Stored stored
                    && stored.record().payload() != null) {
                  count[0]++;
                }
              }));
      payloads.add(count[0]);
    }
    ScannedSegment.addMissing(scanned, DurableMark.in(disk));
    var reports = new ArrayList<Report>();
    for (int i = 0; i < scanned.size(); i++) {
      reports.add(scanned.get(i).report(payloads.get(i)));
    }
    return reports;
  }

  /** The other files that are a journal's: its mark, and what was cut off. */
  public List<String> companions() {
    return disk.list().stream()
        .filter(name -> name.equals(DurableMark.NAME) || name.startsWith(TornTail.PREFIX))
        .toList();
  }

  /**
   * Copies every good frame, of each position the one of the newest file, into an empty directory.
   * Where anything is unreadable or missing, what is known of other regions' progress is left out,
   * so that they send again what may be missing, and it is noted that this region's own writes may
   * not be complete, so that peers are asked for them.
   */
  public Repair repairInto(Disk target, long segmentBytes) {
    var places = new TreeMap<Long, Place>();
    var scanned = new ArrayList<ScannedSegment>();
    for (SegmentName name : segments()) {
      scanned.add(
          scan(name, frame -> places.putIfAbsent(frame.position(), new Place(name, frame))));
    }
    ScannedSegment.addMissing(scanned, DurableMark.in(disk));
    List<Damage> unreadable = scanned.stream().flatMap(each -> each.damages().stream()).toList();
    var openings = new ArrayList<JournalEntry.Opened>();
    try (var copy = new JournalCopy(target, segmentBytes);
        var frames = new Frames(disk)) {
      places.forEach(
          (position, place) -> {
            JournalEntry entry = frames.read(place, position).entry();
            boolean isTrue = unreadable.isEmpty() || !(entry instanceof JournalEntry.Applied);
            if (entry instanceof JournalEntry.Opened opened) {
              openings.add(opened);
            }
            if (isTrue && !(entry instanceof JournalEntry.Closed)) {
              copy.add(entry, position);
            }
          });
      long last = places.isEmpty() ? 0 : places.lastKey();
      for (JournalEntry.Opened each :
          unreadable.isEmpty() ? List.<JournalEntry.Opened>of() : openings) {
        copy.add(new JournalEntry.Applied(each.region(), each.actor(), 0), ++last);
      }
      return new Repair(copy.finish(last), unreadable);
    }
  }

  private record Place(SegmentName file, long offset, int lengthBytes) {
    Place(SegmentName file, JournalFrame frame) {
      this(file, frame.offset(), frame.lengthBytes());
    }
  }

  /**
   * Reads single frames: a compaction that was cut short leaves neighbours in different files, so
   * there are no long runs to rely on.
   */
  private static final class Frames implements AutoCloseable {
    private final Disk disk;
    private final Map<SegmentName, DiskFile> open = new HashMap<>();

    Frames(Disk disk) {
      this.disk = disk;
    }

    JournalFrame read(Place place, long position) {
      String name = place.file().file();
      DiskFile file = open.get(place.file());
      if (file == null) {
        // A range lies in what went into a compaction and in what came out.
        if (open.size() > 2) {
          close();
        }
        file = disk.open(name);
        open.put(place.file(), file);
      }
      var bytes = ByteBuffer.allocate(place.lengthBytes());
      file.read(place.offset(), bytes);
      try {
        return JournalFrame.decode(bytes.flip(), place.offset(), position, position);
      } catch (WireFormatException e) {
        throw new CorruptJournalException(
            name, place.offset(), "it could be read a moment ago: " + e.getMessage());
      }
    }

    @Override
    public void close() {
      open.values().forEach(DiskFile::close);
      open.clear();
    }
  }

  private ByteBuffer contentOf(SegmentName name) {
    try (DiskFile file = disk.open(name.file())) {
      long size = file.sizeBytes();
      if (size > Integer.MAX_VALUE - 64) {
        throw new CorruptJournalException(name.file(), size, "it is too large for a segment");
      }
      var bytes = ByteBuffer.allocate((int) size);
      file.read(0, bytes);
      return bytes.flip();
    }
  }

  /** Good frames go to {@code found}; behind a bad one the next good one is looked for. */
  private ScannedSegment scan(SegmentName name, Found found) {
    ByteBuffer bytes = contentOf(name);
    int framesAt = name.generation() > 0 ? Segment.COMPACTED_HEADER_BYTES : Segment.HEADER_BYTES;
    int at = Math.min(framesAt, bytes.limit());
    String badHeader = at == framesAt ? Segment.whyBadHeader(disk, name) : null;
    // The file of a segment is made before its header is whole; the next opening deletes such.
    boolean isTornCreation =
        name.generation() == 0
            && at == bytes.limit()
            && (at < framesAt || Segment.DAMAGED_HEADER.equals(badHeader));
    var scanned = new ScannedSegment(name, bytes.limit(), isTornCreation);
    if (name.generation() > 0 && at == framesAt && badHeader == null) {
      scanned.endsAt(Segment.endOf(disk, name));
    }
    if (badHeader != null && !isTornCreation) {
      scanned.damaged(0, at, badHeader);
    }
    long min = name.firstPosition();
    RangeCrc32c crcs = null;
    while (at < bytes.limit()) {
      if (isGood(bytes, crcs, at, min)) {
        JournalFrame frame = decode(bytes, at);
        if (frame != null) {
          scanned.good(frame);
          if (!(frame.entry() instanceof JournalEntry.Sealed)) {
            found.frame(frame);
            min = frame.position() + 1;
          }
          at = (int) frame.endOffset();
          continue;
        }
      }
      int next = at + 1;
      if (name.generation() == 0 && hasOnlyZeros(bytes, at)) {
        // Room that was made in advance.
        break;
      }
      crcs = crcs == null ? new RangeCrc32c(bytes) : crcs;
      while (next < bytes.limit() && !isGood(bytes, crcs, next, min)) {
        next++;
      }
      scanned.damaged(at, next, whyBad(bytes, at));
      at = next;
    }
    return scanned;
  }

  private static String whyBad(ByteBuffer bytes, int at) {
    boolean isWhole =
        bytes.limit() - at >= JournalFrame.HEADER_BYTES
            && JournalFrame.claimedBytes(bytes, at) <= bytes.limit() - at;
    if (isWhole) {
      int end = at + (int) JournalFrame.claimedBytes(bytes, at);
      try {
        JournalFrame.decode(
            bytes.duplicate().position(at).limit(end), at, 0, Segment.MAX_END_POSITION);
      } catch (OtherFormatException e) {
        return String.valueOf(e.getMessage());
      } catch (WireFormatException e) {
        // No more is known of it.
      }
    }
    return "no good frame is here";
  }

  private static boolean hasOnlyZeros(ByteBuffer bytes, int from) {
    for (int at = from; at < bytes.limit(); at++) {
      if (bytes.get(at) != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * @param crcs null as long as all was good: each frame is read once then
   */
  private static boolean isGood(
      ByteBuffer bytes, @Nullable RangeCrc32c crcs, int at, long minPosition) {
    return JournalFrame.isPlausible(bytes, at, minPosition, Segment.MAX_END_POSITION)
        && (crcs == null
            ? JournalFrame.hasGoodChecksum(bytes, at)
            : JournalFrame.hasGoodChecksum(bytes, at, crcs));
  }

  private static @Nullable JournalFrame decode(ByteBuffer bytes, int at) {
    int length = (int) JournalFrame.claimedBytes(bytes, at);
    try {
      JournalFrame frame =
          JournalFrame.decode(
              bytes.duplicate().position(at).limit(at + length), at, 0, Segment.MAX_END_POSITION);
      // The seal of a copy needs a position behind the last frame.
      boolean isBehindAll = frame.position() == Segment.MAX_END_POSITION;
      return isBehindAll && !(frame.entry() instanceof JournalEntry.Sealed) ? null : frame;
    } catch (WireFormatException e) {
      return null;
    }
  }
}
