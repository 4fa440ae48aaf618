package io.metafabric.core.store;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.digest.HeaderTree;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Builds the views from the journal: the same steps at opening as at publication. */
final class StoreReplay implements Journal.Replay {
  private final String cluster;
  private final RegionName region;
  private final String directory;
  private final KeyIndex index;
  private final AppliedPrefixes applied = new AppliedPrefixes();
  private final AcknowledgedNotes acknowledged = new AcknowledgedNotes();
  private final NavigableMap<Long, ActorId> openings = new TreeMap<>();
  private final Set<ActorId> ownActors = new HashSet<>();
  private final Map<ActorId, Long> ownNewest = new HashMap<>();
  private final SystemRecords system = new SystemRecords();
  private final StoredConfiguration configured = new StoredConfiguration();
  private static final int MIN_ACTOR_BYTES = 9;
  private static final int MIN_PLACE_BYTES = 9;
  private static final int MIN_OPENING_BYTES = MIN_ACTOR_BYTES + 1;

  private final Map<ActorId, JournalEntry.Held> held = new HashMap<>();
  private final Map<ActorId, FrameLocation> heldAt = new HashMap<>();
  private Stamp newestStamp = new Stamp(0);
  private @Nullable Stamp forgottenBeside;
  private @Nullable Long nodeId;
  private @Nullable ActorId issuing;
  private @Nullable HeaderTree tree;

  StoreReplay(KeyIndex index, String cluster, RegionName region, String directory) {
    this.index = index;
    this.cluster = cluster;
    this.region = region;
    this.directory = directory;
  }

  @Override
  public void entry(JournalEntry entry, FrameLocation location) {
    if (entry instanceof JournalEntry.Stored stored) {
      index.replay(stored, location);
      if (stored.record().key().isSystem()) {
        system.put(stored.record());
      }
      noteNewest(stored.record().header().version());
      stored.record().siblings().forEach(sibling -> noteNewest(sibling.header().version()));
    } else if (entry instanceof JournalEntry.Applied own
        && own.actor().equals(issuing)
        && own.counter() > 0) {
      // In the place of its last write; what came back from peers stands behind a later opening.
      ownNewest.merge(own.actor(), own.counter(), Math::max);
      location.markLive();
    } else if (entry instanceof JournalEntry.Applied prefix) {
      applied.journaled(prefix, location);
      held.remove(prefix.actor());
    } else if (entry instanceof JournalEntry.Held range) {
      held.put(range.actor(), range);
      heldAt.put(range.actor(), location);
    } else if (entry instanceof JournalEntry.Acknowledged by) {
      acknowledged.journaled(by, location);
    } else if (entry instanceof JournalEntry.Configured configuration) {
      configured.journaled(configuration, location);
    } else if (entry instanceof JournalEntry.Opened opened) {
      checkIdentity(opened);
      nodeId = opened.nodeId();
      issuing = opened.actor();
      add(location.position(), opened.actor());
      location.markLive();
    }
  }

  private void noteNewest(Version version) {
    // Only where it was issued: of what was lost, peers may have given some back later.
    if (version.dot().actor().equals(issuing)) {
      ownNewest.merge(version.dot().actor(), version.dot().counter(), Math::max);
    }
    if (version.stamp().compareTo(newestStamp) > 0) {
      newestStamp = version.stamp();
    }
  }

  private void add(long position, ActorId opened) {
    openings.put(position, opened);
    ownActors.add(opened);
  }

  private void checkIdentity(JournalEntry.Opened opened) {
    requireSame(directory, opened.cluster(), opened.region(), cluster, region);
  }

  /** Refuses a directory of another region, or of another cluster. */
  static void requireSame(
      String directory,
      String itsCluster,
      RegionName itsRegion,
      String cluster,
      RegionName region) {
    if (!itsCluster.equals(cluster) || !itsRegion.equals(region)) {
      throw new ConfigurationException(
          "the directory "
              + directory
              + " belongs to region "
              + itsRegion
              + " of cluster \""
              + itsCluster
              + "\", not to region "
              + region
              + " of cluster \""
              + cluster
              + "\"; use another directory, or the region and cluster it belongs to");
    }
  }

  /** What each peer has acknowledged. */
  AcknowledgedNotes acknowledged() {
    return acknowledged;
  }

  AppliedPrefixes applied() {
    return applied;
  }

  /** Takes over what was held when the journal ended. */
  void heldInto(HeldChanges changes) {
    held.forEach(
        (actor, range) ->
            changes.journaled(range, Objects.requireNonNull(heldAt.get(actor), "its place")));
  }

  /** Who issued versions from each position on at which this directory was opened. */
  NavigableMap<Long, ActorId> openings() {
    return openings;
  }

  /** Those that openings of this very directory wrote under. */
  Set<ActorId> ownActors() {
    return ownActors;
  }

