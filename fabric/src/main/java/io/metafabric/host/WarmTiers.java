package io.metafabric.host;

import io.metafabric.cache.JournalTier;
import io.metafabric.cache.PayloadTier;
import io.metafabric.cache.chronicle.ChronicleConfig;
import io.metafabric.cache.chronicle.ChronicleFiles;
import io.metafabric.cache.chronicle.ChronicleSupport;
import io.metafabric.cache.chronicle.ChronicleTier;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.store.RecordStore;
import io.metafabric.node.WarmTierFactory;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The warm tiers to be had on this machine. */
public final class WarmTiers {
  private static final Logger log = LoggerFactory.getLogger(WarmTiers.class);

  private WarmTiers() {}

  /** The journal; what Chronicle Map left in the directory is deleted. */
  public static WarmTierFactory journal(FileDisk disk) {
    return store -> journal(disk, store);
  }

  private static PayloadTier journal(FileDisk disk, RecordStore store) {
    ChronicleFiles.discard(disk);
    return new JournalTier(store);
  }

  /** Chronicle Map in front of the journal, or a {@link ConfigurationException}. */
  public static WarmTierFactory chronicle(FileDisk disk, ChronicleConfig config) {
    return store -> Chronicle.open(disk, config, store);
  }

  /** Chronicle Map where it can run, and the journal elsewhere. */
  public static WarmTierFactory automatic(FileDisk disk, ChronicleConfig config) {
    return store -> {
      List<String> missing = ChronicleSupport.missing();
      if (!missing.isEmpty()) {
        log.info("warm tier: the journal; Chronicle Map would need {}", missing);
        return journal(disk, store);
      }
      try {
        PayloadTier tier = Chronicle.open(disk, config, store);
        log.info("warm tier: Chronicle Map of {} bytes; the JVM has its flags", config.maxBytes());
        return tier;
      } catch (ConfigurationException e) {
        log.warn("warm tier: the journal; {}", e.getMessage(), e);
        return journal(disk, store);
      }
    };
  }

  /** A class of its own: it cannot be loaded without the library. */
  private static final class Chronicle {
    static PayloadTier open(FileDisk disk, ChronicleConfig config, RecordStore store) {
      return ChronicleTier.open(
          config,
          disk,
          Path.of(disk.describe()),
          new JournalTier(store),
          store,
          failure -> log.warn("Chronicle Map failed; the journal answers from now on", failure));
    }
  }
}
