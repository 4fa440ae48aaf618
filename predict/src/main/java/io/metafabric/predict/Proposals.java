package io.metafabric.predict;

import java.util.Arrays;

/**
 * Keys that have been proposed since the last call and by which sources. After one read each key is
 * here once, with the first word of each source, which is the one that looks least far ahead; after
 * another read it may be here again. Grows up to {@value #MAX} keys and drops what is more. Not
 * thread-safe.
 */
final class Proposals {
  static final int MAX = 512;

  private static final int FIRST = 32;

  private final int sources;
  private int[] references = new int[FIRST];
  private int[] causes = new int[FIRST];
  private short[] kinds;
  private int count;
  private int eventStart;
  private long dropped;

  Proposals(int sources) {
    this.sources = sources;
    this.kinds = new short[FIRST * sources];
  }

  /** What is added from now on follows from another read. */
  void nextRead() {
    eventStart = count;
  }

  /**
   * @param kind how it was said, from 0
   * @param cause the reference that it followed from
   */
  void add(int reference, int source, int kind, int cause) {
    int i = eventStart;
    while (i < count && references[i] != reference) {
      i++;
    }
    if (i == count) {
      if (count == MAX) {
        dropped++;
        return;
      }
      if (count == references.length) {
        grow();
      }
      references[i] = reference;
      causes[i] = cause;
      for (int s = 0; s < sources; s++) {
        kinds[i * sources + s] = -1;
      }
      count++;
    }
    if (kinds[i * sources + source] < 0) {
      kinds[i * sources + source] = (short) kind;
    }
  }

  private void grow() {
    int grown = 2 * references.length;
    references = Arrays.copyOf(references, grown);
    causes = Arrays.copyOf(causes, grown);
    kinds = Arrays.copyOf(kinds, grown * sources);
  }

  int count() {
    return count;
  }

  int reference(int i) {
    return references[i];
  }

  int cause(int i) {
    return causes[i];
  }

  /** How a source said it; -1 if it did not. */
  int kind(int i, int source) {
    return kinds[i * sources + source];
  }

  void clear() {
    count = 0;
    eventStart = 0;
  }

  long dropped() {
    return dropped;
  }

  long retainedBytes() {
    return references.length * bytesEach();
  }

  /** {@link #retainedBytes} is never more. */
  long maxRetainedBytes() {
    return MAX * bytesEach();
  }

  private long bytesEach() {
    return 8L + 2L * sources;
  }
}