  /**
   * The newest write of each opening of this directory that is in the journal where it was made.
   */
  Map<ActorId, Long> ownNewest() {
    return ownNewest;
  }

  StoredConfiguration configured() {
    return configured;
  }

  SystemRecords system() {
    return system;
  }

  Stamp newestStamp() {
    return newestStamp;
  }

  /**
   * After a replay nothing is known of what was forgotten, but that it is no later than all else.
   */
  Stamp forgottenBeside() {
    Stamp known = forgottenBeside;
    return known == null ? newestStamp : known;
  }

  long nodeIdOr(long drawn) {
    return nodeId == null ? drawn : nodeId;
  }

  /** Never 0, which is the actor of {@code Version.NONE}, and never one seen before. */
  ActorId freshActor(RandomGenerator random) {
    var fresh = new ActorId(random.nextLong());
    while (fresh.id() == 0
        || ownActors.contains(fresh)
        || applied.of(fresh) != null
        || index.hasSeen(fresh)) {
      fresh = new ActorId(random.nextLong());
    }
    return fresh;
  }

  /** Over all that is in the index. */
  HeaderTree tree() {
    HeaderTree kept = tree;
    if (kept != null) {
      return kept;
    }
    var built = new HeaderTree();
    index.forEachWrite((actor, counter, place) -> built.toggle(actor, counter));
    index.forEachSibling((key, actor, counter) -> built.toggle(actor, counter));
    return built;
  }

  KeyIndex index() {
    return index;
  }

  /** Writes what {@link #restore} reads: all that a replay yields beside the index. */
  static void describeTo(
      ByteWriter out,
      Openings openings,
      FrameLocation begunAt,
      Stamp newestStamp,
      Stamp forgottenBeside,
      AppliedPrefixes applied,
      SystemRecords system,
      AcknowledgedNotes acknowledged,
      StoredConfiguration configured) {
    out.i64(openings.actor().id()).i64(begunAt.place());
    out.i64(openings.nodeId()).i64(newestStamp.packed()).i64(forgottenBeside.packed());
    openings.describeTo(out);
    applied.describeTo(out);
    system.describeTo(out);
    acknowledged.describeTo(out);
    FrameLocation configuredAt = configured.at();
    out.u8(configuredAt == null ? 0 : 1);
    if (configuredAt != null) {
      out.i64(configuredAt.place()).varint(configuredAt.position());
    }
  }

  /**
   * @throws WireFormatException if these are not the bytes that were written, or the journal is
   *     another one: a copy of the directory that has gone its own way
   */
  void restore(ByteReader in, FrameTable frames) {
    var stopped = new ActorId(in.i64("actor"));
    JournalEntry begun = frames.read(in.i64("place of the opening"));
    if (!(begun instanceof JournalEntry.Opened opened) || !opened.actor().equals(stopped)) {
      throw new WireFormatException("the journal was not written under " + stopped);
    }
    nodeId = in.i64("node id");
    newestStamp = new Stamp(in.i64("newest stamp"));
    forgottenBeside = new Stamp(in.i64("newest stamp that was forgotten"));
    int own = in.varint("openings", 1, in.remaining() / MIN_OPENING_BYTES);
    for (int i = 0; i < own; i++) {
      long position = in.varint("position of an opening");
      var actor = new ActorId(in.i64("own actor"));
      long newest = in.varint("newest counter");
      add(position, actor);
      if (newest > 0) {
        ownNewest.put(actor, newest);
      }
    }
    int prefixes = in.varint("applied prefixes", 0, in.remaining() / MIN_ACTOR_BYTES);
    for (int i = 0; i < prefixes; i++) {
      RegionName from = RecordCodec.readRegion(in);
      var prefix =
          new AppliedPrefix(from, new ActorId(in.i64("actor")), in.varint("applied counter"));
      long place = in.i64("place");
      applied.restore(prefix, frames.locate(place, in.varint("position")));
    }
    system.restore(in);
    int peers = in.varint("peers that acknowledged", 0, in.remaining() / MIN_PLACE_BYTES);
    for (int i = 0; i < peers; i++) {
      long place = in.i64("place");
      FrameLocation at = frames.locate(place, in.varint("position"));
      if (!(frames.read(place) instanceof JournalEntry.Acknowledged by)) {
        throw new WireFormatException("nobody acknowledges anything at " + at.position());
      }
      acknowledged.restore(by, at);
    }
    if (in.u8("configured") == 1) {
      long place = in.i64("place");
      FrameLocation at = frames.locate(place, in.varint("position"));
      if (!(frames.read(place) instanceof JournalEntry.Configured configuration)) {
        throw new WireFormatException("there is no configuration at " + at.position());
      }
      configured.restore(configuration, at);
    }
    tree = HeaderTree.restore(in);
  }
}
