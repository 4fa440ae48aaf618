package io.metafabric.core.store;

import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.ClockSkewException;
import io.metafabric.core.error.ConflictOpenException;
import io.metafabric.core.error.ContextTooLargeException;
import io.metafabric.core.error.OverloadedException;
import io.metafabric.core.error.RemovalRefusedException;
import io.metafabric.core.error.ValueTooLargeException;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecentVersions.Seen;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What is written on this node: decides whether it may be, and what its writer has seen, and gives
 * it a version. Has no state, and takes the lock of the decisions itself.
 */
final class LocalWrites {
  private final Decisions decisions;
  private final StoreViews views;
  private final Admission admission;
  private final IndexRoom room;
  private final SettledContexts settled;
  private final LostVersions lost;
  private final HeldChanges held;
  private final Committer committer;
  private final RegionName region;
  private final ConflictRules rules;
  private final Duration maxClockSkew;
  private final int maxValueBytes;
  private final long maxPendingBytes;
  private final Clock clock;

  LocalWrites(
      StoreConfig config,
      Decisions decisions,
      StoreViews views,
      Admission admission,
      IndexRoom room,
      SettledContexts settled,
      LostVersions lost,
      HeldChanges held,
      Committer committer,
      Clock clock) {
    this.decisions = decisions;
    this.views = views;
    this.admission = admission;
    this.room = room;
    this.settled = settled;
    this.lost = lost;
    this.held = held;
    this.committer = committer;
    this.region = config.region();
    this.rules = config.conflicts().rules();
    this.maxClockSkew = config.conflicts().maxClockSkew();
    this.maxValueBytes = config.maxValueBytes();
    this.maxPendingBytes = config.maxPendingBytes();
    this.clock = clock;
  }

  /** See {@link RecordStore#write(Key, Bytes, long, Precondition, Version)}. */
  CompletableFuture<@Nullable MetadataRecord> write(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    CompletableFuture<@Nullable MetadataRecord> written =
        queue(key, payload, expiresAtMs, condition, read);
    committer.start();
    return written;
  }

  /** See {@link RecordStore#writeMerged}. */
  CompletableFuture<@Nullable MetadataRecord> writeMerged(
      Key key, Bytes payload, long expiresAtMs, Version read) {
    CompletableFuture<@Nullable MetadataRecord> written =
        queue(
            key,
            payload,
            expiresAtMs,
            Precondition.NONE,
            read,
            VersionVector.EMPTY,
            Header.Kind.MERGED);
    committer.start();
    return written;
  }

  /** See {@link RecordStore#writeHere(Key, Bytes, long, Precondition, Version)}. */
  CompletableFuture<@Nullable MetadataRecord> writeHere(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    CompletableFuture<@Nullable MetadataRecord> written =
        queue(key, payload, expiresAtMs, condition, read);
    committer.commitHere();
    return written;
  }

  /** See {@link RecordStore#writeAfter}. */
  CompletableFuture<@Nullable MetadataRecord> writeAfter(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      VersionVector after,
      Stamp latest) {
    if (held.isAhead(latest, clock.wallMs())) {
      return CompletableFuture.failedFuture(
          new ClockSkewException(
              "the session has seen what is stamped more than "
                  + maxClockSkew
                  + " ahead of this node's clock; set the clock that is wrong, or wait"));
    }
    CompletableFuture<@Nullable MetadataRecord> written;
    synchronized (decisions) {
      decisions.observe(latest);
      after.forEach(
          (who, counter) -> {
            if (counter > decisions.knownUpTo(who)) {
              throw new IllegalArgumentException(new Dot(who, counter) + " is not known here");
            }
          });
      written = queue(key, payload, expiresAtMs, condition, null, after, Header.Kind.VALUE);
    }
    committer.start();
    return written;
  }

