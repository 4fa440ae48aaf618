package io.metafabric.replicate.shadow;

import io.metafabric.core.wire.ShadowReason;

/**
 * What a home owes of a shadow: that there is one on these terms until a moment, which is that of
 * the request and its time to live, or for how long it was to live on when its holder said so last.
 * Immutable.
 */
public record ShadowPromise(ShadowTerms terms, long endNanos) {
  /** From now on, for the time to live. */
  public static ShadowPromise from(ShadowTerms terms, long nowNanos) {
    return new ShadowPromise(terms, nowNanos + terms.ttlNanos());
  }

  public boolean isAskedFor() {
    return terms.reason() == ShadowReason.REQUESTED;
  }

  /** Whether so little is left that no shadow could live as short. */
  public boolean isOver(long nowNanos) {
    return endNanos - nowNanos < ShadowRule.MIN_TIME_TO_LIVE.toNanos();
  }

  /** The terms for what is left of it, which is not over. */
  public ShadowTerms left(long nowNanos) {
    return terms.lasting(endNanos - nowNanos);
  }

  /** The one of the two that lasts longer. */
  public ShadowPromise orLonger(ShadowPromise that) {
    return that.endNanos - endNanos > 0 ? that : this;
  }
}
