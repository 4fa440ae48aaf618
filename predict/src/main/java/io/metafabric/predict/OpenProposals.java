package io.metafabric.predict;

/**
 * Proposals whose outcome is not known yet, with what was said and the features at that time,
 * whether they were followed or not. A ring: the oldest is closed when its time has come, or when
 * there is no room. Not thread-safe.
 */
final class OpenProposals {
  static final int MAX = 1024;

  private final int sources;
  private final int features;
  private final int[] references = new int[MAX];
  private final int[] untilNeed = new int[MAX];
  private final float[] probabilities = new float[MAX];
  private final short[] kinds;
  private final float[] values;
  private int oldest;
  private int count;

  OpenProposals(int sources, int features) {
    this.sources = sources;
    this.features = features;
    this.kinds = new short[MAX * sources];
    this.values = new float[MAX * features];
  }

  boolean isFull() {
    return count == MAX;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** The place of a new one, to be filled by the caller. */
  int add(int reference, int until, double probability) {
    int place = (oldest + count) % MAX;
    count++;
    references[place] = reference;
    untilNeed[place] = until;
    probabilities[place] = (float) probability;
    return place;
  }

  int oldest() {
    return oldest;
  }

  void removeOldest() {
    oldest = (oldest + 1) % MAX;
    count--;
  }

  /** 0 once it is closed. */
  int reference(int place) {
    return references[place];
  }

  double probability(int place) {
    return probabilities[place];
  }

  int untilNeed(int place) {
    return untilNeed[place];
  }

  void close(int place) {
    references[place] = 0;
  }

  int kind(int place, int source) {
    return kinds[place * sources + source];
  }

  void setKind(int place, int source, int kind) {
    kinds[place * sources + source] = (short) kind;
  }

  float[] values() {
    return values;
  }

  int valuesAt(int place) {
    return place * features;
  }

  long retainedBytes() {
    return MAX * (12L + 2L * sources + 4L * features);
  }
}
