package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Shadows that went with a region that was evicted, and are made again elsewhere, at the price of
 * copies. Owns which those are, and counts what came of them.
 *
 * <p>Belongs to the loop, but for what says otherwise.
 */
final class LostShadows {
  /** Beyond that, what went with a region is made again when it is read. */
  private static final int MAX_REMAKES = 4096;

  private static final int MAX_REMAKES_IN_SWEEP = 16;

  /**
   * A shadow that went with its region.
   *
   * @param left how many others there are
   */
  private record Lost(Key key, ShadowTerms terms, int left, double readsPerSecond) {}

  private static final Comparator<Lost> MOST_AT_RISK_FIRST =
      Comparator.comparingInt(Lost::left)
          .thenComparing(Comparator.comparingDouble(Lost::readsPerSecond).reversed())
          .thenComparing(Lost::key);

  private final ShadowTalk talk;
  private final ShadowLeaves leaves;
  private final ShadowMaker maker;
  private final RecordStore store;
  private final Rebuilding rebuilding;
  private final Map<Key, ShadowTerms> remake = new LinkedHashMap<>();
  private final AtomicLong remakeBytes = new AtomicLong();
  private volatile int outstanding;
  private final AtomicLong remakes = new AtomicLong();
  private final AtomicLong remadeBytes = new AtomicLong();
  private final AtomicLong remakesFailed = new AtomicLong();

  LostShadows(
      ShadowTalk talk,
      ShadowLeaves leaves,
      ShadowMaker maker,
      RecordStore store,
      Rebuilding rebuilding) {
    this.talk = talk;
    this.leaves = leaves;
    this.maker = maker;
    this.store = store;
    this.rebuilding = rebuilding;
  }

  void add(Map<Key, ShadowTerms> lost) {
    remake.putAll(lost);
    while (remake.size() > MAX_REMAKES) {
      remake.remove(remake.keySet().iterator().next());
      remakesFailed.incrementAndGet();
    }
    outstanding = remake.size();
    remakeBytes.set(remake.keySet().stream().mapToLong(HeldShadows::bytesOf).sum());
  }

  /** Those first of which fewest are left, then what is read. */
  void remakeSome() {
    // Looked up once each: leaves end and rates change while it is sorted.
    List<Lost> first =
        remake.entrySet().stream()
            .map(
                each ->
                    new Lost(
                        each.getKey(),
                        each.getValue(),
                        leaves.of(each.getKey()).size(),
                        rebuilding.readsPerSecond(each.getKey())))
            .sorted(MOST_AT_RISK_FIRST)
            .limit(MAX_REMAKES_IN_SWEEP)
            .toList();
    for (Lost each : first) {
      Key key = each.key();
      int payloadBytes;
      try {
        Header header = store.header(key);
        payloadBytes = header == null ? 0 : header.payloadBytes();
      } catch (StorageException e) {
        continue; // until it can be read
      }
      // It is sent to those that have one too.
      int sent =
          talk.isHolder(key) ? each.terms().factor() - ShadowTalk.homesIn(talk.homesOf(key)) : 0;
      if (sent > 0 && !rebuilding.take((long) sent * payloadBytes)) {
        return;
      }
      remake.remove(key);
      remakeBytes.addAndGet(-HeldShadows.bytesOf(key));
      outstanding = remake.size();
      if (sent > 0) {
        maker.make(key, each.terms()).thenAccept(answers -> remade(answers, payloadBytes));
      }
    }
  }

  private void remade(List<Frame.ShadowAnswer> answers, int payloadBytes) {
    for (Frame.ShadowAnswer each : answers) {
      if (each.outcome() == MoveOutcome.DONE) {
        remakes.incrementAndGet();
        remadeBytes.addAndGet(payloadBytes);
      } else {
        remakesFailed.incrementAndGet();
      }
    }
  }

  /** Any thread. */
  RebuildStats stats() {
    return new RebuildStats(outstanding, remakes.get(), remadeBytes.get(), remakesFailed.get());
  }

  /** Any thread. */
  MemoryUse memory() {
    return new MemoryUse(
        "shadows to be made again", remakeBytes.get(), MAX_REMAKES * HeldShadows.MOST_BYTES);
  }
}
