package io.metafabric.replicate.arm;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.Dot;

/**
 * A write of a key of which another region has a copy. Immutable.
 *
 * @param dot the write
 * @param holder has the copy, and is neither home nor backup
 * @param from would send the payload
 * @param remoteMs what a read there waits if it has to fetch
 * @param linkPressure 1 when the link is idle, more when it is busy
 */
public record CopyWrite(
    Key key,
    Dot dot,
    RegionName holder,
    RegionName from,
    int payloadBytes,
    double remoteMs,
    double linkPressure) {}
