package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.util.Arrays;

/** What is remembered of each slot of a {@link KeyTable}, in flat arrays. Not thread-safe. */
final class KeyFacts {
  static final int ROW_BYTES = 1 + 1 + 1 + 2 + 2 + 4;

  private static final int TRIALS_LIMIT = 16;
  private static final int READS_LIMIT = 127;

  private byte[] came = new byte[0];
  private byte[] tried = new byte[0];
  private byte[] reads = new byte[0];
  private char[] openNear = new char[0];
  private char[] openFar = new char[0];
  private int[] neededAt = new int[0];

  void ensureCapacity(int capacity) {
    if (capacity > reads.length) {
      came = Arrays.copyOf(came, capacity);
      tried = Arrays.copyOf(tried, capacity);
      reads = Arrays.copyOf(reads, capacity);
      openNear = Arrays.copyOf(openNear, capacity);
      openFar = Arrays.copyOf(openFar, capacity);
      neededAt = Arrays.copyOf(neededAt, capacity);
    }
  }

  void clear(int slot) {
    came[slot] = 0;
    tried[slot] = 0;
    reads[slot] = 0;
    openNear[slot] = 0;
    openFar[slot] = 0;
    neededAt[slot] = 0;
  }

  void countRead(int slot) {
    if (reads[slot] < READS_LIMIT) {
      reads[slot]++;
    }
  }

  int reads(int slot) {
    return reads[slot];
  }

  /** Of the slots from 1 to {@code slots}, exclusively; proposals that wait are not among it. */
  void save(ByteWriter out, int slots) {
    for (int slot = 1; slot < slots; slot++) {
      out.u8(came[slot]).u8(tried[slot]).u8(reads[slot]).i32(neededAt[slot]);
    }
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote
   */
  void restore(ByteReader in, int slots, int capacity) {
    came = new byte[capacity];
    tried = new byte[capacity];
    reads = new byte[capacity];
    openNear = new char[capacity];
    openFar = new char[capacity];
    neededAt = new int[capacity];
    for (int slot = 1; slot < slots; slot++) {
      came[slot] = (byte) in.varint("proposals that came true", 0, TRIALS_LIMIT - 1);
      tried[slot] = (byte) in.varint("proposals", came[slot], TRIALS_LIMIT - 1);
      reads[slot] = (byte) in.varint("reads", 0, READS_LIMIT);
      neededAt[slot] = in.i32("when a key was needed");
    }
  }

  /** What came of a proposal of this key. */
  void countOutcome(int slot, boolean cameTrue) {
    tried[slot]++;
    if (cameTrue) {
      came[slot]++;
    }
    if (tried[slot] == TRIALS_LIMIT) {
      tried[slot] >>= 1;
      came[slot] >>= 1;
    }
  }

  /** The share of proposals of this key that came true, drawn towards a half. */
  double reliability(int slot) {
    return (came[slot] + 0.5) / (tried[slot] + 1.0);
  }

  /**
   * The number of its proposal that waits for an outcome, from 1; 0 if there is none. One that
   * looks far ahead and one that does not may both be waiting: else the early one would take the
   * place of the surer one that follows, and nobody would learn how sure that was.
   */
  int open(int slot, boolean far) {
    return far ? openFar[slot] : openNear[slot];
  }

  void setOpen(int slot, boolean far, int number) {
    (far ? openFar : openNear)[slot] = (char) number;
  }

  /** The need of the key that was last, by number; 0 if there was none. */
  int neededAt(int slot) {
    return neededAt[slot];
  }

  void setNeededAt(int slot, int need) {
    neededAt[slot] = need;
  }
}
