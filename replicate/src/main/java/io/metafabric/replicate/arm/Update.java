package io.metafabric.replicate.arm;

/** What a region that has a copy is sent when the key is written. The header goes in any case. */
public enum Update {
  /** The payload too. */
  PUSH,
  /** Nothing more: the copy is an old one from then on, and the next read there fetches. */
  INVALIDATE,
  /** Nothing more, and the region counts as one without a copy until it fetches again. */
  DROP
}
