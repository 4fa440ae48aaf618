package io.metafabric.procs;

import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the regions said that they tried, were acknowledged, and read, kept outside of them. Memory
 * grows with keys and lives, not with writes. Thread-safe.
 */
final class Recorder {
  private record Attempt(WriteId id, Effect effect) {}

  private record Acknowledged(WriteId id, Effect effect, Version version) {
    static final Comparator<Acknowledged> RULE =
        Comparator.comparing((Acknowledged write) -> write.version().stamp())
            .thenComparing(write -> write.version().dot().actor())
            .thenComparing(write -> write.version().dot().counter());
  }

  /** One life of a process. */
  private static final class Life {
    final Map<Long, String> keys = new HashMap<>();
    final Map<Long, Effect> effects = new HashMap<>();
    long tried;
    long mostRead;
  }

  private static final class History {
    // To know an actor's write of a key is to know its earlier ones of that key.
    final Map<ActorId, Version> acknowledged = new HashMap<>();
    @Nullable Acknowledged winner;
    // No later than this is what may be forgotten, with all that it covers: the last that was
    // deleted, or was to expire.
    @Nullable Stamp lastDead;
    final List<Attempt> inDoubt = new ArrayList<>();
  }

  private final Map<Integer, Life> lives = new HashMap<>();
  private final Map<String, History> histories = new TreeMap<>();
  private long acknowledgedWrites;
  private long reads;
  private long unreachableReads;
  private long writesInDoubt;

  private Life life(WriteId id) {
    return lives.computeIfAbsent(id.life(), number -> new Life());
  }

  private History history(String key) {
    return histories.computeIfAbsent(key, each -> new History());
  }

  synchronized void tried(WriteId id, String key, Effect effect) {
    Life life = life(id);
    life.keys.put(id.sequence(), key);
    life.effects.put(id.sequence(), effect);
    life.tried = Math.max(life.tried, id.sequence());
  }

  /** A condition did not hold: nothing was written. */
  synchronized void declined(WriteId id) {
    life(id).keys.remove(id.sequence());
    life(id).effects.remove(id.sequence());
  }

  synchronized void acknowledged(WriteId id, Version version) {
    String key = life(id).keys.remove(id.sequence());
    var write = new Acknowledged(id, life(id).effects.remove(id.sequence()), version);
    History history = history(key);
    if (history.winner == null || Acknowledged.RULE.compare(write, history.winner) > 0) {
      history.winner = write;
    }
    mustKnow(history, version);
    if (write.effect() != Effect.VALUE
        && (history.lastDead == null || version.stamp().compareTo(history.lastDead) > 0)) {
      history.lastDead = version.stamp();
    }
    acknowledgedWrites++;
  }

  /** It was acknowledged; all that is known of its version is another one that covers it. */
  synchronized void acknowledgedUnder(WriteId id, Version cover) {
    String key = life(id).keys.remove(id.sequence());
    life(id).effects.remove(id.sequence());
    mustKnow(history(key), cover);
    acknowledgedWrites++;
  }

  private static void mustKnow(History history, Version version) {
    history.acknowledged.merge(
        version.dot().actor(),
        version,
        (one, other) -> one.dot().counter() > other.dot().counter() ? one : other);
  }

  synchronized void read(WriteId id) {
    Life life = life(id);
    life.mostRead = Math.max(life.mostRead, id.sequence());
    reads++;
  }

  /** A value could not be read for want of a region that has it. */
  synchronized void unreachable() {
    unreachableReads++;
  }

  /** The process has ended, and all that it said was heard. */
  synchronized void ended(int number) {
    Life life = lives.get(number);
    if (life != null) {
      life.keys.forEach(
          (sequence, key) -> {
            history(key)
                .inDoubt
                .add(new Attempt(new WriteId(number, sequence), life.effects.get(sequence)));
            writesInDoubt++;
          });
      life.keys.clear();
      life.effects.clear();
    }
  }

  synchronized long acknowledgedWrites() {
    return acknowledgedWrites;
  }

  synchronized long reads() {
    return reads;
  }

  @Override
  public synchronized String toString() {
    return "%,d acknowledged writes, %,d in doubt; %,d values read, %,d unreachable; %d processes"
        .formatted(acknowledgedWrites, writesInDoubt, reads, unreachableReads, lives.size());
  }

  /** What cannot be if this is the state in which all regions have come to rest. */
  synchronized List<String> problems(List<KeyState> states) {
    var problems = new ArrayList<String>();
    lives.forEach(
        (number, life) -> {
          if (life.mostRead > life.tried) {
            problems.add("read before it was written: " + new WriteId(number, life.mostRead));
          }
        });
    var seen = new TreeMap<>(histories);
    for (KeyState state : states) {
      History history = seen.remove(state.key());
      if (history != null) {
        check(state, history, problems);
      } else if (state.version() != null) {
        problems.add("nobody tried to write " + state);
      }
    }
    seen.keySet().forEach(key -> problems.add("no state of " + key));
    return problems;
  }

  private void check(KeyState state, History history, List<String> problems) {
    Acknowledged winner = history.winner;
    Version version = state.version();
    if (version == null) {
      if (!history.acknowledged.isEmpty() && !mayBeForgotten(history)) {
        problems.add("lost: nothing is known of " + state.key() + ", last was " + winner);
      }
      return;
    }
    history.acknowledged.forEach(
        (actor, write) -> {
          if (!version.covers(write.dot()) && !mayBeForgotten(write, version, history)) {
            problems.add("lost: " + write + " is not covered by " + state);
          }
        });
    if (winner != null && version.dot().equals(winner.version().dot())) {
      if (!shows(state, winner.id(), winner.effect())) {
        problems.add("not the value of " + winner + ": " + state);
      }
      return;
    }
    if (winner != null && version.stamp().compareTo(winner.version().stamp()) < 0) {
      problems.add("an older write than " + winner + " has won: " + state);
    }
    // Written, but its process was killed before it could say so.
    if (history.inDoubt.stream().noneMatch(write -> shows(state, write.id(), write.effect()))) {
      problems.add("neither " + winner + " nor one of " + history.inDoubt + ": " + state);
    }
  }

  /**
   * Who writes what has been deleted and forgotten has seen nothing of it; and after many openings
   * it is not said of everything that it was seen.
   */
  private boolean mayBeForgotten(Version write, Version by, History history) {
    if (!by.isLaterThan(write)) {
      return false;
    }
    return lives.size() >= KeyState.OPENINGS_NAMED
        || (history.lastDead != null && write.stamp().compareTo(history.lastDead) <= 0)
        || history.inDoubt.stream().anyMatch(each -> each.effect() != Effect.VALUE);
  }

  /** What was deleted last, or has expired, is known to nobody once all regions have it. */
  private static boolean mayBeForgotten(History history) {
    Acknowledged winner = history.winner;
    return (winner != null && winner.effect() != Effect.VALUE)
        || history.inDoubt.stream().anyMatch(write -> write.effect() != Effect.VALUE);
  }

  private static boolean shows(KeyState state, WriteId id, Effect effect) {
    return effect == Effect.VALUE
        ? state.valueId().equals(Optional.of(id))
        : state.value().equals(KeyState.NONE);
  }
}
