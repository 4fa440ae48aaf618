package io.metafabric.replicate.arm;

/**
 * What one region, or all, were sent for copies that they have. Immutable.
 *
 * @param pushed updates that went with their payload
 * @param pushedBytes of those
 * @param unasked of the pushed, how many went where none was held, as far as is known here
 * @param spentDollars for their transfer, and their storage for as long as they are worth it
 * @param read of the pushed, how many were read there, by estimate from those of which it is told
 * @param savedMs that those reads did not wait
 * @param savedDollars what that was worth when they were told of
 * @param invalidated updates that went as a header, because a read there before the next write is
 *     not likely enough for what the payload costs
 * @param refused updates that would have been worth it, and went as a header because of the budget
 *     or the switch
 * @param dropped copies that were not worth an update for so long that they count as none
 */
public record UpdateTotals(
    long pushed,
    long pushedBytes,
    long unasked,
    double spentDollars,
    long read,
    double savedMs,
    double savedDollars,
    long invalidated,
    long refused,
    long dropped) {
  public static final UpdateTotals NONE = new UpdateTotals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  UpdateTotals withPush(long bytes, boolean asked, double dollars) {
    return plus(new UpdateTotals(1, bytes, asked ? 0 : 1, dollars, 0, 0, 0, 0, 0, 0));
  }

  UpdateTotals withRead(long versions, double ms, double dollarsPerMs) {
    double saved = (double) versions * ms;
    return plus(new UpdateTotals(0, 0, 0, 0, versions, saved, saved * dollarsPerMs, 0, 0, 0));
  }

  UpdateTotals withInvalidated() {
    return plus(new UpdateTotals(0, 0, 0, 0, 0, 0, 0, 1, 0, 0));
  }

  UpdateTotals withRefused() {
    return plus(new UpdateTotals(0, 0, 0, 0, 0, 0, 0, 0, 1, 0));
  }

  UpdateTotals withDropped() {
    return plus(new UpdateTotals(0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  }

  /** As copies that were made. */
  CopyTotals asCopies() {
    return new CopyTotals(pushed, pushedBytes, spentDollars, read, savedMs, savedDollars);
  }

  public UpdateTotals plus(UpdateTotals that) {
    return new UpdateTotals(
        pushed + that.pushed,
        pushedBytes + that.pushedBytes,
        unasked + that.unasked,
        spentDollars + that.spentDollars,
        read + that.read,
        savedMs + that.savedMs,
        savedDollars + that.savedDollars,
        invalidated + that.invalidated,
        refused + that.refused,
        dropped + that.dropped);
  }
}
