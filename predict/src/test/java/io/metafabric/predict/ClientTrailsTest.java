package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ClientTrailsTest {
  private static void push(ClientTrails trails, String client, int reference) {
    trails.pushRead(trails.rowOf(client), reference);
  }

  @Test
  void itGrowsWithItsClients_upToItsBound_andForgetsNobodyBefore() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    var random = new Random(seed);
    var trails = new ClientTrails(256 << 10, 1);
    assertThat(trails.retainedBytes()).isLessThan(2 << 10);
    assertThat(trails.maxRetainedBytes()).isBetween(255L << 10, 256L << 10);
    Map<String, int[]> expected = new HashMap<>();
    for (int i = 1; trails.retainedBytes() < trails.maxRetainedBytes(); i++) {
      String client = "client " + random.nextInt(1 + i / 2);
      int row = trails.rowOf(client);
      int[] last = expected.computeIfAbsent(client, known -> new int[4]);
      assertThat(trails.read(row, 0)).as("last read of %s", client).isEqualTo(last[0]);
      assertThat(trails.read(row, 1)).as("the one before").isEqualTo(last[1]);
      assertThat(trails.need(row, 0)).as("last need").isEqualTo(last[2]);
      assertThat(trails.need(row, 1)).as("the one before").isEqualTo(last[3]);
      trails.pushRead(row, i);
      last[1] = last[0];
      last[0] = i;
      if (random.nextInt(3) == 0) {
        trails.pushNeed(row, -i);
        last[3] = last[2];
        last[2] = -i;
      }
    }
    assertThat(expected).hasSizeGreaterThan(5_000);
    assertThat(trails.retainedBytes()).isLessThan(60L * expected.size());
  }

  @Test
  void full_itForgetsThoseThatWereSilentForLongest() {
    var trails = new ClientTrails(4 << 10, 1);
    for (int i = 1; i <= 10_000; i++) {
      push(trails, "client " + i, i);
      push(trails, "regular", i);
    }
    assertThat(trails.retainedBytes()).isEqualTo(trails.maxRetainedBytes());
    int known = 0;
    for (int i = 9_991; i <= 10_000; i++) {
      known += trails.find("client " + i) >= 0 ? 1 : 0;
    }
    assertThat(known).isEqualTo(10);
    assertThat(trails.find("client 1")).isNegative();
    assertThat(trails.read(trails.rowOf("regular"), 1)).isEqualTo(9_999);
    assertThat(trails.read(trails.rowOf("client 1"), 0)).isZero();
  }

  /** Were buckets not drawn at random, one would have them all, and this would take a minute. */
  @Test
  @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void clientsThatWereMadeToShareABucket_areFoundAsQuicklyAsOthers() {
    var trails = new ClientTrails(4 << 20, 1);
    int inverse = 0x9E3779B9;
    for (int i = 0; i < 5; i++) {
      inverse *= 2 - 0x9E3779B9 * inverse;
    }
    var clients = new ArrayList<String>();
    for (int i = 1; i < 1 << 15; i++) {
      int spread = i << 17;
      int product = spread ^ spread >>> 15 ^ spread >>> 30;
      clients.add(OneHash.textOf(product * inverse));
    }
    clients.forEach(trails::rowOf);
    for (int i = 0; i < 20; i++) {
      for (String client : clients) {
        assertThat(trails.find(client)).isNotNegative();
      }
    }
  }

  @Test
  void betweenTheNeedsOfOneClient_thoseOfTheOthersAreCounted() {
    var trails = new ClientTrails(64 << 10, 1);
    for (int i = 0; i < 20_000; i++) {
      int row = trails.rowOf("client " + i % 10);
      trails.countNeed(row);
      trails.rowOf("reads, and needs nothing");
    }
    assertThat(trails.needsBetween()).isCloseTo(10, Assertions.within(0.5));
  }

  @Test
  void itIsRestoredAtTheSizeThatItHad() {
    var trails = new ClientTrails(64 << 10, 1);
    Map<String, Integer> last = new LinkedHashMap<>();
    for (int i = 1; i <= 500; i++) {
      push(trails, "client " + i, i);
      trails.pushNeed(trails.rowOf("client " + i), 2 * i);
      last.put("client " + i, i);
    }
    var out = new ByteWriter(1 << 20);
    trails.save(out);
    var restored = new ClientTrails(64 << 10, 2);
    restored.restore(new ByteReader(ByteBuffer.wrap(out.toArray())));
    assertThat(restored.retainedBytes()).isEqualTo(trails.retainedBytes());
    last.forEach(
        (client, reference) -> {
          int row = restored.rowOf(client);
          assertThat(restored.read(row, 0)).as(client).isEqualTo(reference);
          assertThat(restored.need(row, 0)).as(client).isEqualTo(2 * reference);
        });
  }

  @Test
  void theFirstForm_whichHadTwoTables_isReadToo() {
    var out = new ByteWriter(256);
    out.i32(64).i32(2).i32(9);
    out.varint(3).i32(-77).i32(8).i32(5).i32(6).varint(64).i32(42).i32(9).i32(7).i32(0).varint(0);
    out.i32(8).i32(2).i32(4).varint(1).i32(42).i32(3).i32(11).i32(12).varint(0);
    var trails = new ClientTrails(64 << 10, 1);
    var in = new ByteReader(ByteBuffer.wrap(out.toArray()));
    trails.restore(in);
    in.end("trails");

    var again = new ByteWriter(256);
    trails.save(again);
    var expected = new ByteWriter(256);
    expected.i32(-2).i32(32).i32(2).i32(4);
    expected.i32(-77).i32(0).i32(5).i32(6).i32(0).i32(0);
    expected.i32(42).i32(3).i32(7).i32(0).i32(11).i32(12);
    assertThat(again.toArray()).isEqualTo(expected.toArray());
  }

  @Test
  void anotherForm_orASizeThatIsNoneOfIts_isRefused() {
    int[][] beginnings = {
      {64, 3, 0},
      {24, 2, 0},
      {4, 2, 0},
      {0, 2, 0},
      {Integer.MIN_VALUE, 2, 0},
      {-1, 64, 0},
      {-2, 8, 0},
      {-2, 1 << 20, 0},
      {-2, 64, 65},
      {-2, 64, -1},
      {-2, 64, 5}
    };
    for (int[] beginning : beginnings) {
      var out = new ByteWriter(64);
      out.i32(beginning[0]).i32(beginning[1]).i32(beginning[2]).i32(0).varint(0);
      var trails = new ClientTrails(64 << 10, 1);
      assertThatThrownBy(() -> trails.restore(new ByteReader(ByteBuffer.wrap(out.toArray()))))
          .as("%s, %s, %s", beginning[0], beginning[1], beginning[2])
          .isInstanceOf(WireFormatException.class)
          .hasMessageContaining("trails");
    }
  }
}
