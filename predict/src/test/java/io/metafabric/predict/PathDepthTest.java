package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PathDepthTest {
  private final PathDepth depth = new PathDepth();

  /** As many as it takes to look, of which such a share comes late. */
  private void look(double late) {
    long count = 5L * PathDepth.USED_PER_LOOK;
    for (int i = 0; i < count - Math.round(late * count); i++) {
      depth.usedOnTime();
    }
    depth.used(count);
  }

  @Test
  void whatComesLate_andLessSoFromFurtherAway_isLookedForFurtherAway() {
    for (int i = 0; i < 10; i++) {
      look(0.9 / depth.keys());
    }
    assertThat(depth.keys()).isEqualTo(PathDepth.MAX);
    for (int i = 0; i < 10; i++) {
      look(0.05);
    }
    assertThat(depth.keys()).as("few come late").isEqualTo(PathDepth.MAX);
    for (int i = 0; i < 20; i++) {
      look(0.01);
    }
    assertThat(depth.keys()).as("next to none").isEqualTo(1);
  }

  @Test
  void whereThatDoesNotHelp_itIsTriedSeldom() {
    List<Integer> seen = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      look(0.5);
      seen.add(depth.keys());
    }
    assertThat(seen).containsOnly(1, 2).filteredOn(keys -> keys == 2).hasSizeBetween(3, 5);
  }

  @Test
  void itIsBounded() {
    for (int i = 0; i < 100; i++) {
      look(Math.pow(0.7, depth.keys()) + 0.11);
      assertThat(depth.keys()).isBetween(1, PathDepth.MAX);
    }
    for (int i = 0; i < 100; i++) {
      look(Math.pow(0.5, i % 8) * 0.9 + 0.1);
      assertThat(depth.keys()).isBetween(1, PathDepth.MAX);
    }
  }

  @Test
  void itIsKeptOverARestart() {
    for (int i = 0; i < 10; i++) {
      look(0.9 / depth.keys());
    }
    var out = new ByteWriter(16);
    depth.save(out);
    var restored = new PathDepth();
    restored.restore(new ByteReader(ByteBuffer.wrap(out.toArray())));
    assertThat(restored.keys()).isEqualTo(depth.keys()).isGreaterThan(1);
  }
}
