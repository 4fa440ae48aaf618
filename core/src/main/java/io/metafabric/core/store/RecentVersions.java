package io.metafabric.core.store;

import io.metafabric.core.codec.KeyedHash;
import io.metafabric.core.record.Key;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Dots and contexts that were published of late: all that a write without a condition has to know
 * of what it replaces, in 40 bytes a key, so that it need not read the journal. Holds {@value
 * #MAX_BYTES} bytes at most. Not thread-safe.
 *
 * <p>Every publication of a key comes by here, so what is here of a key is its newest. What has a
 * context of more than {@value #CONTEXT_WORDS} actors is not here.
 */
final class RecentVersions {
  /** What the next writer of a key has seen: {@code context} includes {@code dot}. */
  record Seen(Dot dot, VersionVector context) {
    static Seen of(Version version) {
      return new Seen(version.dot(), version.asContext());
    }
  }

  private static final int WAYS = 4;

  // A key's hash, the dot, and what the context has of other actors; 0 is none.
  private static final int LOW_AT = 1;
  private static final int DOT_AT = 2;
  private static final int CONTEXT_AT = 3;
  private static final int CONTEXT_WORDS = 2;
  private static final int ENTRY_WORDS = CONTEXT_AT + CONTEXT_WORDS;
  private static final int SET_WORDS = WAYS * ENTRY_WORDS;

  private static final int MIN_SETS = 1 << 6;
  private static final int MAX_SETS = 1 << 16;
  static final long MAX_BYTES = (long) MAX_SETS * SET_WORDS * Long.BYTES;

  private static final int MAX_ACTORS = 1 << 10;
  private static final int COUNTER_BITS = 48;

  private final KeyedHash hash;
  private final Map<ActorId, Integer> numbers = new HashMap<>();
  private final List<ActorId> actors = new ArrayList<>();

  // Of each actor by its number: contexts that are made of these share what names the actor.
  private final List<VersionVector> firstWrites = new ArrayList<>();

  // Sets of four entries each, the one that was published last in front.
  private long[] sets = new long[MIN_SETS * SET_WORDS];
  private int used;

  /**
   * @param random draws a secret, so that nobody can make two keys look like one
   */
  RecentVersions(RandomGenerator random) {
    this.hash = new KeyedHash(random);
  }

  /** Null if nothing is known here. */
  @Nullable Seen get(Key key) {
    hash.of(key.path());
    int set = setOf(hash.low());
    int at = find(set);
    if (at == set + SET_WORDS || sets[at + DOT_AT] == 0) {
      return null;
    }
    Dot dot = dot(sets[at + DOT_AT]);
    VersionVector context = firstWrites.get(number(sets[at + DOT_AT]) - 1).with(dot);
    for (int i = CONTEXT_AT; i < ENTRY_WORDS && sets[at + i] != 0; i++) {
      context = context.with(dot(sets[at + i]));
    }
    return new Seen(dot, context);
  }

  void published(Key key, Version version) {
    hash.of(key.path());
    int set = setOf(hash.low());
    int at = find(set);
    if (at == set + SET_WORDS) {
      at -= ENTRY_WORDS;
    }
    if (sets[at + DOT_AT] == 0) {
      used++;
    }
    System.arraycopy(sets, set, sets, set + ENTRY_WORDS, at - set);
    sets[set] = hash.high();
    sets[set + LOW_AT] = hash.low();
    write(set, version);
    if (used > sets.length / SET_WORDS * (WAYS / 2) && sets.length < MAX_SETS * SET_WORDS) {
      grow();
    }
  }

  /** Nothing is known of the key any more. */
  void forget(Key key) {
    hash.of(key.path());
    int set = setOf(hash.low());
    int at = find(set);
    if (at != set + SET_WORDS) {
      used -= sets[at + DOT_AT] == 0 ? 0 : 1;
      System.arraycopy(sets, at + ENTRY_WORDS, sets, at, set + SET_WORDS - ENTRY_WORDS - at);
      Arrays.fill(sets, set + SET_WORDS - ENTRY_WORDS, set + SET_WORDS, 0);
    }
  }

  /** What cannot be told in an entry's words leaves one without a dot, which tells nothing. */
  private void write(int at, Version version) {
    sets[at + DOT_AT] = 0;
    sets[at + CONTEXT_AT] = 0;
    sets[at + CONTEXT_AT + 1] = 0;
    ActorId own = version.dot().actor();
    VersionVector context = version.context();
    if (context.loneDots() > 0
        || context.size() > CONTEXT_WORDS + (context.counter(own) > 0 ? 1 : 0)) {
      return;
    }
    int to = CONTEXT_AT;
    for (int i = 0; i < context.size(); i++) {
      if (!context.actor(i).equals(own)) {
        long word = word(context.actor(i), context.counterAt(i));
        if (word == 0) {
          return;
        }
        sets[at + to++] = word;
      }
    }
    sets[at + DOT_AT] = word(own, version.dot().counter());
  }

  /**
   * Actors are numbered from 1 as they come; 0 if the actor has no number, or the counter no room.
   */
  private long word(ActorId actor, long counter) {
    Integer number = numbers.get(actor);
    if (number == null && actors.size() < MAX_ACTORS) {
      actors.add(actor);
      firstWrites.add(VersionVector.of(new Dot(actor, 1)));
      number = actors.size();
      numbers.put(actor, number);
    }
    return number == null || counter >>> COUNTER_BITS != 0
        ? 0
        : (long) number << COUNTER_BITS | counter;
  }

  private Dot dot(long word) {
    return new Dot(actors.get(number(word) - 1), word & ((1L << COUNTER_BITS) - 1));
  }

  private static int number(long word) {
    return (int) (word >>> COUNTER_BITS);
  }

  private int setOf(long low) {
    return ((int) low & (sets.length / SET_WORDS - 1)) * SET_WORDS;
  }

  /** The end of the set if the key is not in it. */
  private int find(int set) {
    int at = set;
    while (at < set + SET_WORDS && (sets[at] != hash.high() || sets[at + LOW_AT] != hash.low())) {
      at += ENTRY_WORDS;
    }
    return at;
  }

  private void grow() {
    long[] old = sets;
    sets = new long[2 * old.length];
    used = 0;
    // From the oldest of each set, so that the order in it stays.
    for (int set = 0; set < old.length; set += SET_WORDS) {
      for (int at = set + SET_WORDS - ENTRY_WORDS; at >= set; at -= ENTRY_WORDS) {
        if (old[at + DOT_AT] != 0) {
          int to = setOf(old[at + LOW_AT]);
          System.arraycopy(sets, to, sets, to + ENTRY_WORDS, SET_WORDS - ENTRY_WORDS);
          System.arraycopy(old, at, sets, to, ENTRY_WORDS);
          used++;
        }
      }
    }
  }

  long bytes() {
    return (long) sets.length * Long.BYTES;
  }
}
