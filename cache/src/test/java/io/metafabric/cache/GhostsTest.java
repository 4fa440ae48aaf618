package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GhostsTest {
  @Test
  void theAge_isHowManyWentSince() {
    var ghosts = new Ghosts();
    ghosts.ensureCapacity(100);
    for (int hash = 1; hash <= 50; hash++) {
      ghosts.add(hash);
    }
    assertThat(ghosts.age(50)).isZero();
    assertThat(ghosts.age(1)).isEqualTo(49);
    assertThat(ghosts.age(51)).isEqualTo(Integer.MAX_VALUE);
    ghosts.remove(50);
    assertThat(ghosts.age(50)).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void growing_forgetsNobody_andTheMemoryIsBounded() {
    var ghosts = new Ghosts();
    for (int hash = 1; hash <= 20; hash++) {
      ghosts.add(hash);
    }
    ghosts.ensureCapacity(10_000);
    for (int hash = 1; hash <= 20; hash++) {
      assertThat(ghosts.age(hash)).isEqualTo(20 - hash);
    }
    ghosts.ensureCapacity(Integer.MAX_VALUE);
    assertThat(ghosts.retainedBytes()).isLessThanOrEqualTo(32L << 20);
  }
}
