package io.metafabric.node;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowVerb;
import io.metafabric.replicate.Replicator;
import io.metafabric.replicate.shadow.ShadowPromise;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Of a home: looks after the regions that have its shadows. What one had that stays away is made
 * again elsewhere if it was asked for by name, and one that is back is asked what it still has,
 * since a restart loses it. Belongs to the loop.
 */
final class ShadowWatch {
  /** Who is not trusted for so long is taken to stay away. */
  static final Duration AWAY_FOR = Duration.ofSeconds(30);

  /** Of one region; beyond that, its shadows are made again when they are read. */
  private static final int MAX_QUESTIONS = 4096;

  /** Each at the price of a small frame. */
  private static final int MAX_QUESTIONS_IN_SWEEP = 256;

  private record Question(RegionName region, Key key, ShadowPromise promise) {}

  private final ShadowTalk talk;
  private final ShadowLeaves leaves;
  private final LostShadows lost;
  private final Replicator replicator;
  private final Clock clock;
  private final Map<RegionName, Long> awaySinceNanos = new TreeMap<>();
  private final Set<RegionName> givenUp = new TreeSet<>();
  private final Deque<Question> questions = new ArrayDeque<>();

  ShadowWatch(
      ShadowTalk talk, ShadowLeaves leaves, LostShadows lost, Replicator replicator, Clock clock) {
    this.talk = talk;
    this.leaves = leaves;
    this.lost = lost;
    this.replicator = replicator;
    this.clock = clock;
  }

  void sweep() {
    replicator.members().forEach(this::lookAt);
    for (int i = 0; i < MAX_QUESTIONS_IN_SWEEP && !questions.isEmpty(); i++) {
      ask(questions.remove());
    }
  }

  private void lookAt(RegionName region) {
    if (replicator.isTrusted(region)) {
      awaySinceNanos.remove(region);
      givenUp.remove(region);
      return;
    }
    long nowNanos = clock.nanoTime();
    Long since = awaySinceNanos.putIfAbsent(region, nowNanos);
    if (since != null && nowNanos - since >= AWAY_FOR.toNanos() && givenUp.add(region)) {
      lost.add(leaves.lost(Set.of(region)));
    }
  }

  /** A region that was away is in sync. */
  void reachedAgain(RegionName region) {
    questions.removeIf(each -> each.region().equals(region));
    leaves
        .in(region, MAX_QUESTIONS)
        .forEach((key, promise) -> questions.add(new Question(region, key, promise)));
    lost.reachedAgain(region);
  }

  /** Nobody wants to know any more who has one. */
  void forget(Key key) {
    questions.removeIf(each -> each.key().equals(key));
  }

  private void ask(Question question) {
    replicator
        .askShadow(question.region(), ShadowVerb.TELL, question.key(), null, null)
        .thenAccept(
            answers -> {
              Frame.ShadowAnswer said = talk.firstOf(answers);
              boolean isUnknown = said.outcome() == MoveOutcome.NOT_FOUND;
              // Else it has ended meanwhile by somebody's word, here or at the other holder.
              boolean wasThere = leaves.of(question.key()).contains(question.region());
              if (isUnknown) {
                leaves.end(question.key(), question.region());
              }
              if (isUnknown
                  && wasThere
                  && question.promise().isAskedFor()
                  && !said.message().equals(ShadowTalk.HAS_ENDED)) {
                lost.add(Map.of(question.key(), question.promise()));
              }
            });
  }
}
