package io.metafabric.replicate;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The newest version of each key that one peer has durably acknowledged with its payload, of those
 * that were used last: what the next one may be told by. Holds a bounded number of bytes, by
 * estimate; forgetting one costs a payload that goes whole. Not thread-safe.
 */
final class KnownPayloads {
  /** An entry of the map, a record and what is in it, without characters and payload. */
  private static final int ENTRY_BYTES = 400;

  private final long maxBytes;
  private final AtomicLong total;
  private final Map<Key, MetadataRecord> acknowledged = new LinkedHashMap<>(16, 0.75f, true);
  private final Deque<MetadataRecord> underWay = new ArrayDeque<>();
  private long bytes;

  /**
   * @param total of all peers: what is held here is added to it
   */
  KnownPayloads(long maxBytes, AtomicLong total) {
    this.maxBytes = maxBytes;
    this.total = total;
  }

  /**
   * What a change may be told by: the version that its writer replaced, if nobody else's came in
   * between; then the peer most likely holds it still. Null if that is not known to be there.
   */
  @Nullable MetadataRecord baseOf(MetadataRecord change) {
    MetadataRecord known = acknowledged.get(change.key());
    return known != null && isNext(change.header(), known.header()) ? known : null;
  }

  private static boolean isNext(Header change, Header before) {
    VersionVector context = change.version().context();
    VersionVector since = context.beyond(before.version().context());
    // More writes of the same actor were left out of a batch, or not sent yet.
    return context.loneDots() == 0 && since.size() == 1 && since.contains(before.version().dot());
  }

  /** A change is on its way: what was known of the key is replaced there when it arrives. */
  void sent(MetadataRecord change, boolean remember) {
    MetadataRecord before = acknowledged.remove(change.key());
    if (before != null) {
      count(-estimatedBytes(before));
    }
    if (remember && makeRoom(estimatedBytes(change))) {
      underWay.add(change);
      count(estimatedBytes(change));
    }
  }

  private boolean makeRoom(long needed) {
    Iterator<MetadataRecord> eldest = acknowledged.values().iterator();
    while (bytes + needed > maxBytes && eldest.hasNext()) {
      count(-estimatedBytes(eldest.next()));
      eldest.remove();
    }
    return bytes + needed <= maxBytes;
  }

  /** The actor's changes up to the counter are durable there. */
  void acknowledged(ActorId actor, long upTo) {
    while (!underWay.isEmpty()) {
      var dot = underWay.getFirst().header().version().dot();
      if (!dot.actor().equals(actor) || dot.counter() > upTo) {
        return;
      }
      MetadataRecord record = underWay.remove();
      MetadataRecord before = acknowledged.put(record.key(), record);
      if (before != null) {
        count(-estimatedBytes(before));
      }
    }
  }

  /** What is under way may not arrive. */
  void interrupted() {
    underWay.forEach(each -> count(-estimatedBytes(each)));
    underWay.clear();
  }

  /** The peer does not hold it, or will not. */
  void forget(Key key) {
    MetadataRecord known = acknowledged.remove(key);
    if (known != null) {
      count(-estimatedBytes(known));
    }
    underWay.removeIf(
        each -> {
          boolean same = each.key().equals(key);
          count(same ? -estimatedBytes(each) : 0);
          return same;
        });
  }

  void clear() {
    interrupted();
    acknowledged.clear();
    count(-bytes);
  }

  private void count(long more) {
    bytes += more;
    total.addAndGet(more);
  }

  long bytes() {
    return bytes;
  }

  private static long estimatedBytes(MetadataRecord record) {
    Bytes payload = record.payload();
    return ENTRY_BYTES
        + 2L * record.key().utf8Length()
        + 64L * record.header().version().context().size()
        + (payload == null ? 0 : payload.length());
  }
}
