package io.metafabric.cache;

import org.jspecify.annotations.Nullable;

/**
 * A queue in which an entry can be moved to where it would be had it been brought forward when it
 * was read. Time is counted in <em>generations</em>, each as long as a part of the queue takes to
 * come in, and between two of them is a milestone in the list: a node that weighs nothing. What was
 * read in a generation goes right behind the milestone of the next. Not thread-safe.
 */
final class RecencyQueue {
  /** Milestones are for two turns of the queue. */
  private static final int MILESTONES = 64;

  private static final int GENERATIONS_PER_TURN = MILESTONES / 2;

  private final NodeQueue nodes = new NodeQueue();
  private final Milestone[] milestones = new Milestone[MILESTONES];
  private int milestonesInside;
  private byte generation;
  private int leftOfGeneration = 1;

  private static final class Milestone extends QueueNode {
    Milestone() {
      super(0);
    }

    @Override
    int hash() {
      throw new UnsupportedOperationException("a milestone is no entry");
    }
  }

  RecencyQueue() {
    for (int i = 0; i < MILESTONES; i++) {
      milestones[i] = new Milestone();
    }
  }

  /** The present one; the type says how many there are until they come again. */
  byte generation() {
    return generation;
  }

  void addFirst(QueueNode node) {
    if (--leftOfGeneration == 0) {
      leftOfGeneration = 1 + size() / GENERATIONS_PER_TURN;
      beginGeneration();
    }
    nodes.addFirst(node);
  }

  private void beginGeneration() {
    generation++;
    Milestone next = milestoneOf(generation);
    if (next.queue == null) {
      milestonesInside++;
    } else {
      nodes.remove(next);
    }
    nodes.addFirst(next);
  }

  private Milestone milestoneOf(int generation) {
    return milestones[generation & (MILESTONES - 1)];
  }

  /** Adds it among those of the generation in which it was read last. */
  void addWhereRead(QueueNode node) {
    int age = (generation - node.readIn()) & 0xFF;
    if (age == 0) {
      addFirst(node);
      return;
    }
    Milestone next = milestoneOf(node.readIn() + 1);
    if (age < MILESTONES && next.queue != null) {
      nodes.addBehind(next, node);
    } else {
      nodes.addLast(node);
    }
  }

  void remove(QueueNode node) {
    nodes.remove(node);
  }

  /** The one that came, or was read, first of all; null if there is none. */
  @Nullable QueueNode last() {
    QueueNode last = nodes.last();
    while (last instanceof Milestone) {
      nodes.remove(last);
      milestonesInside--;
      last = nodes.last();
    }
    return last;
  }

  boolean isEmpty() {
    return size() == 0;
  }

  int size() {
    return nodes.size() - milestonesInside;
  }

  long weight() {
    return nodes.weight();
  }
}
