package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ClientTrailsTest {
  private static final int DEPTH = 2;

  private static void push(ClientTrails trails, String client, int reference) {
    trails.push(trails.trailOf(client), reference);
  }

  @Test
  void itGrowsWithItsClients_upToItsBound_andForgetsNobodyBefore() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    var random = new Random(seed);
    var trails = new ClientTrails(256 << 10, DEPTH);
    assertThat(trails.retainedBytes()).isLessThan(2 << 10);
    assertThat(trails.maxRetainedBytes()).isEqualTo(256 << 10);
    Map<String, int[]> expected = new HashMap<>();
    for (int i = 1; trails.retainedBytes() < trails.maxRetainedBytes(); i++) {
      String client = "client " + random.nextInt(1 + i / 2);
      int trail = trails.trailOf(client);
      if (trails.retainedBytes() == trails.maxRetainedBytes()) {
        // From now on some are forgotten.
        return;
      }
      int[] last = expected.computeIfAbsent(client, known -> new int[DEPTH]);
      assertThat(trails.at(trail, 0)).as("last of %s", client).isEqualTo(last[0]);
      assertThat(trails.at(trail, 1)).as("the one before").isEqualTo(last[1]);
      trails.push(trail, i);
      last[1] = last[0];
      last[0] = i;
    }
  }

  @Test
  void full_itForgetsThoseThatWereSilentForLongest() {
    var trails = new ClientTrails(4 << 10, DEPTH);
    for (int i = 1; i <= 10_000; i++) {
      push(trails, "client " + i, i);
    }
    assertThat(trails.retainedBytes()).isEqualTo(trails.maxRetainedBytes()).isEqualTo(4 << 10);
    int known = 0;
    for (int i = 9_991; i <= 10_000; i++) {
      known += trails.at(trails.trailOf("client " + i), 0) == i ? 1 : 0;
    }
    assertThat(known).isEqualTo(10);
    assertThat(trails.at(trails.trailOf("client 1"), 0)).isZero();
  }

  @Test
  void itIsRestoredAtTheSizeThatItHad() {
    var trails = new ClientTrails(64 << 10, DEPTH);
    Map<String, Integer> last = new LinkedHashMap<>();
    for (int i = 1; i <= 500; i++) {
      push(trails, "client " + i, i);
      last.put("client " + i, i);
    }
    var out = new ByteWriter(1 << 20);
    trails.save(out);
    var restored = new ClientTrails(64 << 10, DEPTH);
    restored.restore(new ByteReader(ByteBuffer.wrap(out.toArray())));
    assertThat(restored.retainedBytes()).isEqualTo(trails.retainedBytes());
    last.forEach(
        (client, reference) ->
            assertThat(restored.at(restored.trailOf(client), 0)).as(client).isEqualTo(reference));
  }

  @Test
  void aSizeThatIsNoneOfIts_isRefused() {
    for (int places : new int[] {0, -8, 4, 24, 12, 1 << 20, Integer.MIN_VALUE}) {
      var out = new ByteWriter(64);
      out.i32(places).i32(DEPTH).i32(0).varint(0);
      var trails = new ClientTrails(64 << 10, DEPTH);
      assertThatThrownBy(() -> trails.restore(new ByteReader(ByteBuffer.wrap(out.toArray()))))
          .as("%s places", places)
          .isInstanceOf(WireFormatException.class)
          .hasMessageContaining("trails");
    }
  }
}
