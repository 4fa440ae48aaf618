package io.metafabric.replicate.arm;

import java.util.Arrays;

/**
 * How likely it is, and how soon, that a payload is read in this region before the key changes:
 * learned from what changed and what was read. What is new is as likely to be read as others were;
 * of what changes again and again its own past counts. A table of so many keys as it is made for:
 * of those that share a place the one with the fewest versions gives way, and counts as new. Draws
 * nothing by chance. Not thread-safe; the caller owns the clock.
 */
final class ReadOdds {
  static final long BYTES_A_SLOT = Integer.BYTES + Long.BYTES + 6L;
  private static final int WAYS = 4;

  /** What is known of all weighs as much as so many versions of the key itself. */
  private static final double PRIOR = 8;

  /** Of one key; what was counted before fades by half then. */
  private static final int MOST_VERSIONS = 16;

  /** After so many events it is counted anew what has been waiting for how long. */
  private static final int COUNT_EVERY = 512;

  /** At first after so many, twice as many, and so on, so that little is enough to begin with. */
  private static final int COUNT_FIRST = 16;

  /** After so many events what was counted before weighs half. */
  private static final int FADE_EVERY = 1 << 13;

  private static final int MAX_AGE = 30;

  private static final int KINDS = 4;

  /** Beside its slots. */
  static final long TABLE_BYTES = 2L * KINDS * LifeTable.BYTES;

  private static final byte NOTHING = 0;
  private static final byte CHANGED = 1;
  private static final byte READ = 2;

  /** Changed, and nobody will say whether it is read. */
  private static final byte UNSEEN = 3;

  private final int slots;
  private final int[] hashes;
  private final byte[] versions;
  private final byte[] versionsRead;
  private final byte[] versionsUnseen;

  /** What happened last to it. */
  private final byte[] last;

  private final long[] lastMs;

  /** For how many keys it stands until something happens next. */
  private final byte[] stands;

  /** How often counts had faded then. */
  private final byte[] lastAge;

  /** By {@link #kind}: what changes often lives short, and is read otherwise than the rest. */
  private final LifeTable[] afterChange = tables();

  private final LifeTable[] afterRead = tables();
  private long events;
  private int age;

  /**
   * @param slots a power of two
   */
  ReadOdds(int slots) {
    this.slots = slots;
    this.hashes = new int[slots];
    this.versions = new byte[slots];
    this.versionsRead = new byte[slots];
    this.versionsUnseen = new byte[slots];
    this.last = new byte[slots];
    this.lastMs = new long[slots];
    this.stands = new byte[slots];
    this.lastAge = new byte[slots];
  }

  /**
   * What is to be expected of a payload.
   *
   * @param times of other keys
   * @param likelier than of these it is that it is read, as a factor
   */
  record Outlook(LifeTable times, double likelier) {
    double chance(int span) {
      return Math.min(1, times.chance(span) * likelier);
    }

    double heldMs(int span) {
      return times.heldMs(span);
    }
  }

  private static LifeTable[] tables() {
    var tables = new LifeTable[KINDS];
    Arrays.setAll(tables, kind -> new LifeTable());
    return tables;
  }

  /** By how many versions there were: 1, up to 3, up to 7, more. */
  private int kind(int slot) {
    return Math.min(
        KINDS - 1, Integer.SIZE - 1 - Integer.numberOfLeadingZeros(Math.max(1, versions[slot])));
  }

  /** Others made a version of a key. */
  void changed(int slot, long nowMs) {
    end(slot, false, nowMs);
    if (versions[slot] == MOST_VERSIONS) {
      versions[slot] = (byte) (versions[slot] / 2);
      versionsRead[slot] = (byte) (versionsRead[slot] / 2);
      versionsUnseen[slot] = (byte) (versionsUnseen[slot] / 2);
    }
    versions[slot]++;
    begin(slot, CHANGED, nowMs);
  }

  /**
   * The version that was made last was sent, so that its first read may not be seen.
   *
   * @param standsFor how many keys, if it will be told; 0 if it will not
   */
  void sent(int slot, int standsFor) {
    if (standsFor == 0) {
      last[slot] = UNSEEN;
      versionsUnseen[slot]++;
    } else {
      stands[slot] = (byte) standsFor;
    }
  }

  /** This region made a version itself, and so has its payload. */
  void changedHere(int slot, long nowMs) {
    end(slot, false, nowMs);
    begin(slot, READ, nowMs);
  }

