package io.metafabric.node;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.replicate.RebuildStats;
import io.metafabric.replicate.Rebuilding;
import io.metafabric.replicate.shadow.ShadowTerms;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Shadows that went with a region, or with its memory, and are made again, at the price of copies.
 * Owns which those are, and counts what came of them.
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
  private final SerialExecutor loop;
  private final Rebuilding rebuilding;
  private final Map<Key, ShadowTerms> remake = new LinkedHashMap<>();

  /** Of {@link #remake}. */
  private final Set<Key> underWay = new HashSet<>();

  /** Of {@link #remake}, those for which regions are missing that do not answer. */
  private final Set<Key> waiting = new HashSet<>();

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
      SerialExecutor loop,
      Rebuilding rebuilding) {
    this.talk = talk;
    this.leaves = leaves;
    this.maker = maker;
    this.store = store;
    this.loop = loop;
    this.rebuilding = rebuilding;
  }

  void add(Map<Key, ShadowTerms> lost) {
    remake.putAll(lost);
    waiting.removeAll(lost.keySet());
    while (remake.size() > MAX_REMAKES) {
      Key eldest = remake.keySet().iterator().next();
      remake.remove(eldest);
      waiting.remove(eldest);
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
            .filter(each -> !underWay.contains(each.getKey()) && !waiting.contains(each.getKey()))
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
      if (talk.isHolder(key)) {
        underWay.add(key);
        maker
            .makeAgain(key, each.terms())
            .whenComplete((made, failure) -> loop.execute(() -> ended(key, made)));
      } else {
        settled(key);
      }
    }
  }

  /** What could not be paid is tried again in the next sweep. */
  private void ended(Key key, ShadowMaker.@Nullable Made made) {
    underWay.remove(key);
    if (made != null) {
      remade(made, payloadBytes(key));
    }
    if (made == null) {
      settled(key);
    } else if (isAnySilent(made)) {
      waiting.add(key);
    } else if (!made.isUnpaid()) {
      settled(key);
    }
  }

  private static boolean isAnySilent(ShadowMaker.Made made) {
    return made.answers().stream().anyMatch(each -> each.outcome() == MoveOutcome.UNREACHABLE);
  }

  /** A region answers again that did not. */
  void reachedAgain() {
    waiting.clear();
  }

  private int payloadBytes(Key key) {
    try {
      Header header = store.header(key);
      return header == null ? 0 : header.payloadBytes();
    } catch (StorageException e) {
      return 0; // it is counted, though not with its bytes
    }
  }

  private void settled(Key key) {
    waiting.remove(key);
    if (remake.remove(key) != null) {
      remakeBytes.addAndGet(-HeldShadows.bytesOf(key));
      outstanding = remake.size();
    }
  }

  private void remade(ShadowMaker.Made made, int payloadBytes) {
    for (Frame.ShadowAnswer each : made.answers()) {
      if (each.outcome() == MoveOutcome.DONE) {
        remakes.incrementAndGet();
        remadeBytes.addAndGet(payloadBytes);
      } else if (!made.isUnpaid() && each.outcome() != MoveOutcome.UNREACHABLE) {
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
