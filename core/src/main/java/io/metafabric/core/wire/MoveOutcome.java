package io.metafabric.core.wire;

/** How a step of moving a home ended; the code is what goes over the wire. */
public enum MoveOutcome {
  DONE(0),
  /** Who was asked is not the home of the key, as far as it knows. */
  NOT_HOME(1),
  /** There is no value of the key. */
  NOT_FOUND(2),
  /** A region that is needed for it could not be reached, or did not answer in time. */
  UNREACHABLE(3),
  /** It cannot be done now; the message says why. Nothing was changed. */
  REFUSED(4);

  private final int code;

  MoveOutcome(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
