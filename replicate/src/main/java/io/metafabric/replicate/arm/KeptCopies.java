package io.metafabric.replicate.arm;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies that stay for some time beside a cache, in memory. Holds a bounded number of bytes: to
 * make room, those go first that were used longest ago, but none that came a moment ago; then what
 * comes is not taken. Thread-safe; the caller owns the clock.
 */
public final class KeptCopies<V> {
  private record Kept<V>(V copy, KeptCopy.Cause cause, long bytes, double sinceMs, double untilMs) {
    boolean isOver(double nowMs) {
      return nowMs >= untilMs;
    }
  }

  private final Consumer<V> onPushedOut;

  // Guarded by this, as is all below. Those that were used last come last.
  private final Map<String, Kept<V>> copies = new LinkedHashMap<>(16, 0.75f, true);
  private long maxBytes;
  private long bytes;
  private long pushedOut;
  private long notTaken;
  private double fullUntilMs = Double.NEGATIVE_INFINITY;

  /**
   * @param maxBytes with 0 it takes nothing
   * @param onPushedOut is told under the lock of this
   */
  public KeptCopies(long maxBytes, Consumer<V> onPushedOut) {
    this.maxBytes = maxBytes;
    this.onPushedOut = onPushedOut;
  }

  /** From now on; what is over it goes. */
  public synchronized void setMaxBytes(long next) {
    maxBytes = next;
    makeRoom(0, Double.MAX_VALUE);
  }

  /**
   * Takes a copy, in place of what it has of the same path.
   *
   * @param cause for people
   * @param copyBytes that it takes
   * @param forMs from now on
   * @return whether there is room
   */
  public synchronized boolean put(
      String path, V copy, KeptCopy.Cause cause, long copyBytes, double forMs, double nowMs) {
    drop(path);
    if (!makeRoom(copyBytes, nowMs)) {
      notTaken++;
      fullUntilMs = nowMs + CopyKeeper.LEAST_MS;
      return false;
    }
    copies.put(path, new Kept<>(copy, cause, copyBytes, nowMs, nowMs + forMs));
    bytes += copyBytes;
    return true;
  }

  /** Nothing goes unless that makes room enough. */
  private boolean makeRoom(long more, double nowMs) {
    if (!canMakeRoom(more, nowMs)) {
      return false;
    }
    Iterator<Kept<V>> eldest = copies.values().iterator();
    while (bytes > maxBytes - more) {
      Kept<V> next = eldest.next();
      eldest.remove();
      bytes -= next.bytes();
      pushedOut++;
      onPushedOut.accept(next.copy());
    }
    return true;
  }

  private boolean canMakeRoom(long more, double nowMs) {
    long left = bytes;
    for (Kept<V> next : copies.values()) {
      if (left <= maxBytes - more || !mayGo(next, nowMs)) {
        break;
      }
      left -= next.bytes();
    }
    return left <= maxBytes - more;
  }

  private static boolean mayGo(Kept<?> kept, double nowMs) {
    return kept.isOver(nowMs) || nowMs - kept.sinceMs() >= CopyKeeper.LEAST_MS;
  }

  /**
   * Whether there is room for what comes unasked: without pushing anything out, as long as it is a
   * small part of all. For some seconds after something found none there is none: whoever sends is
   * to hear of it.
   */
  public synchronized boolean hasRoom(double nowMs) {
    return bytes < maxBytes - maxBytes / 8 && nowMs >= fullUntilMs;
  }

  /** The copy, unless its time is over; null if there is none. */
  public synchronized @Nullable V get(String path, double nowMs) {
    Kept<V> kept = copies.get(path);
    return kept == null || kept.isOver(nowMs) ? null : kept.copy();
  }

  /** What there is to say of a copy, unless its time is over; null if there is none. */
  public synchronized @Nullable KeptCopy explain(String path, double nowMs) {
    // This makes it one that was used last: one entry matters little.
    Kept<V> kept = copies.get(path);
    return kept == null || kept.isOver(nowMs)
        ? null
        : new KeptCopy(
            kept.cause(), kept.bytes(), ofMs(nowMs - kept.sinceMs()), ofMs(kept.untilMs() - nowMs));
  }

  private static Duration ofMs(double ms) {
    return Duration.ofMillis((long) ms);
  }

  /**
   * Keeps what it has for so long from now on, but not less than what is kept at all; nothing
   * happens if there is nothing.
   */
  public synchronized void keepOn(String path, double forMs, double nowMs) {
    copies.computeIfPresent(
        path,
        (same, kept) ->
            kept.isOver(nowMs)
                ? kept
                : new Kept<>(
                    kept.copy(),
                    kept.cause(),
                    kept.bytes(),
                    kept.sinceMs(),
                    Math.max(nowMs + forMs, kept.sinceMs() + CopyKeeper.LEAST_MS)));
  }

  public synchronized void drop(String path) {
    Kept<V> kept = copies.remove(path);
    if (kept != null) {
      bytes -= kept.bytes();
    }
  }

  /** Lets go of those whose time is over. Looks at all. */
  public synchronized void sweep(double nowMs) {
    Iterator<Kept<V>> each = copies.values().iterator();
    while (each.hasNext()) {
      Kept<V> kept = each.next();
      if (kept.isOver(nowMs)) {
        each.remove();
        bytes -= kept.bytes();
      }
    }
  }

  public synchronized KeptStats stats() {
    return new KeptStats(copies.size(), bytes, maxBytes, pushedOut, notTaken);
  }
}
