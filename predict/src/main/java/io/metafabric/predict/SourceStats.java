package io.metafabric.predict;

/**
 * How one source of the library's predictor does, since it was made or restored. A proposal counts
 * for each source that took part in it, once its outcome is known, whether it was fetched or not;
 * it is <em>fair</em> if it was as likely as a fetch has to be. What came of prefetches is in the
 * {@link PredictionScore}s under {@link #scoredAs()}. Immutable.
 *
 * @param on whether it is listened to; when not, it still is from time to time, to probe
 * @param proposed proposals in which it took part
 * @param fair how many of them were fair
 * @param cameTrue how many of the fair ones came true
 * @param switchedOff how often it was
 * @param retainedBytes of what it alone has learned, by estimate
 */
public record SourceStats(
    String predictor,
    String source,
    boolean on,
    long proposed,
    long fair,
    long cameTrue,
    long switchedOff,
    long retainedBytes) {
  /** Of the fair proposals, the share that came true; 0 before the first. */
  public double precision() {
    return fair == 0 ? 0 : (double) cameTrue / fair;
  }

  /** The name of its scores. */
  public String scoredAs() {
    return scoredAs(predictor, source);
  }

  static String scoredAs(String predictor, String source) {
    return predictor + ":" + source;
  }
}