  /** See {@link RecordStore#writeSystem}. */
  CompletableFuture<@Nullable MetadataRecord> writeSystem(
      Key key, Bytes payload, Stamp order, @Nullable Dot seen) {
    if (!key.isSystem()) {
      throw new IllegalArgumentException(key + " is not one of the fabric's own");
    }
    var future = new CompletableFuture<@Nullable MetadataRecord>();
    synchronized (decisions) {
      decisions.requireOpen();
      admission.require();
      Header current = decisions.newestHeader(key);
      if (!Objects.equals(seen, current == null ? null : current.version().dot())) {
        decline(future, decisions.undecided(key));
        return future;
      }
      if (current == null) {
        room.requireFor(key);
      }
      var context = current == null ? VersionVector.EMPTY : contextAfter(current.version());
      var version = new Version(decisions.nextDot(), context, order);
      var record =
          new MetadataRecord(key, Header.value(version, region, payload, Header.NEVER), payload);
      decisions.countWrite();
      decisions.stage(
          new JournalEntry.Stored(record),
          current == null ? null : current.version().dot(),
          false,
          new Published(record, true),
          RecordCodec.estimatedBytes(record),
          Staged.Completion.completing(future, record));
    }
    committer.start();
    return future;
  }

  private CompletableFuture<@Nullable MetadataRecord> queue(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read) {
    return queue(
        key, payload, expiresAtMs, condition, read, VersionVector.EMPTY, Header.Kind.VALUE);
  }

  /**
   * @param after what is to be in the context beside what is known of the key
   * @param kind of what has a payload
   */
  private CompletableFuture<@Nullable MetadataRecord> queue(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read,
      VersionVector after,
      Header.Kind kind) {
    if (payload != null && payload.length() > maxValueBytes) {
      throw new ValueTooLargeException(
          "the value of "
              + key
              + " has "
              + payload.length()
              + " bytes, more than maxValueBytes = "
              + maxValueBytes
              + "; split it or raise maxValueBytes");
    }
    requireRemovable(key, payload == null || expiresAtMs != Header.NEVER);
    var future = new CompletableFuture<@Nullable MetadataRecord>();
    synchronized (decisions) {
      decisions.requireOpen();
      admission.require();
      // Under the lock: of many writers that find room only one may fill it.
      if (committer.pendingBytes() > maxPendingBytes) {
        future.completeExceptionally(
            new OverloadedException(
                "more than " + maxPendingBytes + " bytes wait for the disk; write slower"));
        return future;
      }
      if (rules.of(key).keepsSiblings()) {
        queueBeside(key, payload, expiresAtMs, condition, read, after, kind, future);
        return future;
      }
      Staged newest = decisions.undecided(key);
      Seen seen = condition == Precondition.NONE && newest == null ? decisions.lately(key) : null;
      if (seen == null) {
        Header current = newest == null ? views.header(key) : newest.header();
        if (!condition.holds(current, clock.wallMs())) {
          decline(future, newest);
          return future;
        }
        seen = current == null ? null : seen(key, current.version(), payload == null);
      }
      if (seen == null) {
        room.requireFor(key);
      }
      VersionVector context =
          seen == null ? after : WriterContext.orDots(seen.context(), List.of(seen.dot()), after);
      requireFits(key, context);
      MetadataRecord record = nextRecord(key, context, payload, expiresAtMs, kind);
      decisions.countWrite();
      Staged.Completion done = Staged.Completion.completing(future, record);
      if (read != null && seen != null && !read.covers(seen.dot())) {
        Header unseen = decisions.newestHeader(key);
        done = unseen == null ? done : lost.logged(lost.lost(record, unseen, true), done);
      }
      decisions.stage(
          new JournalEntry.Stored(record),
          seen == null ? null : seen.dot(),
          false,
          new Published(record, true),
          RecordCodec.estimatedBytes(record),
          done);
    }
    return future;
  }

  private void requireRemovable(Key key, boolean ends) {
    ConflictRule rule = rules.of(key);
    if (ends && !rule.isRemovable()) {
      throw new RemovalRefusedException(
          key
              + " cannot be removed, nor given a time to live: values of its namespace ("
              + rule.name()
              + ") remember what each writer has done, and who began anew would repeat its"
              + " numbers; put a cleared value instead");
    }
  }

