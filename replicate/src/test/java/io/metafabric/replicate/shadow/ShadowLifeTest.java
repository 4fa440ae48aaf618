package io.metafabric.replicate.shadow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ShadowLifeTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void whatNobodyReads_endsAfterItsTime_andNotBefore() {
    var life = new ShadowLife(10 * SECOND, 5);
    assertThat(life.isDue(10 * SECOND + 4)).isFalse();
    assertThat(life.isOver(10 * SECOND + 4)).isFalse();
    assertThat(life.isDue(10 * SECOND + 5)).isTrue();
    assertThat(life.isOver(10 * SECOND + 5)).isTrue();
  }

  @Test
  void withUseItLivesLonger_upToEightTimes() {
    var life = new ShadowLife(SECOND, 0);
    for (int i = 1; i <= 10; i++) {
      life.used(i * SECOND);
      assertThat(life.leftNanos(i * SECOND)).isEqualTo(Math.min(1L << i, 8) * SECOND);
    }
  }

  @Test
  void withoutUseItsTimeIsHalved_andNeverPutOff() {
    var life = new ShadowLife(SECOND, 0);
    life.used(SECOND);
    life.used(2 * SECOND);
    life.used(3 * SECOND);
    life.unused(4 * SECOND);
    assertThat(life.leftNanos(4 * SECOND)).isEqualTo(4 * SECOND);
    life.unused(5 * SECOND);
    assertThat(life.leftNanos(5 * SECOND)).isEqualTo(2 * SECOND);
    life.unused(6 * SECOND);
    assertThat(life.leftNanos(6 * SECOND)).isEqualTo(SECOND);
    assertThat(life.isOver(7 * SECOND)).isTrue();
  }

  @Test
  void renewed_itNeverEndsEarlier() {
    var life = new ShadowLife(100 * SECOND, 0);
    assertThat(life.renewed(SECOND, 0).leftNanos(0)).isEqualTo(100 * SECOND);
    assertThat(life.renewed(200 * SECOND, 0).leftNanos(0)).isEqualTo(200 * SECOND);
  }

  @Property
  void itsTimeStaysWithinItsBounds_andItEndsOnceNobodyReads(
      @ForAll @LongRange(min = SECOND, max = 30 * 86_400 * SECOND) long ttl,
      @ForAll @Size(max = 40) List<Boolean> uses) {
    var life = new ShadowLife(ttl, 0);
    long now = 0;
    for (boolean used : uses) {
      now += ttl;
      if (used) {
        life.used(now);
      } else {
        life.unused(now);
      }
      assertThat(life.spanNanos()).isBetween(ttl / ShadowLife.SHORTEST, ttl * ShadowLife.LONGEST);
      long longest =
          Math.max(ttl, Math.min(ShadowLife.LONGEST * ttl, ShadowRule.MAX_TIME_TO_LIVE.toNanos()));
      assertThat(life.leftNanos(now)).isBetween(0L, longest);
    }
    int looks = 0;
    while (!life.isOver(now)) {
      now += ttl;
      life.unused(now);
      assertThat(++looks).isLessThanOrEqualTo(ShadowLife.LONGEST + 1);
    }
  }
}
