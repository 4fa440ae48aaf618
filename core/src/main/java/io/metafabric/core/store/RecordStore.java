package io.metafabric.core.store;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.conflict.ConflictLog;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.digest.LiveDots;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.index.Substitute;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalCursor;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.JournalImage;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.journal.Snapshot;
import io.metafabric.core.journal.SnapshotToken;
import io.metafabric.core.journal.TornTail;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.port.Clock;
import io.metafabric.core.port.Disk;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One node's records: the journal, the key index over it, and the rules by which a key's state
 * changes. Thread-safe.
 *
 * <p>A change is decided against the newest state, published or not, and queued for the journal
 * under one lock; so journal order is decision order. It is published (index, listener, caller) in
 * that order once it is durable in its mode. Readers see published states only.
 *
 * <p>This is the entrance: it opens and closes, and hands on. {@code Decisions} has the states and
 * the lock; {@code LocalWrites}, {@code InboundRanges}, {@code InboundRecords} and {@code
 * Forgotten} decide; {@code Committer} takes what was decided to the journal; {@code StoreViews}
 * and the key index are what is read.
 */
public final class RecordStore implements CurrentDots, AutoCloseable {
  private final StoreConfig config;
  private final Disk disk;
  private final Clock clock;
  private final Journal journal;
  private final Committer committer;
  private final SerialExecutor committing;
  private final PublicationListener listener;

  // What is published.
  private final KeyIndex index;
  private final StoreViews views;
  private final SystemRecords system;
  private final LiveDots liveDots;
  private final Openings openings;
  private final AppliedPrefixes applied;
  private final CompletePrefixes complete;
  private final AcknowledgedNotes acknowledged;
  private final StoredConfiguration configured;
  private final HeldChanges held;
  private final ConflictLog conflictLog;
  private final DurableProgress progress = new DurableProgress();

  // What decides.
  private final Decisions decisions;
  private final Admission admission;
  private final Forgotten forgotten;
  private final SettledContexts settled = new SettledContexts();
  private final LocalWrites writes;
  private final InboundJoin join;
  private final InboundRecords records;
  private final InboundRanges ranges;

  // From the start of compaction on.
  private volatile @Nullable Compactor compactor;
  private volatile @Nullable DeadHeaders deadHeaders;
  private volatile LongSupplier neededAfter = () -> 0;

  private RecordStore(
      StoreConfig config,
      Disk disk,
      Clock clock,
      SerialExecutor committing,
      PublicationListener listener,
      Journal journal,
      StoreReplay replayed,
      RandomGenerator random) {
    this.config = config;
    this.disk = disk;
    this.clock = clock;
    this.listener = listener;
    this.committing = committing;
    this.journal = journal;
    this.index = replayed.index();
    this.system = replayed.system();
    HeaderTree tree = replayed.tree();
    this.liveDots = new LiveDots(index, tree);
    this.applied = replayed.applied();
    this.held = new HeldChanges(config.conflicts().maxClockSkew().toMillis());
    replayed.heldInto(held);
    this.conflictLog = new ConflictLog(disk);
    this.acknowledged = replayed.acknowledged();
    this.configured = replayed.configured();
    this.openings = new Openings(replayed, journal.publishedPosition() + 1, random);
    this.complete = new CompletePrefixes(config.region(), openings, applied);
    this.views = new StoreViews(journal, replayed, tree, held, openings);
    keepSuperseded((key, dot) -> isOwn(dot.actor()));
    this.committer =
        new Committer(journal, config.durability(), committing, clock, new StoreSink());
    this.decisions = new Decisions(replayed, openings, complete, views, committer, clock, random);
    var lost = new LostVersions(conflictLog, decisions, clock);
    var room = new IndexRoom(config, index, decisions);
    this.admission = new Admission(config.region(), configured, held, decisions, lost);
    this.forgotten =
        new Forgotten(
            replayed, views, decisions, openings, complete, config.conflicts().rules(), clock);
    this.writes =
        new LocalWrites(
            config, decisions, views, admission, room, settled, lost, held, committer, clock);
    this.join =
        new InboundJoin(config, index, views, decisions, complete, forgotten, settled, lost);
    var returns = new ForgottenReturns(config, decisions, complete, forgotten, join, clock);
    this.records =
        new InboundRecords(
            config.conflicts(), decisions, admission, room, join, returns, held, clock);
    this.ranges =
        new InboundRanges(
            config.region(),
            decisions,
            complete,
            admission,
            room,
            join,
            records,
            held,
            committing,
            clock);
  }

