package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class KeyNamesTest {
  private static final long PLENTY = 1 << 24;

  private static String named(Random random) {
    String[] directories = {
      "", "a/", "src/main/java/", "ä/", "中/文/", "only-" + random.nextInt(99) + "/"
    };
    String[] ends = {
      "x", "name-" + random.nextInt(50), "é".repeat(200), "文" + random.nextInt(9), "😀"
    };
    return "t/"
        + directories[random.nextInt(directories.length)]
        + ends[random.nextInt(ends.length)]
        + random.nextInt(20);
  }

  @RepeatedTest(20)
  void whateverComesAndGoes_eachSlotHasItsName(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    var names = new KeyNames(1);
    names.ensureCapacity(64);
    Map<Integer, String> expected = new HashMap<>();
    for (int i = 0; i < 2_000; i++) {
      int slot = 1 + random.nextInt(63);
      if (expected.remove(slot) != null) {
        names.remove(slot);
      } else {
        String name = named(random);
        names.put(slot, name, PLENTY);
        expected.put(slot, name);
      }
      int looked = 1 + random.nextInt(63);
      String other = named(random);
      assertThat(names.has(looked)).isEqualTo(expected.containsKey(looked));
      if (names.has(looked)) {
        assertThat(names.name(looked)).isEqualTo(expected.get(looked));
        assertThat(names.is(looked, expected.get(looked))).isTrue();
        assertThat(names.is(looked, other)).isEqualTo(other.equals(expected.get(looked)));
      }
    }
    assertThat(names.retainedBytes()).as("garbage goes").isLessThan(64 * 500);
  }

  @Test
  void twoCharactersOfOneLowByte_areNotTakenForEachOther() {
    var names = new KeyNames(1);
    names.ensureCapacity(8);
    names.put(1, "t/a", PLENTY);
    names.put(2, "t/š", PLENTY);
    assertThat(names.is(1, "t/š")).isFalse();
    assertThat(names.is(2, "t/a")).isFalse();
    assertThat(names.is(2, "t/š")).isTrue();
  }

  @Test
  void whatManyBeginWith_isKeptOnce_andWhatOneBeginsWith_costsNoMore() {
    int alike = bytesOf("a/long/directory/that/many/share/", "");
    int apart = bytesOf("a/long/directory/that/none/share/", "/leaf");
    assertThat(alike).isLessThan(16 * 1_000);
    assertThat(apart).isLessThan(56 * 1_000);
  }

  private static int bytesOf(String begin, String end) {
    var names = new KeyNames(1);
    names.ensureCapacity(1_001);
    for (int slot = 1; slot <= 1_000; slot++) {
      names.put(slot, begin + slot + end, PLENTY);
    }
    return (int) names.retainedBytes();
  }

  /** In one chain they would take minutes. */
  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void beginningsThatWereMadeToHaveOneHash_areFoundAsQuicklyAsOthers() {
    var beginnings = new SharedBeginnings(1);
    for (String beginning : OneHash.texts(1 << 17)) {
      beginnings.use(beginning + "/a");
      int shared = beginnings.use(beginning + "/b");
      assertThat(beginnings.text(shared)).isEqualTo(beginning + "/");
    }
  }

  @Test
  void thatThereIsRoom_isTrue() {
    long most = 20_000;
    var names = new KeyNames(1);
    names.ensureCapacity(10_000);
    int slot = 1;
    while (names.hasRoom("t/directory/" + slot, most)) {
      names.put(slot, "t/directory/" + slot, most);
      assertThat(names.retainedBytes()).isLessThanOrEqualTo(most);
      slot++;
    }
    assertThat(slot).isGreaterThan(1_000);
  }
}
