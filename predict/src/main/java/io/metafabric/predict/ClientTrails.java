package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The last {@value #DEPTH} reads and needs of each client, as references, in a table that grows
 * with its clients up to its bound.
 *
 * <p>A client is known by the hash of its name, so that a table for many thousand clients holds no
 * strings; two clients with the same hash share a row, which costs accuracy and nothing else. Who
 * chooses names does not choose chains: where hashes are chained is drawn at random. Once the table
 * may not grow, who has not read since the CLOCK hand last came by makes room. Not thread-safe.
 */
final class ClientTrails {
  private static final int DEPTH = 2;

  /** Reads, then needs, each the newest first. */
  private static final int TRAIL_INTS = 2 * DEPTH;

  /** Hash, last need, chain, bucket, clock and trail. */
  private static final int BYTES_PER_CLIENT = 4 + 4 + 4 + 4 + 1 + 4 * TRAIL_INTS;

  private static final int FIRST_CLIENTS = 32;

  /** Marks what {@link #save} writes: the first form began with a number that was not negative. */
  private static final int FORM = -2;

  /** Of a set, in the first form. */
  private static final int FIRST_FORM_WAYS = 8;

  /** How far one more moves a mean. */
  private static final double RECENT = 1.0 / 512;

  /** Odd; with its multiples two hashes meet in one of n buckets in 2 / n of all draws at most. */
  private final long multiplier;

  private final int max;
  private int capacity;
  private int[] hashes;

  /** The client's last need by number; 0 if there was none. */
  private int[] lastNeeds;

  private int[] trails;
  private int[] next;
  private boolean[] lately;

  /** The first row of each chain, and in {@link #next} the one behind it; from 1, 0 is none. */
  private int[] buckets;

  private int count;
  private int hand;
  private int needs;
  private double logBetween;

  /**
   * @param seed should be drawn at random; what is saved can be restored with another
   */
  ClientTrails(long maxBytes, long seed) {
    this.multiplier = new SplittableRandom(seed).nextLong() | 1;
    this.max = (int) Math.max(1, Math.min(1 << 24, maxBytes / BYTES_PER_CLIENT));
    this.capacity = Math.min(FIRST_CLIENTS, max);
    this.hashes = new int[capacity];
    this.lastNeeds = new int[capacity];
    this.trails = new int[capacity * TRAIL_INTS];
    this.next = new int[capacity];
    this.lately = new boolean[capacity];
    this.buckets = new int[Integer.highestOneBit(capacity)];
  }

  /** The client's row, until the next call; all zeros if the client is new to the table. */
  int rowOf(String client) {
    int hash = hashOf(client);
    int row = find(hash);
    if (row < 0) {
      row = enter(hash);
    }
    lately[row] = true;
    return row;
  }

  /** The client's row, until the next call; -1 if it has none. Changes nothing. */
  int find(String client) {
    return find(hashOf(client));
  }

  private static int hashOf(String client) {
    int hash = client.hashCode() * 0x9E3779B9;
    return hash ^ hash >>> 15;
  }

  private int bucket(int hash) {
    long product = Integer.toUnsignedLong(hash) * multiplier;
    return (int) (product >>> Integer.SIZE) & (buckets.length - 1);
  }

  private int find(int hash) {
    int row = buckets[bucket(hash)] - 1;
    while (row >= 0 && hashes[row] != hash) {
      row = next[row] - 1;
    }
    return row;
  }

  private int enter(int hash) {
    if (count == capacity && capacity < max) {
      resize(Math.min(max, capacity + Math.max(FIRST_CLIENTS, capacity / 8)));
    }
    int row = count;
    if (count < capacity) {
      count++;
    } else {
      row = takeOne();
    }
    hashes[row] = hash;
    chain(row);
    return row;
  }

  private void chain(int row) {
    int bucket = bucket(hashes[row]);
    next[row] = buckets[bucket];
    buckets[bucket] = row + 1;
  }

  private void resize(int to) {
    capacity = to;
    hashes = Arrays.copyOf(hashes, to);
    lastNeeds = Arrays.copyOf(lastNeeds, to);
    trails = Arrays.copyOf(trails, to * TRAIL_INTS);
    lately = Arrays.copyOf(lately, to);
    next = new int[to];
    buckets = new int[Integer.highestOneBit(to)];
    for (int row = 0; row < count; row++) {
      chain(row);
    }
  }

  /** Empties the row of a client that has been silent. */
  private int takeOne() {
    while (lately[hand]) {
      lately[hand] = false;
      advance();
    }
    int row = hand;
    advance();
    int bucket = bucket(hashes[row]);
    if (buckets[bucket] == row + 1) {
      buckets[bucket] = next[row];
    } else {
      int before = buckets[bucket] - 1;
      while (next[before] != row + 1) {
        before = next[before] - 1;
      }
      next[before] = next[row];
    }
    lastNeeds[row] = 0;
    Arrays.fill(trails, row * TRAIL_INTS, (row + 1) * TRAIL_INTS, 0);
    return row;
  }

  private void advance() {
    hand = hand + 1 < capacity ? hand + 1 : 0;
  }

  /** The client needs something: how many needs ago it did before is counted. */
  void countNeed(int row) {
    needs++;
    if (lastNeeds[row] != 0) {
      // A difference, because the counter wraps around.
      logBetween += (log2(Math.max(1, needs - lastNeeds[row])) - logBetween) * RECENT;
    }
    lastNeeds[row] = needs;
  }

  /** Exact for powers of two, and linear in between, which is near enough. */
  private static double log2(int value) {
    int power = Integer.highestOneBit(value);
    return Integer.numberOfTrailingZeros(power) + (double) (value - power) / power;
  }

  /** How many needs ago a client needed something before: the geometric mean, about. */
  double needsBetween() {
    return StrictMath.pow(2, logBetween);
  }

  /** The {@code i}th newest read; 0 if there were fewer. */
  int read(int row, int i) {
    return trails[row * TRAIL_INTS + i];
  }

  /** The {@code i}th newest need; 0 if there were fewer. */
  int need(int row, int i) {
    return trails[row * TRAIL_INTS + DEPTH + i];
  }

  void pushRead(int row, int reference) {
    push(row * TRAIL_INTS, reference);
  }

  void pushNeed(int row, int reference) {
    push(row * TRAIL_INTS + DEPTH, reference);
  }

  private void push(int from, int reference) {
    System.arraycopy(trails, from, trails, from + 1, DEPTH - 1);
    trails[from] = reference;
  }

  void save(ByteWriter out) {
    out.i32(FORM).i32(capacity).i32(count).i32(needs);
    for (int row = 0; row < count; row++) {
      out.i32(hashes[row]).i32(lastNeeds[row]);
      for (int i = 0; i < TRAIL_INTS; i++) {
        out.i32(trails[row * TRAIL_INTS + i]);
      }
    }
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or beyond the bound
   */
  void restore(ByteReader in) {
    int form = in.i32("form of trails");
    if (form >= 0) {
      restoreFirstForm(in, form);
      return;
    }
    if (form != FORM) {
      throw new WireFormatException("trails were of another form");
    }
    int places = in.i32("places of trails");
    int saved = in.i32("trails");
    if (places < capacity || places > max || saved < 0 || saved > places) {
      throw new WireFormatException("trails were of another size");
    }
    Saved.requireWithin(saved * (8L + 4 * TRAIL_INTS), in.remaining(), "trails");
    count = 0;
    resize(places);
    needs = in.i32("needs of trails");
    for (int row = 0; row < saved; row++) {
      hashes[row] = in.i32("a client");
      lastNeeds[row] = in.i32("need of a client");
      for (int i = 0; i < TRAIL_INTS; i++) {
        trails[row * TRAIL_INTS + i] = in.i32("a trail");
      }
      chain(row);
      count++;
    }
  }

  /** In which reads and needs were two tables, each of sets of places for clients. */
  private void restoreFirstForm(ByteReader in, int readPlaces) {
    restoreTable(in, readPlaces, false);
    needs = restoreTable(in, in.i32("places of trails"), true);
  }

  /** How often the table had been used. */
  private int restoreTable(ByteReader in, int places, boolean ofNeeds) {
    boolean fits = places % FIRST_FORM_WAYS == 0 && Integer.bitCount(places) == 1;
    if (!fits || in.i32("depth of a trail") != DEPTH) {
      throw new WireFormatException("trails were of another size");
    }
    int uses = in.i32("uses of trails");
    while (in.varint("a client's place", 0, places) != 0) {
      int hash = in.i32("a client");
      int known = find(hash);
      int row = known < 0 ? enter(hash) : known;
      int lastUse = in.i32("use of a trail");
      if (ofNeeds) {
        lastNeeds[row] = lastUse;
      }
      for (int i = 0; i < DEPTH; i++) {
        trails[row * TRAIL_INTS + (ofNeeds ? DEPTH : 0) + i] = in.i32("a trail");
      }
    }
    return uses;
  }

  long retainedBytes() {
    return (long) capacity * BYTES_PER_CLIENT;
  }

  /** {@link #retainedBytes} is never more. */
  long maxRetainedBytes() {
    return (long) max * BYTES_PER_CLIENT;
  }
}
