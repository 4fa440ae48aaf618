package io.metafabric.replicate.arm;

/**
 * What follows from a read of a key that is not to be held here. Immutable.
 *
 * @param forMs for how long to keep the payload from when it is here; 0 for not at all
 * @param first whether it is the first since the key was changed elsewhere
 * @param toTell whether it is, and the home is to be told if the payload had been sent here
 */
public record CopyRead(double forMs, boolean first, boolean toTell) {}