  /**
   * Opens the records in {@code disk}, which the caller has locked, under a fresh actor.
   *
   * @param committing runs the group commits, one after the other
   * @throws io.metafabric.core.error.CorruptJournalException if what had been durable is damaged
   * @throws io.metafabric.core.error.ConfigurationException if the directory is another region's
   */
  public static RecordStore open(
      StoreConfig config,
      Disk disk,
      Clock clock,
      RandomGenerator random,
      SerialExecutor committing,
      PublicationListener listener) {
    JournalEntry.Configured refill = Refill.empty(disk, config.cluster(), config.region());
    StoreImage.Loaded opened = StoreImage.open(config, disk);
    if (opened == null) {
      opened = replay(config, disk, random.nextLong());
    }
    Journal journal = opened.journal();
    try {
      StoreImage.drop(disk);
      var store =
          new RecordStore(
              config, disk, clock, committing, listener, journal, opened.views(), random);
      // The actor is durable before it issues anything: a later opening must not draw it again.
      var begin = new ArrayList<JournalEntry>();
      begin.add(
          new JournalEntry.Opened(
              store.actor(), store.nodeId(), config.cluster(), config.region()));
      if (refill != null) {
        begin.add(refill);
      }
      List<FrameLocation> first = journal.append(begin);
      journal.makeDurable();
      store.openings.begun(first.get(0));
      first.get(0).markLive();
      if (refill != null) {
        store.configured.journaled(refill, first.get(1));
        Refill.done(disk);
      } else if (store.configured().filled()) {
        // Of a way back that was not begun, or is at its end.
        PayloadsAside.delete(disk);
      }
      journal.publish(first.get(first.size() - 1).position());
      store.admission.dropHeldOfReadmitted(Configuration.INITIAL, store.configured.published());
      store.ranges.planHeld();
      return store;
    } catch (RuntimeException e) {
      journal.abandon();
      throw e;
    }
  }

  private static StoreImage.Loaded replay(StoreConfig config, Disk disk, long hashSeed) {
    var frames = new FrameTable(config.journal().readCacheBytes());
    var index = new KeyIndex(frames, hashSeed);
    var views = new StoreReplay(index, config.cluster(), config.region(), disk.describe());
    return new StoreImage.Loaded(Journal.open(config.journal(), disk, frames, views), views);
  }

  public long nodeId() {
    return openings.nodeId();
  }

  /** How far ahead of this node's clock a change may be stamped. */
  public Duration maxClockSkew() {
    return config.conflicts().maxClockSkew();
  }

  /** Issues this opening's versions. */
  public ActorId actor() {
    return openings.actor();
  }

  /** Whether this or an earlier opening of this very directory wrote under {@code that}. */
  public boolean isOwn(ActorId that) {
    return openings.isOwn(that);
  }

  /** The counter of the newest write that this opening has issued, published or not; 0 for none. */
  public long issuedUpTo() {
    return decisions.issuedUpTo();
  }

  /** Whose changes an actor's are, as far as that is known here; null if it is not. */
  public @Nullable RegionName regionOf(ActorId who) {
    return complete.regionOf(who);
  }

  /**
   * Whether this very directory issued the write, and has kept its place in the journal. Of actors
   * of its own whose last writes it has lost, peers may give it back some that are beyond.
   */
  public boolean isIssuedHere(Dot dot) {
    return isOwn(dot.actor()) && dot.counter() <= openings.newest(dot.actor());
  }

