package io.metafabric.predict;

/**
 * Proposals whose outcome is not known yet, with what was said and the features at that time,
 * whether they were followed or not. A ring that grows up to its bound: the oldest is closed when
 * its time has come, or when there is no more room. Not thread-safe.
 */
final class OpenProposals {
  private static final int MOST = 4096;
  private static final int LEAST = 32;
  private static final int FIRST = 64;

  private final int sources;
  private final int features;
  private final int max;
  private int capacity;
  private int[] references;
  private int[] untilNeed;
  private boolean[] far;
  private float[] probabilities;
  private short[] kinds;
  private float[] values;
  private int oldest;
  private int count;

  /** Of at most {@value #MOST}, and as many as fit into {@code maxBytes}. */
  OpenProposals(int sources, int features, long maxBytes) {
    this.sources = sources;
    this.features = features;
    this.max = (int) Math.max(LEAST, Math.min(MOST, maxBytes / bytesEach()));
    this.capacity = Math.min(FIRST, max);
    this.references = new int[capacity];
    this.untilNeed = new int[capacity];
    this.far = new boolean[capacity];
    this.probabilities = new float[capacity];
    this.kinds = new short[capacity * sources];
    this.values = new float[capacity * features];
  }

  /** Told where a proposal is when that has changed. */
  interface Moves {
    void moved(int from, int to);
  }

  /** Whether there is no room for another one, and {@link #grow} makes none. */
  boolean isFull() {
    return count == max;
  }

  /** Whether there is no room for another one until it has grown. */
  boolean mustGrow() {
    return count == capacity && capacity < max;
  }

  /** Places change, those of closed ones too. */
  void grow(Moves moves) {
    int grown = Math.min(2 * capacity, max);
    references = inOrder(references, new int[grown], 1);
    untilNeed = inOrder(untilNeed, new int[grown], 1);
    far = inOrder(far, new boolean[grown], 1);
    probabilities = inOrder(probabilities, new float[grown], 1);
    kinds = inOrder(kinds, new short[grown * sources], sources);
    values = inOrder(values, new float[grown * features], features);
    int first = oldest;
    int before = capacity;
    oldest = 0;
    capacity = grown;
    for (int place = 0; place < count; place++) {
      moves.moved((first + place) % before, place);
    }
  }

  /** The oldest first. */
  @SuppressWarnings("SuspiciousSystemArraycopy")
  private <T> T inOrder(T ring, T grown, int each) {
    int tail = (capacity - oldest) * each;
    System.arraycopy(ring, oldest * each, grown, 0, tail);
    System.arraycopy(ring, 0, grown, tail, oldest * each);
    return grown;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** The place of a new one, to be filled by the caller. */
  int add(int reference, boolean isFar, int until, double probability) {
    int place = (oldest + count) % capacity;
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
    oldest = (oldest + 1) % capacity;
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
    return capacity * bytesEach();
  }

  /** {@link #retainedBytes} is never more. */
  long maxRetainedBytes() {
    return max * bytesEach();
  }

  private long bytesEach() {
    return 13L + 2L * sources + 4L * features;
  }
}
