package io.metafabric.core.index;

import static java.util.Objects.requireNonNull;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Dots in one word: 18 bits for the actor, numbered as they come, and 43 for the counter. What does
 * not fit gets a word that is not exact, and is told apart by reading the journal. Thread-safe.
 */
final class DotWords {
  static final int MAX_ACTORS = (1 << 18) - 1;

  private static final int COUNTER_BITS = 43;
  private static final long MAX_COUNTER = (1L << COUNTER_BITS) - 1;
  static final long INEXACT = 0;

  private final int maxActors;
  private final ConcurrentHashMap<ActorId, Integer> numbers = new ConcurrentHashMap<>();

  // By number, from 1; longer than there are numbers.
  private volatile @Nullable ActorId[] numbered = new ActorId[16];

  DotWords(int maxActors) {
    this.maxActors = maxActors;
  }

  /** The dot's word; its actor gets a number if there is one left. */
  long encode(Dot dot) {
    Integer number = numbers.get(dot.actor());
    return word(number == null ? newNumber(dot.actor()) : number, dot.counter());
  }

  private synchronized int newNumber(ActorId actor) {
    // Asked first: the last number may just have been given to this very actor.
    Integer before = numbers.get(actor);
    if (before != null) {
      return before;
    }
    int next = numbers.size() + 1;
    if (next > maxActors) {
      return 0;
    }
    // First who it is: whoever finds the number in a slot asks for that.
    @Nullable ActorId[] all =
        numbered.length > next ? numbered : Arrays.copyOf(numbered, 2 * numbered.length);
    all[next] = actor;
    numbered = all;
    numbers.put(actor, next);
    return next;
  }

  /** The actor of an exact word. */
  ActorId actor(long word) {
    return requireNonNull(numbered[(int) (word >>> COUNTER_BITS)]);
  }

  static long counter(long exactWord) {
    return exactWord & MAX_COUNTER;
  }

  boolean hasSeen(ActorId actor) {
    return numbers.containsKey(actor);
  }

  /** All actors that have a number, in the order of their numbers, from 1. */
  List<ActorId> actors() {
    return numbers.entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Gives actors the numbers that they had. */
  void restore(List<ActorId> actors) {
    for (ActorId actor : actors) {
      newNumber(actor);
    }
  }

  /** The word that the dot has if any slot has it exactly; one that none has otherwise. */
  long find(Dot dot) {
    Integer number = numbers.get(dot.actor());
    return number == null ? INEXACT : word(number, dot.counter());
  }

  private static long word(int number, long counter) {
    return number == 0 || counter > MAX_COUNTER ? INEXACT : (long) number << COUNTER_BITS | counter;
  }

  /** The dot that a word has; null if it is not exact. */
  @Nullable Dot decode(long word) {
    return word == INEXACT ? null : new Dot(actor(word), counter(word));
  }

  static boolean isExact(long word) {
    return word != INEXACT;
  }
}
