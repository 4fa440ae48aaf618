package io.metafabric.replicate.shadow;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ShadowPlacementTest {
  private static final RegionName HOME = new RegionName("home");
  private static final RegionName A = new RegionName("a");
  private static final RegionName B = new RegionName("b");
  private static final RegionName C = new RegionName("c");

  private final Map<Set<RegionName>, Double> measured = new HashMap<>();
  private final ShadowPlacement placement =
      new ShadowPlacement(HOME, (from, to) -> measured.getOrDefault(Set.of(from, to), Double.NaN));

  private void measured(RegionName one, RegionName other, double rttMs) {
    measured.put(Set.of(one, other), rttMs);
  }

  private List<RegionName> order(Map<RegionName, Long> reads) {
    return placement.order(Set.of(A, B, C), Set.of(HOME), reads);
  }

  @Test
  void whoReadsMost_comesFirst_whereAllAreAsFar() {
    measured(HOME, A, 50);
    measured(HOME, B, 50);
    measured(HOME, C, 50);
    assertThat(order(Map.of(A, 1L, B, 3L, C, 2L))).containsExactly(B, C, A);
  }

  @Test
  void ofThoseWhoReadAlike_theFarthestComesFirst() {
    measured(HOME, A, 10);
    measured(HOME, B, 90);
    measured(HOME, C, 50);
    assertThat(order(Map.of(A, 5L, B, 5L, C, 5L))).containsExactly(B, C, A);
    assertThat(order(Map.of())).as("who reads is not known").containsExactly(B, C, A);
  }

  @Test
  void aRegionBetweenReaders_servesBoth_whereThatIsMeasured() {
    measured(HOME, A, 100);
    measured(HOME, B, 100);
    measured(HOME, C, 100);
    measured(A, C, 5);
    measured(B, C, 5);
    assertThat(order(Map.of(A, 10L, B, 10L))).first().isEqualTo(C);
    measured(A, C, 99);
    assertThat(order(Map.of(A, 10L, B, 11L))).first().isEqualTo(B);
  }

  @Test
  void whereNothingIsMeasured_readsDecide_thenNames() {
    assertThat(order(Map.of(C, 1L))).containsExactly(C, A, B);
    assertThat(order(Map.of())).containsExactly(A, B, C);
  }

  /** The first one is never worse than any other would be. */
  @Property
  void theFirst_isTheBestSingleChoice(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 8) int count) {
    var regions = new ArrayList<RegionName>();
    for (int i = 0; i < count; i++) {
      regions.add(new RegionName("r" + i));
    }
    var rtts = new HashMap<Set<RegionName>, Double>();
    var reads = new HashMap<RegionName, Long>();
    for (RegionName each : regions) {
      rtts.put(Set.of(HOME, each), 1 + random.nextDouble() * 200);
      reads.put(each, 1 + (long) random.nextInt(50));
      for (RegionName other : regions) {
        rtts.put(Set.copyOf(new TreeSet<>(List.of(each, other))), random.nextDouble() * 200);
      }
    }
    ShadowPlacement.Latencies latencies =
        (from, to) -> rtts.get(Set.copyOf(new TreeSet<>(List.of(from, to))));
    var chooser = new ShadowPlacement(HOME, latencies);
    List<RegionName> order = chooser.order(Set.copyOf(regions), Set.of(HOME), reads);
    assertThat(order).containsExactlyInAnyOrderElementsOf(regions);
    Collections.shuffle(regions, random);
    assertThat(chooser.order(new TreeSet<>(regions), Set.of(HOME), reads)).isEqualTo(order);
    double chosen = waiting(order.get(0), reads, latencies);
    for (RegionName other : regions) {
      assertThat(chosen).isLessThanOrEqualTo(waiting(other, reads, latencies) + 1e-9);
    }
  }

  private static double waiting(
      RegionName shadow, Map<RegionName, Long> reads, ShadowPlacement.Latencies latencies) {
    double sum = 0;
    for (var reader : reads.entrySet()) {
      double toShadow =
          reader.getKey().equals(shadow) ? 0 : latencies.rttMs(reader.getKey(), shadow);
      sum += reader.getValue() * Math.min(latencies.rttMs(reader.getKey(), HOME), toShadow);
    }
    return sum;
  }
}
