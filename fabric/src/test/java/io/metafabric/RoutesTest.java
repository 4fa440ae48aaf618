package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.InvalidPlaceException;
import io.metafabric.core.error.UnknownPlaceException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.place.Place;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.replicate.Hedging;
import io.metafabric.replicate.RegionHealth;
import io.metafabric.replicate.Route;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Routes for clients outside, as a host asks for them. */
class RoutesTest {
  private static final Place LISBON = new Place(38.72, -9.14);
  private static final Place NEW_YORK = new Place(40.71, -74.01);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path directory;
  private List<Integer> ports;

  @BeforeEach
  void takePorts() throws Exception {
    ports = FreePorts.take(2);
  }

  private FabricBuilder builder(int here) {
    List<String> names = List.of("eu", "us");
    return MetadataFabric.builder()
        .region(names.get(here))
        .directory(directory.resolve(names.get(here)))
        .durability(Durability.OS)
        .listen("127.0.0.1:" + ports.get(here))
        .peer(names.get(1 - here), "127.0.0.1:" + ports.get(1 - here));
  }

  private static FabricBuilder placed(FabricBuilder builder) {
    return builder.place("eu", 53.35, -6.26).place("us", 39.04, -77.49);
  }

  @Test
  void clientsAreSentToTheNearestRegionThatIsWell() throws Exception {
    InetAddress inLisbon = InetAddress.getByName("192.0.2.1");
    PlaceOfAddress whois =
        address -> address.equals(inLisbon) ? Optional.of(LISBON) : Optional.empty();
    try (var eu = placed(builder(0)).placeOfAddress(whois).open()) {
      try (var us = placed(builder(1)).open()) {
        eu.put("n/1", new byte[10]);
        await()
            .atMost(PATIENCE)
            .until(() -> us.get("n/1").isPresent() && best(eu, NEW_YORK).equals("us"));
        Route route = eu.route("n/1", NEW_YORK);
        assertThat(route.choices()).hasSize(2);
        assertThat(route.choices())
            .as("home and backup")
            .allMatch(choice -> choice.holdsPayload() && choice.health() == RegionHealth.WELL);
        assertThat(eu.route("n/1", inLisbon).best().name()).isEqualTo("eu");
        assertThat(us.route("n/1", LISBON).best().name()).isEqualTo("eu");
        Map<String, Duration> measured =
            Map.of("eu", Duration.ofMillis(90), "us", Duration.ofMillis(30));
        assertThat(eu.route("n/1", LISBON, measured).best().name()).isEqualTo("us");
        assertThat(eu.route("n/1", measured).best().name()).isEqualTo("us");
        assertThat(eu.route("n/2", LISBON).choices())
            .as("nobody wrote it")
            .noneMatch(Route.Choice::holdsPayload);
      }
      await().atMost(PATIENCE).until(() -> best(eu, NEW_YORK).equals("eu"));
    }
  }

  private static String best(MetadataFabric fabric, Place client) {
    return fabric.route("n/1", client).best().name();
  }

  @Test
  void whatCannotBeRouted_isRefusedWithWhatIsMissing() throws Exception {
    InetAddress address = InetAddress.getByName("192.0.2.1");
    MetadataFabric closed;
    try (var fabric = builder(0).open()) {
      closed = fabric;
      assertThatThrownBy(() -> fabric.route("n/1", LISBON))
          .isInstanceOf(UnknownPlaceException.class)
          .hasMessageContaining("place(region, latitude, longitude)");
      assertThat(fabric.route("n/1", LISBON, Map.of("us", Duration.ofMillis(3))).best().name())
          .as("us is not connected")
          .isEqualTo("eu");
      assertThatThrownBy(() -> fabric.route("n/1", Map.of()))
          .isInstanceOf(UnknownPlaceException.class)
          .hasMessage("the client measured no region; give measured times, or its place");
      assertThatThrownBy(() -> fabric.route("n/1", address))
          .isInstanceOf(UnknownPlaceException.class)
          .hasMessageContaining("placeOfAddress(...)");
      assertThatThrownBy(() -> fabric.route("no key", LISBON))
          .isInstanceOf(InvalidKeyException.class);
      assertThatThrownBy(() -> fabric.route("n/1", (Place) null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("client");
      assertThatThrownBy(() -> fabric.route("n/1", new Place(Double.NaN, 0)))
          .isInstanceOf(InvalidPlaceException.class)
          .hasMessage("latitude must be -90 to 90 degrees, was NaN");
      assertThatThrownBy(() -> fabric.route("n/1", LISBON, Map.of("su", Duration.ZERO)))
          .isInstanceOf(InvalidPlaceException.class)
          .hasMessage("measured names region su, which is neither this one nor a peer");
      assertThatThrownBy(() -> fabric.route("n/1", LISBON, Map.of("us", Duration.ofNanos(-1))))
          .isInstanceOf(InvalidPlaceException.class)
          .hasMessageStartingWith("measured round trip to region us must be 0 to 60 s, was ");
      assertThatThrownBy(() -> fabric.route("n/1", LISBON, Map.of("us", Duration.ofDays(1))))
          .isInstanceOf(InvalidPlaceException.class);
    }
    assertThatThrownBy(() -> closed.route("n/1", LISBON)).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> closed.route("n/1", address))
        .isInstanceOf(FabricClosedException.class);
  }

  @Test
  void aResolverThatDoesNotKnow_orThrows_orReturnsNull_isNamedWithTheAddress() throws Exception {
    InetAddress address = InetAddress.getByName("192.0.2.1");
    List<PlaceOfAddress> useless =
        List.of(
            each -> Optional.empty(),
            each -> null,
            each -> {
              throw new IllegalStateException("no database");
            });
    for (PlaceOfAddress resolver : useless) {
      takePorts();
      try (var fabric = placed(builder(0)).placeOfAddress(resolver).open()) {
        assertThatThrownBy(() -> fabric.route("n/1", address))
            .isInstanceOf(UnknownPlaceException.class)
            .hasMessageContaining("192.0.2.1");
      }
    }
  }

  @Test
  void placesThatContradict_areRefused() {
    assertThatThrownBy(() -> builder(0).place("eu", 91, 0))
        .isInstanceOf(InvalidPlaceException.class);
    assertThatThrownBy(() -> placed(builder(0)).place("eu", 1, 1))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("the place of region eu is set twice");
    assertThatThrownBy(() -> builder(0).place("su", 1, 1).open())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("there is a place of region su, which is neither this one nor a peer");
    assertThatThrownBy(() -> builder(0).hedging(Hedging.OFF).hedging(Hedging.DEFAULT))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("hedging is set twice");
  }
}
