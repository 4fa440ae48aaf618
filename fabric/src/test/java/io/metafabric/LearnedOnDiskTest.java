package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.transport.FreePorts;
import io.metafabric.replicate.arm.Prices;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was learned of reads outlives a restart of a real fabric on a real directory. */
class LearnedOnDiskTest {
  private static final int KEYS = 60;
  private static final int VALUE_BYTES = 2_000;

  /** Half of the records do not fit either: otherwise no read goes to another region any more. */
  private static final long HOT_TIER_BYTES = 32 << 10;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path directory;

  private MetadataFabric open(int region, List<Integer> ports, UnaryOperator<FabricBuilder> more) {
    List<String> regions = ThreeFabricsTest.REGIONS;
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(regions.get(region))
            .directory(directory.resolve(regions.get(region)))
            .listen("127.0.0.1:" + ports.get(region))
            .home("n", regions.get(0), regions.get(1));
    for (int other = 0; other < 3; other++) {
      if (other != region) {
        builder.peer(regions.get(other), "127.0.0.1:" + ports.get(other));
      }
    }
    return more.apply(builder).open();
  }

  /** Holds few of the records; without delay nothing would pay at the usual prices. */
  private MetadataFabric openReader(List<Integer> ports) {
    return open(2, ports, b -> b.hotTierBytes(HOT_TIER_BYTES).prices(new Prices(0, 0, 1)));
  }

  private static String key(int i) {
    return "n/" + i;
  }

  @Test
  void afterARestart_whatUsedToFollow_isFetchedAhead_beforeItIsReadAgain() throws Exception {
    List<Integer> ports = FreePorts.take(3);
    try (var eu = open(0, ports, UnaryOperator.identity());
        var us = open(1, ports, UnaryOperator.identity())) {
      for (int i = 0; i < KEYS; i++) {
        eu.put(key(i), new byte[VALUE_BYTES]);
      }
      try (var ap = openReader(ports)) {
        ThreeFabricsTest.awaitSync(eu, us, ap);
        await("the order is learned")
            .atMost(PATIENCE)
            .until(
                () -> {
                  readAll(ap);
                  return ap.stats().prefetch().used() > KEYS;
                });
      }
      try (var ap = openReader(ports)) {
        ThreeFabricsTest.awaitSync(eu, us, ap);
        assertThat(ap.explain(key(1)).inHotTier()).isFalse();
        // Every other key is not read any more: who knows of it has known it from before.
        Records reader = ap.as("reader");
        Optional<Integer> ahead =
            await("a key comes because the one before it was read")
                .atMost(PATIENCE)
                .until(
                    () -> {
                      IntStream.range(0, KEYS / 2).forEach(i -> reader.get(key(2 * i)));
                      return IntStream.range(0, KEYS / 2)
                          .mapToObj(i -> 2 * i + 1)
                          .filter(i -> ap.explain(key(i)).inHotTier())
                          .findFirst();
                    },
                    Optional::isPresent);
        assertThat(reader.get(key(ahead.orElseThrow())).orElseThrow().bytes()).hasSize(VALUE_BYTES);
        assertThat(ap.stats().prefetch().arrived()).isPositive();
      }
    }
  }

  private static void readAll(MetadataFabric fabric) {
    Records reader = fabric.as("reader");
    for (int i = 0; i < KEYS; i++) {
      assertThat(reader.get(key(i))).as(key(i)).isPresent();
    }
  }
}
