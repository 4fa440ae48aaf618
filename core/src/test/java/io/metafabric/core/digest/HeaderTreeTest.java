package io.metafabric.core.digest;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class HeaderTreeTest {
  @Provide
  Arbitrary<Set<Dot>> dots() {
    return AnyRecords.dots().set().ofMaxSize(40);
  }

  private static HeaderTree of(Iterable<Dot> dots) {
    var tree = new HeaderTree();
    dots.forEach(tree::added);
    return tree;
  }

  @Property(tries = 200)
  void theSameElements_giveTheSameDigest_inWhateverOrderTheyCame(
      @ForAll("dots") Set<Dot> dots, @ForAll long seed) {
    var shuffled = new ArrayList<>(dots);
    Collections.shuffle(shuffled, new Random(seed));
    assertThat(of(shuffled).digest(0, 0)).isEqualTo(of(dots).digest(0, 0));
  }

  @Property(tries = 200)
  void otherElements_giveAnotherDigest(@ForAll("dots") Set<Dot> one, @ForAll("dots") Set<Dot> two) {
    assertThat(of(one).digest(0, 0) == of(two).digest(0, 0)).isEqualTo(one.equals(two));
  }

  @Property(tries = 200)
  void historyDoesNotMatter(@ForAll("dots") Set<Dot> before, @ForAll("dots") Set<Dot> after) {
    HeaderTree tree = of(before);
    List<Dot> old = List.copyOf(before);
    List<Dot> fresh = List.copyOf(after);
    int both = Math.min(old.size(), fresh.size());
    for (int i = 0; i < both; i++) {
      tree.replaced(old.get(i), fresh.get(i));
    }
    var left = new HashSet<Dot>(fresh.subList(0, both));
    for (Dot dot : old.subList(both, old.size())) {
      if (!left.remove(dot)) {
        left.add(dot);
      }
    }
    HeaderTree expected = of(left);
    assertThat(tree.digest(0, 0)).isEqualTo(expected.digest(0, 0));
  }

  @Property(tries = 200)
  void aNode_isTheExclusiveOrOfItsChildren(
      @ForAll("dots") Set<Dot> dots, @ForAll @IntRange(max = HeaderTree.DEPTH - 1) int depth) {
    HeaderTree tree = of(dots);
    for (Dot dot : dots) {
      int prefix = HeaderTree.prefix(depth, dot.actor().id(), dot.counter());
      assertThat(tree.digest(depth, prefix))
          .isEqualTo(tree.digest(depth + 1, 2 * prefix) ^ tree.digest(depth + 1, 2 * prefix + 1));
    }
  }

  @Test
  void consecutiveWritesOfOneActor_areSpreadEvenly() {
    var perNode = new int[256];
    for (long counter = 1; counter <= 256_000; counter++) {
      perNode[HeaderTree.prefix(8, 42, counter)]++;
    }
    for (int count : perNode) {
      // Six standard deviations of 1,000.
      assertThat(count).isBetween(810, 1190);
    }
  }

  /** Regions of different versions of the library must agree. */
  @Test
  void theHashesAreThoseOfTheProtocol() {
    HeaderTree tree = of(List.of(new Dot(new ActorId(0x11), 2)));
    assertThat(Long.toHexString(tree.digest(0, 0))).isEqualTo("3fea34df5ea96541");
    assertThat(Integer.toHexString(HeaderTree.prefix(16, 0x11, 2))).isEqualTo("8a2f");
    assertThat(Integer.toHexString(HeaderTree.shortened(0, 0))).isEqualTo("0");
    assertThat(Integer.toHexString(HeaderTree.shortened(1, 7))).isEqualTo("d1770797");
  }
}
