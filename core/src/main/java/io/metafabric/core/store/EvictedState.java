package io.metafabric.core.store;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.conflict.ConflictExport;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a region that was evicted saves of its state before its directory is emptied, and takes back
 * when that is filled again.
 */
final class EvictedState {
  private static final String UNREADABLE = "unreadable-";

  private final Disk disk;
  private final KeyIndex index;
  private final Clock clock;
  private final Function<MetadataRecord, CompletableFuture<Boolean>> keep;

  /**
   * @param keep as {@link RecordStore#keep}
   */
  EvictedState(
      Disk disk,
      KeyIndex index,
      Clock clock,
      Function<MetadataRecord, CompletableFuture<Boolean>> keep) {
    this.disk = disk;
    this.index = index;
    this.clock = clock;
    this.keep = keep;
  }

  /**
   * Durably, to files of the conflict log what is not in {@code elsewhere}, and all payloads aside.
   *
   * @param epoch of the configuration because of which
   * @param passOver whether records that cannot be read are listed in a file instead
   * @return these, a line each
   * @throws StorageException if something else cannot be read or written
   */
  List<String> save(long epoch, Map<RegionName, VersionVector> elsewhere, boolean passOver) {
    var unreadable = new ArrayList<String>();
    try (var export = new ConflictExport(disk, epoch);
        var payloads = new PayloadsAside(disk, epoch)) {
      index.forEachKey(
          key -> {
            MetadataRecord record = key.isSystem() ? null : read(key, passOver, unreadable);
            if (record != null) {
              export(record, elsewhere, export);
              setAside(record, payloads);
            }
          },
          failure -> note("a key", failure, passOver, unreadable));
      list(epoch, unreadable);
      payloads.done();
      export.done();
    }
    return unreadable;
  }

  private @Nullable MetadataRecord read(Key key, boolean passOver, List<String> unreadable) {
    try {
      return index.read(key);
    } catch (StorageException e) {
      note(key.path(), e, passOver, unreadable);
      return null;
    }
  }

  private static void note(
      String what, StorageException failure, boolean passOver, List<String> unreadable) {
    if (!passOver) {
      throw failure;
    }
    unreadable.add(what + ": " + failure.getMessage());
  }

  private void list(long epoch, List<String> unreadable) {
    if (!unreadable.isEmpty()) {
      String name = String.format(Locale.ROOT, "%s%016x.txt", UNREADABLE, epoch);
      String lines = String.join("\n", unreadable) + "\n";
      try (DiskFile file = disk.open(name)) {
        file.truncate(0);
        file.write(0, ByteBuffer.wrap(lines.getBytes(StandardCharsets.UTF_8)));
        file.sync();
      }
    }
  }

  private void export(
      MetadataRecord record, Map<RegionName, VersionVector> elsewhere, ConflictExport export) {
    for (Sibling each : record.versions()) {
      Dot dot = each.header().version().dot();
      VersionVector there = elsewhere.get(each.header().writtenIn());
      if (there != null && !there.contains(dot)) {
        export.add(
            new Conflict(
                record.key(),
                each.header(),
                Version.NONE.dot(),
                each.payload(),
                clock.wallMs(),
                Conflict.Reason.UNACKNOWLEDGED_AT_EVICTION));
      }
    }
  }

  private static void setAside(MetadataRecord record, PayloadsAside payloads) {
    if (record.versions().stream().anyMatch(each -> each.payload() != null)) {
      payloads.add(record);
    }
  }

  /** See {@link RecordStore#takeBack}. */
  CompletableFuture<Long> takeBack(String file) {
    PayloadsAside.Content content = PayloadsAside.read(disk, file);
    var done = new ArrayList<CompletableFuture<?>>();
    for (MetadataRecord aside : content.records()) {
      MetadataRecord known = index.read(aside.key());
      if (known != null) {
        for (Sibling each : known.versions()) {
          Bytes payload = each.payload() == null ? payloadOf(aside, each.header()) : null;
          if (payload != null) {
            done.add(keep.apply(new MetadataRecord(aside.key(), each.header(), payload)));
          }
        }
      }
    }
    return CompletableFuture.allOf(done.toArray(CompletableFuture<?>[]::new))
        .thenApply(published -> content.bytesLost());
  }

  private static @Nullable Bytes payloadOf(MetadataRecord aside, Header of) {
    for (Sibling each : aside.versions()) {
      Bytes payload = each.payload();
      boolean isSame = each.header().version().dot().equals(of.version().dot());
      if (isSame && payload != null && of.describes(payload)) {
        return payload;
      }
    }
    return null;
  }
}
