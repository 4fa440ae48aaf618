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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tells the payloads of changes for one peer by the versions that it has acknowledged, or, in a
 * frame of few records, by a dictionary of their namespace, where that is shorter. Belongs to the
 * loop.
 */
final class DeltaSender {
  /** The first protocol that has deltas. */
  private static final int SINCE = 3;

  /** Of so few similar records compression makes less than deltas do. */
  private static final int FEW_RECORDS = 4;

  private final DeltaConfig config;
  private final @Nullable DeltaCoding coding;
  private final @Nullable DictionarySender dictionaries;
  private final DeltaCounters counters;
  private final Clock clock;
  private final KnownPayloads known;
  private final ByteBudget budget;
  private boolean understood;

  // What was not acknowledged comes again without dictionaries: perhaps they were not understood.
  private boolean whole;

  /**
   * @param coding null if this node has none: everything goes whole
   * @param dictionaries null as well
   */
  DeltaSender(
      DeltaConfig config,
      @Nullable DeltaCoding coding,
      @Nullable DictionarySender dictionaries,
      DeltaCounters counters,
      Clock clock) {
    this.config = config;
    this.coding = coding;
    this.dictionaries = dictionaries;
    this.counters = counters;
    this.clock = clock;
    this.known = new KnownPayloads(config.knownBytes(), counters.knownBytes);
    this.budget = new ByteBudget(config.bytesPerSecond(), clock.nanoTime());
  }

  /** The peer can, or cannot, make payloads of deltas. */
  void understood(int protocol, boolean takesCompressed) {
    understood = protocol >= SINCE && takesCompressed;
  }

  /**
   * The same changes, with payloads told by what the peer has where that is shorter.
   *
   * @param send sends a frame in front of them; false if it was not taken
   */
  Frame encoded(Frame.Changes changes, Predicate<Frame> send) {
    DeltaCoding by = coding;
    if (by == null || !understood) {
      return changes;
    }
    var records = new ArrayList<MetadataRecord>(changes.records().size());
    var deltas = new ArrayList<Frame.Delta>();
    var told = new ArrayList<Frame.Told>();
    int least = minBytes(changes);
    for (MetadataRecord record : changes.records()) {
      Bytes payload = isLong(record, least) ? record.payload() : null;
      MetadataRecord base = payload == null ? null : known.baseOf(record);
      Frame.Delta delta = null;
      Frame.Told byDictionary = null;
      if (payload != null && base != null) {
        delta = deltaOf(record, payload, base, by);
      } else if (payload != null) {
        counters.baseUnknown.incrementAndGet();
        byDictionary = isOfFew(changes) ? toldOf(record, payload, send) : null;
      }
      if (delta != null) {
        deltas.add(delta);
      }
      if (byDictionary != null) {
        told.add(byDictionary);
      }
      records.add(delta == null && byDictionary == null ? record : record.withoutPayload());
    }
    return deltas.isEmpty() && told.isEmpty()
        ? changes
        : new Frame.Deltas(
            new Frame.Changes(changes.actor(), changes.after(), changes.upTo(), records),
            deltas,
            told);
  }

  private static boolean isOfFew(Frame.Changes changes) {
    return changes.records().size() <= FEW_RECORDS;
  }

  private int minBytes(Frame.Changes changes) {
    return isOfFew(changes) ? config.minFewBytes() : config.minBytes();
  }

  private static boolean isLong(MetadataRecord record, int least) {
    Bytes payload = record.payload();
    return payload != null
        && payload.length() >= least
        && !record.hasSiblings()
        && !record.key().isSystem();
  }

  private Frame.@Nullable Delta deltaOf(
      MetadataRecord record, Bytes payload, MetadataRecord base, DeltaCoding by) {
    Bytes before = base.payload();
    if (before == null || !pay(before.length() + payload.length())) {
      return null;
    }
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

  private Frame.@Nullable Told toldOf(MetadataRecord record, Bytes payload, Predicate<Frame> send) {
    return dictionaries == null || whole
        ? null
        : dictionaries.told(record, payload, this::pay, send);
  }

  private boolean pay(int bytes) {
    if (budget.waitNanos(clock.nanoTime()) > 0) {
      counters.overBudget.incrementAndGet();
      return false;
    }
    budget.spend(bytes);
    return true;
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
    Map<Long, Frame.Told> told = deltas.toldByCounter();
    for (MetadataRecord record : deltas.changes().records()) {
      long counter = record.header().version().dot().counter();
      Frame.Delta delta = byCounter.get(counter);
      Frame.Told byDictionary = told.get(counter);
      if (byDictionary != null && dictionaries != null) {
        dictionaries.sent(byDictionary, record.header().payloadBytes());
      }
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
    whole = false;
  }

  /** What is under way may not arrive. */
  void interrupted() {
    known.interrupted();
    whole = true;
  }

  /** A new connection: what is known only for as long as one lasts is not there any more. */
  void connected() {
    whole = false;
    if (dictionaries != null) {
      dictionaries.forgetAll();
    }
  }

  /** The peer does not have these dictionaries. */
  void refused(List<Long> numbers) {
    if (dictionaries != null) {
      dictionaries.refused(numbers);
    }
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
