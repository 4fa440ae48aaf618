package io.metafabric.replicate.arm;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies that stay for some time beside a cache, in memory. Holds a bounded number of bytes, of
 * room that it shares with other copies: to make room, those go first that were used longest ago,
 * but none that came a moment ago; then what comes is not taken. Thread-safe; the caller owns the
 * clock.
 */
public final class KeptCopies<V> {
  private record Kept<V>(V copy, KeptCopy.Cause cause, long bytes, double sinceMs, double untilMs) {
    boolean isOver(double nowMs) {
      return nowMs >= untilMs;
    }
  }

  private final CopyRoom room;
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
   * @param room which it shares
   * @param onPushedOut is told under the lock of this
   */
  public KeptCopies(long maxBytes, CopyRoom room, Consumer<V> onPushedOut) {
    this.maxBytes = maxBytes;
    this.room = room;
    this.onPushedOut = onPushedOut;
  }

  /** From now on; what is over it goes, and what is over the bound of the room. */
  public synchronized void setMaxBytes(long next) {
    maxBytes = next;
    makeRoom(0, Double.MAX_VALUE);
  }

  /** Gives up so many bytes for other copies, if all of them may go; else none. */
  public synchronized void giveUp(long missing, double nowMs) {
    if (missing <= bytes) {
      shrinkTo(bytes - missing, nowMs);
    }
  }

  /** Within its own bound, and in the room that others leave. */
  private long bound() {
    return Math.min(maxBytes, room.maxFor(bytes));
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
    if (!makeRoom(copyBytes, nowMs) || !room.takeIfFree(copyBytes)) {
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
    return shrinkTo(bound() - more, nowMs);
  }

  private boolean shrinkTo(long most, double nowMs) {
    if (!canShrinkTo(most, nowMs)) {
      return false;
    }
    Iterator<Kept<V>> eldest = copies.values().iterator();
    while (bytes > most) {
      Kept<V> next = eldest.next();
      eldest.remove();
      release(next);
      pushedOut++;
      onPushedOut.accept(next.copy());
    }
    return true;
  }

  private boolean canShrinkTo(long most, double nowMs) {
    long left = bytes;
    for (Kept<V> next : copies.values()) {
      if (left <= most || !mayGo(next, nowMs)) {
        break;
      }
      left -= next.bytes();
    }
    return left <= most;
  }

  private void release(Kept<V> gone) {
    bytes -= gone.bytes();
    room.release(gone.bytes());
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
    long bound = bound();
    return bytes < bound - bound / 8 && nowMs >= fullUntilMs;
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
      release(kept);
    }
  }

  /** Lets go of those whose time is over. Looks at all. */
  public synchronized void sweep(double nowMs) {
    Iterator<Kept<V>> each = copies.values().iterator();
    while (each.hasNext()) {
      Kept<V> kept = each.next();
      if (kept.isOver(nowMs)) {
        each.remove();
        release(kept);
      }
    }
  }

  public synchronized KeptStats stats() {
    return new KeptStats(copies.size(), bytes, maxBytes, pushedOut, notTaken);
  }
}
