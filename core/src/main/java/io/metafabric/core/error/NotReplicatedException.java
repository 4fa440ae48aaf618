package io.metafabric.core.error;

import java.io.Serializable;
import java.util.List;

/**
 * A region has not got in time what a session depends on. Nothing was read or written. Remedy: try
 * again when the links are back; where what is missing is lost, or was never written, begin another
 * session.
 */
public final class NotReplicatedException extends FabricException {
  private static final long serialVersionUID = 1L;

  /** How many openings are named; a session may depend on far more. */
  public static final int MAX_MISSING = 16;

  /**
   * What is missing of one opening of a region.
   *
   * @param writtenIn the region; empty if nobody here has heard of such an opening
   * @param actor the opening, in hexadecimal
   * @param named up to which of its writes the session depends on it
   * @param applied up to which the region is known to have them
   * @param issued how many the region that wrote them is known to have made; a session that names
   *     more was told of them by somebody who knows better, or made them up. -1 if that is unknown
   */
  public record Missing(String writtenIn, String actor, long named, long applied, long issued)
      implements Serializable {
    @Override
    public String toString() {
      String of = writtenIn.isEmpty() ? "an opening nobody here knows" : "region " + writtenIn;
      String made = issued >= 0 && issued < named ? ", " + issued + " known to be made" : "";
      return of + " (" + actor + "): named up to " + named + ", applied up to " + applied + made;
    }
  }

  private final String region;
  private final Missing[] missing;

  public NotReplicatedException(String message, String region, List<Missing> missing) {
    super(message);
    this.region = region;
    this.missing = missing.toArray(Missing[]::new);
  }

  /** The region that lacks it. */
  public String region() {
    return region;
  }

  /** What it lacks: the first {@value #MAX_MISSING} openings. The message says how many more. */
  public List<Missing> missing() {
    return List.of(missing);
  }
}
