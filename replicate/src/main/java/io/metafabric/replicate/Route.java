package io.metafabric.replicate;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.List;

/**
 * Which regions could serve a key to a client outside, the best first: those that are well, by what
 * a read may take; then the others. As one region saw it at one moment. Immutable.
 *
 * @param choices all members of the cluster; never empty
 */
public record Route(Key key, List<Choice> choices) {
  /**
   * One region.
   *
   * @param rttMs of the client to the region: what the client measured, else by distance; NaN if
   *     neither is known
   * @param readMs the same, and of the region to the nearest one that holds the payload, unless it
   *     does itself; NaN if that is not known
   * @param holdsPayload as far as is known where the question was asked
   * @param why it stands where it does, for people
   */
  public record Choice(
      RegionName region,
      double rttMs,
      double readMs,
      boolean holdsPayload,
      RegionHealth health,
      String why) {}

  public Route {
    choices = List.copyOf(choices);
    if (choices.isEmpty()) {
      throw new IllegalArgumentException("a route needs at least one region");
    }
  }

  /** The region to use. */
  public RegionName best() {
    return choices.get(0).region();
  }
}
