package io.metafabric.core.store;

import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is dead and forgotten here: forgets it, and tells it from news when it comes again, without
 * remembering any of it but how late it was. Thread-safe.
 *
 * <p>What is applied here, and no part of the key's state, was replaced by something; if nothing
 * that is known has seen it, that is forgotten.
 */
final class Forgotten implements DeadHeaders.Forget {
  private final KeyIndex index;
  private final StoreViews views;
  private final Decisions decisions;
  private final Openings openings;
  private final CompletePrefixes complete;
  private final ConflictRules rules;
  private final Clock clock;

  // Guarded by the decisions: no later than this is anything that was forgotten where concurrent
  // writes are kept.
  private Stamp newestBeside;

  // Nothing that was forgotten here since the opening had seen more of what this opening wrote.
  private volatile long seenUpTo;

  Forgotten(
      StoreReplay replayed,
      StoreViews views,
      Decisions decisions,
      Openings openings,
      CompletePrefixes complete,
      ConflictRules rules,
      Clock clock) {
    this.index = replayed.index();
    this.views = views;
    this.decisions = decisions;
    this.openings = openings;
    this.complete = complete;
    this.rules = rules;
    this.clock = clock;
    this.newestBeside = replayed.forgottenBeside();
  }

  /** Nothing but this dead state is known of its key, and nobody can ask for it any more. */
  @Override
  public boolean forget(MetadataRecord dead) {
    Key key = dead.key();
    boolean mayHaveSiblings = dead.hasSiblings() || rules.of(key).keepsSiblings();
    synchronized (decisions) {
      if (decisions.isClosed()
          || decisions.isUndecided(key)
          || !dead.header().equals(index.header(key))) {
        return false;
      }
      if (mayHaveSiblings && !isState(dead)) {
        return false;
      }
      if (mayHaveSiblings) {
        dead.versions()
            .forEach(each -> newestBeside = StoreViews.later(newestBeside, each.header()));
      }
      seenUpTo = decisions.issuedUpTo();
      views.forget(key, dead.header().version().dot());
      decisions.forget(key);
      return true;
    }
  }

  /** The same of some versions of a key: others are left. */
  @Override
  public boolean forgetSome(MetadataRecord known, List<Sibling> left) {
    Key key = known.key();
    synchronized (decisions) {
      if (decisions.isClosed() || decisions.isUndecided(key) || !isState(known)) {
        return false;
      }
      for (Sibling each : known.versions()) {
        if (!left.contains(each)) {
          newestBeside = StoreViews.later(newestBeside, each.header());
        }
      }
      MetadataRecord kept = MetadataRecord.of(key, left);
      decisions.stageBeside(kept, known, new Published(kept, false), failure -> {});
    }
    decisions.commit();
    return true;
  }

  private boolean isState(MetadataRecord dead) {
    MetadataRecord known = index.read(dead.key());
    return known != null && known.withoutPayload().equals(dead.withoutPayload());
  }

  /** See {@link RecordStore#wasForgotten}. */
  boolean wasForgotten(MetadataRecord record) {
    try {
      // In this order: what is applied was published before.
      if (!complete.isAllApplied(record)) {
        return false;
      }
      Header known = index.header(record.key());
      return known == null
          || (!rules.of(record.key()).keepsSiblings() && hasOutlived(record.header(), known));
    } catch (StorageException e) {
      return false; // something is known of the key, but cannot be read
    }
  }

  /**
   * Whether a write that would win over the deletion that is known here was applied here before,
   * and deleted by what is forgotten: regions with older disks brought back an earlier write of the
   * key, which was deleted again, and now this one.
   */
  boolean hasOutlived(Header theirs, Header known) {
    Version later = theirs.version();
    return known.isTombstone()
        && theirs.isVisibleAt(clock.wallMs())
        && !known.version().covers(later.dot())
        && LastWriterWins.join(known, theirs).version().dot().equals(later.dot())
        && !later.covers(known.version().dot())
        && complete.isApplied(later.dot());
  }

  /** See {@link RecordStore#wasReplacedByForgotten}. */
  boolean wasReplacedByForgotten(MetadataRecord version) {
    if (!rules.of(version.key()).keepsSiblings()) {
      Header own = version.header();
      Dot dot = own.version().dot();
      // What is new is not looked up.
      boolean isNew = dot.actor().equals(openings.actor()) && dot.counter() > seenUpTo;
      return !isNew && complete.isApplied(dot) && !isOutdone(version.key(), own);
    }
    try {
      Header first = index.header(version.key());
      if (first != null && first.version().covers(version.header().version().dot())) {
        return false;
      }
      MetadataRecord known = index.read(version.key());
      synchronized (decisions) {
        return isOfThePast(version.header(), known);
      }
    } catch (StorageException e) {
      return false; // something is known of the key, but cannot be read
    }
  }

  /** Whether what is known of a key has seen a write, is it, or wins over it. */
  private boolean isOutdone(Key key, Header write) {
    try {
      Header known = index.header(key);
      return known != null
          && (known.version().covers(write.version().dot())
              || !LastWriterWins.join(known, write).version().dot().equals(write.version().dot()));
    } catch (StorageException e) {
      return true; // something is known of the key, but cannot be read
    }
  }

  /**
   * What comes without the versions that are of the past: they were applied here, and are no part
   * of the key's state, because something that is forgotten by now had replaced them. Null if there
   * are no others.
   *
   * <p>What is applied and unknown may also have fallen out, where there were too many: that may
   * come back, unless something as late has been forgotten.
   */
  @Nullable MetadataRecord withoutThePast(MetadataRecord theirs, @Nullable MetadataRecord ours) {
    List<Sibling> left = theirs.versions();
    boolean isMixed = false;
    for (Sibling each : left) {
      isMixed |= isOfThePast(each.header(), ours);
    }
    if (!isMixed) {
      return theirs;
    }
    left = left.stream().filter(each -> !isOfThePast(each.header(), ours)).toList();
    if (!theirs.showsNoMoreWith(left)) {
      return theirs; // it is forgotten once more, with the merge that it hides
    }
    return left.isEmpty() ? null : MetadataRecord.of(theirs.key(), left);
  }

  private boolean isOfThePast(Header theirs, @Nullable MetadataRecord ours) {
    Dot dot = theirs.version().dot();
    if (ours == null) {
      return complete.isApplied(dot);
    }
    return !ours.covers(dot)
        && complete.isApplied(dot)
        && theirs.version().stamp().compareTo(newestBeside) <= 0;
  }

  /** No later than this is anything that was forgotten where concurrent writes are kept. */
  Stamp newestBeside() {
    synchronized (decisions) {
      return newestBeside;
    }
  }
}
