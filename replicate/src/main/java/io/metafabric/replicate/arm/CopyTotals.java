package io.metafabric.replicate.arm;

/**
 * What copies between this region and another one, or all, have cost and brought. Immutable.
 *
 * @param copies decided to be made: fetched ahead, sent as an update, or a shadow for a time
 * @param bytes of their payloads, and what their messages take beside
 * @param spentDollars for transfer, storage over the horizon, and, of what was fetched ahead,
 *     expected updates
 * @param used copies that were read
 * @param savedMs that their first readers did not wait; of a shadow, all that did not
 * @param savedDollars what that was worth when they were decided on
 */
public record CopyTotals(
    long copies, long bytes, double spentDollars, long used, double savedMs, double savedDollars) {
  static final CopyTotals NONE = new CopyTotals(0, 0, 0, 0, 0, 0);

  CopyTotals made(long wireBytes, double dollars) {
    return new CopyTotals(
        copies + 1, bytes + wireBytes, spentDollars + dollars, used, savedMs, savedDollars);
  }

  CopyTotals used(double ms, double dollars) {
    return new CopyTotals(
        copies, bytes, spentDollars, used + 1, savedMs + ms, savedDollars + dollars);
  }

  public CopyTotals plus(CopyTotals that) {
    return new CopyTotals(
        copies + that.copies,
        bytes + that.bytes,
        spentDollars + that.spentDollars,
        used + that.used,
        savedMs + that.savedMs,
        savedDollars + that.savedDollars);
  }
}
