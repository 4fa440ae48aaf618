package io.metafabric.replicate.arm;

import static io.metafabric.core.stress.Interleavings.race;
import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.times;

import io.metafabric.core.record.Key;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Of real threads that read what has changed elsewhere, one is told that it is the first. */
@Tag("stress")
class CopiesHereStressTest {
  private static final CopyTerms TERMS = new CopyTerms(Candidates.OSLO, Candidates.PARIS, 100, 80);
  private static final KeepingPolicy POLICY = new KeepingPolicy(Prices.DEFAULT, 200);
  private static final int ROUNDS = 50;
  private static final int KEYS = 100;

  @Test
  void oneReadIsTheFirst() {
    for (int round = 0; round < times(ROUNDS); round++) {
      var copies = new CopiesHere();
      for (int key = 0; key < KEYS; key++) {
        copies.changed(Key.of("n/" + key), TERMS, POLICY, 1_000);
      }
      var first = new AtomicInteger();
      race(() -> readAll(copies, first), () -> readAll(copies, first));
      require(first.get() == KEYS, first + " first reads of " + KEYS + " keys");
    }
  }

  private static void readAll(CopiesHere copies, AtomicInteger first) {
    for (int key = 0; key < KEYS; key++) {
      first.addAndGet(copies.read(Key.of("n/" + key), TERMS, POLICY, false, 2_000).first() ? 1 : 0);
    }
  }
}
