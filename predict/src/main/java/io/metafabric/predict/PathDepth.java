package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;

/**
 * How many keys of a likely path are looked at. One, until of the prefetches that are used more
 * than a few come late; then twice as many, if fewer come late for that. The further a key is, the
 * less likely it is to be read, and what lateness has other causes than the depth is not helped by
 * more of it. Not thread-safe.
 */
final class PathDepth {
  static final int MAX = 16;

  /** Used prefetches from one look to the next. */
  static final int USED_PER_LOOK = 32;

  /** Of those that are used this share may come late. */
  private static final double LATE_SHARE = 0.1;

  /** Twice the depth must leave no more than this part of what came late. */
  private static final double WORTH_IT = 0.8;

  /** After so many looks it is tried again. */
  private static final int LOOKS_BETWEEN_TRIES = 8;

  private int depth = 1;
  private long used;
  private long usedOnTime;

  /** While twice as many are tried: how many were looked at before; else 0. */
  private int depthBefore;

  private double lateBefore;
  private int looksToTry;

  int keys() {
    return depth;
  }

  /** One was there when it was read. */
  void usedOnTime() {
    usedOnTime++;
  }

  /** So many were read, on time or late. */
  void used(long count) {
    used += count;
    if (used >= USED_PER_LOOK) {
      look((double) Math.max(0, used - usedOnTime) / used);
      used = 0;
      usedOnTime = 0;
    }
  }

  private void look(double late) {
    if (depthBefore > 0) {
      if (late > lateBefore * WORTH_IT) {
        depth = depthBefore;
        looksToTry = LOOKS_BETWEEN_TRIES;
      }
      depthBefore = 0;
    } else if (late > LATE_SHARE) {
      goFurther(late);
    } else if (late < LATE_SHARE / 4) {
      depth = Math.max(1, depth - 1);
    }
  }

  private void goFurther(double late) {
    if (looksToTry > 0) {
      looksToTry--;
    } else if (depth < MAX) {
      depthBefore = depth;
      lateBefore = late;
      depth = Math.min(MAX, 2 * depth);
    }
  }

  void save(ByteWriter out) {
    out.varint(depth);
  }

  /** What was being tried is tried anew. */
  void restore(ByteReader in) {
    depth = in.varint("depth", 1, MAX);
    depthBefore = 0;
    looksToTry = 0;
  }
}
