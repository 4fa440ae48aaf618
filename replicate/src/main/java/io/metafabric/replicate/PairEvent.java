package io.metafabric.replicate;

/** What may happen to a pair of regions, as one of the two sees it. */
enum PairEvent {
  /** The peer welcomed this node, and there is no reason to doubt it. */
  ESTABLISHED,
  /** The peer welcomed this node, after a time in which it came and went. */
  RETURNED,
  /** Each side has what the other wrote, but for what is of late. */
  CAUGHT_UP,
  /** One side lacks changes of the other that are not of late. */
  FELL_BEHIND,
  /** Silence that is not of the peer's rhythm, or the end of the connection. */
  SUSPECTED,
  /** Connected and heard in its rhythm, for as long as its past asks for. */
  TRUSTED,
  /** Not reached for longer than a pause explains. */
  LOST,
  /** One of the two does not talk to the other. */
  REFUSED,
  /** An operator takes the peer out of the cluster. */
  EVICTED,
  /** An operator takes it in again. */
  READMITTED
}
