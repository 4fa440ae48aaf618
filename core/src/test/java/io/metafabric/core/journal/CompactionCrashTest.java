package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Loss of power before each disk operation of a journal that is compacted as it is written. */
class CompactionCrashTest {
  private static final int ENTRIES = 55;

  /** Every tenth entry stays for good, the others until the next one is written. */
  private static final class Machine implements Liveness {
    final SimNode node = new SimNode(new SimWorld(3), "paris");
    final Map<Long, FrameLocation> live = new HashMap<>();
    final Map<Long, JournalEntry> durable = new LinkedHashMap<>();
    boolean compacted;

    /** Ends early with the machine. */
    void run() {
      try {
        Journal journal = JournalTest.open(node.disk(), new ArrayList<>());
        for (int i = 0; i < ENTRIES; i++) {
          JournalEntry entry = JournalTest.entry(i);
          FrameLocation at = journal.append(List.of(entry)).get(0);
          journal.makeDurable();
          long position = at.position();
          durable.put(position, entry);
          at.markLive();
          live.put(position, at);
          journal.publish(position);
          if (i % 10 != 1 && i > 0) {
            live.remove(position - 1).markDead();
            durable.remove(position - 1);
          }
          if (i % 25 == 24) {
            compact(journal);
          }
        }
        journal.close();
      } catch (StorageException e) {
        assertThat(node.life()).as("it died: " + e).isGreaterThan(1);
      }
    }

    private void compact(Journal journal) {
      Compaction compaction = Compaction.begin(journal, this, Long.MAX_VALUE, 0.2, false);
      while (compaction != null) {
        while (compaction.step(500)) {}
        compacted = true;
        compaction = Compaction.begin(journal, this, Long.MAX_VALUE, 0.2, false);
      }
    }

    @Override
    public @Nullable JournalEntry kept(JournalEntry entry, long position) {
      return live.containsKey(position) ? entry : null;
    }

    @Override
    public boolean isForgotten(JournalEntry entry) {
      return false;
    }

    @Override
    public boolean isReplaced(JournalEntry entry) {
      return false;
    }

    @Override
    public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
      live.put(to.position(), to);
    }
  }

  @Test
  void whatIsLiveAndDurable_isThereAfterwards() {
    var whole = new Machine();
    whole.run();
    assertThat(whole.compacted).isTrue();
    long operations = whole.node.disk().operations();
    for (long before = 0; before < operations; before++) {
      var machine = new Machine();
      machine.node.disk().beforeOperation(before, () -> machine.node.crash(SimDisk.Loss.ALL));
      machine.run();
      for (int opening = 1; opening <= 2; opening++) {
        var found = new HashMap<Long, JournalEntry>();
        Journal again =
            Journal.open(
                JournalTest.CONFIG,
                machine.node.disk(),
                new FrameTable(),
                (entry, at) -> found.put(at.position(), entry));
        assertThat(found)
            .as("opening %d after a crash before operation %d", opening, before)
            .containsAllEntriesOf(machine.durable);
        again.close();
      }
    }
  }
}
