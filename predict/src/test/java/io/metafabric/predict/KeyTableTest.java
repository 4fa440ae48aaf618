package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class KeyTableTest {
  @RepeatedTest(30)
  void aReferenceNamesItsKey_untilTheKeyLeaves_andIsStaleFromThenOn(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var given = new HashMap<Integer, String>();
    var inside = new HashMap<Integer, String>();
    var table = new KeyTable(20_000, 8, slot -> assertThat(inside.remove(slot)).isNotNull());
    for (int i = 0; i < 3_000; i++) {
      String key = "t/" + random.nextInt(1 + random.nextInt(2_000)) + "x".repeat(i % 40);
      int reference = table.intern(key);
      int slot = table.slotOf(reference);
      inside.put(slot, key);
      given.put(reference, key);

      assertThat(slot).as("seed %d", seed).isPositive();
      assertThat(table.find(key)).isEqualTo(reference);
      assertThat(table.retainedBytes()).isLessThanOrEqualTo(20_000);
      assertThat(table.size()).isEqualTo(inside.size());
    }
    for (Map.Entry<Integer, String> each : given.entrySet()) {
      int slot = table.slotOf(each.getKey());
      boolean named = slot != 0 && each.getValue().equals(table.keyAt(slot));
      assertThat(slot == 0 || named).as("seed %d, %s", seed, each).isTrue();
      assertThat(inside.containsValue(each.getValue()) || slot == 0).isTrue();
    }
    assertThat(table.evictions()).isPositive();
  }

  @Test
  void nothing_isReferenceZero() {
    var table = new KeyTable(20_000, 8, slot -> {});

    assertThat(table.find("t/absent")).isZero();
    assertThat(table.slotOf(0)).isZero();
  }

  @Test
  void keysThatAreLarge_pushOutManySmallOnes() {
    var table = new KeyTable(20_000, 8, slot -> {});
    for (int i = 0; i < 100; i++) {
      table.intern("t/" + i);
    }
    for (int i = 0; i < 10; i++) {
      table.intern("t/" + "ä中".repeat(400) + i);
      assertThat(table.retainedBytes()).isLessThanOrEqualTo(20_000);
    }
  }
}
