package io.metafabric.core.store;

/**
 * Changes of other regions that are held back because they are stamped too far ahead.
 *
 * @param actors whose changes wait, with all that follows
 * @param changes that are held here; what follows stays where it comes from
 * @param aheadMs by how much the first of them is ahead of this node's clock, at most
 * @param bytes of heap that they take, by estimate, never more than {@link #MAX_BYTES}
 * @param everHeld how many have been held since the opening
 */
public record HeldStats(int actors, long changes, long aheadMs, long bytes, long everHeld) {
  /** Beyond this they are not taken; they come again. */
  public static final long MAX_BYTES = 8 << 20;
}
