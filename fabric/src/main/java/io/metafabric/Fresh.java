package io.metafabric;

import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.Optional;

/**
 * The answer to a read that had a bound on its age. Immutable.
 *
 * @param value empty if there is none
 * @param version of the value, or of the deletion; {@link Version#NONE} if nothing is known of the
 *     key
 * @param answeredBy the region whose knowledge it is: this one, or the one that was asked
 * @param staleness every write of the key that was acknowledged, in any member, at least so long
 *     before the answer is in it
 */
public record Fresh(
    Optional<Versioned> value, Version version, String answeredBy, Duration staleness) {}
