package io.metafabric.cache.chronicle;

import io.metafabric.cache.PayloadTier;
import io.metafabric.cache.WarmTierStats;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Disk;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import net.openhft.chronicle.hash.ChronicleHashClosedException;
import org.jspecify.annotations.Nullable;

/**
 * The warm tier with a Chronicle Map in front of the journal: off-heap, kept over a clean stop, and
 * disposable, because it holds nothing that the journal does not.
 *
 * <p>What is shown has passed its own checksum and is the index's current write of its key, so
 * neither damage nor age can be seen. A damaged entry, or anything that the library throws, retires
 * the map: the journal answers from then on, and the next opening begins with an empty one.
 * Thread-safe.
 */
public final class ChronicleTier implements PayloadTier {
  private static final String ANNOUNCER = "chronicle.announcer.disable";
  private static final String ANALYTICS = "chronicle.analytics.disable";

  private final PayloadTier journal;
  private final CurrentDots index;
  private final Disk disk;
  private final String configuration;
  private final Layout layout;
  private final PayloadMap map;
  private final Consumer<Throwable> onFailure;
  private final AtomicBoolean retired = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final LongAdder damaged = new LongAdder();

  private ChronicleTier(
      PayloadTier journal,
      CurrentDots index,
      Disk disk,
      String configuration,
      Layout layout,
      PayloadMap map,
      Consumer<Throwable> onFailure) {
    this.journal = journal;
    this.index = index;
    this.disk = disk;
    this.configuration = configuration;
    this.layout = layout;
    this.map = map;
    this.onFailure = onFailure;
  }

  /**
   * Opens the map of a clean stop under the same configuration, or deletes what is there and begins
   * with an empty one.
   *
   * @param disk locked by the caller: there is one process to a map
   * @param directory where {@code disk} is, for the library opens its file itself
   * @param journal answers what the map cannot; the caller closes it
   * @param onFailure is told once of what retired the map, and of a failure to close it
   * @throws ConfigurationException if the library is missing, is not let in by the JVM, or cannot
   *     open the file; the directory is left without the map
   */
  public static ChronicleTier open(
      ChronicleConfig config,
      Disk disk,
      Path directory,
      PayloadTier journal,
      CurrentDots index,
      Consumer<Throwable> onFailure) {
    requireSupport();
    var layout = Layout.of(config.maxBytes());
    try {
      System.setProperty(ANNOUNCER, "true");
      System.setProperty(ANALYTICS, "true");
      String configuration =
          "envelope %d, library %s, %s"
              .formatted(Envelope.FORMAT_VERSION, PayloadMap.libraryVersion(), layout);
      CleanStop stop = CleanStop.find(disk, configuration);
      disk.delete(ChronicleFiles.CLEAN_STOP);
      if (stop == null) {
        disk.delete(ChronicleFiles.MAP);
      }
      // Durable before the map is touched: no later opening may take this stop for its own.
      disk.syncDirectory();
      PayloadMap map =
          PayloadMap.open(
              layout,
              directory.resolve(ChronicleFiles.MAP).toFile(),
              stop == null ? 0 : stop.entryBytes());
      return new ChronicleTier(journal, index, disk, configuration, layout, map, onFailure);
    } catch (Throwable e) {
      // Errors too: that is how the library fails where the JVM does not let it in.
      var failure = new ConfigurationException("Chronicle Map cannot be opened: " + e, e);
      discard(disk, failure);
      throw failure;
    }
  }

  private static void requireSupport() {
    var missing = ChronicleSupport.missing();
    if (!missing.isEmpty()) {
      throw new ConfigurationException(
          "Chronicle Map cannot run in this JVM without " + String.join(", ", missing));
    }
  }

  private static void discard(Disk disk, Throwable cause) {
    try {
      ChronicleFiles.discard(disk);
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public String name() {
    return "warm";
  }

  @Override
  public @Nullable MetadataRecord get(Key key) {
    byte[] keyBytes = key.toUtf8();
    MetadataRecord shown = find(key, keyBytes);
    if (shown != null) {
      hits.increment();
      return shown;
    }
    misses.increment();
    MetadataRecord record = journal.get(key);
    if (record != null) {
      take(keyBytes, record);
    }
    return record;
  }

  private @Nullable MetadataRecord find(Key key, byte[] keyBytes) {
    if (retired.get()) {
      return null;
    }
    byte[] sealed;
    try {
      sealed = map.get(keyBytes);
    } catch (Throwable e) {
      retire(e);
      return null;
    }
    if (sealed == null) {
      return null;
    }
    MetadataRecord record = Envelope.open(key, keyBytes, sealed);
    if (record == null) {
      damaged.increment();
      retire(new StorageException("the entry of " + key + " has a wrong checksum"));
      return null;
    }
    return isCurrent(record) ? record : null;
  }

  private boolean isCurrent(MetadataRecord record) {
    return index.isCurrent(record.key(), record.header().version().dot());
  }

  private void take(byte[] keyBytes, MetadataRecord record) {
    if (retired.get()) {
      return;
    }
    try {
      if (!map.put(keyBytes, Envelope.seal(keyBytes, record))) {
        refused.increment();
      }
    } catch (Throwable e) {
      retire(e);
    }
  }

  /** What has failed once may hold its locks for ever; what is damaged here may be elsewhere. */
  private void retire(Throwable cause) {
    boolean isEnd = cause instanceof ChronicleHashClosedException && closed.get();
    if (retired.compareAndSet(false, true) && !isEnd) {
      onFailure.accept(cause);
    }
  }

  @Override
  public boolean fill(MetadataRecord record) {
    if (!journal.fill(record)) {
      return false;
    }
    take(record.key().toUtf8(), record);
    return true;
  }

  @Override
  public void written(MetadataRecord record) {
    byte[] keyBytes = record.key().toUtf8();
    if (record.payload() == null) {
      drop(keyBytes);
    } else if (isCurrent(record)) {
      take(keyBytes, record);
    }
  }

  private void drop(byte[] keyBytes) {
    if (retired.get()) {
      return;
    }
    try {
      map.remove(keyBytes);
    } catch (Throwable e) {
      retire(e);
    }
  }

  /** Of the map, not of the journal behind it. */
  @Override
  public long entries() {
    return map.entries();
  }

  /** Of the map, not of the journal behind it. */
  @Override
  public long sizeBytes() {
    return map.entryBytes();
  }

  @Override
  public WarmTierStats stats() {
    return new WarmTierStats(
        "chronicle",
        map.entries(),
        map.entryBytes(),
        layout.maxBytes(),
        hits.sum(),
        misses.sum(),
        refused.sum(),
        map.evicted(),
        damaged.sum());
  }

  /** Whether the library has failed since the map was opened. */
  boolean isRetired() {
    return retired.get();
  }

  /** Marks a clean stop, unless the map has failed. Leaves the journal open. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      boolean wasWhole = retired.compareAndSet(false, true);
      map.close();
      if (wasWhole) {
        CleanStop.of(disk, configuration, map.entryBytes()).write(disk);
      }
    } catch (Throwable e) {
      onFailure.accept(e);
    }
  }
}
