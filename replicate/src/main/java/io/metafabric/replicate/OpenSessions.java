package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The connections that peers dialled and that are served: one for each peer, the newest. Belongs to
 * the loop.
 */
final class OpenSessions {
  private final Map<RegionName, PeerSession> sessions = new HashMap<>();

  /** The peer is served by this one from now on. */
  void began(RegionName peer, PeerSession by) {
    var before = sessions.put(peer, by);
    if (before != null && before != by) {
      before.close("replaced by a newer connection");
    }
  }

  /** Returns whether the peer was served by this one, and now is by none. */
  boolean ended(RegionName peer, PeerSession by) {
    return sessions.remove(peer, by);
  }

  void close(RegionName peer, String why) {
    PeerSession session = sessions.get(peer);
    if (session != null) {
      session.close(why);
    }
  }

  void closeAll(String why) {
    List.copyOf(sessions.values()).forEach(each -> each.close(why));
  }

  /**
   * Tells homes what is read here. What they cannot be told now they are not told.
   *
   * @param perSecond by key
   */
  void tellReads(Map<Key, Double> perSecond, Function<Key, RegionName> homeOf) {
    var byHome = new TreeMap<RegionName, List<Frame.Reading>>();
    perSecond.forEach(
        (key, rate) ->
            byHome
                .computeIfAbsent(homeOf.apply(key), home -> new ArrayList<>())
                .add(new Frame.Reading(key, Math.max(1, Math.round(rate * 1e6)))));
    byHome.forEach(
        (home, readings) -> {
          PeerSession session = sessions.get(home);
          if (session != null) {
            session.tellReads(readings);
          }
        });
  }
}
