package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.version.Dot;

/**
 * A write of a key, on its way to a region that need not hold the payload. Immutable.
 *
 * @param dot the write
 * @param terms of its payload there
 * @param linkPressure 1 when the link is idle, more when it is busy
 * @param holds whether the region has, or had, a copy, as far as is known here
 * @param isShadow whether that is a shadow, which is sent every update that can be paid
 */
public record CopyWrite(
    Key key, Dot dot, CopyTerms terms, double linkPressure, boolean holds, boolean isShadow) {}
