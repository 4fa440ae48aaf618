package io.metafabric.http;

/**
 * A request that has all that it must have. Immutable.
 *
 * @param trusted whether it came with the token, or none is asked for
 */
public record Request(Fields fields, boolean trusted) {}
