package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/**
 * The last few references of each client, newest first, in a table of fixed size.
 *
 * <p>A client is known by the hash of its name, so that a table for many thousand clients holds no
 * strings; two clients with the same hash share a trail, which costs accuracy and nothing else. A
 * client may be in any of {@value #WAYS} places and takes the one of the client that has been
 * silent for longest. Not thread-safe.
 */
final class ClientTrails {
  private static final int WAYS = 8;

  /** How far one more moves a mean. */
  private static final double RECENT = 1.0 / 512;

  private final int depth;
  private final int setMask;
  private final int[] hashes;
  private final int[] lastUse;
  private final int[] trails;
  private int uses;
  private double logBetween;

  ClientTrails(long maxBytes, int depth) {
    this.depth = depth;
    long sets = Math.max(1, maxBytes / (WAYS * bytesPerClient()));
    int setCount = (int) Math.min(1 << 20, Long.highestOneBit(sets));
    this.setMask = setCount - 1;
    this.hashes = new int[setCount * WAYS];
    this.lastUse = new int[setCount * WAYS];
    this.trails = new int[setCount * WAYS * depth];
  }

  /** Where the client's trail begins; the client is new to the table if the trail is all zeros. */
  int trailOf(String client) {
    int hash = client.hashCode() * 0x9E3779B9;
    hash = hash ^ hash >>> 15;
    int first = (hash & setMask) * WAYS;
    int place = first;
    uses++;
    for (int i = first; i < first + WAYS; i++) {
      if (hashes[i] == hash) {
        int between = Math.max(1, uses - lastUse[i]);
        logBetween += (log2(between) - logBetween) * RECENT;
        lastUse[i] = uses;
        return i * depth;
      }
      // A difference, because the counter wraps around.
      if (uses - lastUse[i] > uses - lastUse[place]) {
        place = i;
      }
    }
    hashes[place] = hash;
    lastUse[place] = uses;
    Arrays.fill(trails, place * depth, (place + 1) * depth, 0);
    return place * depth;
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
    if (in.i32("clients") != hashes.length || in.i32("depth of a trail") != depth) {
      throw new WireFormatException("trails were of another size");
    }
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

  private long bytesPerClient() {
    return 4L + 4 + 4L * depth;
  }
}
