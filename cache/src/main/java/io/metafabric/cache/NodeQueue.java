package io.metafabric.cache;

import org.jspecify.annotations.Nullable;

/** A doubly linked list that knows its weight. Not thread-safe. */
final class NodeQueue {
  private @Nullable QueueNode first;
  private @Nullable QueueNode last;
  private long weight;
  private int size;

  void addFirst(QueueNode node) {
    node.queue = this;
    node.before = null;
    node.after = first;
    if (first == null) {
      last = node;
    } else {
      first.before = node;
    }
    first = node;
    weight += node.weightBytes();
    size++;
  }

  /** Adds it next to one that is here, on the side of those that came earlier. */
  void addBehind(QueueNode place, QueueNode node) {
    QueueNode next = place.after;
    if (next == null) {
      addLast(node);
      return;
    }
    node.queue = this;
    node.before = place;
    node.after = next;
    place.after = node;
    next.before = node;
    weight += node.weightBytes();
    size++;
  }

  void addLast(QueueNode node) {
    node.queue = this;
    node.before = last;
    node.after = null;
    if (last == null) {
      first = node;
    } else {
      last.after = node;
    }
    last = node;
    weight += node.weightBytes();
    size++;
  }

  void remove(QueueNode node) {
    if (node.before == null) {
      first = node.after;
    } else {
      node.before.after = node.after;
    }
    if (node.after == null) {
      last = node.before;
    } else {
      node.after.before = node.before;
    }
    node.before = null;
    node.after = null;
    node.queue = null;
    weight -= node.weightBytes();
    size--;
  }

  /** One that is here weighs something else from now on. */
  void reweigh(QueueNode node, int bytes) {
    weight += bytes - node.weightBytes();
    node.setWeightBytes(bytes);
  }

  /** The one that came first of all; null if there is none. */
  @Nullable QueueNode last() {
    return last;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  long weight() {
    return weight;
  }
}
