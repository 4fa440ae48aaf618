package io.metafabric.replicate;

/** How things stand between this region and another; docs/RULES.md has the transitions. */
public enum PeerState {
  /** Not reached yet since this node was opened, and not for long. */
  CONNECTING,
  /** Connected; one side lacks changes of the other that are not of late. */
  CATCHING_UP,
  /** Connected; each side has what the other wrote, but for what is of late. */
  IN_SYNC,
  /** It fell silent, or the connection ended, or it came back and has to prove itself. */
  SUSPECT,
  /** Not reached for longer than a pause explains, or one of the two refused the other. */
  OFFLINE,
  /** An operator took the region out of the cluster. */
  EVICTED;

  /** Whether the region is likely to answer now. */
  public boolean isTrusted() {
    return this == CATCHING_UP || this == IN_SYNC;
  }
}
