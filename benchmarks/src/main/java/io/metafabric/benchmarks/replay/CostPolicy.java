package io.metafabric.benchmarks.replay;

/**
 * Which payloads a region holds that it need not hold. Called by a {@link CostReplay}, in virtual
 * time; a key's region is always its reader.
 */
interface CostPolicy {
  /** Whether regions are told of changes; without, nothing can be kept. */
  boolean hearsOfChanges();

  /**
   * A payload here, if any, is no longer good: another region made the key or wrote it.
   *
   * @return whether the new payload is to be sent along
   */
  boolean changed(int key, int payloadBytes, long nowMs);

  /**
   * Who sends the payload for a write, unless with the header: another region must hear of it
   * first.
   */
  default int sender(int key, int writer) {
    return writer;
  }

  /** What a key's reader tells its home after a read, in bytes; 0 if it tells nothing. */
  default int toldBytes(int key) {
    return 0;
  }

  /** What was sent along has come. */
  void sent(int key, long nowMs);

  /** The region wrote the key itself, and so has its payload. */
  void wroteHere(int row, long nowMs);

  /** A read in a key's reader; returns whether the payload is held there. */
  boolean read(int row, long nowMs);

  /** A read in a region that always holds the payload. */
  void readElsewhere(int row, long nowMs);

  /** What a read asked another region for has come. */
  void arrived(int row, long nowMs);

  /**
   * Keys to fetch ahead into a region, after a read there.
   *
   * @return how many were written to the front of {@code into}
   */
  int takePrefetches(int region, int[] into, long nowMs);

  /** What was fetched ahead has come. */
  void prefetched(int key, boolean awaited, long nowMs);

  /** What was fetched, or fetched ahead, is older than the key is by now. */
  void overtaken(int key, boolean prefetched);

  /**
   * Up to when it has a copy that takes storage, as things are: 0 if it has none. The memory of a
   * cache is there anyway.
   */
  double storedUntilMs(int key);
}