  /**
   * A key was read here.
   *
   * @param cached whether a cache had it, so that nothing else was needed
   */
  void read(int slot, boolean cached, long nowMs) {
    if (last[slot] == CHANGED) {
      versionsRead[slot]++;
    }
    end(slot, !cached, nowMs);
    begin(slot, READ, nowMs);
  }

  /** Whether others made the last version, and it was not read since. */
  boolean isUnread(int slot) {
    return last[slot] == CHANGED;
  }

  private void begin(int slot, byte what, long nowMs) {
    last[slot] = what;
    stands[slot] = 1;
    lastMs[slot] = nowMs;
    lastAge[slot] = (byte) age;
    events++;
    if (events % FADE_EVERY == 0) {
      fade();
    }
    boolean early = events >= COUNT_FIRST && events < COUNT_EVERY && Long.bitCount(events) == 1;
    if (early || events % COUNT_EVERY == 0) {
      countWaiting(nowMs);
    }
  }

  private void fade() {
    age++;
    for (int kind = 0; kind < KINDS; kind++) {
      afterChange[kind].fade();
      afterRead[kind].fade();
    }
  }

  /** What began longer ago weighs less, whether it has ended by now or not. */
  private double weight(int slot) {
    return (double) stands[slot] / (1L << (byte) (age - lastAge[slot]));
  }

  private void end(int slot, boolean needed, long nowMs) {
    if (last[slot] == NOTHING || last[slot] == UNSEEN) {
      return;
    }
    LifeTable table = (last[slot] == CHANGED ? afterChange : afterRead)[kind(slot)];
    if (needed) {
      table.needed(nowMs - lastMs[slot], weight(slot));
    } else {
      table.over(nowMs - lastMs[slot], weight(slot));
    }
  }

  private void countWaiting(long nowMs) {
    for (int kind = 0; kind < KINDS; kind++) {
      afterChange[kind].clearWaiting();
      afterRead[kind].clearWaiting();
    }
    for (int slot = 0; slot < slots; slot++) {
      if (last[slot] != NOTHING && last[slot] != UNSEEN) {
        // So that an age that has come round does not look young.
        if ((byte) (age - lastAge[slot]) > MAX_AGE) {
          lastAge[slot] = (byte) (age - MAX_AGE);
        }
        LifeTable[] tables = last[slot] == CHANGED ? afterChange : afterRead;
        tables[kind(slot)].waiting(nowMs - lastMs[slot], weight(slot));
      }
    }
    for (int kind = 0; kind < KINDS; kind++) {
      afterChange[kind].compute();
      afterRead[kind].compute();
    }
  }

  /** Of a version that has come now. */
  Outlook afterChange(int slot) {
    LifeTable others = afterChange[kind(slot)];
    // The version that has come is not among those whose fate is known.
    int seen = Math.max(0, versions[slot] - versionsUnseen[slot] - 1);
    double own = (versionsRead[slot] + PRIOR * others.chance()) / (seen + PRIOR);
    return new Outlook(others, own / others.chance());
  }

  /** Of a payload that is here now. */
  Outlook afterRead(int slot) {
    return new Outlook(afterRead[kind(slot)], 1);
  }

  /** The place of a key; -1 if it has none. */
  int slotOf(String path) {
    int hash = spread(path.hashCode());
    int first = (hash & (slots / WAYS - 1)) * WAYS;
    for (int i = first; i < first + WAYS; i++) {
      if (hashes[i] == hash && last[i] != NOTHING) {
        return i;
      }
    }
    return -1;
  }

  /** A place for a key that has none. */
  int take(String path) {
    int hash = spread(path.hashCode());
    int first = (hash & (slots / WAYS - 1)) * WAYS;
    int fewest = first;
    for (int i = first; i < first + WAYS; i++) {
      boolean older = versions[i] == versions[fewest] && lastMs[i] < lastMs[fewest];
      if (last[i] == NOTHING || versions[i] < versions[fewest] || older) {
        fewest = i;
        if (last[i] == NOTHING) {
          break;
        }
      }
    }
    hashes[fewest] = hash;
    versions[fewest] = 0;
    versionsRead[fewest] = 0;
    versionsUnseen[fewest] = 0;
    last[fewest] = NOTHING;
    return fewest;
  }

  /** MurmurHash3's finaliser, as replays were measured with it: all bits decide on the place. */
  static int spread(int hash) {
    int h = (hash ^ (hash >>> 16)) * 0x85ebca6b;
    h = (h ^ (h >>> 13)) * 0xc2b2ae35;
    return h ^ (h >>> 16);
  }
}
