package io.metafabric.core.transport;

import org.jspecify.annotations.Nullable;

/**
 * What became of connections that are made with TLS, and of this node's own certificate.
 *
 * @param handshakes in which the other side has proved who it is
 * @param refused connections that ended because it had not: no TLS, no certificate, one that is not
 *     trusted or has expired, or one without a name of this cluster
 * @param refusedThere connections that ended because the other side did not take this node's
 *     certificate
 * @param revoked connections closed because what was trusted when they were made is not any more
 * @param reloads how often changed files were taken
 * @param failedReloads how often they were not, and those of before were kept
 * @param expiresAtMs when the first of this node's own certificates does, or the last of those that
 *     it trusts; epoch milliseconds
 * @param problem why the files as they are now are not taken; null if they are
 * @param lastRefusal what was wrong with the last one of {@code refused}; null if there was none
 */
public record TlsStats(
    long handshakes,
    long refused,
    long refusedThere,
    long revoked,
    long reloads,
    long failedReloads,
    long expiresAtMs,
    @Nullable String problem,
    @Nullable String lastRefusal) {}