  /**
   * Whether this directory lacks writes of its own region: a peer has applied more of them than are
   * known here.
   *
   * @param appliedThere up to which counter a peer has applied the changes of this region's actors
   */
  public boolean lacksOwn(VersionVector appliedThere) {
    return complete.lacksOf(appliedThere);
  }

  /**
   * All that a peer had applied of this region's changes is known here now.
   *
   * @param appliedThere as {@link #lacksOwn} was given it, before what was missing came
   * @return completes once that is durable
   */
  public CompletableFuture<?> regained(VersionVector appliedThere) {
    return ranges.regained(appliedThere);
  }

  /**
   * All that a peer had applied of a region's changes, which nobody sends any more, is known here
   * now.
   *
   * @return completes once that is durable
   */
  public CompletableFuture<?> inherited(RegionName from, VersionVector appliedThere) {
    return ranges.inherited(from, appliedThere);
  }

  /** What this store has, for regions to find out where they differ. */
  public LiveDots liveDots() {
    return liveDots;
  }

  public RegionName region() {
    return config.region();
  }

  /** Writes that had not been seen by what took their place, the oldest first. */
  public List<Conflict> conflicts() {
    return conflictLog.entries();
  }

  /** What becomes of concurrent writes. */
  public ConflictRules conflictRules() {
    return config.conflicts().rules();
  }

  /** Keys of which several versions are kept, in no order. */
  public List<Key> keysWithSiblings() {
    return index.keysWithSiblings();
  }

  /** The newest published header, or null if nothing is known of the key. */
  public @Nullable Header header(Key key) {
    return index.header(key);
  }

  @Override
  public boolean isCurrent(Key key, Dot dot) {
    return index.isCurrent(key, dot);
  }

  public boolean holdsPayload(Key key) {
    return index.holdsPayload(key);
  }

  /**
   * The newest published record; without payload if the journal does not hold it. Null if nothing
   * is known of the key.
   *
   * @throws io.metafabric.core.error.CorruptJournalException if it is damaged on disk
   */
  public @Nullable MetadataRecord read(Key key) {
    return index.read(key);
  }

  /**
   * A state with those of its payloads that {@code other} has; what that has beside them is not
   * taken.
   */
  public MetadataRecord withPayloadsOf(MetadataRecord state, MetadataRecord other) {
    return Siblings.withPayloadsOf(state, other);
  }

  /**
   * What may be shown for a key of which the newest write's payload is not in the journal; null if
   * it is there, if the newest write was a remove, or if nothing is known of the key.
   *
   * @throws io.metafabric.core.error.CorruptJournalException if it is damaged on disk
   */
  public @Nullable Substitute substitute(Key key) {
    return index.substitute(key);
  }

  /**
   * Of the older writes that are kept until the newest ones can be read, those that {@code
   * mustStay} are given up last.
   *
   * @param mustStay whether nobody else may have the payload of a write; must not wait
   */
  public void keepSuperseded(BiPredicate<Key, Dot> mustStay) {
    index.limitSuperseded(config.compaction().supersededBytes(), mustStay);
  }

  /**
   * Writes a value, or a tombstone if {@code payload} is null.
   *
   * @param expiresAtMs epoch milliseconds, or {@link Header#NEVER}
   * @return completes with the new record once it is published, or with null if {@code condition}
   *     does not hold, once that on which it does not is published; with a {@link StorageException}
   *     if the disk refused, with an {@link OverloadedException} at once if too much waits for it
   */
  public CompletableFuture<@Nullable MetadataRecord> write(
      Key key, @Nullable Bytes payload, long expiresAtMs, Precondition condition) {
    return write(key, payload, expiresAtMs, condition, null);
  }

  /**
   * The same.
   *
   * @param read what the caller has read; null if it has seen all that is known here
   */
  public CompletableFuture<@Nullable MetadataRecord> write(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    return writes.write(key, payload, expiresAtMs, condition, read);
  }

  /**
   * The same for a caller that waits for the result: where nobody commits just now, its thread
   * does, which saves handing over to another and back.
   */
  public CompletableFuture<@Nullable MetadataRecord> writeHere(
      Key key, @Nullable Bytes payload, long expiresAtMs, Precondition condition) {
    return writeHere(key, payload, expiresAtMs, condition, null);
  }

