package io.metafabric.replicate.arm;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What was spent for copies, in a small file beside the journal. Written without waiting for the
 * disk, which is done in the background: what ends the process loses none of it, what ends the
 * machine at most what was noted last. How old it is, is told by the wall clock; one that has gone
 * back makes nothing older.
 *
 * <p>Two places of {@value #PLACE_BYTES} bytes, written by turns, of which the newer one counts
 * that is whole: magic (4), format version (4), number (8), wall clock in ms (8), the nanoseconds
 * since the first hour began (8), the sums (8 each), CRC32C of all before it (4). If neither is
 * whole, a day's budget counts as spent now.
 */
public final class SpentFile implements SpentNotes, AutoCloseable {
  public static final String NAME = "copies.spent";

  private static final int FORMAT_VERSION = 1;
  private static final int MAGIC = 0x4D46_4353;
  private static final int BODY_BYTES = 32 + SpentDollars.HOURS * Long.BYTES;
  static final int PLACE_BYTES = 512;
  private static final long NANOS_PER_MS = 1_000_000;

  /** All has been forgotten by then. */
  private static final long MOST_MS = 48 * 3_600_000L;

  private final Disk disk;
  private final Clock clock;
  private final Executor background;
  private final Consumer<String> problems;
  private final SpentDollars before;
  private final AtomicBoolean isToSync = new AtomicBoolean();
  private @Nullable DiskFile file;
  private long number;
  private boolean failed;

  private record Note(long number, long wallMs, SpentDollars spent) {}

  /**
   * @param background where the disk is waited for
   * @param problems is told, for people, of what the disk did not do; on any thread
   */
  public SpentFile(Disk disk, Clock clock, Executor background, Consumer<String> problems) {
    this.disk = disk;
    this.clock = clock;
    this.background = background;
    this.problems = problems;
    this.before = read();
  }

  private SpentDollars read() {
    try {
      if (!disk.list().contains(NAME)) {
        return SpentDollars.NOTHING;
      }
      DiskFile opened = disk.open(NAME);
      file = opened;
      return read(opened);
    } catch (StorageException e) {
      return unknown(String.valueOf(e.getMessage()));
    }
  }

  private SpentDollars read(DiskFile from) {
    var bytes = ByteBuffer.allocate(2 * PLACE_BYTES);
    from.read(0, bytes);
    byte[] all = bytes.array();
    Note newest = null;
    for (int place = 0; place < 2; place++) {
      Note found = decode(bytes.slice(place * PLACE_BYTES, PLACE_BYTES));
      if (found != null && (newest == null || found.number > newest.number)) {
        newest = found;
      }
    }
    if (newest == null) {
      // Of a file that was made and not written nothing was spent.
      return isBlank(all) ? SpentDollars.NOTHING : unknown("neither of its two notes is whole");
    }
    number = newest.number;
    long passedMs = Math.max(0, Math.min(MOST_MS, clock.wallMs() - newest.wallMs));
    return newest.spent.after(passedMs * NANOS_PER_MS);
  }

  private SpentDollars unknown(String why) {
    problems.accept(
        NAME
            + " cannot be read: no copies are paid for until a day has passed, or that file is"
            + " deleted while nobody has it open: "
            + why);
    return SpentDollars.UNKNOWN;
  }

  private static boolean isBlank(byte[] all) {
    for (byte each : all) {
      if (each != 0) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable Note decode(ByteBuffer place) {
    int crc = place.getInt(BODY_BYTES);
    var in = new ByteReader(place.slice(0, BODY_BYTES));
    boolean isNote =
        in.i32("magic") == MAGIC
            && in.i32("format version") == FORMAT_VERSION
            && Checksums.crc32c(place.slice(0, BODY_BYTES)) == crc;
    if (!isNote) {
      return null;
    }
    long number = in.i64("number");
    long wallMs = in.i64("wall clock");
    long sinceNanos = in.i64("time since the first hour began");
    var byAge = new ArrayList<Long>();
    for (int i = 0; i < SpentDollars.HOURS; i++) {
      byAge.add(in.i64("sum of an hour"));
    }
    return SpentDollars.isPossible(sinceNanos, byAge)
        ? new Note(number, wallMs, new SpentDollars(sinceNanos, byAge))
        : null;
  }

  private static ByteBuffer encode(Note note) {
    var out = new ByteWriter(BODY_BYTES + Integer.BYTES);
    out.i32(MAGIC).i32(FORMAT_VERSION).i64(note.number).i64(note.wallMs);
    out.i64(note.spent.sinceNanos());
    note.spent.byAge().forEach(out::i64);
    out.i32(out.crc32c(0));
    return out.written();
  }

  @Override
  public SpentDollars before() {
    return before;
  }

  @Override
  public synchronized boolean note(SpentDollars spent) {
    try {
      write(spent);
      failed = false;
    } catch (StorageException e) {
      if (!failed) {
        problems.accept("no copies are paid for while it cannot be noted: " + e.getMessage());
      }
      failed = true;
      return false;
    }
    if (isToSync.compareAndSet(false, true)) {
      background.execute(this::sync);
    }
    return true;
  }

  private void write(SpentDollars spent) {
    DiskFile to = file;
    if (to == null) {
      to = disk.open(NAME);
      file = to;
    }
    number++;
    to.write(number % 2 * PLACE_BYTES, encode(new Note(number, clock.wallMs(), spent)));
  }

  private void sync() {
    isToSync.set(false);
    DiskFile of;
    synchronized (this) {
      of = file;
    }
    try {
      if (of != null) {
        of.sync();
        disk.syncDirectory();
      }
    } catch (StorageException e) {
      problems.accept("what was spent for copies may not outlast the machine: " + e.getMessage());
    }
  }

  /** Once the background has ended. Another time it does nothing. */
  @Override
  public synchronized void close() {
    sync();
    DiskFile last = file;
    if (last != null) {
      file = null;
      try {
        last.close();
      } catch (StorageException e) {
        problems.accept("what was spent for copies may not be kept: " + e.getMessage());
      }
    }
  }
}
