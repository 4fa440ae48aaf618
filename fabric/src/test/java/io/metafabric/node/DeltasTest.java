package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.replicate.DeltaConfig;
import io.metafabric.replicate.DeltaStats;
import io.metafabric.replicate.ProtocolRange;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Payloads that are told by what the other region is known to hold. */
class DeltasTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Key KEY = Key.of("n/1");
  private static final int BYTES = 4096;
  private static final Duration SOON = Duration.ofSeconds(1);

  private final SimCluster cluster = new SimCluster(17, 64 << 10, "eu", "us");

  private void start() {
    cluster.deltas = DeltaConfig.DEFAULT;
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
  }

  private static Bytes value(int edit) {
    byte[] value = new byte[BYTES];
    new Random(1).nextBytes(value);
    value[100] = (byte) edit;
    return Bytes.copyOf(value);
  }

  private void write(RegionName in, int edit) {
    cluster.node(in).write(KEY, value(edit), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(SOON);
  }

  private DeltaStats deltas(RegionName in) {
    return cluster.node(in).stats().replication().deltas();
  }

  private void assertHolds(RegionName region, int edit) {
    MetadataRecord record = cluster.node(region).store().read(KEY);
    assertThat(record).isNotNull();
    assertThat(record.payload()).isEqualTo(value(edit));
  }

  @Test
  void anEditedValue_goesAsADelta_toThoseWhoHaveAcknowledgedTheOneBefore() {
    start();
    for (int edit = 0; edit < 5; edit++) {
      write(EU, edit);
      assertHolds(US, edit);
    }
    DeltaStats sent = deltas(EU);
    assertThat(sent.sent()).isEqualTo(4);
    assertThat(sent.sentBytes()).isLessThan(4 * 50);
    assertThat(sent.savedBytes()).isEqualTo(4 * BYTES - sent.sentBytes());
    assertThat(sent.baseUnknown()).as("the first").isEqualTo(1);
    assertThat(deltas(US).received()).isEqualTo(4);
    assertThat(deltas(US).basesMissing()).isZero();
  }

  @Test
  void writesOfBothRegionsInTurn_comeWhole_andTheNextOnesOfOneAreDeltas() {
    start();
    for (int edit = 0; edit < 6; edit += 2) {
      write(EU, edit);
      write(US, edit + 1);
      assertHolds(EU, edit + 1);
    }
    assertThat(deltas(EU).sent()).isZero();
    write(EU, 50);
    write(EU, 51);
    assertHolds(US, 51);
    assertThat(deltas(EU).sent()).isEqualTo(1);
    assertThat(deltas(US).basesMissing()).isZero();
  }

  @Test
  void concurrentWrites_leaveNoBase_whichIsAskedFor_andBothComeToTheSame() {
    start();
    write(EU, 1);
    cluster.network.cut("us", "eu");
    cluster.network.cut("eu", "us");
    write(US, 2);
    write(EU, 3);
    cluster.network.healAll();
    cluster.world.runUntil("alike", cluster::isConverged, Duration.ofMinutes(1));
    cluster.world.runUntil("held", cluster::payloadsAreHome, Duration.ofMinutes(1));
    assertThat(deltas(EU).sent()).isEqualTo(1);
    assertThat(deltas(US).basesMissing()).isEqualTo(1);
    assertThat(deltas(US).received()).isZero();
    write(EU, 4);
    assertHolds(US, 4);
  }

  @Test
  void whoLostTheBase_isSentAllOfIt() {
    start();
    write(EU, 1);
    write(EU, 2);
    cluster.crash(US, SimDisk.Loss.ALL);
    cluster.startOnNewMachine(US);
    write(EU, 3);
    cluster.world.runUntil("held", cluster::payloadsAreHome, Duration.ofMinutes(2));
    cluster.world.runFor(Duration.ofSeconds(30));
    assertHolds(US, 3);
    long before = deltas(US).basesMissing();
    write(EU, 4);
    write(EU, 5);
    assertHolds(US, 5);
    assertThat(deltas(US).basesMissing()).isEqualTo(before);
  }

  @Test
  void aSenderThatWasOpenedAnew_knowsNothing_andSendsAllOfIt() {
    start();
    write(EU, 1);
    cluster.crash(EU);
    cluster.start(EU);
    cluster.world.runFor(Duration.ofSeconds(5));
    write(EU, 2);
    assertHolds(US, 2);
    assertThat(deltas(EU).sent()).isZero();
    assertThat(deltas(EU).baseUnknown()).isEqualTo(1);
    write(EU, 3);
    assertHolds(US, 3);
    assertThat(deltas(EU).sent()).isEqualTo(1);
  }

  @Test
  void aReceiverThatWasOpenedAnew_hasTheBaseOnItsDisk() {
    start();
    write(EU, 1);
    cluster.crash(US);
    cluster.start(US);
    cluster.world.runFor(Duration.ofSeconds(5));
    write(EU, 2);
    assertHolds(US, 2);
    assertThat(deltas(EU).sent()).isEqualTo(1);
    assertThat(deltas(US).received()).isEqualTo(1);
  }

  @Test
  void aRegionOfThePreviousProtocol_isSentAllOfIt() {
    cluster.protocols =
        () ->
            cluster.isUp(EU)
                ? new ProtocolRange(FrameCodec.MIN_PROTOCOL, FrameCodec.PROTOCOL - 1)
                : ProtocolRange.ALL;
    start();
    for (int edit = 0; edit < 3; edit++) {
      write(EU, edit);
      write(US, edit + 100);
    }
    write(US, 7);
    assertHolds(EU, 7);
    assertThat(deltas(EU).sent() + deltas(US).sent()).isZero();
  }
}
