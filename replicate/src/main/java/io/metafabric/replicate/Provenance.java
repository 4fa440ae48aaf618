package io.metafabric.replicate;

import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a peer cannot have written, and what nobody can have seen. Thread-safe, but for what is said
 * to belong to the loop.
 *
 * <p>What a version names is bounded: who takes more has a record that fits into no frame, and
 * could send nothing that comes after it.
 *
 * <p>A peer may hand on what others wrote, in comparisons and answers to fetches; what it streams
 * as changes is its own. Of this node's own present actor everybody knows at most what it has
 * issued: a record that knows more is made up, and would take the place of a write that is still to
 * come.
 */
final class Provenance {
  /** Openings of all directories of a cluster that a peer may say to have applied writes of. */
  static final int MAX_TOLD_ACTORS = 1 << 16;

  /**
   * Openings of one region that have written something: one that is opened anew every day needs 22
   * years for so many. Each costs memory and a line of every list of positions, for ever.
   */
  static final int MAX_ACTORS_OF_A_REGION = 1 << 13;

  private final RecordStore store;
  // Those of which changes were let in; the disk may have refused them.
  private final Map<RegionName, Set<ActorId>> actors = new HashMap<>();
  private final Function<ActorId, @Nullable RegionName> announced;

  /**
   * @param announced which peer has said that it writes as an actor now; on the loop
   */
  Provenance(RecordStore store, Function<ActorId, @Nullable RegionName> announced) {
    this.store = store;
    this.announced = announced;
  }

  /**
   * On the loop: whose actor it is. That of the region whose changes were taken first under it, or
   * before there were any, which said first that it writes under it; null if nobody did.
   */
  @Nullable RegionName regionOf(ActorId actor) {
    RegionName known = store.regionOf(actor);
    return known == null ? announced.apply(actor) : known;
  }

  /** On the loop: why these changes are not the peer's own; null if nothing says so. */
  @Nullable String problemOf(RegionName by, Frame.Changes changes) {
    for (MetadataRecord record : changes.records()) {
      RegionName writtenIn = record.header().writtenIn();
      if (!writtenIn.equals(by)) {
        return by + " sent a change of region " + writtenIn;
      }
    }
    RegionName known = regionOf(changes.actor());
    if (known != null && !known.equals(by)) {
      return by + " sent changes of actor " + changes.actor() + ", which is of region " + known;
    }
    String problem = problemOf(by, changes.records());
    return problem == null ? problemOfAnother(by, changes.actor()) : problem;
  }

  private @Nullable String problemOfAnother(RegionName by, ActorId actor) {
    if (store.regionOf(actor) != null) {
      return null;
    }
    Set<ActorId> known = actors.computeIfAbsent(by, this::actorsOf);
    if (known.size() >= MAX_ACTORS_OF_A_REGION && !known.contains(actor)) {
      return by + " sent changes of more than " + MAX_ACTORS_OF_A_REGION + " openings";
    }
    known.add(actor);
    return null;
  }

  private Set<ActorId> actorsOf(RegionName region) {
    var known = new HashSet<ActorId>();
    store.appliedOf(region).forEach((actor, counter) -> known.add(actor));
    return known;
  }

  /** Why a peer cannot have applied that; null if it can. */
  @Nullable String problemOf(RegionName by, VersionVector applied) {
    if (applied.size() > MAX_TOLD_ACTORS) {
      return tooManyTold(by);
    }
    return problemOfOwn(by, applied.counter(store.actor()));
  }

  /** The same of what is told with a configuration. */
  @Nullable String problemOf(RegionName by, Frame.Configured configured) {
    for (VersionVector applied : configured.applied().values()) {
      String problem = problemOf(by, applied);
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  /** On the loop: why a peer cannot acknowledge that; null if it can. */
  @Nullable String problemOf(RegionName by, Frame.Ack ack) {
    if (ack.actor().equals(store.actor())) {
      return problemOfOwn(by, ack.counter());
    }
    // Of earlier openings it may have more than is left here, if an older disk was put back.
    return store.isOwn(ack.actor())
        ? null
        : by + " acknowledged writes of " + ack.actor() + ", which this node never was";
  }

  private @Nullable String problemOfOwn(RegionName by, long counter) {
    if (counter <= store.publishedCounter()) {
      return null;
    }
    long issued = store.issuedUpTo();
    return counter <= issued
        ? null
        : by + " knows write " + counter + " of this node, which has issued " + issued;
  }

  static String tooManyTold(RegionName by) {
    return by + " says to have applied writes of more than " + MAX_TOLD_ACTORS + " openings";
  }

  /** On the loop: why these actors are not the peer's; null if nothing says so. */
  @Nullable String problemOf(RegionName by, Frame.Whole whole, ReceivedParts parts) {
    for (int i = 0; i < whole.upTo().size(); i++) {
      ActorId actor = whole.upTo().actor(i);
      RegionName known = regionOf(actor);
      boolean isTheirs = known == null ? parts.takenUpTo(actor) > 0 : known.equals(by);
      if (!isTheirs) {
        return by
            + " said to have sent all of actor "
            + actor
            + (known == null ? ", of which it has sent nothing" : ", which is of region " + known);
      }
    }
    return null;
  }

  /** Why these records cannot be; null if they can. */
  @Nullable String problemOf(RegionName by, List<MetadataRecord> records) {
    ActorId own = store.actor();
    long issued = -1;
    for (MetadataRecord record : records) {
      for (Sibling each : record.versions()) {
        int named = each.header().version().context().entries();
        if (named > Version.MAX_CONTEXT_ENTRIES) {
          return by
              + " sent a version of "
              + record.key()
              + " that names "
              + named
              + " openings and single writes, more than "
              + Version.MAX_CONTEXT_ENTRIES;
        }
        long seen = seenOf(own, each.header().version());
        if (seen == 0) {
          continue;
        }
        if (issued < 0) {
          issued = store.issuedUpTo();
        }
        if (seen > issued) {
          return by
              + " sent a version of "
              + record.key()
              + " that knows write "
              + seen
              + " of this node, which has issued "
              + issued;
        }
      }
    }
    return null;
  }

  /** The highest counter of an actor in a version; 0 for none. */
  private static long seenOf(ActorId actor, Version version) {
    Dot dot = version.dot();
    VersionVector context = version.context();
    long seen = Math.max(dot.actor().equals(actor) ? dot.counter() : 0, context.counter(actor));
    if (context.loneDots() == 0) {
      return seen;
    }
    var highest = new long[] {seen};
    context.forEachLone(
        (who, counter) -> {
          if (who.equals(actor)) {
            highest[0] = Math.max(highest[0], counter);
          }
        });
    return highest[0];
  }
}
