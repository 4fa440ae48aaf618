package io.metafabric.replicate;

import java.time.Duration;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The state of one pair of regions, as one of the two sees it, and all of its transitions.
 *
 * <p>The first suspicion after a calm time ends as soon as the peer is well. One that follows
 * within {@link #CALM} of the last is a relapse: then the peer has to be well for {@link
 * #FIRST_PROBATION} on end, and twice as long after each further relapse, at most {@link
 * #LONGEST_PROBATION}; by chance up to a quarter less, so that not all who watched it flap ask it
 * again at once. A link that flaps thus changes its state a few times, and then rests.
 *
 * <p>Pure: callers pass monotonic nanoseconds. Not thread-safe.
 */
final class PairMachine {
  static final Duration CALM = Duration.ofSeconds(60);
  static final Duration FIRST_PROBATION = Duration.ofSeconds(1);
  static final Duration LONGEST_PROBATION = Duration.ofSeconds(32);
  private static final int MAX_DOUBLINGS = 5;
  private static final double JITTER = 0.25;

  /** Is told of every change of the state. */
  interface Observer {
    void changed(PeerState from, PeerState to, String why);
  }

  private final Duration offlineAfter;
  private final RandomGenerator random;
  private final Observer observer;
  private PeerState state = PeerState.CONNECTING;
  private boolean connected;
  private boolean steady;
  private long steadySinceNanos;
  private long disconnectedSinceNanos;
  private boolean trustedBefore;
  private long trustedSinceNanos;
  private int relapses;
  private long flaps;
  private Duration probation = Duration.ZERO;

  /**
   * @param offlineAfter a peer that was not connected for longer is lost
   * @param random for the length of probations
   */
  PairMachine(Duration offlineAfter, RandomGenerator random, long nowNanos, Observer observer) {
    this.offlineAfter = offlineAfter;
    this.random = random;
    this.observer = observer;
    this.disconnectedSinceNanos = nowNanos;
  }

  /** Where {@code event} leads; null if it cannot happen in that state. */
  static @Nullable PeerState next(PeerState state, PairEvent event) {
    if (state == PeerState.EVICTED) {
      return event == PairEvent.READMITTED ? PeerState.CONNECTING : null;
    }
    return switch (event) {
      case ESTABLISHED -> isAway(state) ? PeerState.CATCHING_UP : null;
      case RETURNED -> isAway(state) ? PeerState.SUSPECT : null;
      case CAUGHT_UP -> state == PeerState.CATCHING_UP ? PeerState.IN_SYNC : null;
      case FELL_BEHIND -> state == PeerState.IN_SYNC ? PeerState.CATCHING_UP : null;
      case SUSPECTED -> state.isTrusted() ? PeerState.SUSPECT : null;
      case TRUSTED -> state == PeerState.SUSPECT ? PeerState.CATCHING_UP : null;
      case LOST ->
          state == PeerState.CONNECTING || state == PeerState.SUSPECT ? PeerState.OFFLINE : null;
      case REFUSED -> PeerState.OFFLINE;
      case EVICTED -> PeerState.EVICTED;
      case READMITTED -> null;
    };
  }

  private static boolean isAway(PeerState state) {
    return state == PeerState.CONNECTING || state == PeerState.OFFLINE;
  }

  PeerState state() {
    return state;
  }

  /** The peer welcomed this node. */
  void established(long nowNanos) {
    connected = true;
    steady = true;
    steadySinceNanos = nowNanos;
    if (isAway(state)) {
      boolean doubted = !isOver(probation(), nowNanos);
      fire(
          doubted ? PairEvent.RETURNED : PairEvent.ESTABLISHED,
          nowNanos,
          doubted ? "connected again, after it came and went" : "connected");
    }
  }

  /** The connection ended. */
  void disconnected(long nowNanos, String why) {
    if (connected) {
      connected = false;
      disconnectedSinceNanos = nowNanos;
    }
    if (state.isTrusted()) {
      fire(PairEvent.SUSPECTED, nowNanos, why);
    }
  }

  /** One of the two refused the other; the connection ends. */
  void refused(long nowNanos, String why) {
    if (connected) {
      connected = false;
      disconnectedSinceNanos = nowNanos;
    }
    if (state != PeerState.EVICTED) {
      fire(PairEvent.REFUSED, nowNanos, why);
    }
  }

  /**
   * @throws IllegalStateException if it was evicted before
   */
  void evicted(long nowNanos, String why) {
    fire(PairEvent.EVICTED, nowNanos, why);
  }

  /**
   * @throws IllegalStateException unless it was evicted
   */
  void readmitted(long nowNanos, String why) {
    disconnectedSinceNanos = nowNanos;
    fire(PairEvent.READMITTED, nowNanos, why);
    suspectedAgain(false);
    trustedBefore = false;
  }

  /**
   * Looks at how things are now; to be called now and then.
   *
   * @param suspicious the silence is longer than the peer's rhythm explains
   * @param upToDate each side has what the other wrote, but for what is of late
   */
  void observe(long nowNanos, boolean suspicious, boolean upToDate) {
    if (state == PeerState.EVICTED) {
      return;
    }
    if (!connected) {
      boolean lost = nowNanos - disconnectedSinceNanos >= offlineAfter.toNanos();
      if (lost && state != PeerState.OFFLINE) {
        fire(PairEvent.LOST, nowNanos, "not reached for " + offlineAfter.toMillis() + " ms");
      }
      return;
    }
    if (suspicious) {
      steady = false;
      if (state.isTrusted()) {
        fire(PairEvent.SUSPECTED, nowNanos, "silent for longer than its rhythm explains");
      }
      return;
    }
    if (!steady) {
      steady = true;
      steadySinceNanos = nowNanos;
    }
    if (state == PeerState.SUSPECT && isOver(probation(), nowNanos)) {
      fire(PairEvent.TRUSTED, nowNanos, "connected, and heard in its rhythm");
    }
    if (state == PeerState.CATCHING_UP && upToDate) {
      fire(PairEvent.CAUGHT_UP, nowNanos, "each side has what the other wrote");
    } else if (state == PeerState.IN_SYNC && !upToDate) {
      fire(PairEvent.FELL_BEHIND, nowNanos, "changes wait for longer than a moment");
    }
  }

  private boolean isOver(Duration probation, long nowNanos) {
    return nowNanos - steadySinceNanos >= probation.toNanos();
  }

  /** For how long the peer must be well before it is trusted. */
  Duration probation() {
    return probation;
  }

  /** How often it relapsed, since the beginning. */
  long flaps() {
    return flaps;
  }

  private void suspectedAgain(boolean soon) {
    relapses = soon ? relapses + 1 : 0;
    if (soon) {
      flaps++;
      Duration longest = FIRST_PROBATION.multipliedBy(1L << Math.min(relapses - 1, MAX_DOUBLINGS));
      long lessNanos = (long) (JITTER * random.nextDouble() * longest.toNanos());
      probation = longest.minusNanos(lessNanos);
    } else {
      probation = Duration.ZERO;
    }
  }

  private void fire(PairEvent event, long nowNanos, String why) {
    PeerState from = state;
    PeerState to = next(from, event);
    if (to == null) {
      throw new IllegalStateException(event + " cannot happen to a pair that is " + from);
    }
    if (to == PeerState.SUSPECT && from.isTrusted()) {
      suspectedAgain(trustedBefore && nowNanos - trustedSinceNanos < CALM.toNanos());
    }
    if (to == PeerState.CATCHING_UP && !from.isTrusted()) {
      // The first time is no recovery: what breaks soon after it is the first suspicion.
      trustedBefore = from != PeerState.CONNECTING;
      trustedSinceNanos = nowNanos;
    }
    state = to;
    if (from != to) {
      boolean onProbation = to == PeerState.SUSPECT && relapses > 0;
      observer.changed(
          from,
          to,
          onProbation
              ? why + "; it comes and goes, and is trusted once it was well for " + probation
              : why);
    }
  }
}
