package io.metafabric.replicate;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Published;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.arm.CopyWrite;
import io.metafabric.replicate.arm.Update;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which payloads go to which peer: to those that must hold them, and from the home to those to whom
 * they are worth it. What is known of copies elsewhere changes here.
 *
 * <p>Belongs to the loop, but for {@link #published}. Whom it asks is set before the first frame.
 */
final class OutgoingPayloads {
  private final ReplicationConfig config;
  private final RecordStore store;
  private final LocalCopies copies;
  private final SerialExecutor loop;
  private final PayloadPlaces places;
  private final Holders holders;
  private final Peers peers;
  private CopyUpdates updates;
  private volatile ShadowWork shadows;

  OutgoingPayloads(
      ReplicationConfig config,
      RecordStore store,
      LocalCopies copies,
      SerialExecutor loop,
      PayloadPlaces places,
      Holders holders,
      Peers peers,
      CopyUpdates updates) {
    this.config = config;
    this.store = store;
    this.copies = copies;
    this.loop = loop;
    this.places = places;
    this.holders = holders;
    this.peers = peers;
    this.updates = updates;
    this.shadows = new NoShadows(config.region());
  }

  void decideUpdatesWith(CopyUpdates how) {
    updates = how;
  }

  void shadowsBy(ShadowWork work) {
    shadows = work;
  }

  /** Who answers what is asked about shadows. Any thread. */
  ShadowWork shadows() {
    return shadows;
  }

  /** The payload goes along to those who must have it, and to those to whom it is worth it. */
  MetadataRecord outgoing(RegionName peer, MetadataRecord record) {
    boolean withPayload =
        places.isToHold(peer, record.key())
            || (places.isHome(record.key()) && isToPush(peer, record));
    return withPayload && config.allows(record) ? record : record.withoutPayload();
  }

  /** What is brought up to date, which is no news: of what need not be held, to holders alone. */
  MetadataRecord outgoingLate(RegionName peer, MetadataRecord record) {
    return places.isToHold(peer, record.key()) || holders.of(record.key()).contains(peer)
        ? outgoing(peer, record)
        : record.withoutPayload();
  }

  private boolean isToPush(RegionName region, MetadataRecord record) {
    Key key = record.key();
    CopyWrite.Held held = heldBy(region, key);
    boolean holds = held != CopyWrite.Held.NOTHING;
    if (!holds && store.conflictRules().of(key).keepsSiblings()) {
      return false; // a copy is of one value
    }
    Update update = updates.decide(region, record, peers.link(region).pressure(), held);
    if (update == Update.DROP) {
      holders.remove(key, region);
    } else if (update == Update.PUSH && !holds) {
      holders.add(key, region);
    }
    return update == Update.PUSH;
  }

  private CopyWrite.Held heldBy(RegionName region, Key key) {
    if (shadows.isAskedFor(key, region)) {
      return CopyWrite.Held.PROMISED_SHADOW;
    }
    if (shadows.hasShadow(key, region)) {
      return CopyWrite.Held.SHADOW;
    }
    return holders.of(key).contains(region) ? CopyWrite.Held.COPY : CopyWrite.Held.NOTHING;
  }

  /** Of what came from elsewhere, to those to whom it is worth it. By the committing thread. */
  void published(List<Published> changes) {
    if (holders.estimatedBytes() > 0 || (updates.decides() && peers.links().size() > 1)) {
      forwardAll(changes);
    }
  }

  private void forwardAll(List<Published> changes) {
    var toForward = new ArrayList<MetadataRecord>();
    for (Published change : changes) {
      boolean isOthers = !change.local() && change.record().payload() != null;
      if (isOthers && places.isHome(change.record().key())) {
        toForward.add(change.record().alone());
      }
    }
    if (!toForward.isEmpty()) {
      loop.execute(() -> toForward.forEach(this::forward));
    }
  }

  /** The home hands a payload on that another region wrote. */
  private void forward(MetadataRecord record) {
    if (!config.allows(record)) {
      return;
    }
    for (RegionName region : peers.members()) {
      if (places.isToHold(region, record.key())) {
        continue;
      }
      if (region.equals(record.header().writtenIn())) {
        updates.wrote(region, record);
      } else if (mayBeForwarded(region) && isToPush(region, record)) {
        peers.link(region).send(new Frame.Push(List.of(record)));
      }
    }
  }

  /** What goes to a region that is away is paid for, and lost. */
  private boolean mayBeForwarded(RegionName region) {
    Outbound link = peers.link(region);
    return link.isTrusted() && !link.isPaused();
  }

  /** A region that was asked for a payload may know less of the key than is known here. */
  void offer(RegionName region, Key key) {
    MetadataRecord known;
    try {
      known = copies.find(key);
    } catch (StorageException e) {
      return; // what cannot be read here is offered by others, or when they compare
    }
    if (known != null) {
      List<MetadataRecord> offered = List.of(outgoingLate(region, known));
      peers.link(region).send(new Frame.Repair(0, 0, true, List.of(), offered));
    }
  }

  /** A region has a copy from now on, and is sent what is newer. */
  void hasCopy(Key key, RegionName region) {
    if (!places.isToHold(region, key)) {
      holders.add(key, region);
    }
  }

  /** A region has none any more. */
  void hasNoCopy(Key key, RegionName region) {
    holders.remove(key, region);
  }

  /** It has fetched the record here. */
  void gaveCopy(MetadataRecord record, RegionName peer) {
    if (!places.isToHold(peer, record.key())) {
      holders.add(record.key(), peer);
      updates.isFetched(peer, record.key(), record.header());
      shadows.fetched(record.key(), peer);
    }
  }

  /**
   * Which other regions have a shadow of a key, and for how many milliseconds more; none if this
   * region does not know, or the peer is to hold the payload itself.
   */
  SortedMap<RegionName, Long> shadowsFor(RegionName peer, Key key) {
    var leftMs = new TreeMap<RegionName, Long>();
    if (places.isToHoldHere(key) && !places.isToHold(peer, key)) {
      leftMs.putAll(shadows.shadowsOf(key));
      leftMs.keySet().removeIf(region -> region.equals(peer) || !peers.isTrusted(region));
    }
    return leftMs;
  }

  /** It says that it holds none: what it was sent was of no use. */
  void dropped(RegionName by, Key key) {
    holders.remove(key, by);
    updates.dropped(by, key);
  }

  /** How often a peer reads its copies. */
  void areRead(RegionName by, List<Frame.Reading> readings) {
    for (Frame.Reading each : readings) {
      if (each.microReads() > 0 && !places.isToHold(by, each.key())) {
        holders.add(each.key(), by);
        isRead(by, each.key());
      }
    }
  }

  private void isRead(RegionName by, Key key) {
    try {
      updates.isRead(by, key, store.header(key), shadows.hasShadow(key, by));
    } catch (StorageException e) {
      // What is not known to be read is only sent a little less.
    }
  }
}
