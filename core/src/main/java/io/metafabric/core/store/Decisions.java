package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.RecentVersions.Seen;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.HybridClock;
import io.metafabric.core.version.Stamp;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The newest state of each key, published or not, which changes are decided against, and the lock
 * under which that is done.
 *
 * <p>Whoever decides holds this object's monitor from the first look at the state until the change
 * is staged: so journal order is decision order. Methods belong to whoever holds it, but for those
 * that say that they take it themselves. Nothing waits under it.
 */
final class Decisions {
  /** What an entry that is no record takes while it waits, about. */
  private static final int NOTE_BYTES = 64;

  private final Openings openings;
  private final AppliedPrefixes applied;
  private final CompletePrefixes complete;
  private final KeyIndex index;
  private final StoreViews views;
  private final Committer committer;

  private final Map<Key, Staged> undecidedYet = new HashMap<>();
  // Up to which counter an actor's changes are queued or published, if any have been queued.
  private final Map<ActorId, Long> takenUpTo = new HashMap<>();
  private final RecentVersions versions;
  private final HybridClock stamps;
  private long lastCounter;
  private long written;
  private boolean closed;

  /**
   * @param replayed what was published when the directory was opened
   * @param random draws a secret of a table's
   */
  Decisions(
      StoreReplay replayed,
      Openings openings,
      CompletePrefixes complete,
      StoreViews views,
      Committer committer,
      Clock clock,
      RandomGenerator random) {
    this.openings = openings;
    this.applied = replayed.applied();
    this.complete = complete;
    this.index = replayed.index();
    this.views = views;
    this.committer = committer;
    this.versions = new RecentVersions(random);
    this.stamps = new HybridClock(clock);
    stamps.observe(replayed.newestStamp());
  }

  void requireOpen() {
    if (closed) {
      throw new FabricClosedException("the fabric is closed; open a new one");
    }
  }

  boolean isClosed() {
    return closed;
  }

  /** Nothing is decided from now on. Takes the lock. */
  synchronized void close() {
    closed = true;
  }

  /** The newest change of a key that is on its way to the journal; null if none is. */
  @Nullable Staged undecided(Key key) {
    return undecidedYet.get(key);
  }

  boolean isUndecided(Key key) {
    return undecidedYet.containsKey(key);
  }

  /** What a writer has seen who has seen all that is known of a key; null if that must be read. */
  @Nullable Seen lately(Key key) {
    return versions.get(key);
  }

  @Nullable Header newestHeader(Key key) {
    Staged staged = undecidedYet.get(key);
    return staged == null ? views.header(key) : staged.header();
  }

  /** With the payloads that are in the journal, or on their way there. */
  @Nullable MetadataRecord newestRecord(Key key) {
    Staged staged = undecidedYet.get(key);
    return staged != null && staged.entry() instanceof JournalEntry.Stored stored
        ? stored.record()
        : index.read(key);
  }

  /** The newest write of a key whose payload has been here, or that removed it. */
  @Nullable Dot since(Key key, Header next) {
    if (next.isTombstone()) {
      return null;
    }
    Staged staged = undecidedYet.get(key);
    return staged != null && staged.entry() instanceof JournalEntry.Stored stored
        ? stored.sinceOfNext()
        : index.sinceOfNext(key);
  }

  /** Nothing is known of the key any more. */
  void forget(Key key) {
    versions.forget(key);
  }

  /** Makes every later stamp of this node's later than {@code seen}. */
  void observe(Stamp seen) {
    stamps.observe(seen);
  }

  Stamp nextStamp() {
    return stamps.next();
  }

  /** The newest that was issued or observed. Takes the lock. */
  synchronized Stamp newestStamp() {
    return stamps.newest();
  }

  Dot nextDot() {
    return new Dot(openings.actor(), ++lastCounter);
  }

  /** The counter of the newest write that this opening has issued; 0 for none. Takes the lock. */
  synchronized long issuedUpTo() {
    return lastCounter;
  }

  void countWrite() {
    written++;
  }

  long written() {
    return written;
  }

  /**
   * Up to which counter an actor's changes are published here or on their way to the journal; less
   * again if the disk refuses them. Takes the lock.
   */
  synchronized long takenUpTo(ActorId actor) {
    Long taken = takenUpTo.get(actor);
    return taken == null ? appliedUpTo(actor) : taken;
  }

  private long appliedUpTo(ActorId actor) {
    AppliedPrefix prefix = applied.of(actor);
    return prefix == null ? 0 : prefix.counter();
  }

  void taken(AppliedPrefix prefix) {
    takenUpTo.merge(prefix.actor(), prefix.counter(), Math::max);
  }

  /** Up to which counter nothing is missing here of what the actor wrote. */
  long knownUpTo(ActorId who) {
    if (who.equals(openings.actor())) {
      return lastCounter;
    }
    return openings.isOwn(who) ? complete.upTo(who) : takenUpTo(who);
  }

  /** Queues what was decided; see {@link Staged}. Somebody must {@link #commit} it then. */
  void stage(
      JournalEntry entry,
      @Nullable Dot before,
      boolean sameWrite,
      @Nullable Published published,
      int bytes,
      Staged.Completion done) {
    var staged = new Staged(entry, before, sameWrite, published, bytes, done);
    Key key = staged.key();
    if (key != null) {
      undecidedYet.put(key, staged);
    }
    committer.add(staged);
  }

  /** Lets the executor commit what is staged; with or without the lock. */
  void commit() {
    committer.start();
  }

  /** Of an entry that is no record. */
  void stageNote(JournalEntry entry, Staged.Completion done) {
    stage(entry, null, false, null, NOTE_BYTES, done);
  }

  /** Of a key of which several versions are kept. */
  void stageBeside(
      MetadataRecord journaled,
      @Nullable MetadataRecord before,
      Published published,
      Staged.Completion done) {
    stage(
        new JournalEntry.Stored(journaled),
        before == null ? null : before.header().version().dot(),
        before != null && KeyIndex.isSameWrite(before.header(), journaled.header()),
        published,
        RecordCodec.estimatedBytes(published.record()),
        done);
  }

  /** What was staged is the state that readers see. Takes the lock. */
  synchronized void published(List<Staged> group) {
    for (Staged staged : group) {
      Key key = staged.key();
      Header header = staged.header();
      if (key != null && header != null) {
        versions.published(key, header.version());
        undecidedYet.remove(key, staged);
      }
    }
  }

  /**
   * The disk has refused something: nothing that was decided on top of it counts. Takes the lock.
   *
   * @return what was queued behind it, and is not written any more
   */
  synchronized List<Staged> refused() {
    List<Staged> queued = committer.takeQueued();
    undecidedYet.clear();
    takenUpTo.clear();
    return queued;
  }

  /** Heap that recent versions take. */
  long recentBytes() {
    return versions.bytes();
  }
}
