package io.metafabric.core.store;

import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Up to which counter nothing is missing here of what each actor wrote: of those of other regions
 * what is applied, of this directory's own what they issued. Has no state of its own; thread-safe.
 */
final class CompletePrefixes {
  private final RegionName region;
  private final Openings openings;
  private final AppliedPrefixes applied;

  CompletePrefixes(RegionName region, Openings openings, AppliedPrefixes applied) {
    this.region = region;
    this.openings = openings;
    this.applied = applied;
  }

  /** Whose changes an actor's are, as far as that is known here; null if it is not. */
  @Nullable RegionName regionOf(ActorId who) {
    if (openings.isOwn(who)) {
      return region;
    }
    AppliedPrefix prefix = applied.of(who);
    return prefix == null ? null : prefix.region();
  }

  /**
   * Up to which counter nothing is missing here of what an actor wrote: of one of this directory's
   * own all that it issued, unless the journal says otherwise, because some of it was lost to
   * damage, or lost and given back by peers.
   */
  long upTo(ActorId who) {
    AppliedPrefix told = applied.of(who);
    return told == null ? openings.newest(who) : told.counter();
  }

  /** Whether this node has applied a write, in its actor's order, at some time. */
  boolean isApplied(Dot dot) {
    return dot.counter() <= upTo(dot.actor());
  }

  /** Whether all versions of a record are. */
  boolean isAllApplied(MetadataRecord record) {
    if (!isApplied(record.header().version().dot())) {
      return false;
    }
    for (Sibling each : record.siblings()) {
      if (!isApplied(each.header().version().dot())) {
        return false;
      }
    }
    return true;
  }

  /** Whether all is that a writer has seen. */
  boolean isAllApplied(VersionVector context) {
    for (int i = 0; i < context.size(); i++) {
      if (context.counterAt(i) > upTo(context.actor(i))) {
        return false;
      }
    }
    return context.lone().stream().allMatch(this::isApplied);
  }

  /** Whether some of this is missing here; but for lone dots. */
  boolean lacksOf(VersionVector there) {
    for (int i = 0; i < there.size(); i++) {
      if (there.counterAt(i) > upTo(there.actor(i))) {
        return true;
      }
    }
    return false;
  }

  /** Of each actor, own ones included. */
  List<JournalEntry.Applied> all() {
    List<JournalEntry.Applied> all = applied.all();
    openings.forEachNewest(
        (own, newest) -> all.add(new JournalEntry.Applied(region, own, upTo(own))));
    return all;
  }

  /** Of all actors together. */
  VersionVector asVector() {
    var counters = new TreeMap<ActorId, Long>();
    for (JournalEntry.Applied each : all()) {
      counters.merge(each.actor(), each.counter(), Math::max);
    }
    return VersionVector.of(counters);
  }

  /** Of a region's actors. */
  VersionVector of(RegionName whose) {
    var counters = new TreeMap<ActorId, Long>();
    for (JournalEntry.Applied each : all()) {
      if (each.region().equals(whose)) {
        counters.merge(each.actor(), each.counter(), Math::max);
      }
    }
    return VersionVector.of(counters);
  }
}
