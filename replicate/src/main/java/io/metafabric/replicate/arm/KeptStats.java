package io.metafabric.replicate.arm;

/**
 * Copies that are kept beside the hot tier. Immutable.
 *
 * @param copies that there are, also those whose time is just over
 * @param bytes that they take
 * @param pushedOut to make room for others, since the opening
 * @param notTaken for want of room, since the opening
 */
public record KeptStats(int copies, long bytes, long maxBytes, long pushedOut, long notTaken) {}
