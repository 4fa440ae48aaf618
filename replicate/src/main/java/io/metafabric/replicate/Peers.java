package io.metafabric.replicate;

import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The other regions that this node was told of, each with the link to it and the state that the two
 * are in. All are added before the first frame, and none afterwards: any thread may look one up.
 */
final class Peers {
  private final Membership membership;
  private final Map<RegionName, Outbound> links = new TreeMap<>();
  private final Map<RegionName, RegionPair> pairs = new TreeMap<>();
  private final Map<RegionName, Outbound> linksToRead = Collections.unmodifiableMap(links);
  private final Map<RegionName, RegionPair> pairsToRead = Collections.unmodifiableMap(pairs);

  Peers(Membership membership) {
    this.membership = membership;
  }

  void add(RegionName peer, RegionPair pair, Outbound link) {
    pairs.put(peer, pair);
    links.put(peer, link);
  }

  boolean isEmpty() {
    return links.isEmpty();
  }

  /** By name, also those that were evicted. */
  Map<RegionName, Outbound> links() {
    return linksToRead;
  }

  /**
   * @throws IllegalArgumentException if it is no peer
   */
  Outbound link(RegionName region) {
    Outbound link = links.get(region);
    if (link == null) {
      throw new IllegalArgumentException("region " + region + " is not a peer");
    }
    return link;
  }

  /** By name, as {@link #links}. */
  Map<RegionName, RegionPair> pairs() {
    return pairsToRead;
  }

  /**
   * @throws IllegalArgumentException if it is no peer
   */
  RegionPair pair(RegionName peer) {
    RegionPair pair = pairs.get(peer);
    if (pair == null) {
      throw new IllegalArgumentException("region " + peer + " is not a peer");
    }
    return pair;
  }

  /** Which peer says that this is its present opening; null if none does. */
  @Nullable RegionName presentRegionOf(ActorId actor) {
    for (RegionPair each : pairs.values()) {
      if (actor.equals(each.presentActor())) {
        return each.region();
      }
    }
    return null;
  }

  /** Without those that were evicted; the caller's own set. */
  Set<RegionName> members() {
    Configuration now = membership.configuration();
    var members = new TreeSet<RegionName>(links.keySet());
    members.removeIf(region -> !now.isMember(region));
    return members;
  }

  boolean isPeer(RegionName region) {
    return links.containsKey(region) && membership.isMember(region);
  }

  /** Whether a region is a peer that is likely to answer now. */
  boolean isTrusted(RegionName region) {
    return isPeer(region) && link(region).isTrusted();
  }

  /** Whether a region has this write of ours, durably; of one that is no peer nothing is wanted. */
  boolean haveAcknowledged(RegionName region, Dot write) {
    Outbound link = links.get(region);
    return link == null || link.hasAcknowledged(write);
  }

  /** Heap that takes what they have said of what they have applied, by estimate. */
  long standingBytes() {
    long bytes = 0;
    for (Outbound link : links.values()) {
      bytes += link.standing().estimatedBytes();
    }
    return bytes;
  }

  /** No peer needs a journal entry at or before this position. */
  long neededAfter() {
    // Compaction asks for each frame that is dead.
    long needed = Long.MAX_VALUE;
    for (Outbound link : links.values()) {
      needed = Math.min(needed, link.neededAfter());
    }
    return needed;
  }
}
