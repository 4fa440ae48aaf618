package io.metafabric.core.conflict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the last losing values, for people to read. Two files take turns: when one is full, the
 * other, older one is begun anew. Thread-safe.
 *
 * <p>It is a view like any other: what is damaged of it is dropped, and no read or write of the
 * fabric depends on it. Writing is done in the background, and synced.
 */
public final class ConflictLog implements AutoCloseable {
  /** On disk. */
  public static final long MAX_BYTES = 4 << 20;

  /** In memory, on the way there. */
  public static final long MAX_PENDING_BYTES = 1 << 20;

  /** Larger values are logged without their bytes. */
  public static final int MAX_VALUE_BYTES = 64 << 10;

  static final List<String> FILES = List.of("conflicts-0.log", "conflicts-1.log");
  static final long MAGIC = 0x4d46434f4e464c31L; // "MFCONFL1"
  static final int HEADER_BYTES = 20;
  static final int FRAME_BYTES = 8;

  private static final long MAX_FILE_BYTES = MAX_BYTES / 2;
  private static final int REMEMBERED = 1024;

  private final Disk disk;

  // Guarded by itself, as is all of the files' state below by this.
  private final ArrayDeque<byte[]> pending = new ArrayDeque<>();
  private long pendingBytes;
  private long logged;
  private long dropped;
  private boolean planned;
  private @Nullable SerialExecutor executor;

