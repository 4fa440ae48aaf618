package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.JournalImage;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.store.ViewReport.State;

/**
 * Looks at the hint of a directory that no store has open: each checksum in it, and whether it is
 * of the journal beside it. Changes nothing, and needs no memory for the index.
 */
public final class HintCheck {
  private HintCheck() {}

  public static ViewReport inspect(Disk disk) {
    if (!disk.list().contains(StoreImage.NAME)) {
      return report(State.ABSENT, "the next opening reads the journal");
    }
    try (DiskFile file = disk.open(StoreImage.NAME)) {
      if (StoreImage.isOfAnotherFormat(file)) {
        return report(State.STALE, "it has another format; the next opening reads the journal");
      }
      ByteReader in = StoreImage.description(file);
      return in == null
          ? damaged("its description ends early or has another checksum")
          : inspect(disk, file, in);
    } catch (WireFormatException | IllegalArgumentException e) {
      return damaged(String.valueOf(e.getMessage()));
    }
  }

  private static ViewReport inspect(Disk disk, DiskFile file, ByteReader in) {
    long pagesAt = StoreImage.pagesAt(in.remaining());
    StoreImage.readCluster(in);
    RecordCodec.readRegion(in);
    JournalImage journal = JournalImage.readFrom(in);
    if (!KeyIndex.isWhole(in, file, pagesAt)) {
      return damaged("pages of its index end early or have another checksum");
    }
    return isOf(journal, disk)
        ? report(State.GOOD, "each checksum is right; the next opening need not read the journal")
        : report(State.STALE, "it is not of this journal; the next opening reads that");
  }

  /** What is wrong with the journal itself is told by those who look at that. */
  private static boolean isOf(JournalImage journal, Disk disk) {
    try {
      return journal.isOf(disk);
    } catch (StorageException | WireFormatException e) {
      return false;
    }
  }

  private static ViewReport damaged(String why) {
    return report(State.DAMAGED, why + "; the next opening reads the journal");
  }

  private static ViewReport report(State state, String why) {
    return new ViewReport(StoreImage.NAME, state, why);
  }
}
