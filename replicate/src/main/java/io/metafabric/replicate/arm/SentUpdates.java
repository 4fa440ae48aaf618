package io.metafabric.replicate.arm;

import io.metafabric.core.version.Dot;
import org.jspecify.annotations.Nullable;

/**
 * What was sent last to one region of each of the keys in the table of a {@link CopyKeeper}, by its
 * slots. Not thread-safe; the caller owns the clock.
 */
final class SentUpdates {
  static final long BYTES_A_SLOT = 2L * Long.BYTES + Byte.BYTES;

  /** For so long it has not been worth an update, and nobody there has read it. */
  static final long DROP_AFTER_MS = 300_000;

  private static final byte NOTHING = 0;
  private static final Update[] UPDATES = Update.values();

  /** One more than the number of what was decided last. */
  private final byte[] last;

  private final long[] decidedOn;
  private final long[] notWorthSinceMs;

  SentUpdates(int slots) {
    this.last = new byte[slots];
    this.decidedOn = new long[slots];
    this.notWorthSinceMs = new long[slots];
  }

  void forget(int slot) {
    last[slot] = NOTHING;
  }

  /** Null if nothing was decided yet. */
  @Nullable Update last(int slot) {
    return last[slot] == NOTHING ? null : UPDATES[last[slot] - 1];
  }

  /** What was decided for this very write; null if nothing was. */
  @Nullable Update decidedOn(int slot, Dot write) {
    return decidedOn[slot] == hash(write) ? last(slot) : null;
  }

  void decided(int slot, Dot write, Update update, long nowMs) {
    if (last(slot) == null || last(slot) == Update.PUSH) {
      notWorthSinceMs[slot] = nowMs;
    }
    last[slot] = (byte) (update.ordinal() + 1);
    decidedOn[slot] = hash(write);
  }

  /** Of two writes of a key: actors are drawn at random. */
  private static long hash(Dot write) {
    return write.actor().id() * 31 + write.counter();
  }

  void read(int slot, long nowMs) {
    notWorthSinceMs[slot] = nowMs;
  }

  boolean isForLongNotWorthIt(int slot, long nowMs) {
    Update before = last(slot);
    return before != null
        && before != Update.PUSH
        && nowMs - notWorthSinceMs[slot] >= DROP_AFTER_MS;
  }
}