  /** The same for a caller that has read no more than {@code read}. */
  public CompletableFuture<@Nullable MetadataRecord> writeHere(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    return writes.writeHere(key, payload, expiresAtMs, condition, read);
  }

  /**
   * What concurrent values have become: says what its writer has seen of them, and nothing else, so
   * that it does not stand beside what had seen all of that, too.
   *
   * @param read what was merged
   */
  public CompletableFuture<@Nullable MetadataRecord> writeMerged(
      Key key, Bytes payload, long expiresAtMs, Version read) {
    return writes.writeMerged(key, payload, expiresAtMs, read);
  }

  /**
   * Writes as {@link #write} does for a writer who has seen more than this key: whoever reads the
   * write finds that in its context.
   *
   * @param after up to which counter everything is known here; without lone dots
   * @param latest the write is stamped later than that. This node may have all that the writer has
   *     seen, and never have met its stamps: what is dead and forgotten is known to nobody any more
   * @return completes with a {@link ClockSkewException} if that is too far ahead of this node's
   *     clock
   * @throws IllegalArgumentException if some of it is not known here: the write would replace what
   *     nobody has seen
   */
  public CompletableFuture<@Nullable MetadataRecord> writeAfter(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      VersionVector after,
      Stamp latest) {
    return writes.writeAfter(key, payload, expiresAtMs, condition, after, latest);
  }

  /**
   * Writes a record of the fabric's own, always durably, if the newest state of its key, published
   * or not, is still {@code seen}.
   *
   * @param order takes the place of the hybrid clock's stamp: of concurrent writes of the key, that
   *     with the highest wins everywhere
   * @return completes with the new record once it is durable and published, with null if the state
   *     is another one
   */
  public CompletableFuture<@Nullable MetadataRecord> writeSystem(
      Key key, Bytes payload, Stamp order, @Nullable Dot seen) {
    return writes.writeSystem(key, payload, order, seen);
  }

  /** Heap that the fabric's own records take, by estimate. */
  public long systemBytes() {
    return system.bytes();
  }

  /** The newest published state of each of the fabric's own records. */
  public Collection<MetadataRecord> systemRecords() {
    return system.all();
  }

  /** The newest published state of one of the fabric's own records; null if there is none. */
  public @Nullable MetadataRecord systemRecord(Key key) {
    return system.get(key);
  }

  /**
   * Takes over changes that another region sent in the order of its actor's counters. Those that
   * are taken already are skipped.
   *
   * @param after counter up to which the actor's changes must have been taken before
   * @param prefix up to which counter they are with these
   *     <p>What is stamped too far ahead of this node's clock is held, with all that follows it.
   * @return completes with true once all of it is published, and with it the prefix; with false at
   *     once if something before it is missing, because it never came or because the disk refused
   *     it; nothing was taken then
   */
  public CompletableFuture<Boolean> applyRange(
      long after, List<Inbound> inbound, AppliedPrefix prefix) {
    return ranges.apply(after, inbound, prefix);
  }

  /**
   * The same.
   *
   * @param since epoch that took in the region which has sent this, as far as was known where its
   *     connection was accepted: of a state that it has given up since nothing is taken
   * @param onHeld is told once all that is not held is published: what is may wait for long, and
   *     has a bound of its own
   */
  public CompletableFuture<Boolean> applyRange(
      long after, List<Inbound> inbound, AppliedPrefix prefix, long since, Runnable onHeld) {
    return ranges.apply(after, inbound, prefix, since, onHeld);
  }

  /** Whether changes of this actor wait until this node's clock has come nearer to their stamps. */
  public boolean isHeld(ActorId from) {
    return held.holds(from);
  }

  /**
   * Up to which counter an actor's changes are published here or on their way to the journal; less
   * again if the disk refuses them.
   */
  public long takenUpTo(ActorId actor) {
    return decisions.takenUpTo(actor);
  }

