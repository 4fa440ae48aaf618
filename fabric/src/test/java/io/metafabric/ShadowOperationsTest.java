package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.FabricClosedException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.error.RegionUnreachableException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.shadow.ShadowRule;
import io.metafabric.replicate.shadow.ShadowRules;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shadows by the facade, over sockets and real directories. */
class ShadowOperationsTest {
  private static final List<String> REGIONS = List.of("ap", "eu", "sa", "us");
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration TTL = Duration.ofMinutes(5);

  @TempDir Path directory;

  private final List<MetadataFabric> open = new ArrayList<>();
  private int maxValueBytes = 64 << 10;

  private FabricBuilder builder(String region, List<Integer> ports) {
    FabricBuilder builder =
        MetadataFabric.builder()
            .region(region)
            .directory(directory.resolve(region))
            .home("n", "ap", "eu")
            .maxValueBytes(maxValueBytes)
            .listen("127.0.0.1:" + ports.get(REGIONS.indexOf(region)));
    for (String other : REGIONS) {
      if (!other.equals(region)) {
        builder.peer(other, "127.0.0.1:" + ports.get(REGIONS.indexOf(other)));
      }
    }
    return builder;
  }

  private MetadataFabric in(String region) {
    return open.get(REGIONS.indexOf(region));
  }

  private void openAll() {
    List<Integer> ports = FreePorts.take(REGIONS.size());
    for (String region : REGIONS) {
      open.add(builder(region, ports).open());
    }
    await()
        .atMost(LONG)
        .until(
            () ->
                open.stream()
                    .flatMap(each -> each.stats().peers().stream())
                    .allMatch(each -> each.state() == PeerState.IN_SYNC));
  }

  private MetadataFabric alone() {
    open.add(MetadataFabric.builder().directory(directory.resolve("alone")).open());
    return open.get(0);
  }

  @AfterEach
  void closeAll() {
    open.forEach(MetadataFabric::close);
  }

