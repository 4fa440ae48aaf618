package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.IndexFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What happens when there are more keys than the index may have memory for. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class IndexBoundTest {
  private static final long MAX_BYTES = 1 << 20;

  /** Taken from the system at a time. */
  private static final long STEP_BYTES = 512 << 10;

  private final StoreMachine machine;
  private int keys;

  IndexBoundTest(long seed) {
    machine = new StoreMachine(seed, Durability.OS);
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private void fill() {
    machine.maxIndexBytes = MAX_BYTES;
    machine.open();
    fillOn();
  }

  private void fillOn() {
    try {
      for (; ; keys++) {
        machine.write(key(keys), Bytes.EMPTY);
      }
    } catch (IndexFullException e) {
      assertThat(e)
          .hasMessageContaining("maxIndexBytes = 1048576")
          .hasMessageContaining(keys + " keys")
          .hasMessageContaining("raise it");
    }
  }

  @Test
  void newKeysAreRefused_whatIsThereIsServed_andMoreRoomHelps() {
    fill();
    assertThat(keys).isGreaterThan(20_000);
    assertThat(machine.store().stats().indexBytes())
        .isGreaterThan(MAX_BYTES)
        .isLessThanOrEqualTo(MAX_BYTES + STEP_BYTES);
    machine.write(key(7), Bytes.utf8("another value"));
    assertThat(machine.store().holdsPayload(key(keys - 1))).isTrue();

    machine.close();
    machine.open();
    assertThat(machine.store().stats().keys()).isEqualTo(keys);
    // What was taken while tables grew has been given back by that.
    fillOn();
    assertThat(machine.store().stats().indexBytes()).isLessThanOrEqualTo(MAX_BYTES + STEP_BYTES);

    machine.close();
    machine.maxIndexBytes = 2 * MAX_BYTES;
    machine.open();
    machine.write(key(keys), Bytes.EMPTY);
  }

  @Test
  void newKeysOfOtherRegionsAreRefusedAsAWhole_soThatTheyComeAgain() {
    fill();
    var region = new RegionName("rome");
    var actor = new ActorId(5);
    var version = new Version(new Dot(actor, 1), VersionVector.EMPTY, new Stamp(1));
    var record =
        new MetadataRecord(
            Key.of("rome/1"), Header.value(version, region, Bytes.EMPTY, Header.NEVER), null);
    assertThat(
            machine
                .store()
                .applyRange(
                    0, List.of(new Inbound(record, false)), new AppliedPrefix(region, actor, 1)))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(IndexFullException.class);
    assertThat(machine.store().applyAll(List.of(new Inbound(record, false))))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(IndexFullException.class);
    assertThat(machine.store().takenUpTo(actor)).isZero();
    assertThat(machine.store().header(record.key())).isNull();
  }
}
