package io.metafabric.core.wire;

import io.metafabric.core.record.Bytes;

/**
 * What values have in common, and what that was worth for some that it was not made of. Immutable.
 *
 * @param wholeShare of the bytes of a value, what it takes by itself: compressed where frames are
 * @param toldShare of the bytes of a value, what it takes by the dictionary
 */
public record TrainedDictionary(Bytes bytes, double wholeShare, double toldShare) {}
