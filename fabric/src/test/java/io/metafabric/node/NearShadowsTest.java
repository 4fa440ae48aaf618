package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame.ShadowAnswer;
import io.metafabric.replicate.FetchResult;
import io.metafabric.replicate.HintStats;
import io.metafabric.replicate.ProtocolRange;
import io.metafabric.replicate.Route;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A region that reads near a shadow, and far from home and backup. */
class NearShadowsTest {
  private static final Duration LONG = Duration.ofMinutes(10);

  private final SimCluster cluster = new SimCluster(3, 64 << 10, "eu", "us", "ap", "sa", "af");
  private final Key key = Key.of("n/shadowed");
  private Homes homes;
  private RegionName holder;
  private RegionName reader;

  /** One shadow, a round trip of 2 ms from the reader; all else is 80 ms apart. */
  private void start(Duration timeToLive) {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    run(5);
    homes = cluster.node(cluster.regions.get(0)).homesOf(key);
    put("first");
    makeShadow(timeToLive);
    reader =
        cluster.regions.stream()
            .filter(each -> !homes.include(each) && !each.equals(holder))
            .findFirst()
            .orElseThrow();
    cluster.network.link(holder.name(), reader.name(), SimLink.perfect(Duration.ofMillis(1)));
    cluster.network.link(reader.name(), holder.name(), SimLink.perfect(Duration.ofMillis(1)));
  }

  private void makeShadow(Duration timeToLive) {
    done(in(homes.home()).makeShadows(key, 3, timeToLive));
    holder =
        done(in(homes.home()).shadowsOf(key)).stream()
            .filter(answer -> answer.facts() != null)
            .map(ShadowAnswer::region)
            .findFirst()
            .orElseThrow();
  }

  private void startAndMeasure(Duration timeToLive) {
    start(timeToLive);
    run(60);
  }

  private void put(String value) {
    in(homes.home()).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE);
    run(1);
  }

  private void run(long seconds) {
    cluster.world.runFor(Duration.ofSeconds(seconds));
  }

  private FabricNode<MetadataRecord> in(RegionName region) {
    return cluster.node(region);
  }

  private <T> T done(CompletableFuture<T> future) {
    cluster.world.runUntil("answer", future::isDone, Duration.ofSeconds(30));
    return future.join();
  }

  /** By the reader, of what it knows; says where it came from. */
  private RegionName fetched(String value) {
    var node = in(reader);
    var found = (FetchResult.Found) done(node.replicator().fetch(key, node.store().header(key)));
    assertThat(found.record().payload()).isEqualTo(Bytes.utf8(value));
    return found.from();
  }

  private HintStats hints() {
    return in(reader).stats().replication().hints();
  }

  /** For a client that is 3 ms from the reader, 2 from the shadow and 40 from the home. */
  private Route route() {
    return done(in(reader).route(key, null, Map.of(reader, 3.0, holder, 2.0, homes.home(), 40.0)));
  }

  @Test
  void onceTheHomeHasNamedAShadowThatIsNearer_itIsAskedFirst_alsoForWhatIsNew() {
    startAndMeasure(LONG);
    assertThat(fetched("first")).isNotEqualTo(holder);
    assertThat(fetched("first")).isEqualTo(holder);
    put("second");
    assertThat(fetched("second")).isEqualTo(holder);
    assertThat(hints().told()).isOne();
    assertThat(hints().answered()).isEqualTo(2);
    assertThat(hints().wrong()).isZero();
  }

  @Test
  void aClientIsSentToTheShadow_onceItIsKnownOf() {
    startAndMeasure(LONG);
    assertThat(route().best()).isNotEqualTo(holder);
    fetched("first");
    assertThat(route().best()).isEqualTo(holder);
    assertThat(route().choices().get(0).holdsPayload()).isTrue();
    assertThat(route().choices().get(1).region()).isEqualTo(reader);
    assertThat(route().choices().get(1).readMs()).isLessThan(10);
  }

  @Test
  void aHintThatIsWrong_costsOneQuestion_andIsForgotten() {
    startAndMeasure(LONG);
    fetched("first");
    done(in(homes.home()).dropShadows(key));
    run(1);
    assertThat(fetched("first")).isNotEqualTo(holder);
    assertThat(hints().wrong()).isOne();
    assertThat(fetched("first")).isNotEqualTo(holder);
    assertThat(hints().wrong()).isOne();
    assertThat(route().best()).isNotEqualTo(holder);
  }

  @Test
  void aShadowThatLacksWhatIsNew_isNotTakenAtItsWord() {
    startAndMeasure(LONG);
    fetched("first");
    for (RegionName each : List.of(homes.home(), homes.backup())) {
      cluster.network.split(each.name(), holder.name());
    }
    put("second");
    assertThat(fetched("second")).isNotEqualTo(holder);
    assertThat(hints().wrong()).isOne();
  }

  /** Nobody reads it in its own region. */
  @Test
  void aShadowThatIsReadByOthers_livesOn() {
    startAndMeasure(Duration.ofMinutes(2));
    fetched("first");
    for (int i = 0; i < 30; i++) {
      fetched("first");
      run(10);
    }
    ShadowAnswer answer = done(in(holder).shadowsOf(key)).get(0);
    assertThat(answer.facts()).isNotNull();
    assertThat(answer.facts().hits()).isGreaterThan(25);
    assertThat(hints().told()).as("it was renewed, so it was told of again").isGreaterThan(1);
    run(3600);
    assertThat(in(holder).stats().shadows().held()).isZero();
  }

  @Test
  void aReaderOfAnOlderProtocol_isToldNothing_andReadsAtHome() {
    start(LONG);
    cluster.stop(reader);
    cluster.protocols = () -> new ProtocolRange(1, 2);
    cluster.start(reader);
    run(60);
    for (int i = 0; i < 3; i++) {
      assertThat(fetched("first")).isNotEqualTo(holder);
    }
    assertThat(hints().told()).isZero();
  }
}
