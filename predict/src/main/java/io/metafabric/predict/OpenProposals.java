package io.metafabric.predict;

/**
 * Proposals whose outcome is not known yet, with what was said and the features at that time,
 * whether they were followed or not. A ring: the oldest is closed when its time has come, or when
 * there is no room. Not thread-safe.
 */
final class OpenProposals {
  private static final int MOST = 4096;
  private static final int LEAST = 32;

  private final int sources;
  private final int features;
  private final int max;
  private final int[] references;
  private final int[] untilNeed;
  private final boolean[] far;
  private final float[] probabilities;
  private final short[] kinds;
  private final float[] values;
  private int oldest;
  private int count;

  /** Of at most {@value #MOST}, and as many as fit into {@code maxBytes}. */
  OpenProposals(int sources, int features, long maxBytes) {
    this.sources = sources;
    this.features = features;
    this.max = (int) Math.max(LEAST, Math.min(MOST, maxBytes / bytesEach()));
    this.references = new int[max];
    this.untilNeed = new int[max];
    this.far = new boolean[max];
    this.probabilities = new float[max];
    this.kinds = new short[max * sources];
    this.values = new float[max * features];
  }

  boolean isFull() {
    return count == max;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** The place of a new one, to be filled by the caller. */
  int add(int reference, boolean isFar, int until, double probability) {
    int place = (oldest + count) % max;
    count++;
    references[place] = reference;
    far[place] = isFar;
    untilNeed[place] = until;
    probabilities[place] = (float) probability;
    return place;
  }

  int oldest() {
    return oldest;
  }

  void removeOldest() {
    oldest = (oldest + 1) % max;
    count--;
  }

  /** 0 once it is closed. */
  int reference(int place) {
    return references[place];
  }

  /** Whether it looked more than one step ahead. */
  boolean isFar(int place) {
    return far[place];
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
    return max * bytesEach();
  }

  private long bytesEach() {
    return 13L + 2L * sources + 4L * features;
  }
}
