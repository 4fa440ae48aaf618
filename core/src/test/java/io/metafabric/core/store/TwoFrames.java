package io.metafabric.core.store;

import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.sim.SimDisk;
import java.util.List;

/** Places in a journal, for tests of what remembers them. */
final class TwoFrames {
  private static final List<FrameLocation> PLACES =
      Journal.open(
              new JournalConfig(4096), new SimDisk(1), new FrameTable(), (entry, location) -> {})
          .append(List.of(new JournalEntry.Closed(), new JournalEntry.Closed()));

  static final FrameLocation ONE = PLACES.get(0);
  static final FrameLocation OTHER = PLACES.get(1);

  private TwoFrames() {}
}
