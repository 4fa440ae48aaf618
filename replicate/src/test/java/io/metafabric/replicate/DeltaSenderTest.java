package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.DeltaCoding;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.zstd.ZstdDeltas;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeltaSenderTest {
  private static final ActorId OWN = new ActorId(1);
  private static final int BYTES = 1000;

  private final SimWorld world = new SimWorld(1);
  private final DeltaCoding zstd = Objects.requireNonNull(ZstdDeltas.load());
  private final DeltaCounters counters = new DeltaCounters();
  private final DeltaSender sender =
      new DeltaSender(
          new DeltaConfig(100, 200, 1 << 20, 10 * BYTES, 1 << 20),
          zstd,
          null,
          counters,
          new SimNode(world, "eu").clock());
  private long counter;

  @AfterEach
  void close() {
    zstd.close();
  }

  private static Bytes noise(long seed, int bytes) {
    byte[] noise = new byte[bytes];
    new Random(seed).nextBytes(noise);
    noise[bytes / 2] = 0;
    return Bytes.copyOf(noise);
  }

  private Frame.Changes change(String key, Bytes payload) {
    VersionVector seen =
        counter == 0 ? VersionVector.EMPTY : VersionVector.of(new Dot(OWN, counter));
    var version = new Version(new Dot(OWN, ++counter), seen, new Stamp(counter));
    return new Frame.Changes(
        OWN,
        counter - 1,
        counter,
        List.of(
            new MetadataRecord(
                Key.of(key),
                Header.value(version, new RegionName("eu"), payload, Header.NEVER),
                payload)));
  }

  private Frame send(Frame.Changes changes) {
    Frame frame = sender.encoded(changes, before -> true);
    sender.sent(changes, frame);
    sender.acknowledged(OWN, changes.upTo());
    return frame;
  }

  private Frame sendEdited(int edit) {
    byte[] edited = noise(1, BYTES).toArray();
    edited[7] = (byte) edit;
    return send(change("n/1", Bytes.copyOf(edited)));
  }

  @Test
  void theNextVersion_isADelta_ofTheChecksumAndTheDotThatWereAcknowledged() {
    sender.understood(3, true);
    assertThat(sendEdited(1)).isInstanceOf(Frame.Changes.class);
    Frame.Changes second = change("n/1", noise(1, BYTES));
    Frame.Deltas deltas = (Frame.Deltas) send(second);
    assertThat(deltas.changes().records()).allMatch(record -> record.payload() == null);
    Frame.Delta delta = deltas.deltas().get(0);
    assertThat(delta.counter()).isEqualTo(2);
    assertThat(delta.base()).isEqualTo(new Dot(OWN, 1));
    assertThat(delta.bytes().length()).isLessThan(50);
    DeltaStats stats = counters.stats();
    assertThat(stats.sent()).isEqualTo(1);
    assertThat(stats.baseUnknown()).isEqualTo(1);
    assertThat(stats.sentBytes() + stats.savedBytes()).isEqualTo(BYTES);
    assertThat(stats.knownBytes()).isGreaterThan(BYTES);
  }

  @Test
  void aPeerThatDoesNotSpeakOfDeltas_getsNone() {
    for (int protocol : new int[] {2, 3}) {
      sender.understood(protocol, protocol == 2);
      assertThat(sendEdited(1)).isInstanceOf(Frame.Changes.class);
      assertThat(sendEdited(2)).isInstanceOf(Frame.Changes.class);
    }
    assertThat(counters.stats().baseUnknown()).isZero();
  }

  @Test
  void whatWouldBeLonger_orIsShort_goesWhole() {
    sender.understood(3, true);
    for (int i = 0; i < 3; i++) {
      assertThat(send(change("n/1", noise(i, BYTES)))).isInstanceOf(Frame.Changes.class);
    }
    assertThat(counters.stats().notSmaller()).isEqualTo(2);
    for (int i = 0; i < 3; i++) {
      assertThat(send(change("n/2", noise(7, 99)))).isInstanceOf(Frame.Changes.class);
    }
    assertThat(counters.stats().notSmaller()).isEqualTo(2);
    assertThat(counters.stats().baseUnknown()).isEqualTo(1);
  }

  @Test
  void beyondItsTime_everythingGoesWhole_untilTheNextSecond() {
    sender.understood(3, true);
    int deltas = 0;
    for (int i = 0; i < 50; i++) {
      deltas += sendEdited(i) instanceof Frame.Deltas ? 1 : 0;
    }
    // Base and value are compared: 2000 bytes of 10,000, and one that overdraws.
    assertThat(deltas).isEqualTo(6);
    assertThat(counters.stats().overBudget()).isEqualTo(43);
    world.runFor(Duration.ofSeconds(2));
    assertThat(sendEdited(99)).isInstanceOf(Frame.Deltas.class);
  }

  @Test
  void whatThePeerDoesNotHold_isNotUsed() {
    sender.understood(3, true);
    sendEdited(1);
    sender.forget(List.of(Key.of("n/1")));
    assertThat(sendEdited(2)).isInstanceOf(Frame.Changes.class);
    sender.forgetAll();
    assertThat(sendEdited(3)).isInstanceOf(Frame.Changes.class);
    assertThat(sendEdited(4)).isInstanceOf(Frame.Deltas.class);
  }
}