  private static <T> T done(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void shadowsAreMade_shown_countedAndDropped() throws Exception {
    openAll();
    in("us").put("n/1", "value".getBytes(UTF_8));
    await().atMost(LONG).until(() -> in("ap").explain("n/1").inWarmTier());

    ShadowOutcome made = done(in("sa").shadow("n/1", 4, TTL));
    assertThat(made.done()).containsExactlyInAnyOrder("sa", "us");
    assertThat(made.notDone()).isEmpty();
    ShadowReport report = done(in("eu").shadows("n/1"));
    assertThat(report.home()).isEqualTo("ap");
    assertThat(report.backup()).contains("eu");
    assertThat(report.unknown()).isEmpty();
    assertThat(report.shadows()).extracting(ShadowStatus::region).containsExactly("sa", "us");
    ShadowStatus status = report.shadows().get(0);
    assertThat(status.version()).isEqualTo(in("ap").explain("n/1").version().orElseThrow().dot());
    assertThat(status.reason()).isEqualTo(ShadowReason.REQUESTED);
    assertThat(status.expiresIn()).isBetween(Duration.ofMinutes(4), TTL);
    assertThat(in("sa").get("n/1").orElseThrow().bytes()).isEqualTo("value".getBytes(UTF_8));
    await().atMost(LONG).until(() -> done(in("ap").shadows("n/1")).shadows().get(0).hits() == 1);
    assertThat(in("sa").stats().shadows().held()).isOne();
    assertThat(in("sa").stats().reads().remote()).isZero();
    assertThat(in("sa").explain("n/1").shadows()).isNotEmpty();

    ShadowOutcome dropped = done(in("ap").dropShadows("n/1"));
    assertThat(dropped.done()).containsExactlyInAnyOrder("sa", "us");
    assertThat(done(in("ap").shadows("n/1")).shadows()).isEmpty();
  }

  @Test
  void aValueThatIsLongerThanMayGoByNow_getsNoShadow_andThatIsSaid() throws Exception {
    openAll();
    in("ap").put("n/1", new byte[5000]);
    closeAll();
    open.clear();
    maxValueBytes = 4096;
    openAll();
    ShadowOutcome made = done(in("ap").shadow("n/1", 4, TTL));
    assertThat(made.done()).isEmpty();
    assertThat(made.notDone()).containsOnlyKeys("ap");
    assertThat(made.notDone().get("ap")).contains("maxValueBytes");
  }

  @Test
  void aRegionThatIsDown_isNamed_andWithoutHomesNothingIsMadeOrDropped() throws Exception {
    openAll();
    in("ap").put("n/1", "value".getBytes(UTF_8));
    in("us").close();
    ShadowOutcome made = done(in("ap").shadow("n/1", 4, TTL));
    assertThat(made.done()).containsExactly("sa");
    assertThat(made.notDone()).containsOnlyKeys("us");
    assertThat(done(in("ap").shadows("n/1")).unknown()).containsOnlyKeys("us");
    in("ap").close();
    in("eu").close();
    assertThatThrownBy(() -> done(in("sa").shadow("n/1", 4, TTL)))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(RegionUnreachableException.class)
        .hasMessageContaining("n/1");
    assertThat(done(in("sa").dropShadows("n/1")).notDone()).containsKey("sa");
    assertThat(in("sa").get("n/1").orElseThrow().bytes()).isEqualTo("value".getBytes(UTF_8));
  }

  @Test
  void rulesMakeShadowsOfWhatIsRead_andAreChangedLive() {
    openAll();
    in("sa").setShadowRules(ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL)));
    for (int i = 0; i < 3; i++) {
      in("ap").put("n/" + i, "value".getBytes(UTF_8));
    }
    await()
        .atMost(LONG)
        .until(
            () -> {
              for (int i = 0; i < 3; i++) {
                in("sa").get("n/" + i);
                in("us").get("n/" + i);
              }
              return in("sa").stats().shadows().made() == 3;
            });
    assertThat(in("us").stats().shadows().made()).isZero();
  }

  @Test
  void aSingleRegion_hasNoShadows() throws Exception {
    MetadataFabric alone = alone();
    alone.put("n/1", "value".getBytes(UTF_8));
    assertThat(done(alone.shadow("n/1", 1, TTL)).done()).isEmpty();
    assertThat(done(alone.shadows("n/1")).shadows()).isEmpty();
    assertThat(done(alone.dropShadows("n/1")).notDone()).isEmpty();
  }

  private static void refused(Runnable what, String... words) {
    assertThatThrownBy(what::run)
        .isInstanceOf(ConfigurationException.class)
        .message()
        .contains(words);
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 2, Integer.MAX_VALUE})
  void aFactorThatCannotBe_isRefusedAtOnce(int factor) {
    MetadataFabric alone = alone();
    refused(() -> alone.shadow("n/1", factor, TTL), "shadowing factor", "1 to 1", "was " + factor);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT-1S", "P31D", "P365000D"})
  void aTimeToLiveThatCannotBe_isRefusedAtOnce(String text) {
    MetadataFabric alone = alone();
    Duration timeToLive = Duration.parse(text);
    refused(
        () -> alone.shadow("n/1", 1, timeToLive),
        "timeToLive",
        "PT1S to PT720H",
        "was " + timeToLive);
  }

  @Test
  void rulesThatCannotBe_areRefused_beforeAnythingIsOpened() {
    ShadowRules three = ShadowRules.of(ShadowRule.forNamespace("n", 3, TTL));
    Path where = directory.resolve("never");
    refused(
        () -> MetadataFabric.builder().directory(where).shadowRules(three).open(),
        "shadowing factor",
        "1 to 1",
        "was 3");
    assertThat(where).doesNotExist();
    refused(() -> MetadataFabric.builder().shadowBytes(-1), "shadowBytes", "-1");
    refused(() -> MetadataFabric.builder().shadowRules(three).shadowRules(three), "set twice");
    MetadataFabric alone = alone();
    refused(() -> alone.setShadowRules(three), "shadowing factor", "1 to 1", "was 3");
    assertThatThrownBy(() -> alone.shadow("nokey", 1, TTL)).isInstanceOf(InvalidKeyException.class);
  }

  @Test
  void onAClosedFabric_nothingIsAsked() {
    MetadataFabric closed = alone();
    closed.close();
    assertThatThrownBy(() -> closed.shadow("n/1", 1, TTL))
        .isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> closed.shadows("n/1")).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> closed.dropShadows("n/1")).isInstanceOf(FabricClosedException.class);
    assertThatThrownBy(() -> closed.setShadowRules(ShadowRules.NONE))
        .isInstanceOf(FabricClosedException.class);
  }
}
