package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Copies that were decided on and have not been read yet, and what became of those before. Bounded
 * in bytes. Not thread-safe.
 */
final class CopyLedger {
  static final long MAX_BYTES = 4L << 20;

  /** A copy, its key's object and text's, and the place in a map. */
  private static final int BYTES_PER_COPY = 280;

  /** For so long a copy is not made again that was lost before anybody had read it. */
  static final long RESIDENCY_NANOS = 1_000_000_000L;

  /** Ten times the horizon of the library's own predictions: it was not to be. */
  static final long UNREAD_NANOS = 300_000_000_000L;

  private static final double MICRO = 1e6;

  private static final class Copy {
    final Key key;
    final RegionName from;
    final int payloadBytes;
    final double savedMs;
    final double perMs;
    final double cost;
    final double ratio;
    final long madeNanos;
    long lookedNanos;
    boolean settled;

    Copy(Candidate candidate, Appraisal appraisal, long nowNanos) {
      this.key = candidate.key();
      this.from = candidate.from();
      this.payloadBytes = candidate.payloadBytes();
      this.savedMs = appraisal.savedMs();
      this.perMs = appraisal.perMs();
      this.cost = appraisal.cost();
      this.ratio = appraisal.ratio();
      this.madeNanos = nowNanos;
      this.lookedNanos = nowNanos;
    }
  }

  private final CopyAccount account;
  private final PayThreshold threshold;
  private final Predicate<Key> held;
  private final Map<RegionName, CopyTotals> totals = new TreeMap<>();

  /** The one that was looked at last comes last. */
  private final Map<String, Copy> unread = new LinkedHashMap<>();

  /** When those were made that nobody has read and nobody will. */
  private final Map<String, Long> lost = new LinkedHashMap<>();

  private long bytes;

  /**
   * @param held whether a key's payload is here
   */
  CopyLedger(CopyAccount account, PayThreshold threshold, Predicate<Key> held) {
    this.account = account;
    this.threshold = threshold;
    this.held = held;
  }

  boolean isFullFor(Key key) {
    return bytes + bytesOf(key.path()) > MAX_BYTES;
  }

  private static long bytesOf(String path) {
    return (long) BYTES_PER_COPY + path.length();
  }

  /** Whether it is not to be made again yet. */
  boolean isSettled(Key key) {
    return !unread.containsKey(key.path()) && !lost.containsKey(key.path());
  }

  void made(Decision decision, long wireBytes, long nowNanos) {
    Candidate candidate = decision.candidate();
    unread.put(candidate.key().path(), new Copy(candidate, decision.appraisal(), nowNanos));
    bytes += bytesOf(candidate.key().path());
    CopyTotals before = totals.getOrDefault(candidate.from(), CopyTotals.NONE);
    totals.put(candidate.from(), before.made(wireBytes, decision.appraisal().price() / MICRO));
  }

  /**
   * Its first read.
   *
   * @param waitedMs for a copy that was still on its way
   */
  void used(String path, double waitedMs) {
    Copy copy = removeUnread(path);
    if (copy != null) {
      double savedMs = Math.max(0, copy.savedMs - waitedMs);
      double worth = savedMs * copy.perMs;
      settle(copy, worth);
      totals.merge(copy.from, CopyTotals.NONE.used(savedMs, worth / MICRO), CopyTotals::plus);
    }
  }

  /** It has left before anybody had read it. */
  void wasted(String path, long nowNanos) {
    Copy copy = removeUnread(path);
    if (copy != null) {
      settle(copy, 0);
      if (nowNanos - copy.madeNanos < RESIDENCY_NANOS) {
        lost.put(path, copy.madeNanos);
        bytes += bytesOf(path);
      }
    }
  }

  /** It has not come. */
  void failed(String path) {
    removeUnread(path);
  }

  private @Nullable Copy removeUnread(String path) {
    Copy copy = unread.remove(path);
    if (copy != null) {
      bytes -= bytesOf(path);
      account.release(copy.payloadBytes);
    }
    return copy;
  }

  private void settle(Copy copy, double worth) {
    if (!copy.settled && copy.cost > 0) {
      threshold.settled(copy.ratio, worth / copy.cost);
    }
    copy.settled = true;
  }

  /**
   * Forgets what has passed. What left without a word (a tier may refuse what is too large for it)
   * does not count as stored for ever.
   */
  void tick(long nowNanos) {
    Iterator<Map.Entry<String, Long>> eldest = lost.entrySet().iterator();
    while (eldest.hasNext()) {
      Map.Entry<String, Long> next = eldest.next();
      if (nowNanos - next.getValue() < RESIDENCY_NANOS) {
        break;
      }
      bytes -= bytesOf(next.getKey());
      eldest.remove();
    }
    while (!unread.isEmpty()) {
      Copy copy = unread.values().iterator().next();
      if (nowNanos - copy.lookedNanos < UNREAD_NANOS) {
        break;
      }
      lookAt(copy, nowNanos);
    }
  }

  private void lookAt(Copy copy, long nowNanos) {
    settle(copy, 0);
    if (held.test(copy.key)) {
      copy.lookedNanos = nowNanos;
      unread.remove(copy.key.path());
      unread.put(copy.key.path(), copy);
    } else {
      removeUnread(copy.key.path());
    }
  }

  Map<RegionName, CopyTotals> totals() {
    return Collections.unmodifiableMap(new TreeMap<>(totals));
  }

  long retainedBytes() {
    return bytes;
  }
}
