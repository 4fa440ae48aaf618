package io.metafabric.node;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.predict.Foresight;
import io.metafabric.predict.OtherRegions;
import io.metafabric.predict.SummaryConfig;
import io.metafabric.predict.SummaryMaker;
import io.metafabric.replicate.Replicator;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;

/**
 * Tells other regions what is read here, and has the predictors learn from what they tell. Belongs
 * to the node's loop, beside counts.
 *
 * <p>What cannot be sent at once waits, and what is read meanwhile is joined to it: at most one
 * summary for each peer.
 */
final class AccessSummaries {
  /** Of one turn of the loop; it has other things to do. */
  private static final int READS_PER_TURN = 256;

  private final SummaryConfig config;
  private final List<RegionName> peers;
  private final RecordStore store;
  private final Replicator replicator;
  private final Foresight foresight;
  private final Clock clock;
  private final BooleanSupplier isPredicting;
  private final SummaryMaker maker;
  private final OtherRegions others;

  /** By peer, what it is to be told. */
  private final Map<RegionName, AccessSummary> waiting = new TreeMap<>();

  private long sequence;
  private long toldNanos;

  private final AtomicLong heldBytes = new AtomicLong();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong notSent = new AtomicLong();
  private final AtomicLong leftOut = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private final AtomicLong receivedBytes = new AtomicLong();
  private final AtomicLong repeated = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong learned = new AtomicLong();
  private final AtomicLong unknown = new AtomicLong();

  /**
   * @param random draws what clients' hashes are salted with, which nobody else is told
   */
  AccessSummaries(
      SummaryConfig config,
      Collection<RegionName> peers,
      RecordStore store,
      Replicator replicator,
      Foresight foresight,
      BooleanSupplier isPredicting,
      Clock clock,
      RandomGenerator random) {
    this.config = config;
    this.peers = config.isOn() ? List.copyOf(peers) : List.of();
    this.store = store;
    this.replicator = replicator;
    this.foresight = foresight;
    this.isPredicting = isPredicting;
    this.clock = clock;
    this.maker = new SummaryMaker(config.maxBytes(), this::exists, random);
    this.others = new OtherRegions(new Counts());
    this.toldNanos = clock.nanoTime();
  }

  /**
   * Whether there is a header of the key, which all regions have. A value of the host's system of
   * record has none, and is nobody else's business.
   */
  private boolean exists(Key key) {
    try {
      return store.header(key) != null;
    } catch (StorageException e) {
      // Whoever reads it is told.
      return false;
    }
  }

  /** A read here. */
  void read(AccessEvent event) {
    if (!peers.isEmpty() && isPredicting.getAsBoolean()) {
      maker.read(event);
    }
  }

  /** A peer has told of reads there. */
  void told(RegionName from, ActorId opening, Frame.Summary summary) {
    if (config.isOn()) {
      received.incrementAndGet();
      receivedBytes.addAndGet(SummaryCodec.bytesOf(summary.summary()));
      others.told(from, opening, summary.sequence(), summary.summary());
    } else {
      dropped.incrementAndGet();
    }
  }

  void tick() {
    if (peers.isEmpty()) {
      return;
    }
    if (!isPredicting.getAsBoolean()) {
      maker.clear();
      waiting.clear();
    } else if (clock.nanoTime() - toldNanos >= config.every().toNanos()) {
      toldNanos = clock.nanoTime();
      tellAll();
    }
    for (RegionName peer : new ArrayList<>(waiting.keySet())) {
      send(peer);
    }
    others.learn(foresight, this::exists, clock.wallMs(), READS_PER_TURN);
    leftOut.set(maker.leftOut());
    long bytes = maker.retainedBytes() + others.waitingBytes();
    for (AccessSummary each : waiting.values()) {
      bytes += each.retainedBytes();
    }
    heldBytes.set(bytes);
  }

  private void tellAll() {
    if (maker.isEmpty()) {
      return;
    }
    AccessSummary summary = maker.take();
    sequence++;
    for (RegionName peer : peers) {
      AccessSummary before = waiting.get(peer);
      if (!replicator.takesSummaries(peer)) {
        waiting.remove(peer);
        notSent.incrementAndGet();
      } else if (before == null) {
        waiting.put(peer, summary);
      } else {
        notSent.incrementAndGet();
        waiting.put(peer, SummaryMaker.joined(before, summary, config.maxBytes()));
      }
    }
  }

  private void send(RegionName peer) {
    AccessSummary summary = waiting.get(peer);
    if (summary != null && replicator.tellSummary(peer, new Frame.Summary(sequence, summary))) {
      waiting.remove(peer);
      sent.incrementAndGet();
      sentBytes.addAndGet(SummaryCodec.bytesOf(summary));
    }
  }

  SummaryStats stats() {
    return new SummaryStats(
        config.isOn(),
        sent.get(),
        sentBytes.get(),
        notSent.get(),
        leftOut.get(),
        received.get(),
        receivedBytes.get(),
        repeated.get(),
        dropped.get(),
        learned.get(),
        unknown.get());
  }

  MemoryUse memory() {
    long most =
        SummaryMaker.maxRetainedBytes(config.maxBytes())
            + peers.size() * SummaryMaker.maxRetainedBytes(config.maxBytes())
            + OtherRegions.MAX_WAITING_BYTES;
    return new MemoryUse("access summaries", heldBytes.get(), most);
  }

  private final class Counts implements OtherRegions.Counts {
    @Override
    public void learned(long reads) {
      learned.addAndGet(reads);
    }

    @Override
    public void repeated() {
      repeated.incrementAndGet();
    }

    @Override
    public void dropped() {
      dropped.incrementAndGet();
    }

    @Override
    public void unknown(long reads) {
      unknown.addAndGet(reads);
    }
  }
}
