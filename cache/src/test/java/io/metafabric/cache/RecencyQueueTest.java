package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecencyQueueTest {
  private static final int NODES = 320;

  private final RecencyQueue queue = new RecencyQueue();

  private static final class Node extends QueueNode {
    private final int name;

    Node(int name) {
      super(1);
      this.name = name;
    }

    @Override
    int hash() {
      return name;
    }
  }

  private List<Node> add(int count) {
    var nodes = new ArrayList<Node>();
    for (int i = 0; i < count; i++) {
      nodes.add(new Node(i));
      queue.addFirst(nodes.get(i));
    }
    return nodes;
  }

  private Node takeLast() {
    QueueNode last = queue.last();
    assertThat(last).isNotNull();
    queue.remove(last);
    return (Node) last;
  }

  @Test
  void whatIsMoved_goesBetweenWhatCameBeforeAndAfterItsLastRead() {
    List<Node> before = add(NODES);
    Node read = before.get(0);
    read.touch(queue.generation());
    add(NODES);

    queue.remove(read);
    queue.addWhereRead(read);

    int behind = 0;
    while (takeLast() != read) {
      behind++;
    }
    assertThat(behind).as("to a part of a turn").isBetween(NODES - NODES / 8, NODES + NODES / 8);
  }

  @Test
  void whatWasReadLongAgo_isTheLast_andWhatWasReadJustNowTheFirst() {
    Node old = add(1).get(0);
    old.touch(queue.generation());
    add(100_000);
    while (queue.size() > NODES) {
      takeLast();
    }

    queue.addWhereRead(old);
    assertThat(queue.last()).isSameAs(old);
    queue.remove(old);

    old.touch(queue.generation());
    queue.addWhereRead(old);
    while (queue.size() > 1) {
      assertThat(takeLast()).isNotSameAs(old);
    }
    assertThat(queue.last()).isSameAs(old);
  }

  @Test
  void milestones_areNoEntries() {
    assertThat(queue.last()).isNull();
    add(NODES);
    assertThat(queue.size()).isEqualTo(NODES);
    assertThat(queue.weight()).isEqualTo(NODES);
    for (int name = 0; name < NODES; name++) {
      assertThat(takeLast().name).as("first come, first to go").isEqualTo(name);
    }
    assertThat(queue.isEmpty()).isTrue();
    assertThat(queue.last()).isNull();
  }
}
