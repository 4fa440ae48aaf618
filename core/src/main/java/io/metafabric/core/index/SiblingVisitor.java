package io.metafabric.core.index;

import io.metafabric.core.record.Key;

/** What is done with each version beside a key's winner. */
@FunctionalInterface
public interface SiblingVisitor {
  /**
   * @param actor and {@code counter} are the version's dot
   */
  void visit(Key key, long actor, long counter);
}
