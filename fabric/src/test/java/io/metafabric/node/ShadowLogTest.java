package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import org.junit.jupiter.api.Test;

class ShadowLogTest {
  @Test
  void longKeys_takeAsMuchOfTheBoundAsTheyTakeOfMemory() {
    var log = new ShadowLog();
    String id = "x".repeat(1_000);
    int all = 2_000;
    for (int i = 0; i < all; i++) {
      log.add(Key.of("n/" + i + id), "no shadow");
    }
    int kept = 0;
    for (int i = 0; i < all; i++) {
      kept += log.on(Key.of("n/" + i + id)).size();
    }
    assertThat(kept).isPositive();
    assertThat(kept * 2_000L).isLessThanOrEqualTo(ShadowLog.MAX_BYTES);
    assertThat(log.retainedBytes()).isBetween(kept * 2_000L, ShadowLog.MAX_BYTES);
  }
}
