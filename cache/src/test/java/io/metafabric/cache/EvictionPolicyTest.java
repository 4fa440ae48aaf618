package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EvictionPolicyTest {
  private static final int MAX_WEIGHT = 100;

  private final List<QueueNode> evicted = new ArrayList<>();
  private long nowNanos;
  private final EvictionPolicy policy =
      new EvictionPolicy(MAX_WEIGHT, () -> nowNanos, evicted::add);

  private static final class Node extends QueueNode {
    private final int hash;

    Node(int hash) {
      super(1);
      this.hash = hash;
    }

    @Override
    int hash() {
      return hash;
    }
  }

  @ParameterizedTest
  @EnumSource(EvictionPolicy.Mode.class)
  void whatWasReadOnProbation_whileTheLockWasTaken_isNotEvictedAsUnread(EvictionPolicy.Mode mode) {
    policy.setMode(mode);
    for (int i = 0; i < MAX_WEIGHT; i++) {
      policy.add(new Node(i));
    }
    evicted.clear();
    var read = new Node(1_000);
    policy.addUnread(read);
    read.touch(policy.generation());
    var unread = new Node(1_001);
    policy.addUnread(unread);
    for (int i = 0; i < MAX_WEIGHT / 4; i++) {
      policy.addUnread(new Node(2_000 + i));
    }

    assertThat(policy.isOnProbation(read)).isFalse();
    assertThat(read.queue).as("is where a first read places it").isNotNull();
    assertThat(evicted).contains(unread).doesNotContain(read);
    assertThat(policy.weight()).isLessThanOrEqualTo(MAX_WEIGHT);
  }

  @ParameterizedTest
  @EnumSource(EvictionPolicy.Mode.class)
  void whatIsUnreadWhenItsTimeHasPassed_goesBeforeAnythingElse(EvictionPolicy.Mode mode) {
    policy.setMode(mode);
    var guesses = new ArrayList<Node>();
    for (int i = 0; i < 5; i++) {
      var guess = new Node(1_000 + i);
      guess.expect(10);
      policy.addUnread(guess);
      guesses.add(guess);
    }
    for (int i = 0; i < MAX_WEIGHT - guesses.size(); i++) {
      policy.add(new Node(i));
    }
    policy.add(new Node(2_000));
    assertThat(evicted).as("in time").hasSize(1).doesNotContainAnyElementsOf(guesses);

    nowNanos = 11;
    evicted.clear();
    for (int i = 0; i < 3; i++) {
      policy.add(new Node(3_000 + i));
    }
    assertThat(evicted).isEqualTo(guesses.subList(0, 3));
    assertThat(policy.isOnProbation(guesses.get(4))).as("the least share stays").isTrue();

    for (int i = 0; i < 2 * MAX_WEIGHT; i++) {
      policy.add(new Node(4_000 + i));
    }
    assertThat(evicted).as("for a while").containsAll(guesses);
  }

  @Test
  void whatWasReadInTime_isNotOverdueLater() {
    var guesses = new ArrayList<Node>();
    for (int i = 0; i < 5; i++) {
      var guess = new Node(1_000 + i);
      guess.expect(10);
      policy.addUnread(guess);
      guesses.add(guess);
    }
    for (int i = 0; i < MAX_WEIGHT - guesses.size(); i++) {
      policy.add(new Node(i));
    }
    policy.firstRead(guesses.get(0));
    nowNanos = 11;
    policy.add(new Node(2_000));
    assertThat(evicted).containsExactly(guesses.get(1));
  }

  @Test
  void whatWasReadOnProbation_isPlacedAsByItsFirstRead() {
    var told = new Node(1);
    policy.addUnread(told);
    told.touch(policy.generation());
    policy.firstRead(told);
    var noticedLate = new Node(2);
    policy.addUnread(noticedLate);
    noticedLate.touch(policy.generation());
    for (int i = 0; i < MAX_WEIGHT; i++) {
      policy.addUnread(new Node(10 + i));
    }
    assertThat(noticedLate.queue).isNotNull().isSameAs(told.queue);
    assertThat(noticedLate.wasTouched()).isFalse();
  }

  @Test
  void whereAllThereIsWasReadOnProbation_roomIsMadeAllTheSame() {
    for (int i = 0; i < 6; i++) {
      var node = new Node(i);
      policy.addUnread(node);
      node.touch(policy.generation());
    }
    for (int i = 0; i < 10 * MAX_WEIGHT; i++) {
      policy.add(new Node(100 + i));
      assertThat(policy.weight()).isLessThanOrEqualTo(MAX_WEIGHT);
    }
    assertThat(evicted).hasSize(6 + 10 * MAX_WEIGHT - policy.entries());
  }

  private int onProbationAfterManyGuesses(int from) {
    var guesses = new ArrayList<Node>();
    for (int i = 0; i < MAX_WEIGHT; i++) {
      var guess = new Node(from + i);
      policy.addUnread(guess);
      guesses.add(guess);
    }
    return (int) guesses.stream().filter(policy::isOnProbation).count();
  }

  private void fill() {
    for (int i = 0; i < MAX_WEIGHT; i++) {
      policy.add(new Node(i));
    }
  }

  @Test
  void whatWentUnreadAndWasAskedForThen_wouldHaveStayedOnMoreProbation_soThereIsMore() {
    fill();
    assertThat(onProbationAfterManyGuesses(10_000)).isEqualTo(6);
    var unread = new HashSet<Integer>();
    int guesses = 0;
    for (int i = 0; i < 200; i++) {
      evicted.clear();
      while (evicted.stream().noneMatch(gone -> unread.contains(gone.hash()))) {
        int hash = 20_000 + guesses++;
        unread.add(hash);
        policy.addUnread(new Node(hash));
      }
      double before = policy.probationShare();
      QueueNode tooEarly = evicted.get(evicted.size() - 1);
      unread.remove(tooEarly.hash());
      policy.add(new Node(tooEarly.hash()));
      assertThat(policy.probationShare()).isGreaterThanOrEqualTo(before);
    }
    assertThat(policy.probationShare()).isEqualTo(0.3);
    assertThat(onProbationAfterManyGuesses(30_000)).isBetween(29, 30);
  }

  @Test
  void whatWentForGuessesAndWasAskedForThen_takesRoomFromProbation() {
    fill();
    onProbationAfterManyGuesses(10_000);
    for (int i = 0; i < 200; i++) {
      evicted.clear();
      policy.add(new Node(20_000 + i));
      QueueNode tooEarly = evicted.get(0);
      policy.addUnread(new Node(40_000 + i));
      policy.add(new Node(tooEarly.hash()));
    }
    assertThat(policy.probationShare()).isEqualTo(0.02);
    assertThat(onProbationAfterManyGuesses(50_000)).isEqualTo(2);
  }

  @Test
  void aFewPrefetches_doNotCount_andManyDoUntilAllElseHasCome() {
    fill();
    prefetchOneOf(30);
    assertThat(policy.isPrefetchedInto()).as("a thirtieth").isFalse();
    prefetchOneOf(10);
    assertThat(policy.isPrefetchedInto()).as("a tenth").isTrue();
    for (int i = 0; i < 3 * MAX_WEIGHT; i++) {
      policy.add(new Node(50_000 + i));
    }
    assertThat(policy.isPrefetchedInto()).as("none of late").isFalse();
  }

  private void prefetchOneOf(int count) {
    for (int i = 0; i < 4 * MAX_WEIGHT; i++) {
      var node = new Node(10_000 * count + i);
      if (i % count == 0) {
        policy.addUnread(node);
      } else {
        policy.add(node);
      }
    }
  }

  @Test
  void withNothingOnProbation_itsShareStays() {
    fill();
    double before = policy.probationShare();
    for (int i = 0; i < 200; i++) {
      evicted.clear();
      policy.add(new Node(20_000 + i));
      policy.add(new Node(evicted.get(0).hash()));
    }
    assertThat(policy.probationShare()).isEqualTo(before);
  }
}
