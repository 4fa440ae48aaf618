package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.access.Prediction;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.predict.ClientForecast;
import io.metafabric.replicate.arm.Prices;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fabric that is told what was read before it was there. */
class TrainedFabricTest {
  private static final Instant YESTERDAY = Instant.now().minus(Duration.ofDays(1));

  @TempDir Path directory;

  /** Each of so many clients reads the same keys in the same order. */
  static List<PastAccess> visits(int clients, String... keys) {
    var accesses = new ArrayList<PastAccess>();
    for (int client = 0; client < clients; client++) {
      for (String key : keys) {
        Instant at = YESTERDAY.plusMillis(accesses.size());
        accesses.add(new PastAccess("visitor" + client, key, at));
      }
    }
    return accesses;
  }

  private static List<String> keys(ClientForecast forecast) {
    return forecast.predictions().stream().map(said -> said.key().path()).toList();
  }

  @Test
  void aClientsNextKey_isPredicted_alsoAfterARestart() {
    try (var fabric = MetadataFabric.builder().directory(directory).open()) {
      assertThat(fabric.train(visits(40, "page/a", "page/b", "page/c", "page/d"))).isEqualTo(160);
      assertThat(fabric.train(List.of(new PastAccess("reader", "page/b", YESTERDAY)))).isOne();

      ClientForecast forecast = fabric.predict("reader");
      assertThat(forecast.known()).isTrue();
      assertThat(keys(forecast)).first().isEqualTo("page/c");
      Prediction next = forecast.predictions().get(0);
      assertThat(next.probability()).isGreaterThan(0.5);
      assertThat(next.region().name()).isEqualTo("local");
      assertThat(next.reason()).isEqualTo("after page/b");
      assertThat(fabric.predict("stranger"))
          .isEqualTo(new ClientForecast("stranger", false, List.of()));
      assertThat(fabric.stats().prefetch().requested()).isZero();
    }
    try (var fabric = MetadataFabric.builder().directory(directory).open()) {
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(keys(fabric.predict("reader"))).contains("page/c"));
    }
  }

  @Test
  void theFirstReadOfATrainedRegion_hasTheNextKeyFetchedAhead() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    List<String> names = List.of("ap", "eu", "us");
    var open = new ArrayList<MetadataFabric>();
    try {
      for (int i = 0; i < 3; i++) {
        FabricBuilder builder =
            MetadataFabric.builder()
                .region(names.get(i))
                .directory(directory.resolve(names.get(i)))
                .listen("127.0.0.1:" + ports.get(i))
                .home("page", "eu", "us")
                // Else the home would send the values before anybody foresees that they are read.
                .keptCopyBytes(0)
                // On loopback there is little to save.
                .prices(Prices.DEFAULT.withSavedMs(names.get(i), 1_000_000));
        for (int j = 0; j < 3; j++) {
          if (j != i) {
            builder.peer(names.get(j), "127.0.0.1:" + ports.get(j));
          }
        }
        open.add(builder.open());
      }
      MetadataFabric ap = open.get(0);
      MetadataFabric eu = open.get(1);
      for (String id : List.of("a", "b", "c", "d")) {
        eu.put("page/" + id, new byte[] {1});
      }
      ThreeFabricsTest.awaitSync(open.toArray(new MetadataFabric[0]));
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> ap.explain("page/d").version().isPresent());
      ap.train(visits(40, "page/a", "page/b", "page/c", "page/d"));
      assertThat(ap.explain("page/b").inHotTier()).isFalse();

      assertThat(ap.as("newcomer").get("page/a")).isPresent();

      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> ap.stats().prefetch().arrived() > 0 && ap.explain("page/b").inHotTier());
    } finally {
      open.forEach(MetadataFabric::close);
    }
  }

  @Test
  void whatIsNoAccess_isRefused_andWhatCameBeforeIsLearned() {
    assertThatThrownBy(() -> new PastAccess(" ", "page/a", YESTERDAY))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("a client's name must have 1 to 256 characters");
    assertThatThrownBy(() -> new PastAccess("c".repeat(257), "page/a", YESTERDAY))
        .isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> new PastAccess("c", "page", YESTERDAY))
        .isInstanceOf(InvalidKeyException.class);
    var fabric = MetadataFabric.builder().directory(directory).open();
    try (fabric) {
      for (Instant never : List.of(Instant.now().plusSeconds(3600), Instant.MAX, Instant.MIN)) {
        var accesses = visits(200, "page/a", "page/b", "page/c");
        accesses.add(new PastAccess("c", "page/a", never));
        assertThatThrownBy(() -> fabric.train(accesses))
            .isInstanceOf(ConfigurationException.class)
            .hasMessageContaining("an access");
      }
      assertThat(keys(fabric.predict("visitor0"))).isNotEmpty();
      assertThatThrownBy(() -> fabric.predict(" ")).isInstanceOf(ConfigurationException.class);
    }
    assertThatThrownBy(() -> fabric.train(List.of())).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> fabric.predict("c")).isInstanceOf(FabricClosedException.class);
  }
}
