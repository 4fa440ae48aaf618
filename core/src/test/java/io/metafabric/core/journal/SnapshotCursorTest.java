package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a snapshot makes of entries of which the views know before they can be read. */
class SnapshotCursorTest {
  private final Journal journal =
      Journal.open(new JournalConfig(4096), new SimDisk(1), new FrameTable(), (entry, at) -> {});

  /** As an index that knows of each actor's last entry only. */
  private final Liveness replacedByTheSecond =
      new Liveness() {
        @Override
        public boolean isForgotten(JournalEntry entry) {
          return false;
        }

        @Override
        public boolean isReplaced(JournalEntry entry) {
          return false;
        }

        @Override
        public JournalEntry kept(JournalEntry entry, long position) {
          return position < journal.announcedPosition() ? null : entry;
        }

        @Override
        public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {}
      };

  private final SnapshotCursor cursor =
      new SnapshotCursor(journal, replacedByTheSecond, 1, 0, journal::announcedPosition);

  private static JournalEntry entry(long counter) {
    return new JournalEntry.Applied(new RegionName("us"), new ActorId(7), counter);
  }

  @BeforeEach
  void theFirstIsReplaced_byWhatIsNotPublishedYet() {
    journal.append(List.of(entry(1)));
    journal.publish(1);
    journal.append(List.of(entry(2)));
    journal.announce(2);
  }

  @Test
  void doesNotEnd_beforeWhatReplacedAnEntryIsAmongWhatWasRead() {
    assertThat(cursor.next()).isNull();
    assertThat(cursor.isDone()).isFalse();
    journal.publish(2);
    assertThat(cursor.next()).isEqualTo(entry(2));
    assertThat(cursor.isDone()).isTrue();
    assertThat(cursor.next()).isNull();
    assertThat(cursor.position()).isEqualTo(2);
  }

  @Test
  void fails_ifThatIsNeverPublished() {
    journal.refuseFromNowOn(new StorageException("the index failed", null));
    assertThatThrownBy(cursor::next)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the index failed");
    assertThat(cursor.isDone()).isFalse();
  }
}
