package io.metafabric.core.version;

/** How one version relates to another; a partial order, so there are four outcomes. */
public enum Causality {
  /** The same write. */
  SAME,
  /** The other's writer had seen this one. */
  BEFORE,
  /** This one's writer had seen the other. */
  AFTER,
  /** Neither had seen the other. */
  CONCURRENT
}
