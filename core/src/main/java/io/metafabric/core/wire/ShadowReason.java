package io.metafabric.core.wire;

/** Why a region has a shadow of a record. The codes are part of the protocol. */
public enum ShadowReason {
  /** Somebody asked for it by name. */
  REQUESTED(1),
  /** It was read there, and a rule says that more regions are to hold it. */
  FIRST_READ(2),
  /** So, but that it was predicted to be read. */
  PREDICTED(3);

  private final int code;

  ShadowReason(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
