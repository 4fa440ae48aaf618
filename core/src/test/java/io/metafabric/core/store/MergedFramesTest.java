package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Writes that another region's have replaced, and of which a peer has not heard: what it has itself
 * may be hidden by them, so where values are merged they are kept whole.
 */
class MergedFramesTest {
  private static final Key MERGED = Key.of("merged/1");
  private static final Key OTHER = Key.of("other/1");
  private static final RegionName US = new RegionName("us");
  private static final Bytes OWN = Bytes.utf8("our own");

  private final StoreMachine machine = new StoreMachine(7, Durability.SYNC);

  @Test
  void whatIsMerged_goesToPeersWithItsValue_alsoOnceItIsReplacedAndCompacted() {
    ConflictRule longer = ConflictRule.merge("longer", (a, b) -> a.length() >= b.length() ? a : b);
    machine.conflicts =
        new ConflictConfig(new ConflictRules(Map.of("merged", longer)), Duration.ofSeconds(60));
    machine.peersNeedAfter = 0;
    machine.open();
    replaced(MERGED, 1);
    replaced(OTHER, 2);
    for (int i = 0; i < 400; i++) {
      machine.write(Key.of("filling/" + i % 3), Bytes.copyOf(new byte[200]));
    }
    machine.world.runFor(Duration.ofMinutes(1));
    assertThat(machine.store().stats().compaction().runs()).isPositive();

    assertThat(ownOf(OTHER).payload()).as("it was compacted, and its header is enough").isNull();
    assertThat(ownOf(MERGED).payload()).isEqualTo(OWN);
    machine.close();
    machine.open();
    assertThat(ownOf(MERGED).payload()).isEqualTo(OWN);
    assertThat(machine.store().read(MERGED))
        .satisfies(now -> assertThat(now.payload()).isEqualTo(Bytes.utf8("theirs")));
  }

  private void replaced(Key key, long counter) {
    machine.write(key, OWN);
    Header own = machine.store().header(key);
    var version =
        new Version(
            new Dot(new ActorId(99), counter),
            own.version().asContext(),
            own.version().stamp().next());
    Bytes payload = Bytes.utf8("theirs");
    Header header = Header.value(version, US, payload, Header.NEVER);
    var won = machine.store().applyOne(new Inbound(new MetadataRecord(key, header, payload), true));
    machine.world.runUntil("theirs", won::isDone, Duration.ofMinutes(1));
    assertThat(won).isCompletedWithValue(true);
  }

  /** As a peer's stream finds it. */
  private MetadataRecord ownOf(Key key) {
    JournalCursor cursor = machine.store().cursorAfter(0);
    for (JournalEntry entry = cursor.next(); entry != null; entry = cursor.next()) {
      if (entry instanceof JournalEntry.Stored stored
          && stored.record().key().equals(key)
          && machine.store().isOwn(stored.record().header().version().dot().actor())) {
        return stored.record();
      }
    }
    throw new AssertionError(key + " is not in the journal");
  }
}
