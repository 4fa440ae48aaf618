package io.metafabric.replicate.shadow;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.arm.CopyRoom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The shadows that this region has, with their payloads, in memory. Nothing makes room for another:
 * what does not fit is not taken. Holds a bounded number of bytes, by estimate, of room that it
 * shares with other copies. Thread-safe.
 */
public final class ShadowShelf {
  /**
   * What is to become of a shadow whose time has come.
   *
   * @param key of it
   * @param header of the version that it has
   * @param used what came of it since it was looked at last
   * @param livesOnNanos for how long it lives on from now if it has earned that
   */
  public record Due(Key key, Header header, ShadowTerms terms, Used used, long livesOnNanos) {
    public Dot dot() {
      return header.version().dot();
    }
  }

  /**
   * What came of a shadow in some time.
   *
   * @param reads that found a payload here
   * @param fetches by other regions, how many each
   * @param updates that were sent for it
   * @param updateBytes of their payloads
   * @param readBytes of those of which somebody read the payload
   */
  public record Used(
      long reads,
      Map<RegionName, Long> fetches,
      long updates,
      long updateBytes,
      long readBytes,
      long overNanos) {
    /** Whether anybody had something of it. */
    public boolean isAny() {
      return reads > 0 || !fetches.isEmpty();
    }
  }

  private final long maxBytes;
  private final CopyRoom room;

  // Guarded by this, as is all below. By path, which is what reads are told by; the one that was
  // looked at last comes last.
  private final Map<String, HeldShadow> shadows = new LinkedHashMap<>();
  private long bytes;
  private long made;
  private long expired;
  private long dropped;
  private long hits;
  private long refused;

  public ShadowShelf(long maxBytes, CopyRoom room) {
    this.maxBytes = maxBytes;
    this.room = room;
  }

  /**
   * Takes a record with its payload, or renews what is held of it: it lives at least as long as it
   * was to before.
   *
   * @return whether there is room
   */
  public synchronized boolean put(MetadataRecord record, ShadowTerms terms, long nowNanos) {
    HeldShadow before = shadows.get(record.key().path());
    long more = HeldShadow.bytesOf(record) - (before == null ? 0 : before.bytes());
    if (!takeRoom(more)) {
      refused++;
      return false;
    }
    shadows.put(
        record.key().path(),
        before == null
            ? new HeldShadow(record, terms, nowNanos)
            : before.renewed(record, terms, nowNanos));
    made += before == null ? 1 : 0;
    return true;
  }

  /**
   * Whether a payload would be taken now, if what is only kept makes room for it; counted as
   * refused if not. Nothing makes room yet.
   */
  public synchronized boolean hasRoomFor(Key key, Header header) {
    long more = HeldShadow.bytesOf(key, header, header.payloadBytes());
    if (bytes + more > maxBytes || bytes + more > room.maxBytes()) {
      refused++;
      return false;
    }
    return true;
  }

  private boolean takeRoom(long more) {
    if (more > 0 && (bytes + more > maxBytes || !room.take(more))) {
      return false;
    }
    if (more < 0) {
      room.release(-more);
    }
    bytes += more;
    return true;
  }

  /**
   * A newer payload came for what is held; it is not kept if there is no room, or if what is held
   * had seen it, and then nothing changes.
   *
   * @param isSent whether another region sent it unasked
   */
  public synchronized void refresh(MetadataRecord record, boolean isSent) {
    HeldShadow held = shadows.get(record.key().path());
    if (held != null && !isOlder(record, held.record)) {
      long more = HeldShadow.bytesOf(record) - held.bytes();
      boolean isNews =
          !record.header().version().dot().equals(held.record.header().version().dot());
      if (isSent && isNews) {
        held.updated(record.header().payloadBytes());
      }
      if (takeRoom(more)) {
        held.record = record;
      }
    }
  }

  /** Two threads that bring payloads may overtake each other. */
  private static boolean isOlder(MetadataRecord record, MetadataRecord held) {
    Dot dot = record.header().version().dot();
    return held.header().version().covers(dot) && !held.header().version().dot().equals(dot);
  }

