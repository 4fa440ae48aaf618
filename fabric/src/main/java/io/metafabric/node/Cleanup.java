package io.metafabric.node;

import java.util.ArrayList;
import java.util.List;

/** What was opened so far, to be closed backwards if the rest cannot be opened. For one thread. */
final class Cleanup {
  private final List<AutoCloseable> opened = new ArrayList<>();

  <T extends AutoCloseable> T add(T resource) {
    opened.add(resource);
    return resource;
  }

  void run(RuntimeException cause) {
    for (int i = opened.size() - 1; i >= 0; i--) {
      try {
        opened.get(i).close();
      } catch (Exception e) {
        cause.addSuppressed(e);
      }
    }
  }
}
