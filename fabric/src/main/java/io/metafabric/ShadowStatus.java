package io.metafabric;

import io.metafabric.core.version.Dot;
import io.metafabric.core.wire.ShadowReason;
import java.time.Duration;

/**
 * One region's shadow of a key, as that region says. Immutable.
 *
 * @param region who has it
 * @param version names the write whose payload it holds; it may not be the newest
 * @param age since it was made
 * @param hits how often the key was read there since, as far as the access log had room
 * @param expiresIn until it ends, unless it is read before; zero if its time is over and it stays
 *     because nobody says that the payload is elsewhere
 * @param reason why it exists
 */
public record ShadowStatus(
    String region, Dot version, Duration age, long hits, Duration expiresIn, ShadowReason reason) {}