  /**
   * Takes over one record that did not come in its actor's order: an answer to a fetch.
   *
   * @return completes once it is published, or what was found newer is, and then with false; with
   *     false at once if it is stamped too far ahead of this node's clock; with an {@link
   *     IndexFullException} if there is no room for it, or a {@link StorageException} if what is
   *     known of its key cannot be read
   */
  public CompletableFuture<Boolean> applyOne(Inbound inbound) {
    return records.applyOne(inbound);
  }

  /**
   * Takes over records that did not come in their actors' order: parts of a snapshot, or what a
   * comparison has found. One that was deleted here and forgotten is deleted again, by a new write;
   * one that is dead itself, and cannot be forgotten as it comes, is known again.
   *
   * @return completes once all of them are published, or what was found newer is; with an {@link
   *     IndexFullException} if there is no room for one of them, and none was taken then; with a
   *     {@link ClockSkewException} if one is stamped too far ahead of this node's clock, or a
   *     {@link StorageException} if what is known of one cannot be read, and the others were taken
   */
  public CompletableFuture<Void> applyAll(List<Inbound> inbound) {
    return records.applyAll(inbound);
  }

  /**
   * Takes over changes that another region sent in the order of its actor's counters, some of which
   * were replaced by what comes later: nothing is said of what is complete. As {@link #applyAll},
   * but what was deleted here and forgotten is from the past, and stays deleted.
   *
   * @param from the region
   * @param since as {@link #applyRange} has it: of a state that was given up since nothing is taken
   */
  public CompletableFuture<Void> applyPart(RegionName from, List<Inbound> inbound, long since) {
    return records.applyPart(from, inbound, since);
  }

  /** Whether a record is stamped so far ahead of this node's clock that it may not be taken. */
  public boolean isTooFarAhead(MetadataRecord record) {
    return records.isTooFarAhead(record);
  }

  /** What whoever gave, or wanted to give, such a record is told. */
  public ClockSkewException tooFarAhead(Key key) {
    return records.tooFarAhead(key);
  }

  /**
   * Journals the payload of a key's current version where it was not held.
   *
   * @return completes with false if {@code record} is not the current version any more
   */
  public CompletableFuture<Boolean> keep(MetadataRecord record) {
    return records.keep(record);
  }

  /** Which configuration this node holds; writes are refused unless it admits this region. */
  public JournalEntry.Configured configured() {
    return configured.published();
  }

  /**
   * Makes a configuration the one that this node holds, durably. What was written here before is
   * published by then; from the call on writes are refused that it does not admit.
   *
   * @return completes with false at once if it does not follow the one that is held
   */
  public CompletableFuture<Boolean> configure(JournalEntry.Configured next) {
    return admission.configure(next);
  }

  /**
   * Writes to the conflict log, durably, what is live here and not in {@code elsewhere}: this
   * region's own writes above all, and those of others who may have lost them with a disk. Sets all
   * payloads aside; then marks the directory to be emptied by its next opening, which is to begin
   * with the present configuration. Takes its time, and as much of the disk as the payloads have.
   *
   * @param elsewhere what a member of the cluster has of the writes of each region
   * @param passOver whether records that cannot be read, and are lost therefore, are listed in a
   *     file instead of being a failure
   * @return these, a line each
   * @throws StorageException if something cannot be read or written; nothing is lost then, and it
   *     may be done again
   */
  public List<String> beginRefill(Map<RegionName, VersionVector> elsewhere, boolean passOver) {
    Configuration now = configured.published().configuration();
    long admitted = now.since(config.region());
    List<String> unreadable = evictedState().save(admitted, elsewhere, passOver);
    Refill.begin(disk, config.cluster(), config.region(), now, admitted);
    return unreadable;
  }

  private EvictedState evictedState() {
    return new EvictedState(disk, index, clock, this::keep);
  }

  /** Where the payloads are that {@link #beginRefill} has set aside; read from the disk. */
  public List<String> payloadsAside() {
    return PayloadsAside.files(disk);
  }

