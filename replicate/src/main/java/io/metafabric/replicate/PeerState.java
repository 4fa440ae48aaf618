package io.metafabric.replicate;

/** How things stand between this region and another. */
public enum PeerState {
  /** No connection yet, or none any more, and not for long. */
  CONNECTING,
  /** Connected; one side has changes that the other has not. */
  CATCHING_UP,
  /** Each side has all that the other had published at its last heartbeat. */
  IN_SYNC,
  /** Not connected for longer than the failure timeout. */
  OFFLINE,
  /** The peer, or this node, refused the other; the problem says why. */
  REFUSED
}
