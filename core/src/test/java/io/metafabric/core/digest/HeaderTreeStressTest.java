package io.metafabric.core.digest;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.Interleavings;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** However many change it at once, none of the changes is lost, in leaves and sums alike. */
@Tag("stress")
class HeaderTreeStressTest {
  /** The deepest of the nodes of which there are sums. */
  private static final int SUMS_DEPTH = 2 * HeaderTree.STEP;

  @Test
  void changesBesideEachOther_giveTheTreeOfTheSameChangesInARow() {
    int leaf = HeaderTree.prefix(HeaderTree.DEPTH, 1, 1);
    int sum = HeaderTree.prefix(SUMS_DEPTH, 1, 1);
    long other = inTheSameLeaf(leaf);
    Interleavings.ofProgram(
        () -> {
          var tree = new HeaderTree();
          together(() -> tree.toggle(1, 1), () -> tree.toggle(1, other), () -> tree.toggle(1, 1));
          long expected = HeaderTree.value(1, other);
          require(tree.digest(HeaderTree.DEPTH, leaf) == expected, "lost in the leaf");
          require(tree.digest(SUMS_DEPTH, sum) == expected, "lost in the sum");
        });
  }

  private static long inTheSameLeaf(int leaf) {
    long counter = 2;
    while (HeaderTree.prefix(HeaderTree.DEPTH, 1, counter) != leaf) {
      counter++;
    }
    return counter;
  }
}