  /**
   * Takes over those payloads of a file, set aside before the directory was emptied, that belong to
   * a present version and are not here: the members may have had its header alone. Reads the disk.
   *
   * @return completes once they are published, with how many bytes of the file were damaged and
   *     could not be taken
   */
  public CompletableFuture<Long> takeBack(String file) {
    return evictedState().takeBack(file);
  }

  /** To be called once all of them were taken back durably. */
  public void dropPayloadsAside() {
    PayloadsAside.delete(disk);
  }

  /** Waits until local writes are taken again; false if that took more than {@code timeoutMs}. */
  public boolean awaitRoom(long timeoutMs) throws InterruptedException {
    return committer.awaitRoom(config.maxPendingBytes(), timeoutMs);
  }

  /**
   * Runs {@code task} at once; where one of many writes that were committed together is just being
   * told to whoever waits, after the last of them. It must neither throw nor wait.
   */
  public void afterGroup(Runnable task) {
    committer.afterGroup(task);
  }

  /** Up to which counter the changes of each of {@code region}'s actors are published here. */
  public VersionVector appliedOf(RegionName region) {
    return applied.of(region);
  }

  /** The same of one actor; 0 if nothing of it is published here, or it is another region's. */
  public long appliedOf(RegionName region, ActorId who) {
    AppliedPrefix prefix = applied.of(who);
    return prefix == null || !prefix.region().equals(region) ? 0 : prefix.counter();
  }

  /**
   * Up to which counter nothing is missing here of what each of {@code region}'s actors wrote: as
   * {@link #appliedOf}, and of this region itself what it issued.
   */
  public VersionVector completeOf(RegionName region) {
    return complete.of(region);
  }

  /** The counter of this opening's newest published write; 0 if there is none. */
  public long publishedCounter() {
    return openings.publishedCounter();
  }

  /**
   * Notes in the journal what a peer has acknowledged. It goes with whatever is written next, and
   * at the latest when this is closed: a note that is lost costs reading again.
   *
   * @param position the peer needs no entry at or before it
   * @param known what the peer says it has
   */
  public void noteAcknowledged(
      RegionName peer, VersionVector known, long position, long lackingFrom, long lackingUpTo) {
    synchronized (decisions) {
      if (decisions.isClosed()) {
        return;
      }
      ActorId by = openings.at(position);
      var note =
          new JournalEntry.Acknowledged(
              peer, by, known.counter(by), position, lackingFrom, lackingUpTo);
      decisions.stageNote(note, failure -> {});
    }
  }

  /** What a peer had acknowledged when that was noted last; null if it never was. */
  public JournalEntry.@Nullable Acknowledged acknowledgedBy(RegionName peer) {
    return acknowledged.by(peer);
  }

  /** Whether a peer that knows {@code known} still has all that the note says. */
  public boolean stillHas(VersionVector known, JournalEntry.Acknowledged note) {
    return openings.areKnown(known, note);
  }

  /** How many of this directory's own writes {@code known} lacks, those replaced since included. */
  public long ownWritesBeyond(VersionVector known) {
    return openings.writesBeyond(known);
  }

  public long publishedPosition() {
    return journal.publishedPosition();
  }

  /**
   * Up to which counter the changes of each actor, own ones included, are published here and
   * durable. Lags behind where writes do not wait for the disk; {@link #syncWithin} helps.
   */
  public VersionVector durablyApplied() {
    VersionVector published = complete.asVector();
    return progress.update(published, journal.publishedPosition(), journal.durablePosition());
  }

  /** What was published is durable by then, unless the disk refuses. */
  public void syncWithin(Duration within) {
    if (journal.durablePosition() < journal.publishedPosition()) {
      committer.syncWithin(within);
    }
  }

  /**
   * Whether a record comes from the past: all of it was applied here once, and what had deleted it,
   * or had seen it expire, is forgotten.
   */
  public boolean wasForgotten(MetadataRecord record) {
    return forgotten.wasForgotten(record);
  }

  /**
   * Whether a version of this directory's own that the journal still has was replaced by one that
   * is forgotten: a peer that is sent it, and has lost what replaced it, would show it again, and
   * tell others.
   */
  public boolean wasReplacedByForgotten(MetadataRecord version) {
    return forgotten.wasReplacedByForgotten(version);
  }

