package io.metafabric.benchmarks.replay;

import java.util.Arrays;

/** Doubly linked lists over small numbers, each of which is in one list at most. */
final class IntLists {
  private static final int NONE = -1;

  private final int[] next;
  private final int[] before;
  private final List[] listOf;

  IntLists(int numbers) {
    next = new int[numbers];
    before = new int[numbers];
    listOf = new List[numbers];
    Arrays.fill(next, NONE);
    Arrays.fill(before, NONE);
  }

  /** The list that holds {@code number}, or null. */
  List holderOf(int number) {
    return listOf[number];
  }

  /** One of the lists. */
  final class List {
    private int first = NONE;
    private int last = NONE;
    private int size;

    int size() {
      return size;
    }

    int last() {
      return last;
    }

    void addFirst(int number) {
      listOf[number] = this;
      before[number] = NONE;
      next[number] = first;
      if (first == NONE) {
        last = number;
      } else {
        before[first] = number;
      }
      first = number;
      size++;
    }

    void remove(int number) {
      if (before[number] == NONE) {
        first = next[number];
      } else {
        next[before[number]] = next[number];
      }
      if (next[number] == NONE) {
        last = before[number];
      } else {
        before[next[number]] = before[number];
      }
      listOf[number] = null;
      size--;
    }

    int removeLast() {
      int number = last;
      remove(number);
      return number;
    }
  }
}
