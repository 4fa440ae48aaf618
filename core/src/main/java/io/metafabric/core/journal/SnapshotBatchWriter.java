package io.metafabric.core.journal;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.record.MetadataRecord;
import java.util.Collection;

/** Writes the batches that {@link SnapshotBatch} reads, one at a time. Not thread-safe. */
public final class SnapshotBatchWriter {
  private final ByteWriter out;
  private final int keepBytes;

  /**
   * @param keepBytes of its buffer, from one batch to the next
   */
  public SnapshotBatchWriter(int keepBytes) {
    this.out = new ByteWriter(keepBytes);
    this.keepBytes = keepBytes;
  }

  public void begin(SnapshotToken before) {
    out.reset(keepBytes);
    out.i64(SnapshotBatch.MAGIC).i32(0).i32(0);
    before.writeTo(out);
  }

  /** A record that the reader named. */
  public void addNamed(MetadataRecord record) {
    addRecord(record, SnapshotBatch.NAMED_POSITION);
  }

  public void addRecord(MetadataRecord record, long position) {
    JournalFrame.encode(out, new JournalEntry.Stored(record), position, 0);
  }

  /** Ends the snapshot: up to {@code position} nothing is missing. */
  public void seal(Collection<JournalEntry.Applied> applied, long position) {
    applied.forEach(each -> JournalFrame.encode(out, each, position, 0));
    JournalFrame.encode(out, new JournalEntry.Sealed(applied.size()), position, 0);
  }

  /** As long as the batch is without its end. */
  public int bytes() {
    return out.length();
  }

  public byte[] end(SnapshotToken after) {
    after.writeTo(out);
    out.putI32At(SnapshotBatch.LENGTH_AT, out.length() - SnapshotBatch.HEADER_BYTES);
    out.putI32At(SnapshotBatch.CRC_AT, out.crc32c(SnapshotBatch.HEADER_BYTES));
    return out.toArray();
  }
}
