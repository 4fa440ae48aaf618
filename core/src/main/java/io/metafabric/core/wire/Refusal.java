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
  REGION_TAKEN(10),
  /** The certificate is not trusted, or is for another region, cluster or node. Protocol 2. */
  CERTIFICATE(11),
  /** It sent what a peer must not: changes of others, or what cannot be. Protocol 2. */
  VIOLATION(12);

  private final int code;

  Refusal(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** What a dialler of an older protocol is told, which does not know all reasons. */
  public Refusal toldIn(int protocol) {
    return protocol < 2 && code > REGION_TAKEN.code ? REGION : this;
  }
}
