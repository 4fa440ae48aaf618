package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyHashTest {
  private static final int KEYS = 100_000;

  /** Slots that are on disk were placed by it: this must never change. */
  @Test
  void aKeysHash_staysWhatItIs() {
    assertThat(KeyHash.of("", 0)).isZero();
    assertThat(KeyHash.of("n/1", 1)).isEqualTo(0xa6c030d101906ae2L);
    assertThat(KeyHash.of("users/\u20ac/7", 0x123456789abcdefL)).isEqualTo(0x996d8f9a7ac57d2cL);
  }

  @Test
  void keysThatDifferLittle_areSpread_overTablesAndFingerprints() {
    int[] tables = new int[KeyIndex.TABLES];
    Set<Integer> fingerprints = new HashSet<>();
    Set<Long> hashes = new HashSet<>();
    for (int i = 0; i < KEYS; i++) {
      long hash = KeyHash.of("n/" + i, 7);
      tables[(int) (hash >>> 57)]++;
      fingerprints.add((int) hash);
      hashes.add(hash);
    }
    assertThat(hashes).hasSize(KEYS);
    assertThat(fingerprints).hasSizeGreaterThan(KEYS - 20);
    for (int each : tables) {
      assertThat(each).isBetween(KEYS / 128 * 3 / 4, KEYS / 128 * 5 / 4);
    }
  }

  @Test
  void withAnotherSeed_otherKeysMeet() {
    Set<Long> hashes = new HashSet<>();
    for (int seed = 0; seed < 1000; seed++) {
      hashes.add(KeyHash.of("n/1", seed));
    }
    assertThat(hashes).hasSize(1000);
  }
}
