package io.metafabric.core.wire;

/** Why a node does not talk to another. The codes are part of the protocol. */
public enum Refusal {
  PROTOCOL(1),
  CLUSTER(2),
  REGION(3),
  REGIONS(4),
  IDENTITY(5),
  VALUE_BYTES(6),
  CONFLICT_RULES(7),
  /** The two hold configurations of which neither follows the other. */
  CONFIGURATION(8),
  /** One of the two was evicted, or has been since it got its state. */
  EVICTED(9),
  REGION_TAKEN(10);

  private final int code;

  Refusal(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }
}
