package io.metafabric.predict;

/**
 * How predictions have done on the reads of one region since its fabric was opened: those of one
 * predictor, of one of its sources or of all, in one namespace or in all. Immutable.
 *
 * <p>A <em>need</em> is a read that had to be fetched, or would have been but for a prefetch. It
 * was <em>foreseen</em> if its key had been predicted before and let through, within the
 * prediction's horizon.
 *
 * <p>What several sources had proposed counts for each of them, so those of sources add up to more
 * than their predictor's.
 *
 * @param predictor {@value #ALL} for all together; for a source as in {@code sequence:client}, see
 *     {@link SourceStats#scoredAs}
 * @param namespace {@value #ALL} for all together, {@value #OTHERS} for those that came when
 *     {@value Namespaces#MAX} were known
 * @param region where the reads were
 * @param predicted predictions let through
 * @param requested prefetches made
 * @param used prefetches that were read, or waited for while they were on their way
 * @param late of the used ones, those that were waited for
 * @param wasted prefetches that nobody read
 * @param wastedBytes of their payloads
 * @param needs the same for each predictor: its recall is of all needs
 * @param foreseen needs that were foreseen
 * @param lateMs for which late prefetches were waited for in all
 * @param savedMs by which reads were shorter than remote ones of their namespace were measured to
 *     be at that time
 */
public record PredictionScore(
    String predictor,
    String namespace,
    String region,
    long predicted,
    long requested,
    long used,
    long late,
    long wasted,
    long wastedBytes,
    long needs,
    long foreseen,
    double lateMs,
    double savedMs) {
  public static final String ALL = "*";
  public static final String OTHERS = "~others";

  /** Of the prefetches whose end is known, the share that was used; 0 before the first. */
  public double precision() {
    return share(used, used + wasted);
  }

  /** Of the needs, the share that was foreseen; 0 before the first. */
  public double recall() {
    return share(foreseen, needs);
  }

  /** Of the used prefetches, the share that was there before the read; 0 before the first. */
  public double timeliness() {
    return share(used - late, used);
  }

  /** How long a late prefetch was waited for; 0 before the first. */
  public double meanLateMs() {
    return late == 0 ? 0 : lateMs / late;
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