  /** Whether this node has applied a write, in its actor's order, at some time. */
  public boolean isApplied(Dot dot) {
    return complete.isApplied(dot);
  }

  /**
   * Up to which counter nothing is missing here of what an actor wrote: of one of this directory's
   * own all that it issued, unless the journal says otherwise, because some of it was lost to
   * damage, or lost and given back by peers.
   */
  public long completeUpTo(ActorId who) {
    return complete.upTo(who);
  }

  /**
   * Up to which position something may be known here. What readers are shown without looking at the
   * index may be older, until that {@linkplain #isShown is shown}.
   */
  public long publishing() {
    return views.publishing();
  }

  /** Whether the listener has been told of everything up to {@code position}. */
  public boolean isShown(long position) {
    return views.isShown(position);
  }

  /** From this position on compaction has dropped nothing. */
  public long keptFrom() {
    return journal.keptFrom();
  }

  /** A reader of everything published behind {@code position}. */
  public JournalCursor cursorAfter(long position) {
    return journal.cursorAfter(position);
  }

  /**
   * A reader of every single thing published behind {@code position}.
   *
   * @throws io.metafabric.core.error.PositionNotKeptException here, or when it reads on, if
   *     compaction has dropped some of it
   */
  public JournalCursor completeCursorAfter(long position) {
    return journal.completeCursorAfter(position);
  }

  /** Calls with every key of which anything is known, in no order. Reads all that is live. */
  public void forEachKey(Consumer<Key> consumer) {
    index.forEachKey(consumer);
  }

  /**
   * Writes the present state into an empty directory, durably, while writers go on. The copy can be
   * opened like any other directory.
   *
   * @param target locked by the caller
   */
  public Snapshot.Result backup(Disk target) {
    return Snapshot.write(journal, liveness(), target);
  }

  /**
   * The present state as a stream that does not stop writers, to be closed by the caller.
   *
   * @param first these records are sent first, in this order, which may be computed while it is
   *     read; the same as before where a token is gone on from, else some come later, none too few
   * @param from token of a batch of an earlier stream, null to begin
   * @param batchBytes about as long are the batches; a longer record makes a longer one
   * @throws io.metafabric.core.error.SnapshotTokenException if {@code from} is of another directory
   *     or of a state that this one has lost
   * @throws io.metafabric.core.error.PositionNotKeptException if what it needs is not kept any more
   */
  public SnapshotStream snapshot(
      Iterable<Key> first, @Nullable SnapshotToken from, int batchBytes) {
    return SnapshotStream.open(this, journal, liveness(), first, from, batchBytes);
  }

  /**
   * Keeps what a snapshot needs to go on from {@code token}, or what a reader of everything behind
   * it does if it has ended, within the bound on what is kept for readers, until the pin is closed.
   *
   * @throws io.metafabric.core.error.SnapshotTokenException as {@link #snapshot} does
   * @throws io.metafabric.core.error.PositionNotKeptException as {@link #snapshot} does
   */
  public Journal.Pin reserve(SnapshotToken token) {
    return SnapshotStream.reserve(this, journal, token);
  }

  /** Who issued this directory's versions when {@code position} was written. */
  ActorId openingAt(long position) {
    return openings.at(position);
  }

  /** Up to which counter the changes of each actor, own ones included, are published here. */
  List<JournalEntry.Applied> applied() {
    return complete.all();
  }

  private Liveness liveness() {
    return new StoreLiveness(
        index,
        applied,
        held,
        acknowledged,
        configured,
        openings,
        neededAfter,
        config.region(),
        views::isNewest,
        key -> config.conflicts().rules().of(key).merge() != null);
  }

  public List<TornTail> tornTails() {
    return journal.tornTails();
  }

  /**
   * Whether what is written can be stored; after a failure of the disk only what is there is read.
   */
  public boolean isWritable() {
    return journal.isUsable();
  }

