package io.metafabric.replicate.arm;

/**
 * What one region, or all, were sent for copies that they have. Immutable.
 *
 * @param pushed updates that went with their payload
 * @param pushedBytes of those
 * @param invalidated updates that went as a header, because a read there before the next write is
 *     not likely enough for what the payload costs
 * @param refused updates that would have been worth it, and went as a header because of the budget
 *     or the switch
 * @param dropped copies that were not worth an update for so long that they count as none
 */
public record UpdateTotals(
    long pushed, long pushedBytes, long invalidated, long refused, long dropped) {
  static final UpdateTotals NONE = new UpdateTotals(0, 0, 0, 0, 0);

  UpdateTotals with(Update update, long bytes) {
    return switch (update) {
      case PUSH -> new UpdateTotals(pushed + 1, pushedBytes + bytes, invalidated, refused, dropped);
      case INVALIDATE -> new UpdateTotals(pushed, pushedBytes, invalidated + 1, refused, dropped);
      case DROP -> new UpdateTotals(pushed, pushedBytes, invalidated, refused, dropped + 1);
    };
  }

  UpdateTotals withRefused() {
    return new UpdateTotals(pushed, pushedBytes, invalidated, refused + 1, dropped);
  }

  public UpdateTotals plus(UpdateTotals that) {
    return new UpdateTotals(
        pushed + that.pushed,
        pushedBytes + that.pushedBytes,
        invalidated + that.invalidated,
        refused + that.refused,
        dropped + that.dropped);
  }
}
