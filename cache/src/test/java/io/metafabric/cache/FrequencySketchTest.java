package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FrequencySketchTest {
  @Test
  void whatIsSeenMoreOften_isEstimatedHigher_andNeverTooLow() {
    var sketch = new FrequencySketch();
    sketch.ensureEntries(1_000);
    for (int hash = 0; hash < 1_000; hash++) {
      sketch.add(hash, hash % 7);
    }
    for (int hash = 0; hash < 1_000; hash++) {
      assertThat(sketch.estimate(hash)).isBetween(hash % 7, 15);
    }
    assertThat(sketch.estimate(6)).isGreaterThan(sketch.estimate(7_777_777));
  }

  @Test
  void thePast_fades() {
    var sketch = new FrequencySketch();
    sketch.ensureEntries(100);
    sketch.add(1, 15);
    for (int i = 0; i < 4 * 20 * 100; i++) {
      sketch.add(1_000 + i % 100, 1);
    }
    assertThat(sketch.estimate(1)).isLessThan(8);
  }

  @Test
  void aCounter_isFullAtFifteen_andSpillsNowhere() {
    var sketch = new FrequencySketch();
    sketch.ensureEntries(1_000);
    for (int i = 0; i < 100; i++) {
      sketch.add(5, 15);
    }
    assertThat(sketch.estimate(5)).isEqualTo(15);
    int others = 0;
    for (int hash = 100; hash < 1_100; hash++) {
      others += sketch.estimate(hash);
    }
    assertThat(others).isZero();
  }
}
