package io.metafabric.replicate.shadow;

import io.metafabric.core.wire.ShadowReason;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * On what terms a region has a shadow. Immutable.
 *
 * @param factor how many regions are to hold the payload, home and backup included
 * @param ttlNanos how long it lives if nobody reads it
 * @param client whose read made it; null if none did
 */
public record ShadowTerms(ShadowReason reason, int factor, long ttlNanos, @Nullable String client) {
  public static ShadowTerms of(ShadowReason reason, int factor, Duration timeToLive) {
    return new ShadowTerms(reason, factor, timeToLive.toNanos(), null);
  }

  /** What a peer says: within the bounds, whatever it is. */
  public static ShadowTerms said(ShadowReason reason, int factor, long ttlMs) {
    long least = ShadowRule.MIN_TIME_TO_LIVE.toMillis();
    long most = ShadowRule.MAX_TIME_TO_LIVE.toMillis();
    return of(reason, factor, Duration.ofMillis(Math.max(least, Math.min(most, ttlMs))));
  }

  /** The same with another factor. */
  public ShadowTerms withFactor(int next) {
    return new ShadowTerms(reason, next, ttlNanos, client);
  }

  /** The same with another time to live. */
  public ShadowTerms lasting(long nanos) {
    return new ShadowTerms(reason, factor, nanos, client);
  }

  /** As a rule says, for a client's reads. */
  public static ShadowTerms by(ShadowReason reason, ShadowRule rule, @Nullable String client) {
    return new ShadowTerms(reason, rule.factor(), rule.timeToLive().toNanos(), client);
  }

  public long ttlMs() {
    return ttlNanos / 1_000_000;
  }
}
