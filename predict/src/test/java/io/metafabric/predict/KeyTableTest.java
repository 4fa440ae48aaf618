package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class KeyTableTest {
  @RepeatedTest(30)
  void aReferenceNamesItsKey_untilTheKeyLeaves_andIsStaleFromThenOn(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var given = new HashMap<Integer, String>();
    var inside = new HashMap<Integer, String>();
    var table = new KeyTable(20_000, 8, 1, slot -> assertThat(inside.remove(slot)).isNotNull());
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
    var table = new KeyTable(20_000, 8, 1, slot -> {});

    assertThat(table.find("t/absent")).isZero();
    assertThat(table.slotOf(0)).isZero();
  }

  @Test
  void keysThatAreLarge_pushOutManySmallOnes() {
    var table = new KeyTable(20_000, 8, 1, slot -> {});
    for (int i = 0; i < 100; i++) {
      table.intern("t/" + i);
    }
    for (int i = 0; i < 10; i++) {
      table.intern("t/" + "ä中".repeat(400) + i);
      assertThat(table.retainedBytes()).isLessThanOrEqualTo(20_000);
    }
  }

  /** In one chain they would take minutes. */
  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void keysThatWereMadeToHaveOneHash_areFoundAsQuicklyAsOthers() {
    var table = new KeyTable(16 << 20, 8, 1, slot -> {});
    var keys = OneHash.texts(1 << 17);
    for (String key : keys) {
      table.intern(key);
    }
    for (String key : keys) {
      assertThat(table.find(key)).isNotZero();
    }
    assertThat(table.evictions()).isZero();
  }

  /** With less room some keys are forgotten; nothing that named them names the next ones. */
  @RepeatedTest(30)
  void whatIsRestored_namesWhatItDid_orNothing_andGoesOn(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    var saved = new KeyTable(20_000, 8, 1, slot -> {});
    for (int i = 0; i < 2_000; i++) {
      saved.intern("t/" + random.nextInt(1_500) + "x".repeat(random.nextInt(30)));
    }
    var out = new ByteWriter(1 << 16);
    saved.save(out);
    int maxBytes = 16_500 + random.nextInt(3_500);
    var table = new KeyTable(maxBytes, 8, seed, slot -> {});
    table.restore(new ByteReader(ByteBuffer.wrap(out.toArray())));
    assertThat(table.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    assertThat(table.size()).isBetween(saved.size() / 2, saved.size());
    for (int round = 0; round < 3; round++) {
      for (int slot = 1; slot < saved.usedSlots(); slot++) {
        String key = saved.keyAt(slot);
        int there = key == null ? 0 : table.slotOf(saved.find(key));
        if (there != 0) {
          assertThat(table.keyAt(there)).as("seed %d", seed).isEqualTo(key);
        }
      }
      for (int i = 0; i < 400; i++) {
        table.intern("new/" + round + "/" + i);
        assertThat(table.retainedBytes()).isLessThanOrEqualTo(maxBytes);
      }
    }
  }
}
