package io.metafabric.replicate;

import static io.metafabric.replicate.RegionHealth.AWAY;
import static io.metafabric.replicate.RegionHealth.DOUBTED;
import static io.metafabric.replicate.RegionHealth.PAUSED;
import static io.metafabric.replicate.RegionHealth.WELL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.metafabric.core.place.Place;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class RegionRouterTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName SA = new RegionName("sa");
  private static final RegionName US = new RegionName("us");
  private static final Key KEY = Key.of("n/1");

  private static final Place DUBLIN = new Place(53.35, -6.26);
  private static final Place ASHBURN = new Place(39.04, -77.49);
  private static final Place SINGAPORE = new Place(1.35, 103.82);
  private static final Place SAO_PAULO = new Place(-23.55, -46.63);
  private static final Map<RegionName, Place> PLACES =
      Map.of(EU, DUBLIN, US, ASHBURN, AP, SINGAPORE, SA, SAO_PAULO);

  private final Map<RegionName, RegionRouter.Way> ways = new TreeMap<>();

  private RegionRouter router(Map<RegionName, Place> places) {
    return new RegionRouter(EU, places, ways::get);
  }

  private void way(RegionName to, RegionHealth health, double rttMs) {
    ways.put(to, new RegionRouter.Way(health, rttMs));
  }

  @Test
  void theNearestByMeasurementIsFirst_whateverThePlaces() {
    way(AP, WELL, 20);
    way(US, WELL, 80);
    way(SA, WELL, 50);
    assertThat(router(PLACES).nearest(List.of(US, AP, SA), List.of())).containsExactly(AP, SA, US);
    assertThat(router(Map.of()).nearest(List.of(US, AP, SA), List.of()))
        .containsExactly(AP, SA, US);
  }

  @Test
  void betweenTwoOthers_thereIsTheirDistance_ifAny() {
    way(AP, WELL, 20);
    way(US, WELL, Double.NaN);
    RegionRouter router = router(PLACES);
    assertThat(router.expectedRttMs(EU, AP)).as("measured").isEqualTo(20);
    assertThat(router.expectedRttMs(AP, EU)).isEqualTo(20);
    assertThat(router.expectedRttMs(US, EU)).isEqualTo(DUBLIN.expectedRttMs(ASHBURN));
    assertThat(router.expectedRttMs(AP, SA)).isEqualTo(SINGAPORE.expectedRttMs(SAO_PAULO));
    assertThat(router(Map.of()).expectedRttMs(AP, SA)).isNaN();
  }

  @Test
  void whatWasNotMeasured_isTakenForItsDistance() {
    way(AP, WELL, Double.NaN); // 198 ms by distance
    way(US, WELL, Double.NaN); // 97
    way(SA, WELL, 120);
    assertThat(router(PLACES).nearest(List.of(AP, SA, US), List.of())).containsExactly(US, SA, AP);
    assertThat(router(PLACES).expectedRttMs(US)).isCloseTo(97, within(1.0));
  }

  @Test
  void whatIsNotKnownAtAll_comesLastOfThoseThatAreWell_asItWasGiven() {
    way(AP, WELL, Double.NaN);
    way(US, WELL, Double.NaN);
    way(SA, WELL, 300);
    assertThat(router(Map.of()).nearest(List.of(US, AP, SA), List.of()))
        .containsExactly(SA, US, AP);
  }

  @Test
  void whoIsWellComesFirst_howeverFar() {
    way(AP, WELL, 500);
    way(US, DOUBTED, 2);
    way(SA, PAUSED, 4);
    assertThat(router(PLACES).nearest(List.of(US, SA, AP), List.of())).containsExactly(AP, SA, US);
    way(AP, AWAY, 1);
    assertThat(router(PLACES).wellFirst(List.of(AP, US, SA))).containsExactly(SA, US, AP);
  }

  @Test
  void aCopyIsAskedFirst_onlyIfItIsNearerByMoreThanWhatAskingInVainCosts() {
    way(US, WELL, 100);
    way(AP, WELL, 79);
    assertThat(router(PLACES).nearest(List.of(US), List.of(AP))).containsExactly(AP, US);
    way(AP, WELL, 81);
    assertThat(router(PLACES).nearest(List.of(US), List.of(AP))).containsExactly(US, AP);
    assertThat(router(PLACES).nearest(List.of(US, AP), List.of(AP)))
        .as("it is to have it anyway")
        .containsExactly(AP, US);
  }

  @RepeatedTest(200)
  void whateverIsKnown_allAreRankedOnce_byHealthThenTime(RepetitionInfo run) {
    var random = new SplittableRandom(run.getCurrentRepetition()); // the repetition is the seed
    var all = new ArrayList<RegionName>();
    for (int i = 0; i < 60; i++) {
      var region = new RegionName("r" + i);
      all.add(region);
      double rttMs = random.nextInt(4) == 0 ? Double.NaN : random.nextInt(20);
      way(region, RegionHealth.values()[random.nextInt(4)], rttMs);
    }
    List<RegionName> ranked = router(Map.of()).nearest(all, List.of());
    assertThat(ranked).containsExactlyInAnyOrderElementsOf(all);
    assertThat(ranked)
        .isSortedAccordingTo(
            Comparator.<RegionName, RegionHealth>comparing(region -> ways.get(region).health())
                .thenComparing(region -> ways.get(region).rttMs()));
  }

  @Test
  void aClientIsSentWhereItsReadTakesLeast_withTheReasons() {
    way(US, WELL, 80);
    way(AP, WELL, 170);
    way(SA, WELL, Double.NaN);
    var lisbon = new Place(38.72, -9.14);
    Route route =
        router(PLACES).route(KEY, List.of(AP, EU, SA, US), Set.of(US, AP), lisbon, Map.of());
    // Dublin is near and asks Ashburn; Ashburn has it, and is not twice as far.
    assertThat(route.best()).isEqualTo(US);
    Route.Choice eu = choice(route, EU);
    assertThat(eu.holdsPayload()).isFalse();
    assertThat(eu.readMs()).isCloseTo(eu.rttMs() + 80, within(1e-9));
    assertThat(eu.why())
        .isEqualTo(
            "does not hold the payload, and asks us, 80.0 ms further; 29.9 ms from the client, by"
                + " distance");
    assertThat(choice(route, US).why())
        .startsWith("holds the payload; ")
        .endsWith(" from the client, by distance");
    assertThat(choice(route, SA).readMs())
        .as("Sao Paulo asks Ashburn, by distance")
        .isCloseTo(
            lisbon.expectedRttMs(SAO_PAULO) + SAO_PAULO.expectedRttMs(ASHBURN), within(1e-9));

    Route withCopy =
        router(PLACES).route(KEY, List.of(AP, EU, SA, US), Set.of(EU, US), lisbon, Map.of());
    assertThat(withCopy.best()).isEqualTo(EU);
  }

  @Test
  void whatTheClientMeasured_countsBeforeDistance() {
    way(US, WELL, 80);
    Route route =
        router(PLACES).route(KEY, List.of(EU, US), Set.of(EU, US), DUBLIN, Map.of(EU, 195.0));
    assertThat(route.best()).isEqualTo(US);
    assertThat(choice(route, EU).why()).endsWith("195.0 ms from the client, as it measured");
    Route nowhere = router(Map.of()).route(KEY, List.of(EU, US), Set.of(), null, Map.of(US, 5.0));
    assertThat(nowhere.best()).isEqualTo(US);
    assertThat(choice(nowhere, EU).why())
        .isEqualTo("does not hold the payload; how far it is from the client is not known");
  }

  @Test
  void aClientIsNotSentToARegionThatIsNotWell_unlessThereIsNoOther() {
    way(US, DOUBTED, 80);
    way(AP, AWAY, 170);
    Route route = router(PLACES).route(KEY, List.of(AP, EU, US), Set.of(US, AP), ASHBURN, Map.of());
    assertThat(route.choices()).extracting(Route.Choice::region).containsExactly(EU, US, AP);
    assertThat(choice(route, US).why()).endsWith("; doubted, as seen in eu");
    assertThat(choice(route, EU).why())
        .as("who is away is not asked")
        .startsWith("does not hold the payload, and asks us, ");
  }

  @Test
  void whoHasNoPayload_isTakenToAskWhoIsWell_beforeWhoIsNearer() {
    way(US, DOUBTED, 20);
    way(AP, WELL, 80);
    way(SA, PAUSED, 50);
    Route route =
        router(PLACES).route(KEY, List.of(AP, EU, SA, US), Set.of(AP, SA, US), DUBLIN, Map.of());
    Route.Choice here = choice(route, EU);
    assertThat(here.why()).startsWith("does not hold the payload, and asks ap, 80.0 ms further");
    assertThat(here.readMs()).isCloseTo(here.rttMs() + 80, within(1e-9));
    way(AP, WELL, Double.NaN);
    Route unmeasured =
        router(Map.of()).route(KEY, List.of(AP, EU, SA, US), Set.of(AP, SA, US), null, Map.of());
    assertThat(choice(unmeasured, EU).why()).contains("asks sa, 50.0 ms");
  }

  private static Route.Choice choice(Route route, RegionName region) {
    return route.choices().stream()
        .filter(each -> each.region().equals(region))
        .findFirst()
        .orElseThrow();
  }
}
