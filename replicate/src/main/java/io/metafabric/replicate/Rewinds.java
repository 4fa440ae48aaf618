package io.metafabric.replicate;

import java.util.concurrent.atomic.AtomicLong;

/**
 * When changes that a peer has not acknowledged are sent again: where nothing was heard of them for
 * long, or where the peer wishes so, and each time that it was in vain, after a longer pause. What
 * is lost on the way arrives when it is sent again; where that was in vain a few times, the peer
 * cannot take it now, because of its clock or its disk, and one batch shows when it can. Belongs to
 * the loop, beside a count.
 */
final class Rewinds {
  private static final int RESEND_RTTS = 4;
  private static final double RESEND_AT_LEAST_MS = 2000;
  private static final double FIRST_REWIND_PAUSE_MS = 20;
  private static final double LONGEST_REWIND_PAUSE_MS = 5000;

  /** So often all is sent again that the window takes, before one batch has to do. */
  private static final int WHOLE_REWINDS = 3;

  private static final double LONGEST_BETWEEN_PROBES_MS = 30_000;

  private final RoundTrips trips;
  private final AtomicLong resends = new AtomicLong();
  private long lastProgressNanos;
  private int withoutProgress;
  private long nextNanos;

  Rewinds(RoundTrips trips) {
    this.trips = trips;
  }

  /** A connection begins. */
  void reset(long now) {
    lastProgressNanos = now;
    withoutProgress = 0;
    nextNanos = now;
  }

  /** The peer is at work, or there is nothing that it could be at work on. */
  void notStuck(long now) {
    lastProgressNanos = now;
  }

  /** What was sent last was not in vain. */
  void gotOn() {
    withoutProgress = 0;
  }

  /** Whether nothing was heard for longer than an answer can take. */
  boolean isDue(long now) {
    double rttMs = trips.rttMs();
    double rttsMs = Double.isNaN(rttMs) ? 0 : RESEND_RTTS * rttMs;
    double silenceMs = Math.max(isProbing() ? probePauseMs() : RESEND_AT_LEAST_MS, rttsMs);
    return now - lastProgressNanos > (long) (1e6 * silenceMs) && waitNanos(now) <= 0;
  }

  private double probePauseMs() {
    int doublings = withoutProgress - WHOLE_REWINDS;
    return Math.min(Math.scalb(RESEND_AT_LEAST_MS, doublings), LONGEST_BETWEEN_PROBES_MS);
  }

  /** Whether what was sent last is sent to see whether the peer takes anything. */
  boolean isProbing() {
    return withoutProgress > WHOLE_REWINDS;
  }

  /** As long as less is under way, a batch may be sent. */
  long windowBytes(long whole) {
    return isProbing() ? 1 : whole;
  }

  /** How long the pause behind the last one still is; 0 or less if it is over. */
  long waitNanos(long now) {
    return nextNanos - now;
  }

  /** All is sent again. */
  void rewound(long now) {
    resends.incrementAndGet();
    lastProgressNanos = now;
    nextNanos = now + pauseNanos(withoutProgress++);
  }

  /** A round trip at first, in which the answer can come; then twice as long each time. */
  private long pauseNanos(int rewinds) {
    double rttMs = trips.rttMs();
    double first =
        Double.isNaN(rttMs) ? FIRST_REWIND_PAUSE_MS : Math.max(FIRST_REWIND_PAUSE_MS, rttMs);
    return (long) (1e6 * Math.min(Math.scalb(first, rewinds), LONGEST_REWIND_PAUSE_MS));
  }

  /** How often. Any thread. */
  long resends() {
    return resends.get();
  }
}
