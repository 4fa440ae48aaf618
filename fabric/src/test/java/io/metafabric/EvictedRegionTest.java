package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.conflict.Conflict;
import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.EvictionException;
import io.metafabric.core.error.FabricException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStats;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A region that an operator takes out and in again, over sockets and real directories. */
class EvictedRegionTest {
  private static final List<String> REGIONS = List.of("ap", "eu", "us");
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path directory;

  private MetadataFabric open(String region, List<Integer> ports) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(region)
            .directory(directory.resolve(region))
            .listen("127.0.0.1:" + ports.get(REGIONS.indexOf(region)));
    for (String other : REGIONS) {
      if (!other.equals(region)) {
        builder.peer(other, "127.0.0.1:" + ports.get(REGIONS.indexOf(other)));
      }
    }
    return builder.open();
  }

  private static PeerStats peer(MetadataFabric fabric, String region) {
    return fabric.stats().replication().peers().stream()
        .filter(each -> each.region().name().equals(region))
        .findFirst()
        .orElseThrow();
  }

  private static void awaitInSync(MetadataFabric... fabrics) {
    await()
        .atMost(LONG)
        .until(
            () ->
                Stream.of(fabrics)
                    .flatMap(each -> each.stats().replication().peers().stream())
                    .allMatch(each -> each.state() == PeerState.IN_SYNC));
  }

  @Test
  void anEvictedRegion_isRefused_exportsWhatItHadAlone_andComesBackWithWhatTheOthersHave()
      throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open("eu", ports);
        var us = open("us", ports)) {
      try (var ap = open("ap", ports)) {
        awaitInSync(eu, us, ap);
        for (int i = 0; i < 20; i++) {
          ap.put("n/" + i, ("before " + i).getBytes(UTF_8));
        }
        await().atMost(LONG).until(() -> eu.get("n/19").isPresent() && us.get("n/19").isPresent());
        ap.peer("eu").pause();
        ap.peer("us").pause();
        ap.put("n/alone", "nobody else has it".getBytes(UTF_8));
      }

      eu.evict("ap");
      await().atMost(LONG).until(() -> us.configuration().equals(eu.configuration()));
      us.put("n/0", "meanwhile".getBytes(UTF_8));
      for (int i = 1; i < 20; i++) {
        String expected = "before " + i;
        int key = i;
        await()
            .atMost(LONG)
            .ignoreExceptionsInstanceOf(FabricException.class)
            .until(() -> eu.get("n/" + key).map(Versioned::utf8).orElse("").equals(expected));
      }

      try (var ap = open("ap", ports)) {
        await().atMost(LONG).until(() -> peer(eu, "ap").state() == PeerState.EVICTED);
        await().atMost(LONG).until(() -> peer(ap, "eu").refusal() == Refusal.EVICTED);
        assertThatThrownBy(() -> ap.put("n/1", new byte[1])).isInstanceOf(EvictedException.class);
        assertThatThrownBy(() -> ap.evict("eu")).isInstanceOf(EvictedException.class);

        us.readmit("ap");
        await()
            .atMost(LONG)
            .ignoreExceptionsInstanceOf(FabricException.class)
            .until(() -> ap.get("n/0").map(Versioned::utf8).orElse("").equals("meanwhile"));
        await()
            .atMost(LONG)
            .ignoreExceptionsInstanceOf(FabricException.class)
            .until(() -> ap.get("n/19").map(Versioned::utf8).orElse("").equals("before 19"));
        assertThat(ap.conflicts())
            .filteredOn(each -> each.reason() == Conflict.Reason.UNACKNOWLEDGED_AT_EVICTION)
            .filteredOn(each -> each.key().path().equals("n/alone"))
            .singleElement()
            .satisfies(
                each ->
                    assertThat(each.value().map(value -> new String(value, UTF_8)))
                        .hasValue("nobody else has it"));
        awaitInSync(eu, us, ap);
        ap.put("n/again", "it writes".getBytes(UTF_8));
        await().atMost(LONG).until(() -> eu.get("n/again").isPresent());
        await().atMost(LONG).until(() -> ap.get("n/alone").isEmpty());
        assertThat(eu.get("n/alone")).isEmpty();
      }
      // And once more from its directory.
      try (var ap = open("ap", ports)) {
        awaitInSync(eu, us, ap);
        assertThat(ap.get("n/again").map(Versioned::utf8)).hasValue("it writes");
      }
    }
  }

  @Test
  void whoCannotBeEvicted_isNotEvicted_andTheReasonIsTold() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open("eu", ports)) {
      assertThatThrownBy(() -> eu.evict("eu")).isInstanceOf(EvictionException.class);
      assertThatThrownBy(() -> eu.evict("mars")).isInstanceOf(ConfigurationException.class);
      eu.readmit("us");
      eu.evict("ap");
      eu.evict("ap");
      assertThatThrownBy(() -> eu.evict("us")).isInstanceOf(EvictionException.class);
      eu.readmit("ap");
      eu.evict("us");
    }
  }
}
