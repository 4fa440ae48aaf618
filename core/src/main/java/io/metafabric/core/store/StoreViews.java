package io.metafabric.core.store;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The views of the journal that readers see: what {@link StoreReplay} has built at the opening,
 * kept up from then on, entry by entry. Readers come from any thread; one thread at a time
 * publishes, and {@link #forget} is called under the lock of the decisions.
 */
final class StoreViews {
  private final Journal journal;
  private final KeyIndex index;
  private final SystemRecords system;
  private final HeaderTree tree;
  private final RecentHeaders recent = new RecentHeaders();
  private final AppliedPrefixes applied;
  private final HeldChanges held;
  private final AcknowledgedNotes acknowledged;
  private final StoredConfiguration configured;
  private final Openings openings;

  // Up to which position the index shows entries, or is about to; and up to which all else that
  // readers are shown has been told of them.
  private volatile long publishing;
  private volatile long shown;

  // The publisher's: of all that has been published. The journal keeps a record that has it, so
  // that a write after a restart never has an older stamp than something that was forgotten.
  private volatile Stamp newestStamp;

  StoreViews(
      Journal journal, StoreReplay replayed, HeaderTree tree, HeldChanges held, Openings openings) {
    this.journal = journal;
    this.index = replayed.index();
    this.system = replayed.system();
    this.tree = tree;
    this.applied = replayed.applied();
    this.held = held;
    this.acknowledged = replayed.acknowledged();
    this.configured = replayed.configured();
    this.openings = openings;
    this.newestStamp = replayed.newestStamp();
  }

  /** The newest published header, or null if nothing is known of the key. */
  @Nullable Header header(Key key) {
    Header known = recent.get(key);
    return known == null ? index.header(key) : known;
  }

  void publish(List<Staged> group, List<FrameLocation> locations) {
    long last = locations.get(locations.size() - 1).position();
    journal.announce(last);
    publishing = last;
    for (int i = 0; i < group.size(); i++) {
      publishOne(group.get(i), locations.get(i));
    }
    journal.publish(last);
  }

  private void publishOne(Staged staged, FrameLocation at) {
    Published published = staged.published();
    if (staged.entry() instanceof JournalEntry.Stored stored && published != null) {
      MetadataRecord record = stored.record();
      Dot before = staged.before();
      long[] besideBefore = index.siblingsOf(record.key());
      index.publish(before, staged.isSameWrite(), stored, at);
      recent.published(record.key(), record.header());
      if (record.key().isSystem()) {
        system.put(record);
      }
      Stamp newest = later(newestStamp, record.header());
      for (Sibling each : record.siblings()) {
        newest = later(newest, each.header());
      }
      newestStamp = newest;
      Dot dot = record.header().version().dot();
      if (before == null) {
        tree.added(dot);
      } else {
        tree.replaced(before, dot);
      }
      if (besideBefore.length > 0 || stored.record().hasSiblings()) {
        tree.siblingsReplaced(besideBefore, index.siblingsOf(record.key()));
      }
      if (published.local()) {
        openings.published(record);
      }
    } else if (staged.entry() instanceof JournalEntry.Applied prefix) {
      applied.journaled(prefix, at);
      held.applied(prefix.actor(), prefix.counter());
    } else if (staged.entry() instanceof JournalEntry.Held range) {
      held.journaled(range, at);
    } else if (staged.entry() instanceof JournalEntry.Acknowledged by) {
      acknowledged.journaled(by, at);
    } else if (staged.entry() instanceof JournalEntry.Configured next) {
      configured.journaled(next, at);
    }
  }

  /** The later of a stamp and a header's. */
  static Stamp later(Stamp stamp, Header than) {
    Stamp other = than.version().stamp();
    return other.compareTo(stamp) > 0 ? other : stamp;
  }

  /** Whether nothing has been published with a later stamp. */
  boolean isNewest(Stamp stamp) {
    return stamp.compareTo(newestStamp) >= 0;
  }

  /** Nothing is known of the key any more, of which {@code dot} was the newest. */
  void forget(Key key, Dot dot) {
    long[] beside = index.siblingsOf(key);
    index.forget(key, dot);
    tree.removed(dot);
    tree.siblingsReplaced(beside, new long[0]);
    recent.forget(key);
  }

  /**
   * Up to which position something may be known here. What readers are shown without looking at the
   * index may be older, until that {@linkplain #isShown is shown}.
   */
  long publishing() {
    return publishing;
  }

  /** Whoever shows readers what is not read from the index has been told of all that is in it. */
  void allIsShown() {
    shown = publishing;
  }

  /** Whether they have been told of everything up to {@code position}. */
  boolean isShown(long position) {
    return shown >= position;
  }

  /** What of these takes heap beside the journal's and the index's own, by estimate. */
  long recentBytes() {
    return recent.estimatedBytes();
  }

  /** For the next opening; nothing changes any more. */
  void describeTo(ByteWriter out, FrameLocation begunAt, Stamp newest, Stamp forgottenBeside) {
    StoreReplay.describeTo(
        out, openings, begunAt, newest, forgottenBeside, applied, system, acknowledged, configured);
    tree.describeTo(out, index.keys());
  }
}