  /** A write that leaves beside it what its writer has not seen. */
  private void queueBeside(
      Key key,
      @Nullable Bytes payload,
      long expiresAtMs,
      Precondition condition,
      @Nullable Version read,
      VersionVector after,
      Header.Kind kind,
      CompletableFuture<@Nullable MetadataRecord> future) {
    MetadataRecord known = decisions.newestRecord(key);
    if (!condition.holds(visible(known), clock.wallMs())) {
      decline(future, decisions.undecided(key));
      return;
    }
    VersionVector context = contextOf(key, known, read, kind).merge(after);
    requireFits(key, context);
    if (known == null || !hasSeenOne(context, known)) {
      room.requireFor(key);
    }
    MetadataRecord record = nextRecord(key, context, payload, expiresAtMs, kind);
    decisions.countWrite();
    Siblings.Joined joined =
        known == null
            ? new Siblings.Joined(record, List.of())
            : Siblings.join(known, record, maxValueBytes);
    lost.logFallenOut(joined);
    decisions.stageBeside(
        joined.record(),
        known,
        new Published(joined.record(), true),
        Staged.Completion.completing(future, record));
  }

  /**
   * Whether what is written takes the place of a version, so that there are no more than before.
   */
  private static boolean hasSeenOne(VersionVector context, MetadataRecord known) {
    for (Sibling each : known.versions()) {
      if (context.contains(each.header().version().dot())) {
        return true;
      }
    }
    return false;
  }

  /** What a condition is about; an invisible one is as good as any other. */
  private @Nullable Header visible(@Nullable MetadataRecord known) {
    if (known == null) {
      return null;
    }
    Sibling visible = known.visibleAt(clock.wallMs());
    return visible == null ? known.header() : visible.header();
  }

  /**
   * @param kind a merge names what was merged, and no dot more: else who has seen the same might
   *     not have seen all that it names (see {@link Header#isSaidBy})
   */
  private VersionVector contextOf(
      Key key, @Nullable MetadataRecord known, @Nullable Version read, Header.Kind kind) {
    List<Sibling> versions = known == null ? List.of() : known.versions();
    VersionVector seen =
        read == null
            ? WriterContext.ofAll(versions)
            : read.equals(Version.NONE) ? VersionVector.EMPTY : read.seen();
    if (kind == Header.Kind.MERGED && seen.loneDots() <= WriterContext.MAX_LONE_DOTS) {
      return seen;
    }
    VersionVector context = WriterContext.folded(seen, versions, decisions::knownUpTo);
    if (context.loneDots() > WriterContext.MAX_LONE_DOTS) {
      throw new ConflictOpenException(
          "a conflict over "
              + key
              + " was left open for too long: what its writers have seen takes more than "
              + WriterContext.MAX_LONE_DOTS
              + " dots; read siblings(\""
              + key
              + "\") and put what they become with its version");
    }
    return context;
  }

  private static void requireFits(Key key, VersionVector context) {
    if (context.entries() > Version.MAX_CONTEXT_ENTRIES) {
      throw new ContextTooLargeException(
          "what a write of "
              + key
              + " has seen names "
              + context.entries()
              + " openings and single writes, more than the "
              + Version.MAX_CONTEXT_ENTRIES
              + " that other regions take; use another key");
    }
  }

  private static VersionVector contextAfter(Version replaced) {
    return WriterContext.orDots(replaced.asContext(), List.of(replaced.dot()), VersionVector.EMPTY);
  }

  /** What a writer has seen of a key, as far as it has to be named. */
  private Seen seen(Key key, Version current, boolean removes) {
    return new Seen(current.dot(), settled.contextAfter(key, current, removes));
  }

  private MetadataRecord nextRecord(
      Key key, VersionVector context, @Nullable Bytes payload, long expiresAtMs, Header.Kind kind) {
    var version = new Version(decisions.nextDot(), context, decisions.nextStamp());
    Header header =
        payload == null
            ? Header.tombstone(version, region)
            : new Header(version, region, kind, payload.length(), payload.crc32c(), expiresAtMs);
    return new MetadataRecord(key, header, payload);
  }

  /** Who is told that there is a value must be able to read it: not before it is published. */
  private static void decline(
      CompletableFuture<@Nullable MetadataRecord> future, @Nullable Staged because) {
    if (because == null) {
      future.complete(null);
      return;
    }
    because.alsoTell(
        failure -> {
          if (failure == null) {
            future.complete(null);
          } else {
            future.completeExceptionally(failure);
          }
        });
  }
}
