package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.DeltaConfig;
import io.metafabric.replicate.DictionaryStats;
import io.metafabric.replicate.ProtocolRange;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** First writes of short payloads, which have no earlier version that they could be told by. */
class DictionariesTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration SOON = Duration.ofMillis(200);

  private final SimCluster cluster = new SimCluster(17, 1 << 20, "eu", "us");
  private final Random random = new Random(1);
  private int keys;

  private void start() {
    cluster.deltas = DeltaConfig.DEFAULT;
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
  }

  private Bytes asset() {
    int id = random.nextInt(100_000);
    return Bytes.utf8(
        ("{\"id\":\"asset-%d\",\"owner\":\"team-%d\",\"type\":\"image/jpeg\",\"bytes\":%d,"
                + "\"etag\":\"%016x\",\"tags\":[\"raw\",\"eu\"],\"path\":\"/projects/%d/raw/%d.jpg\","
                + "\"state\":\"ready\"}")
            .formatted(id, id % 50, random.nextInt(10_000_000), random.nextLong(), id % 1000, id));
  }

  private Bytes noise() {
    byte[] noise = new byte[200];
    random.nextBytes(noise);
    return Bytes.copyOf(noise);
  }

  /** Each in a frame of its own. */
  private void writeAlone(int count) {
    for (int i = 0; i < count; i++) {
      writeAlone(asset());
    }
  }

  private void writeAlone(Bytes value) {
    Key key = Key.of("n/" + keys++);
    cluster.node(EU).write(key, value, Header.NEVER, Precondition.NONE);
    cluster.world.runFor(SOON);
    MetadataRecord there = cluster.node(US).store().read(key);
    assertThat(there).isNotNull();
    assertThat(there.payload()).isEqualTo(value);
  }

  private void writeUntilTold() {
    for (int i = 0; i < 400 && dictionaries(EU).told() == 0; i++) {
      writeAlone(1);
    }
    assertThat(dictionaries(EU).told()).isEqualTo(1);
  }

  private DictionaryStats dictionaries(RegionName in) {
    return cluster.node(in).stats().replication().dictionaries();
  }

  private long sentBytes() {
    return cluster.node(EU).stats().transport().sentBytes();
  }

  @Test
  void loneFirstWrites_takeSixTenthsOfTheirBytes_onceADictionaryIsThere() {
    start();
    long begun = sentBytes();
    writeAlone(100);
    long whole = sentBytes() - begun;
    assertThat(dictionaries(EU).trained()).isZero();
    writeUntilTold();
    long before = sentBytes();
    writeAlone(100);
    long told = sentBytes() - before;
    assertThat(told).as("instead of %d", whole).isLessThan(whole * 6 / 10);
    DictionaryStats sent = dictionaries(EU);
    assertThat(sent.trained()).isEqualTo(1);
    assertThat(sent.useless()).isZero();
    assertThat(sent.sent()).isEqualTo(1);
    assertThat(sent.told()).isEqualTo(101);
    assertThat(sent.savedBytes()).isGreaterThan(2 * sent.toldBytes());
    assertThat(dictionaries(US).received()).isEqualTo(101);
    assertThat(dictionaries(US).missing()).isZero();
    assertThat(dictionaries(US).retainedBytes())
        .isBetween(1000L, DictionaryStats.MAX_BYTES_OF_A_PEER);
  }

  @Test
  void framesOfManyRecords_areLeftAlone() {
    start();
    for (int round = 0; round < 20; round++) {
      for (int i = 0; i < 100; i++) {
        cluster.node(EU).write(Key.of("n/" + keys++), asset(), Header.NEVER, Precondition.NONE);
      }
      cluster.world.runFor(SOON);
    }
    cluster.world.runUntil("alike", cluster::isConverged, Duration.ofMinutes(1));
    assertThat(dictionaries(EU).trained()).isZero();
    assertThat(dictionaries(EU).told()).isZero();
  }

  @Test
  void whoLacksTheDictionary_asksForTheWhole_andIsNotToldByItAgain() {
    start();
    cluster.network.slowness(
        frame -> frame instanceof Frame.Dictionary ? Duration.ofDays(1) : Duration.ZERO);
    writeUntilTold();
    writeAlone(20);
    assertThat(dictionaries(EU).sent()).isEqualTo(1);
    assertThat(dictionaries(EU).told()).isEqualTo(1);
    assertThat(dictionaries(US).missing()).isEqualTo(1);
    assertThat(dictionaries(US).received()).isZero();
  }

  @Test
  void overTheNextConnection_itIsSentAgain_onceThatPays() {
    start();
    writeUntilTold();
    long alone = dictionaries(US).retainedBytes();
    cluster.network.breakConnections("eu", "us");
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(dictionaries(US).retainedBytes()).isLessThan(alone);
    writeAlone(10);
    assertThat(dictionaries(EU).sent()).isEqualTo(1);
    assertThat(dictionaries(EU).told()).isEqualTo(1);
    writeAlone(60);
    assertThat(dictionaries(EU).sent()).isEqualTo(2);
    assertThat(dictionaries(EU).told()).isGreaterThan(20);
    assertThat(dictionaries(EU).trained()).isEqualTo(1);
    assertThat(dictionaries(US).missing()).isZero();
  }

  @Test
  void payloadsWithNothingInCommon_areTriedEverMoreSeldom_andGoWhole() {
    start();
    for (int i = 0; i < 5 * 60 * 20; i++) {
      writeAlone(noise());
    }
    assertThat(dictionaries(EU).trained()).as("within 20 minutes").isBetween(2L, 5L);
    assertThat(dictionaries(EU).useless()).isEqualTo(dictionaries(EU).trained());
    assertThat(dictionaries(EU).sent()).isZero();
    assertThat(dictionaries(EU).told()).isZero();
  }

  @Test
  void whatIsOfAnotherKindFromNowOn_givesTheDictionaryUp() {
    start();
    writeUntilTold();
    for (int i = 0; i < 256; i++) {
      writeAlone(noise());
    }
    long told = dictionaries(EU).told();
    assertThat(dictionaries(EU).useless()).isEqualTo(1);
    writeAlone(100);
    assertThat(dictionaries(EU).told()).isEqualTo(told);
    assertThat(dictionaries(EU).trained()).as("the pause is not over").isEqualTo(1);
    cluster.world.runFor(Duration.ofMinutes(1));
    writeAlone(300);
    assertThat(dictionaries(EU).trained()).isEqualTo(2);
    assertThat(dictionaries(EU).told()).isGreaterThan(told);
  }

  @Test
  void whereFramesAreLost_comeTwiceAndOvertakeEachOther_everyValueArrives() {
    start();
    writeUntilTold();
    cluster.network.defaultLink(
        new SimLink(Duration.ofMillis(10), Duration.ofMillis(150), 0.1, 0.1));
    long received = 0;
    long missing = 0;
    for (int round = 0; round < 6; round++) {
      for (int i = 0; i < 100; i++) {
        Key key = Key.of("n/" + keys++);
        cluster.node(EU).write(key, asset(), Header.NEVER, Precondition.NONE);
        cluster.world.runFor(SOON);
      }
      received += dictionaries(US).received();
      missing += dictionaries(US).missing();
      cluster.crash(US);
      cluster.start(US);
    }
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.world.runUntil("alike", cluster::isConverged, Duration.ofMinutes(2));
    cluster.world.runUntil("held", cluster::payloadsAreHome, Duration.ofMinutes(2));
    for (int i = 0; i < keys; i++) {
      Key key = Key.of("n/" + i);
      MetadataRecord here = cluster.node(EU).store().read(key);
      MetadataRecord there = cluster.node(US).store().read(key);
      assertThat(here).isNotNull();
      assertThat(there).isEqualTo(here);
    }
    assertThat(received).isPositive();
    assertThat(missing).isPositive();
    assertThat(cluster.node(US).stats().replication().dictionaries().retainedBytes())
        .isLessThan(DictionaryStats.MAX_BYTES_OF_A_PEER);
  }

  @Test
  void aRegionOfThePreviousProtocol_isSentNone() {
    cluster.protocols =
        () ->
            cluster.isUp(EU)
                ? new ProtocolRange(FrameCodec.MIN_PROTOCOL, FrameCodec.PROTOCOL - 1)
                : ProtocolRange.ALL;
    start();
    writeAlone(400);
    assertThat(dictionaries(EU).trained()).isZero();
    assertThat(dictionaries(EU).sent()).isZero();
    assertThat(cluster.node(US).stats().transport().skippedFrames()).isZero();
  }
}
