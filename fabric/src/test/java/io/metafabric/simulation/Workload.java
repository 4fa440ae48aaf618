package io.metafabric.simulation;

import io.metafabric.core.place.WriteConcern;
import io.metafabric.core.record.Key;
import io.metafabric.simulation.Operations.Condition;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * Draws operations over few keys, some of which are wanted by all. What the fabric learns to do
 * later is one more line in {@link #choices}.
 */
final class Workload {
  /** Some come to nothing, because the region crashes as they begin. */
  static final int OPERATIONS = 2050;

  private static final int CLIENTS = 4;

  private record Choice(int weight, Supplier<Action> draw) {}

  private final Dice dice;
  private final Setting setting;
  private final List<Choice> choices =
      List.of(
          new Choice(26, this::read),
          new Choice(24, () -> put(Condition.ALWAYS, Duration.ZERO)),
          new Choice(6, () -> put(Condition.ALWAYS, timeToLive())),
          new Choice(8, () -> put(Condition.IF_ABSENT, Duration.ZERO)),
          new Choice(8, () -> put(Condition.IF_AS_SEEN, Duration.ZERO)),
          new Choice(13, this::remove),
          new Choice(1, this::restart),
          new Choice(5, this::putBeside),
          new Choice(4, this::readSiblings),
          new Choice(5, this::add),
          new Choice(5, this::measure),
          new Choice(8, this::sessionRead),
          new Choice(6, this::sessionWrite),
          new Choice(3, this::freshRead),
          new Choice(2, this::durableWrite),
          new Choice(1, this::awaitReplicated),
          new Choice(2, this::moveHome),
          new Choice(1, this::evict),
          new Choice(1, this::pauseLink),
          new Choice(1, this::compare));
  private final int[] lastRead = new int[CLIENTS];

  Workload(Dice dice, Setting setting) {
    this.dice = dice;
    this.setting = setting;
  }

  Action draw() {
    int left = dice.below(choices.stream().mapToInt(Choice::weight).sum());
    for (Choice choice : choices) {
      left -= choice.weight;
      if (left < 0) {
        return choice.draw.get();
      }
    }
    throw new AssertionError("weights do not add up");
  }

  private int site() {
    return dice.below(setting.regions());
  }

  private Key key() {
    int keys = setting.keys().size();
    return setting.keys().get(dice.below(dice.chance(0.4) ? Math.min(4, keys) : keys));
  }

  /** Clients mostly read what they read behind the same key before, so that there is a habit. */
  private Action read() {
    int client = dice.below(CLIENTS);
    int keys = setting.keys().size();
    lastRead[client] =
        dice.chance(0.7) ? (lastRead[client] * 7 + client + 3) % keys : dice.below(keys);
    return new Operations.Read(site(), setting.keys().get(lastRead[client]), "client " + client);
  }

  private Action put(Condition condition, Duration timeToLive) {
    int size = dice.below(100);
    int bytes = size < 80 ? dice.between(16, 200) : size < 98 ? dice.between(200, 2500) : 20_000;
    return new Operations.Put(site(), key(), bytes, timeToLive, condition);
  }

  private Duration timeToLive() {
    return dice.time(Duration.ofMillis(1), Duration.ofHours(1));
  }

  private Action remove() {
    return new Operations.Remove(site(), key());
  }

  private Action putBeside() {
    int bytes = dice.chance(0.2) ? 0 : dice.between(16, 2500);
    return new Operations.PutBeside(
        site(), dice.oneOf(setting.siblings()), bytes, dice.chance(0.5));
  }

  private Action readSiblings() {
    return new Operations.ReadSiblings(site(), dice.oneOf(setting.siblings()));
  }

  private Action add() {
    return new Operations.Add(
        site(), dice.oneOf(setting.counters()), dice.between(1, 1000), "counting client");
  }

  private Action measure() {
    return new Operations.Measure(
        site(),
        dice.oneOf(setting.maxima()),
        dice.chance(0.25) ? 0 : dice.between(1, 1000),
        dice.chance(0.7),
        "measuring client");
  }

  private Action sessionRead() {
    return new Operations.SessionRead(dice.below(Travellers.COUNT), site(), key());
  }

  private Action sessionWrite() {
    int bytes = dice.chance(0.15) ? 0 : dice.between(16, 300);
    return new Operations.SessionWrite(dice.below(Travellers.COUNT), site(), key(), bytes);
  }

  private Action freshRead() {
    return new Operations.FreshRead(
        site(), key(), dice.time(Duration.ofMillis(5), Duration.ofSeconds(30)));
  }

  private Action durableWrite() {
    return new Operations.DurableWrite(
        site(), key(), dice.between(16, 300), dice.oneOf(List.of(WriteConcern.values())));
  }

  private Action awaitReplicated() {
    return new Operations.AwaitReplicated(dice.below(Travellers.COUNT), site(), site());
  }

  private Action moveHome() {
    return new Operations.MoveHome(site(), key(), site());
  }

  /** Of two regions none can be evicted. */
  private Action evict() {
    if (!setting.operators()) {
      return read();
    }
    return new Operations.Evict(
        site(),
        site(),
        dice.oneOf(List.of(Operations.Trouble.values())),
        dice.time(Duration.ofMillis(100), Duration.ofMinutes(2)),
        dice.time(Duration.ofMillis(100), Duration.ofMinutes(5)));
  }

  private Action pauseLink() {
    return new Operations.PauseLink(
        site(), site(), dice.time(Duration.ofMillis(100), Duration.ofMinutes(2)));
  }

  private Action compare() {
    return new Operations.Compare(site(), site());
  }

  private Action restart() {
    return new Operations.Restart(site(), dice.time(Duration.ofMillis(10), Duration.ofSeconds(20)));
  }
}
