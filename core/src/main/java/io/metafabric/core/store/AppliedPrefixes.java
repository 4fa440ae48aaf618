package io.metafabric.core.store;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * For each actor of other regions, up to which counter its changes are published here, and which
 * frame of the journal says so. Thread-safe.
 */
final class AppliedPrefixes {
  private record AppliedAt(AppliedPrefix prefix, FrameLocation at) {}

  private final Map<ActorId, AppliedAt> byActor = new HashMap<>();

  synchronized void journaled(JournalEntry.Applied entry, FrameLocation at) {
    byActor.compute(
        entry.actor(),
        (actor, before) -> {
          if (before != null && before.prefix.counter() > entry.counter()) {
            return before;
          }
          if (before != null) {
            before.at.markDead();
          }
          at.markLive();
          return new AppliedAt(new AppliedPrefix(entry.region(), actor, entry.counter()), at);
        });
  }

  /** It is where a hint says, and counted there. */
  synchronized void restore(AppliedPrefix prefix, FrameLocation at) {
    byActor.put(prefix.actor(), new AppliedAt(prefix, at));
  }

  /** Null if nothing of the actor's is published here. */
  synchronized @Nullable AppliedPrefix of(ActorId actor) {
    AppliedAt known = byActor.get(actor);
    return known == null ? null : known.prefix;
  }

  /** The caller's own list. */
  synchronized List<JournalEntry.Applied> all() {
    var all = new ArrayList<JournalEntry.Applied>();
    for (AppliedAt each : byActor.values()) {
      AppliedPrefix prefix = each.prefix;
      all.add(new JournalEntry.Applied(prefix.region(), prefix.actor(), prefix.counter()));
    }
    return all;
  }

  /** Up to which counter the changes of each of {@code region}'s actors are published here. */
  synchronized VersionVector of(RegionName region) {
    var counters = new TreeMap<ActorId, Long>();
    for (AppliedAt each : byActor.values()) {
      if (each.prefix.region().equals(region)) {
        counters.put(each.prefix.actor(), each.prefix.counter());
      }
    }
    return VersionVector.of(counters);
  }

  /** Whether the journal's frame there is the one that counts. */
  synchronized boolean isAt(ActorId actor, long position) {
    AppliedAt known = byActor.get(actor);
    return known != null && known.at.position() == position;
  }

  /** Returns false if the frame that was moved is not the one that counts. */
  synchronized boolean moved(ActorId actor, FrameLocation from, FrameLocation to) {
    AppliedAt known = byActor.get(actor);
    if (known == null || !known.at.isSameAs(from)) {
      return false;
    }
    restore(known.prefix, to);
    return true;
  }

  synchronized void describeTo(ByteWriter out) {
    out.varint(byActor.size());
    for (AppliedAt each : byActor.values()) {
      RecordCodec.writeRegion(out, each.prefix.region());
      out.i64(each.prefix.actor().id()).varint(each.prefix.counter());
      out.i64(each.at.place()).varint(each.at.position());
    }
  }
}