  /** On what terms one would be made now for what is left of its time; null if there is none. */
  public synchronized @Nullable ShadowTerms termsLeft(Key key, long nowNanos) {
    HeldShadow held = shadows.get(key.path());
    return held == null ? null : held.terms.lasting(held.life.leftNanos(nowNanos));
  }

  public synchronized boolean contains(Key key) {
    return shadows.containsKey(key.path());
  }

  /** The payload that is held, which may not be the newest; null if none is. */
  public synchronized @Nullable MetadataRecord get(Key key) {
    HeldShadow held = shadows.get(key.path());
    return held == null ? null : held.record;
  }

  public synchronized List<Key> keys() {
    return shadows.values().stream().map(held -> held.key).toList();
  }

  /**
   * A key was read here; nothing happens if there is no shadow of it.
   *
   * @param waited for another region
   */
  public synchronized void read(String path, boolean waited) {
    HeldShadow held = shadows.get(path);
    if (held != null) {
      held.read(waited);
      hits++;
    }
  }

  /** Another region fetched it here; nothing happens if there is no shadow of it. */
  public synchronized void fetched(Key key, RegionName by) {
    HeldShadow held = shadows.get(key.path());
    if (held != null) {
      held.fetched(by);
      hits++;
    }
  }

  public synchronized Frame.@Nullable ShadowFacts facts(Key key, long nowNanos) {
    HeldShadow held = shadows.get(key.path());
    return held == null ? null : held.facts(nowNanos);
  }

  /**
   * Those whose time to be looked at has come, at most so many, those first that were looked at
   * longest ago; each is told of once.
   */
  public synchronized List<Due> due(long nowNanos, int most) {
    List<HeldShadow> looked =
        shadows.values().stream()
            .filter(held -> !held.ending && held.life.isDue(nowNanos))
            .limit(most)
            .toList();
    var due = new ArrayList<Due>(looked.size());
    for (HeldShadow held : looked) {
      due.add(held.look(nowNanos));
      shadows.remove(held.key.path());
      shadows.put(held.key.path(), held);
    }
    return due;
  }

  /** It has earned what it costs, and lives on. */
  public synchronized void livesOn(Key key, long nowNanos) {
    HeldShadow held = shadows.get(key.path());
    if (held != null) {
      held.ending = false;
      held.life.used(nowNanos);
    }
  }

  /** It has not, or may not stay; returns whether its time is over. */
  public synchronized boolean fades(Key key, long nowNanos) {
    HeldShadow held = shadows.get(key.path());
    if (held == null) {
      return false;
    }
    boolean over = held.life.isOver(nowNanos);
    if (!over) {
      held.ending = false;
      held.life.unused(nowNanos);
    }
    return over;
  }

  /** It must stay for now, as nobody says that its payload is elsewhere. */
  public synchronized void putOff(Key key, long nowNanos, long nanos) {
    HeldShadow held = shadows.get(key.path());
    if (held != null) {
      held.ending = false;
      held.life.putOff(nowNanos, nanos);
    }
  }

  /**
   * Ends one, unless what it holds is not what it was thought to be; then it is looked at again.
   *
   * @param dot of the payload that may go
   * @param byRequest whether it is dropped, or has expired
   */
  public synchronized boolean end(Key key, Dot dot, boolean byRequest) {
    if (!remove(key, dot)) {
      return false;
    }
    if (byRequest) {
      dropped++;
    } else {
      expired++;
    }
    return true;
  }

  /**
   * Ends one whose payload this region holds otherwise by now, as home or backup. Counts as neither
   * expired nor dropped.
   *
   * @param dot of the payload that is held otherwise
   * @return false if it was none any more, or of another version
   */
  public synchronized boolean promoted(Key key, Dot dot) {
    return remove(key, dot);
  }

  private boolean remove(Key key, Dot dot) {
    HeldShadow held = shadows.get(key.path());
    if (held == null) {
      return false;
    }
    if (!held.record.header().version().dot().equals(dot)) {
      held.ending = false;
      return false;
    }
    shadows.remove(key.path());
    takeRoom(-held.bytes());
    return true;
  }

  public synchronized ShadowStats stats() {
    return new ShadowStats(
        shadows.size(), made, expired, dropped, hits, refused, bytes, maxBytes, 0);
  }
}
