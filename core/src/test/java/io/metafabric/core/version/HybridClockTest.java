package io.metafabric.core.version;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.port.Clock;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class HybridClockTest {
  private static final long HOUR_MS = 3_600_000;

  private static final class SettableClock implements Clock {
    long wallMs = 1_000 * HOUR_MS;

    @Override
    public long wallMs() {
      return wallMs;
    }

    @Override
    public long nanoTime() {
      return 0;
    }
  }

  private final SettableClock wall = new SettableClock();
  private final HybridClock clock = new HybridClock(wall);

  /** The wall clock jumps; then a stamp from elsewhere may be observed. */
  private record Step(long jumpMs, long observedAheadMs, boolean observes) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    Arbitrary<Long> jumps = Arbitraries.longs().between(-HOUR_MS, HOUR_MS);
    return Combinators.combine(jumps, jumps, Arbitraries.of(true, false)).as(Step::new).list();
  }

  @Property
  void stampsGrow_howeverTheWallClockJumps_andWhateverIsObserved(
      @ForAll("steps") List<Step> steps) {
    var jumping = new SettableClock();
    var hybrid = new HybridClock(jumping);
    Stamp last = new Stamp(0);
    for (Step step : steps) {
      jumping.wallMs += step.jumpMs;
      if (step.observes) {
        Stamp seen = Stamp.ofWallMs(jumping.wallMs + step.observedAheadMs);
        hybrid.observe(seen);
        last = seen.compareTo(last) > 0 ? seen : last;
      }
      Stamp next = hybrid.next();
      assertThat(next).isGreaterThan(last);
      assertThat(next.packed())
          .as("a stamp is the wall clock's, or the least that is later than all before")
          .isEqualTo(Math.max(last.packed() + 1, Stamp.ofWallMs(jumping.wallMs).packed()));
      last = next;
    }
  }

  @Test
  void aStampIsTheWallClocks_whileThatGoesOn() {
    assertThat(clock.next().wallMs()).isEqualTo(wall.wallMs);
    wall.wallMs += 5;
    assertThat(clock.next()).isEqualTo(Stamp.ofWallMs(wall.wallMs));
  }

  @Test
  void aCounterThatOverflows_runsIntoTheMilliseconds() {
    Stamp first = clock.next();
    Stamp last = first;
    for (int i = 0; i < 70_000; i++) {
      last = clock.next();
    }
    assertThat(last.packed() - first.packed()).isEqualTo(70_000);
    assertThat(last.wallMs()).isEqualTo(wall.wallMs + 1);
  }

  @Test
  void theLastStampThereIs_doesNotStopTheWriters() {
    clock.observe(new Stamp(Long.MAX_VALUE));

    assertThat(clock.next().packed()).isEqualTo(Long.MAX_VALUE);
    assertThat(clock.next().packed()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void theNewestStamp_isTheLastOneIssuedOrObserved() {
    assertThat(clock.newest()).isEqualTo(new Stamp(0));
    Stamp issued = clock.next();
    assertThat(clock.newest()).isEqualTo(issued);
    clock.observe(new Stamp(1));
    assertThat(clock.newest()).isEqualTo(issued);
    clock.observe(issued.next());
    assertThat(clock.newest()).isEqualTo(issued.next()).isGreaterThan(issued);
    assertThat(issued.next().packed()).isEqualTo(issued.packed() + 1);
  }

  @Test
  void wallClocksFromBeforeAndBehindAllTime_areBounded() {
    assertThat(Stamp.ofWallMs(Long.MIN_VALUE)).isEqualTo(new Stamp(0));
    assertThat(Stamp.ofWallMs(Long.MAX_VALUE).wallMs()).isEqualTo(Stamp.MAX_WALL_MS);
  }

  @Test
  void aStampHasBothParts() {
    var stamp = new Stamp((5L << 16) + 7);
    assertThat(stamp.wallMs()).isEqualTo(5);
    assertThat(stamp.logical()).isEqualTo(7);
    assertThat(stamp).hasToString("5.7").isLessThan(Stamp.ofWallMs(6));
    assertThatThrownBy(() -> new Stamp(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