  // Of what falls out again each time it comes: once is enough.
  private final Map<Dot, Boolean> remembered =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Dot, Boolean> eldest) {
          return size() > REMEMBERED;
        }
      };

  private final Object files = new Object();
  private int current = -1;
  private long sequence;
  private long end;
  private volatile long bytes;

  public ConflictLog(Disk disk) {
    this.disk = disk;
  }

  /** Writes from now on, on {@code background}, which the caller closes before this. */
  public void start(SerialExecutor background) {
    synchronized (pending) {
      executor = background;
    }
    background.execute(this::countWhatIsThere);
    plan();
  }

  private void countWhatIsThere() {
    synchronized (files) {
      try {
        countBytes();
      } catch (StorageException e) {
        // Counted at the next write.
      }
    }
  }

  /** Returns at once. */
  public void add(Conflict conflict) {
    byte[] frame = encode(conflict, MAX_VALUE_BYTES);
    synchronized (pending) {
      if (remembered.put(conflict.lost().version().dot(), true) != null) {
        return;
      }
      if (pendingBytes + frame.length > MAX_PENDING_BYTES) {
        dropped++;
        return;
      }
      pending.add(frame);
      pendingBytes += frame.length;
      logged++;
    }
    plan();
  }

  private void plan() {
    SerialExecutor background;
    synchronized (pending) {
      background = executor;
      if (background == null || planned || pending.isEmpty()) {
        return;
      }
      planned = true;
    }
    background.execute(this::write);
  }

  private void write() {
    synchronized (pending) {
      planned = false;
    }
    synchronized (files) {
      var batch = new ArrayList<byte[]>();
      synchronized (pending) {
        batch.addAll(pending);
        pending.clear();
        pendingBytes = 0;
      }
      try {
        writeAll(batch);
      } catch (StorageException e) {
        current = -1;
        synchronized (pending) {
          logged -= batch.size();
          dropped += batch.size();
        }
      }
    }
  }

  private void writeAll(List<byte[]> batch) {
    if (batch.isEmpty()) {
      return;
    }
    if (current < 0) {
      findEnd();
    }
    DiskFile file = disk.open(FILES.get(current));
    try {
      for (byte[] frame : batch) {
        if (end + frame.length > MAX_FILE_BYTES) {
          file.sync();
          file.close();
          file = begin(1 - current);
        }
        file.write(end, ByteBuffer.wrap(frame));
        end += frame.length;
      }
      file.sync();
    } finally {
      file.close();
    }
    countBytes();
  }

  /** Goes on behind the last good entry of the newer file. */
  private void findEnd() {
    var ends = new long[FILES.size()];
    var sequences = new long[FILES.size()];
    for (int i = 0; i < FILES.size(); i++) {
      byte[] content = content(i);
      sequences[i] = sequenceOf(content);
      ends[i] = sequences[i] == 0 ? 0 : endOf(content);
    }
    int newer = sequences[1] > sequences[0] ? 1 : 0;
    if (sequences[newer] == 0) {
      begin(0).close();
      return;
    }
    current = newer;
    sequence = sequences[newer];
    end = ends[newer];
    try (DiskFile file = disk.open(FILES.get(newer))) {
      file.truncate(end);
    }
  }

  private DiskFile begin(int which) {
    String name = FILES.get(which);
    disk.delete(name);
    var out = new ByteWriter(HEADER_BYTES).i64(MAGIC).i64(sequence + 1);
    out.i32(out.crc32c(0));
    DiskFile file = disk.open(name);
    file.write(0, out.written());
    disk.syncDirectory();
    sequence++;
    current = which;
    end = HEADER_BYTES;
    return file;
  }

  private void countBytes() {
    long all = 0;
    for (String name : FILES) {
      if (disk.list().contains(name)) {
        try (DiskFile file = disk.open(name)) {
          all += file.sizeBytes();
        }
      }
    }
    bytes = all;
  }

  private byte[] content(int which) {
    String name = FILES.get(which);
    if (!disk.list().contains(name)) {
      return new byte[0];
    }
    try (DiskFile file = disk.open(name)) {
      // A longer one was not written by this.
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), MAX_FILE_BYTES));
      file.read(0, content);
      return Arrays.copyOf(content.array(), content.position());
    }
  }

  /** 0 if this is no log. */
  static long sequenceOf(byte[] content) {
    if (content.length < HEADER_BYTES) {
      return 0;
    }
    ByteBuffer header = ByteBuffer.wrap(content);
    boolean good =
        header.getLong(0) == MAGIC
            && header.getInt(HEADER_BYTES - Integer.BYTES)
                == Checksums.crc32c(content, 0, HEADER_BYTES - Integer.BYTES);
    return good ? Math.max(0, header.getLong(Long.BYTES)) : 0;
  }

  private static long endOf(byte[] content) {
    return decode(content, new ArrayList<>());
  }

  /** Adds all good entries, and returns where they end. */
  static int decode(byte[] content, List<Conflict> into) {
    int at = HEADER_BYTES;
    while (content.length - at >= FRAME_BYTES) {
      int length = ByteBuffer.wrap(content).getInt(at);
      int body = at + FRAME_BYTES;
      if (length < 0
          || length > content.length - body
          || ByteBuffer.wrap(content).getInt(at + 4) != Checksums.crc32c(content, body, length)) {
        break;
      }
      try {
        into.add(decode(new ByteReader(ByteBuffer.wrap(content, body, length).slice())));
      } catch (WireFormatException e) {
        break;
      }
      at = body + length;
    }
    return at;
  }

  /** What is held, the oldest first; what cannot be read is left out. */
  public List<Conflict> entries() {
    var entries = new ArrayList<Conflict>();
    synchronized (files) {
      try {
        for (String name : disk.list()) {
          if (name.startsWith(ConflictExport.PREFIX)) {
            readExport(name, entries);
          }
        }
        byte[] first = content(0);
        byte[] second = content(1);
        boolean inOrder = sequenceOf(first) < sequenceOf(second);
        for (byte[] content : inOrder ? List.of(first, second) : List.of(second, first)) {
          if (sequenceOf(content) > 0) {
            decode(content, entries);
          }
        }
      } catch (StorageException e) {
        // The log is nothing that a fabric needs; what waits for it is told all the same.
      }
      synchronized (pending) {
        for (byte[] frame : pending) {
          entries.add(
              decode(
                  new ByteReader(
                      ByteBuffer.wrap(frame, FRAME_BYTES, frame.length - FRAME_BYTES).slice())));
        }
      }
    }
    return entries;
  }

  private void readExport(String name, List<Conflict> into) {
    try (DiskFile file = disk.open(name)) {
      var content = ByteBuffer.allocate((int) Math.min(file.sizeBytes(), Integer.MAX_VALUE / 2));
      file.read(0, content);
      byte[] bytes = Arrays.copyOf(content.array(), content.position());
      if (sequenceOf(bytes) > 0) {
        decode(bytes, into);
      }
    }
  }

  public ConflictLogStats stats() {
    synchronized (pending) {
      return new ConflictLogStats(logged, dropped, bytes, pendingBytes);
    }
  }

  /** Writes what waits. */
  @Override
  public void close() {
    write();
  }

  static byte[] encode(Conflict conflict, int maxValueBytes) {
    Bytes payload = conflict.payload();
    boolean kept = payload != null && payload.length() <= maxValueBytes;
    var out = new ByteWriter(256);
    out.i32(0).i32(0).u8(conflict.reason().code()).i64(conflict.atMs());
    RecordCodec.writeKey(out, conflict.key());
    RecordCodec.writeHeader(out, conflict.lost());
    RecordCodec.writeDot(out, conflict.winner());
    out.u8(kept ? 1 : 0);
    if (kept && payload != null) {
      out.bytes(payload);
    }
    out.putI32At(0, out.length() - FRAME_BYTES);
    out.putI32At(4, out.crc32c(FRAME_BYTES));
    return out.toArray();
  }

  static Conflict decode(ByteReader in) {
    Conflict.Reason reason = reason(in.u8("reason"));
    long atMs = in.i64("time");
    Key key = RecordCodec.readKey(in);
    var lost = RecordCodec.readHeader(in);
    Dot winner = RecordCodec.readDot(in);
    int kept = in.u8("whether the value is kept");
    if (kept > 1 || (kept == 1 && lost.isTombstone())) {
      throw new WireFormatException("not the end of a conflict");
    }
    Bytes payload = kept == 1 ? in.payload(lost.payloadBytes(), "value") : null;
    in.end("a conflict");
    return new Conflict(key, lost, winner, payload, atMs, reason);
  }

  private static Conflict.Reason reason(int code) {
    for (Conflict.Reason each : Conflict.Reason.values()) {
      if (each.code() == code) {
        return each;
      }
    }
    throw new WireFormatException("there is no reason " + code);
  }
}
