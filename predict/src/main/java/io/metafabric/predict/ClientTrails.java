package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/**
 * The last few references of each client, newest first, in a table that grows up to its bound.
 *
 * <p>A client is known by the hash of its name, so that a table for many thousand clients holds no
 * strings; two clients with the same hash share a trail, which costs accuracy and nothing else. A
 * client may be in any of {@value #WAYS} places. If all are taken the table grows, and once it may
 * not, the client takes the place of the one that has been silent for longest. Not thread-safe.
 */
final class ClientTrails {
  private static final int WAYS = 8;
  private static final int FIRST_SETS = 8;

  /** How far one more moves a mean. */
  private static final double RECENT = 1.0 / 512;

  private final int depth;
  private final int maxSets;
  private int[] hashes;
  private int[] lastUse;
  private int[] trails;
  private int uses;
  private double logBetween;

  ClientTrails(long maxBytes, int depth) {
    this.depth = depth;
    long sets = Math.max(1, maxBytes / (WAYS * bytesPerClient()));
    this.maxSets = (int) Math.min(1 << 20, Long.highestOneBit(sets));
    int places = Math.min(FIRST_SETS, maxSets) * WAYS;
    this.hashes = new int[places];
    this.lastUse = new int[places];
    this.trails = new int[places * depth];
  }

  /**
   * Where the client's trail begins, until the next call; the client is new to the table if the
   * trail is all zeros.
   */
  int trailOf(String client) {
    int hash = hashOf(client);
    uses++;
    int place = placeOf(hash);
    while (hashes[place] != hash && lastUse[place] != 0 && sets() < maxSets) {
      grow();
      place = placeOf(hash);
    }
    if (hashes[place] == hash) {
      int between = Math.max(1, uses - lastUse[place]);
      logBetween += (log2(between) - logBetween) * RECENT;
    } else {
      hashes[place] = hash;
      Arrays.fill(trails, place * depth, (place + 1) * depth, 0);
    }
    lastUse[place] = uses;
    return place * depth;
  }

  /** Where the client's trail begins, until the next call; -1 if it has none. Changes nothing. */
  int find(String client) {
    int hash = hashOf(client);
    int place = placeOf(hash);
    return hashes[place] == hash && lastUse[place] != 0 ? place * depth : -1;
  }

  private static int hashOf(String client) {
    int hash = client.hashCode() * 0x9E3779B9;
    return hash ^ hash >>> 15;
  }

  /** Where the client is, or the place of its set that was used least lately or never. */
  private int placeOf(int hash) {
    int first = (hash & sets() - 1) * WAYS;
    int place = first;
    for (int i = first; i < first + WAYS; i++) {
      if (hashes[i] == hash) {
        return i;
      }
      // A difference, because the counter wraps around.
      if (uses - lastUse[i] > uses - lastUse[place]) {
        place = i;
      }
    }
    return place;
  }

  private int sets() {
    return hashes.length / WAYS;
  }

  /** Parts each set in two, so that nobody is pushed out. */
  private void grow() {
    int old = hashes.length;
    hashes = Arrays.copyOf(hashes, 2 * old);
    lastUse = Arrays.copyOf(lastUse, 2 * old);
    trails = Arrays.copyOf(trails, 2 * old * depth);
    for (int place = 0; place < old; place++) {
      boolean stays = (hashes[place] & sets() - 1) == place / WAYS;
      if (lastUse[place] != 0 && !stays) {
        int moved = place + old;
        hashes[moved] = hashes[place];
        lastUse[moved] = lastUse[place];
        System.arraycopy(trails, place * depth, trails, moved * depth, depth);
        hashes[place] = 0;
        lastUse[place] = 0;
        Arrays.fill(trails, place * depth, (place + 1) * depth, 0);
      }
    }
  }

  /** Exact for powers of two, and linear in between, which is near enough. */
  private static double log2(int value) {
    int power = Integer.highestOneBit(value);
    return Integer.numberOfTrailingZeros(power) + (double) (value - power) / power;
  }

  /** How many uses ago a client was seen last when it is seen again: the geometric mean, about. */
  double usesBetween() {
    return StrictMath.pow(2, logBetween);
  }

  /** The {@code i}th newest reference of a trail; 0 if the trail is shorter. */
  int at(int trail, int i) {
    return trails[trail + i];
  }

  void push(int trail, int reference) {
    System.arraycopy(trails, trail, trails, trail + 1, depth - 1);
    trails[trail] = reference;
  }

  void save(ByteWriter out) {
    out.i32(hashes.length).i32(depth).i32(uses);
    for (int place = 0; place < hashes.length; place++) {
      if (trails[place * depth] != 0) {
        out.varint(place + 1).i32(hashes[place]).i32(lastUse[place]);
        for (int i = 0; i < depth; i++) {
          out.i32(trails[place * depth + i]);
        }
      }
    }
    out.varint(0);
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or of another size
   */
  void restore(ByteReader in) {
    int places = in.i32("clients");
    boolean fits =
        places >= WAYS
            && places <= maxSets * WAYS
            && places % WAYS == 0
            && Integer.bitCount(places / WAYS) == 1;
    if (!fits || in.i32("depth of a trail") != depth) {
      throw new WireFormatException("trails were of another size");
    }
    hashes = new int[places];
    lastUse = new int[places];
    trails = new int[places * depth];
    uses = in.i32("uses of trails");
    int number = in.varint("a client's place", 0, hashes.length);
    while (number != 0) {
      int place = number - 1;
      hashes[place] = in.i32("a client");
      lastUse[place] = in.i32("use of a trail");
      for (int i = 0; i < depth; i++) {
        trails[place * depth + i] = in.i32("a trail");
      }
      number = in.varint("a client's place", 0, hashes.length);
    }
  }

  long retainedBytes() {
    return hashes.length * bytesPerClient();
  }

  /** {@link #retainedBytes} is never more. */
  long maxRetainedBytes() {
    return (long) maxSets * WAYS * bytesPerClient();
  }

  private long bytesPerClient() {
    return 4L + 4 + 4L * depth;
  }
}
