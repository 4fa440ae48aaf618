package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.LinearizableOperations;
import io.metafabric.core.version.ActorId;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** What a peer acknowledges is noted and asked for, while compaction moves the frame. */
@Param(name = "counter", gen = IntGen.class, conf = "1:3")
public class AcknowledgedNotesStressTest extends LinearizableOperations {
  private static final RegionName PEER = new RegionName("us");

  private final AcknowledgedNotes notes = new AcknowledgedNotes();

  private static JournalEntry.Acknowledged note(int counter) {
    return new JournalEntry.Acknowledged(PEER, new ActorId(7), counter, counter, 0, 0);
  }

  @Operation
  public void journaled(@Param(name = "counter") int counter) {
    notes.journaled(note(counter), TwoFrames.ONE);
  }

  @Operation
  public void moved() {
    notes.moved(note(1), TwoFrames.ONE, TwoFrames.OTHER);
  }

  @Operation
  public boolean hasMoved() {
    return notes.isAt(PEER, TwoFrames.OTHER.position());
  }

  @Operation
  public long counter() {
    JournalEntry.Acknowledged known = notes.by(PEER);
    return known == null ? 0 : known.counter();
  }
}
