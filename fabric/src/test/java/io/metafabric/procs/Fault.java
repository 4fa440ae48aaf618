package io.metafabric.procs;

/**
 * Something that goes wrong, or ends to.
 *
 * @param atMs since the beginning of the run
 * @param region the sender, where the fault is on the way to another
 * @param other the region itself, where a fault concerns no other
 * @param amount milliseconds of delay, or bytes in a second; 0 for all else
 */
record Fault(long atMs, Kind kind, int region, int other, int amount) {
  enum Kind {
    /** Bytes one way take longer. */
    DELAY,
    /** Few bytes a second come through one way. */
    THROTTLE,
    /** The end of both. */
    FULL_SPEED,
    /** Bytes one way vanish, and nobody is told. */
    SWALLOW,
    /** They arrive again, on connections that have a hole. */
    PASS,
    /** They arrive again, on new connections. */
    PASS_ANEW,
    /** Connections are torn down. */
    RESET,
    /** Connections are closed in order. */
    CLOSE,
    /** One side sees the end of the stream, the other sees nothing. */
    HALF_CLOSE,
    /** Connections that one region dials to another end at once. */
    REFUSE,
    ACCEPT,
    /** SIGKILL. */
    KILL,
    /** The fabric is closed, and its process ends. */
    SHUT_DOWN,
    START,
    /** SIGSTOP. */
    PAUSE,
    /** SIGCONT. */
    RESUME
  }

  @Override
  public String toString() {
    String who = region == other ? "" + region : region + " to " + other;
    return "%6d ms  %s %s%s".formatted(atMs, kind, who, amount == 0 ? "" : " " + amount);
  }
}
