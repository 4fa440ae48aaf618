package io.metafabric.core.store;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.RegionName;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What each peer has acknowledged, as far as it is noted in the journal, and which frame says so.
 * Thread-safe.
 */
final class AcknowledgedNotes {
  private record AcknowledgedAt(JournalEntry.Acknowledged by, FrameLocation at) {}

  private final Map<RegionName, AcknowledgedAt> byPeer = new HashMap<>();

  synchronized void journaled(JournalEntry.Acknowledged by, FrameLocation at) {
    AcknowledgedAt before = byPeer.put(by.peer(), new AcknowledgedAt(by, at));
    if (before != null) {
      before.at.markDead();
    }
    at.markLive();
  }

  /** It is where a hint says, and counted there. */
  synchronized void restore(JournalEntry.Acknowledged by, FrameLocation at) {
    byPeer.put(by.peer(), new AcknowledgedAt(by, at));
  }

  /** What a peer had acknowledged when that was noted last; null if it never was. */
  synchronized JournalEntry.@Nullable Acknowledged by(RegionName peer) {
    AcknowledgedAt known = byPeer.get(peer);
    return known == null ? null : known.by;
  }

  /** Whether the journal's frame there is the one that counts. */
  synchronized boolean isAt(RegionName peer, long position) {
    AcknowledgedAt known = byPeer.get(peer);
    return known != null && known.at.position() == position;
  }

  synchronized void moved(JournalEntry.Acknowledged by, FrameLocation from, FrameLocation to) {
    AcknowledgedAt known = byPeer.get(by.peer());
    if (known != null && known.at.isSameAs(from)) {
      byPeer.put(by.peer(), new AcknowledgedAt(by, to));
    } else {
      to.markDead();
    }
  }

  synchronized void describeTo(ByteWriter out) {
    out.varint(byPeer.size());
    for (AcknowledgedAt each : byPeer.values()) {
      out.i64(each.at.place()).varint(each.at.position());
    }
  }
}