  public StoreStats stats() {
    long tornBytes = journal.tornTails().stream().mapToLong(TornTail::bytes).sum();
    DeadHeaders collected = deadHeaders;
    synchronized (decisions) {
      return new StoreStats(
          index.keys(),
          index.tombstones(),
          index.tombstoneBytes(),
          collected == null ? 0 : collected.forgotten(),
          join.duplicates(),
          index.bytes(),
          index.readCacheBytes(),
          index.maxReadCacheBytes(),
          views.recentBytes() + decisions.recentBytes(),
          journal.sizeBytes(),
          journal.appendedBytes(),
          journal.segmentCount(),
          committer.pendingBytes(),
          committer.commits(),
          decisions.written(),
          join.dotCollisions(),
          tornBytes,
          journal.replayedBytes(),
          journal.liveBytes(),
          index.supersededBytes(),
          index.supersededDropped(),
          compactor == null ? CompactionStats.NONE : compactor.stats(),
          conflictLog.stats(),
          held.stats(clock.wallMs()));
    }
  }

  /** Refuses writes from now on. The caller closes after the committing executor has ended. */
  public void refuseWrites() {
    decisions.close();
  }

  /** Commits what is queued, on the caller's thread, and closes the journal. */
  @Override
  public void close() {
    refuseWrites();
    committer.finish();
    Compactor compacting = compactor;
    if (compacting != null) {
      compacting.close();
    }
    conflictLog.close();
    journal.close();
    saveViews();
  }

  /** For the next opening; the journal is closed, nothing changes any more. */
  private void saveViews() {
    JournalImage image = journal.image();
    FrameLocation begunAt = openings.begunAt();
    // What is held is in the journal alone; the next opening reads that.
    if (image != null && begunAt != null && held.isEmpty()) {
      StoreImage.write(
          disk,
          config,
          image,
          index,
          out -> views.describeTo(out, begunAt, decisions.newestStamp(), forgotten.newestBeside()));
    }
  }

  /**
   * Compacts from now on, on {@code executor}, which the caller closes before this store.
   *
   * @param neededAfter peers still need every entry behind this position, within the bound on what
   *     is kept for them
   * @param floor up to which counters every region has durably applied each actor's changes: what
   *     is dead, and under it, is forgotten
   * @param leastWallMs what the clocks of all regions have reached: what has not expired by it is
   *     not dead
   */
  public void startCompaction(
      SerialExecutor executor,
      LongSupplier neededAfter,
      Supplier<VersionVector> floor,
      LongSupplier leastWallMs) {
    this.neededAfter = neededAfter;
    settled.start(executor, floor);
    var collecting =
        new DeadHeaders(
            index,
            forgotten,
            settled::floor,
            executor,
            leastWallMs,
            config.compaction().forgetEvery());
    deadHeaders = collecting;
    collecting.start();
    var started = new Compactor(journal, liveness(), executor, config.compaction(), neededAfter);
    compactor = started;
    started.check();
    conflictLog.start(executor);
  }

  private final class StoreSink implements Committer.Sink {
    @Override
    public void publish(List<Staged> group, List<FrameLocation> locations) {
      views.publish(group, locations);
    }

    /** Only when everybody could see it are those told who wait for it. */
    @Override
    public void announce(List<Staged> group) {
      var changes = new ArrayList<Published>(group.size());
      for (Staged staged : group) {
        Published published = staged.published();
        if (published != null) {
          changes.add(published);
        }
      }
      try {
        listener.published(changes);
      } catch (Error e) {
        // Of a host's thread that is at its end; others must still come to see it.
        committing.execute(() -> listener.published(changes));
        throw e;
      } finally {
        views.allIsShown();
        decisions.published(group);
        group.forEach(staged -> staged.tell(null));
      }
      Compactor compacting = compactor;
      if (compacting != null) {
        compacting.check();
      }
    }

    @Override
    public void fail(List<Staged> group, StorageException cause) {
      List<Staged> queued = decisions.refused();
      group.forEach(staged -> staged.tell(cause));
      queued.forEach(staged -> staged.tell(cause));
    }
  }
}
