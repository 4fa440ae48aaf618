package io.metafabric.core.store;

/**
 * What an inspection finds of a file that holds nothing but a view of the journal: of none of them
 * anything is lost, and none but a good one is used. Immutable.
 *
 * @param file its name
 * @param why what was found, for people
 */
public record ViewReport(String file, State state, String why) {
  /** What the next opening makes of it. */
  public enum State {
    /** There is none. */
    ABSENT,
    /** Each checksum is right, and it is of what is there. */
    GOOD,
    /** It may be whole, but is of something else than what is there now, or of another format. */
    STALE,
    /** A checksum is wrong. */
    DAMAGED
  }
}
