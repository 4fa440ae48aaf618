package io.metafabric.core.journal;

import java.util.ArrayList;
import java.util.List;

/** Where some of a segment's frames begin. One writer, many readers. */
final class Checkpoints {
  /** A frame's position and offset. */
  record Checkpoint(long position, long offset) {}

  private final int everyBytes;
  private final List<Checkpoint> list = new ArrayList<>();

  Checkpoints(int everyBytes) {
    this.everyBytes = everyBytes;
  }

  synchronized void add(long position, long offset) {
    if (list.isEmpty() || offset - list.get(list.size() - 1).offset() >= everyBytes) {
      list.add(new Checkpoint(position, offset));
    }
  }

  synchronized List<Checkpoint> all() {
    return List.copyOf(list);
  }

  synchronized Checkpoint before(long position) {
    int low = 0;
    int high = list.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (list.get(middle).position() <= position) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return list.get(low);
  }
}
