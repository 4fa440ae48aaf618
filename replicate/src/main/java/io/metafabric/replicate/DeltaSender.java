package io.metafabric.replicate;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tells the payloads of changes for one peer by the versions that it has acknowledged, where that
 * is shorter. Belongs to the loop.
 */
final class DeltaSender {
  /** The first protocol that has deltas. */
  private static final int SINCE = 3;

  /** Of so few similar records compression makes less than deltas do. */
  private static final int FEW_RECORDS = 4;

  private final DeltaConfig config;
  private final @Nullable DeltaCoding coding;
  private final DeltaCounters counters;
  private final Clock clock;
  private final KnownPayloads known;
  private final ByteBudget budget;
  private boolean understood;

  /**
   * @param coding null if this node has none: everything goes whole
   */
  DeltaSender(
      DeltaConfig config, @Nullable DeltaCoding coding, DeltaCounters counters, Clock clock) {
    this.config = config;
    this.coding = coding;
    this.counters = counters;
    this.clock = clock;
    this.known = new KnownPayloads(config.knownBytes(), counters.knownBytes);
    this.budget = new ByteBudget(config.bytesPerSecond(), clock.nanoTime());
  }

  /** The peer can, or cannot, make payloads of deltas. */
  void understood(int protocol, boolean takesCompressed) {
    understood = protocol >= SINCE && takesCompressed;
  }

  /** The same changes, with deltas where they are shorter. */
  Frame encoded(Frame.Changes changes) {
    DeltaCoding by = coding;
    if (by == null || !understood) {
      return changes;
    }
    var records = new ArrayList<MetadataRecord>(changes.records().size());
    var deltas = new ArrayList<Frame.Delta>();
    int least = minBytes(changes);
    for (MetadataRecord record : changes.records()) {
      Frame.Delta delta = isLong(record, least) ? deltaOf(record, by) : null;
      if (delta != null) {
        deltas.add(delta);
      }
      records.add(delta == null ? record : record.withoutPayload());
    }
    return deltas.isEmpty()
        ? changes
        : new Frame.Deltas(
            new Frame.Changes(changes.actor(), changes.after(), changes.upTo(), records), deltas);
  }

  private int minBytes(Frame.Changes changes) {
    return changes.records().size() <= FEW_RECORDS ? config.minFewBytes() : config.minBytes();
  }

  private static boolean isLong(MetadataRecord record, int least) {
    Bytes payload = record.payload();
    return payload != null
        && payload.length() >= least
        && !record.hasSiblings()
        && !record.key().isSystem();
  }

  private Frame.@Nullable Delta deltaOf(MetadataRecord record, DeltaCoding by) {
    MetadataRecord base = known.baseOf(record);
    Bytes before = base == null ? null : base.payload();
    Bytes payload = record.payload();
    if (base == null || before == null || payload == null) {
      counters.baseUnknown.incrementAndGet();
      return null;
    }
    if (budget.waitNanos(clock.nanoTime()) > 0) {
      counters.overBudget.incrementAndGet();
      return null;
    }
    budget.spend((long) before.length() + payload.length());
    Bytes delta = by.encode(before, payload);
    if (delta == null) {
      counters.notSmaller.incrementAndGet();
      return null;
    }
    return new Frame.Delta(
        record.header().version().dot().counter(),
        base.header().version().dot(),
        base.header().payloadCrc32c(),
        delta);
  }

  /** The changes are under way, as {@link #encoded} gave them. */
  void sent(Frame.Changes changes, Frame as) {
    if (coding == null || !understood) {
      return;
    }
    if (as instanceof Frame.Deltas deltas) {
      count(deltas);
    }
    // Of what comes by the dozen little comes again soon, and by itself: short payloads of such a
    // batch are not remembered.
    int least = minBytes(changes);
    for (MetadataRecord record : changes.records()) {
      known.sent(record, isLong(record, least));
    }
  }

  private void count(Frame.Deltas deltas) {
    long sentBytes = 0;
    long wholeBytes = 0;
    Map<Long, Frame.Delta> byCounter = deltas.byCounter();
    for (MetadataRecord record : deltas.changes().records()) {
      Frame.Delta delta = byCounter.get(record.header().version().dot().counter());
      if (delta != null) {
        sentBytes += delta.bytes().length() + Frame.Delta.OVERHEAD_BYTES;
        wholeBytes += record.header().payloadBytes();
      }
    }
    counters.sent.addAndGet(byCounter.size());
    counters.sentBytes.addAndGet(sentBytes);
    counters.savedBytes.addAndGet(wholeBytes - sentBytes);
  }

  void acknowledged(ActorId actor, long upTo) {
    known.acknowledged(actor, upTo);
  }

  /** What is under way may not arrive. */
  void interrupted() {
    known.interrupted();
  }

  /** The peer does not hold these. */
  void forget(List<Key> keys) {
    keys.forEach(known::forget);
  }

  /** The peer has lost something, or is another one. */
  void forgetAll() {
    known.clear();
  }
}
