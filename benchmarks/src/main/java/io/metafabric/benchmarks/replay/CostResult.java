package io.metafabric.benchmarks.replay;

/**
 * What one policy cost on one trace, beyond what all cost alike. Immutable.
 *
 * @param savedMs what a millisecond is worth, in micro-dollars
 * @param capacity entries of a cache, in each region
 * @param remoteReads of payloads that the region need not hold
 * @param stalled of these, how many waited
 * @param fetches that a read caused
 * @param copies that were sent along with a change, or fetched ahead
 * @param wideAreaBytes of payloads, and of what messages take beside
 * @param transferDollars for these
 * @param headerDollars for those among them that tell of changes, which all that keep copies send
 * @param sameBytes of payloads to homes and backups, which all send
 * @param sameDollars for these and their storage
 * @param clipped rows whose payload was over the limit, and was taken as the limit
 * @param unknown versions whose size the trace does not tell
 */
public record CostResult(
    String trace,
    String policy,
    String prices,
    double savedMs,
    double capacityPercent,
    int capacity,
    long reads,
    long remoteReads,
    long stalled,
    long fetches,
    long copies,
    long wideAreaBytes,
    double transferDollars,
    double headerDollars,
    double storageDollars,
    double requestDollars,
    double stallMs,
    long sameBytes,
    double sameDollars,
    int clipped,
    int unknown) {

  public double dollars() {
    return transferDollars + storageDollars + requestDollars;
  }

  /** What the waiting is worth. */
  public double stallDollars() {
    return stallMs * savedMs / 1e6;
  }

  public double totalDollars() {
    return dollars() + stallDollars();
  }
}
