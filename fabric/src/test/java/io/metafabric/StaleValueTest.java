package io.metafabric;

import static io.metafabric.ThreeFabricsTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.version.Version;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A value of which a newer one is known and out of reach, as a host sees it. */
class StaleValueTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path directory;

  @Test
  void itSaysThatItIsStale_andWhoDoesNotWantIt_getsNone() throws Exception {
    var fabrics = new ThreeFabricsTest();
    fabrics.directory = directory;
    List<Integer> ports = FreePorts.take(3);
    try (var us = fabrics.open(1, ports)) {
      String key;
      Version one;
      Version two;
      try (var eu = fabrics.open(0, ports);
          var ap = fabrics.open(2, ports)) {
        ThreeFabricsTest.awaitSync(us, eu, ap);
        // So that a header comes alone.
        eu.setPrediction(false);
        ap.setPrediction(false);
        key = keyOfOthers(us);
        one = us.put(key, utf8("one"));
        await().atMost(PATIENCE).until(() -> eu.get(key).isPresent());
        two = eu.put(key, utf8("two"));
        await().atMost(PATIENCE).until(() -> us.explain(key).version().equals(Optional.of(two)));
      }
      Versioned stale = us.get(key).orElseThrow();
      assertThat(stale.isStale()).isTrue();
      assertThat(stale.utf8()).isEqualTo("one");
      assertThat(stale.version()).isEqualTo(one);
      assertThat(stale).hasToString(stale.key() + " " + one + " (3 bytes, stale)");
      assertThat(us.as("someone").get(key)).hasValue(stale);
      assertThat(us.replace(key, one, utf8("lost"))).as("the newer one is known").isEmpty();
      assertThatThrownBy(() -> us.get(key, ReadOptions.neverStale()))
          .isInstanceOf(RegionUnreachableException.class)
          .hasMessageContaining("older value");
      assertThat(us.stats().reads().stale()).isEqualTo(2);
      assertThat(us.stats().reads().failed()).isEqualTo(1);
      assertThat(us.stats().storage().supersededBytes()).isPositive();

      try (var eu = fabrics.open(0, ports)) {
        await()
            .atMost(PATIENCE)
            .until(() -> us.get(key).filter(value -> !value.isStale()).isPresent());
        Versioned fresh = us.get(key, ReadOptions.neverStale()).orElseThrow();
        assertThat(fresh.utf8()).isEqualTo("two");
        assertThat(fresh.version()).isEqualTo(two);
        assertThat(eu.get(key)).hasValue(fresh);
      }
    }
  }

  private static String keyOfOthers(MetadataFabric us) {
    for (int i = 0; ; i++) {
      Explanation explanation = us.explain("n/" + i);
      if (!explanation.home().equals("us-east")
          && !explanation.backup().equals(Optional.of("us-east"))) {
        return "n/" + i;
      }
    }
  }
}
