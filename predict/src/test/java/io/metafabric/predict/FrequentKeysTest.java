package io.metafabric.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrequentKeysTest {
  private final FrequentKeys keys = new FrequentKeys();

  @Test
  void aFewKeys_areCountedExactly() {
    for (int i = 1; i <= 20; i++) {
      keys.add("t/" + i, i);
    }
    assertThat(keys.mostFirst()).hasSize(20).first().isEqualTo(new FrequentKeys.Count("t/20", 20));
  }

  @Test
  void amongVeryManyKeys_theFrequentOnesAreFound_andNoneIsSaidToComeMoreOftenThanItDid() {
    var random = new Random(3);
    Map<String, Long> came = new HashMap<>();
    for (int i = 0; i < 200_000; i++) {
      String path = "t/" + (i % 2 == 0 ? random.nextInt(10) : 100 + random.nextInt(50_000));
      came.merge(path, 1L, Long::sum);
      keys.add(path, 1);
    }
    assertThat(keys.mostFirst()).hasSizeLessThanOrEqualTo(FrequentKeys.PLACES);
    assertThat(keys.mostFirst().subList(0, 10))
        .allSatisfy(
            each -> {
              assertThat(Integer.parseInt(each.path().substring(2))).isLessThan(10);
              assertThat(each.reads()).isGreaterThan(came.get(each.path()) * 9 / 10);
            });
    assertThat(keys.mostFirst())
        .allSatisfy(each -> assertThat(each.reads()).isLessThanOrEqualTo(came.get(each.path())));
    keys.clear();
    assertThat(keys.mostFirst()).isEmpty();
  }
}
