package io.metafabric.core.index;

/** What is done with each key's present write. */
@FunctionalInterface
public interface WriteVisitor {
  /**
   * @param actor and {@code counter} are the write's dot
   * @param place of the frame, for {@link KeyIndex#keyAt}
   */
  void visit(long actor, long counter, long place);
}
