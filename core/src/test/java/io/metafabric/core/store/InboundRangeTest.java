package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.StorageFullException;
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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Another region's changes, in the order of its counters or not, on a disk that may be full. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#several")
class InboundRangeTest {
  private static final RegionName US = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(99);

  private final StoreMachine machine;

  InboundRangeTest(long seed) {
    machine = new StoreMachine(seed, Durability.SYNC);
  }

  @BeforeEach
  void open() {
    machine.open();
  }

  private static Inbound change(long counter, int bytes) {
    Bytes payload = Bytes.copyOf(new byte[bytes]);
    var version =
        new Version(new Dot(ACTOR, counter), VersionVector.EMPTY, new Stamp(counter << 16));
    Header header = Header.value(version, US, payload, Header.NEVER);
    return new Inbound(new MetadataRecord(key(counter), header, payload), true);
  }

  private static Key key(long counter) {
    return Key.of("n/" + counter);
  }

  /** Changes of {@code bytes} each, from {@code after + 1} to {@code upTo}. */
  private CompletableFuture<Boolean> apply(long after, long upTo, int bytes) {
    var changes = new ArrayList<Inbound>();
    for (long counter = after + 1; counter <= upTo; counter++) {
      changes.add(change(counter, bytes));
    }
    return machine.store().applyRange(after, changes, new AppliedPrefix(US, ACTOR, upTo));
  }

  private long applied() {
    return machine.store().appliedOf(US).counter(ACTOR);
  }

  @Test
  void rangesFollowEachOther_queuedOrPublished_andOverlapsAreSkipped() {
    CompletableFuture<Boolean> first = apply(0, 2, 10);
    CompletableFuture<Boolean> second = apply(1, 4, 10);
    assertThat(first).as("nothing ran yet").isNotDone();
    assertThat(machine.store().takenUpTo(ACTOR)).isEqualTo(4);
    assertThat(applied()).isZero();
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(first.join()).isTrue();
    assertThat(second.join()).isTrue();
    assertThat(applied()).isEqualTo(4);
    assertThat(apply(3, 5, 10)).isNotDone();
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(applied()).isEqualTo(5);
  }

  @Test
  void aRangeBehindAGap_isNotTaken() {
    assertThat(apply(1, 2, 10)).isCompletedWithValue(false);
    apply(0, 1, 10);
    assertThat(apply(2, 3, 10)).isCompletedWithValue(false);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(applied()).isEqualTo(1);
    assertThat(machine.store().header(key(3))).isNull();
  }

  @Test
  void aRangeThatIsOlderThanWhatIsThere_takesNothingBack() {
    apply(0, 5, 10);
    machine.world.runFor(Duration.ofSeconds(1));
    CompletableFuture<Boolean> old = apply(0, 2, 10);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(old.join()).isTrue();
    assertThat(machine.store().takenUpTo(ACTOR)).isEqualTo(5);
    assertThat(applied()).isEqualTo(5);
  }

  @Test
  void aVersionThatContradictsAnother_isCounted_andStopsNothing() {
    machine.write(key(2), Bytes.utf8("local"));
    Version local = machine.store().header(key(2)).version();
    // It says that it had seen the local write, and the local one will say so of it.
    var claims = new Dot(ACTOR, 9);
    Bytes payload = Bytes.utf8("from afar");
    var first =
        new Version(
            new Dot(new ActorId(77), 1), VersionVector.of(claims).with(local.dot()), local.stamp());
    machine.store().applyOne(inbound(key(2), first, payload));
    machine.world.runFor(Duration.ofSeconds(1));
    var second = new Version(new Dot(ACTOR, 2), VersionVector.of(first.dot()), new Stamp(7));
    CompletableFuture<Boolean> taken =
        machine
            .store()
            .applyRange(
                0,
                List.of(change(1, 10), inbound(key(2), second, payload), change(3, 10)),
                new AppliedPrefix(US, ACTOR, 3));
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(taken.join()).isTrue();
    assertThat(machine.store().holdsPayload(key(1))).isTrue();
    assertThat(machine.store().holdsPayload(key(3))).isTrue();
    assertThat(machine.store().header(key(2)).version().dot()).isEqualTo(first.dot());
    assertThat(machine.store().stats().dotCollisions()).isEqualTo(1);
  }

  private static Inbound inbound(Key key, Version version, Bytes payload) {
    Header header = Header.value(version, US, payload, Header.NEVER);
    return new Inbound(new MetadataRecord(key, header, payload), true);
  }

  @Test
  void whatFollowsARangeThatTheDiskRefused_isNotTaken_untilThatHasComeAgain() {
    machine.disk().setCapacityBytes(machine.disk().usedBytes() + 1000);
    CompletableFuture<Boolean> tooMuch = apply(0, 1, 50_000);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThatThrownBy(tooMuch::join).hasCauseInstanceOf(StorageFullException.class);
    assertThat(machine.store().takenUpTo(ACTOR)).isZero();

    assertThat(apply(1, 2, 1)).as("it would fit").isCompletedWithValue(false);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(applied()).isZero();

    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    apply(0, 1, 50_000);
    apply(1, 2, 1);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(applied()).isEqualTo(2);
    assertThat(machine.store().holdsPayload(key(1))).isTrue();
    assertThat(machine.store().holdsPayload(key(2))).isTrue();
  }

  @Test
  void whatWasQueuedBehindARangeThatTheDiskRefused_failsWithIt() {
    machine.disk().setCapacityBytes(machine.disk().usedBytes() + 1000);
    CompletableFuture<Boolean> tooMuch = apply(0, 1, 50_000);
    CompletableFuture<Boolean> next = apply(1, 2, 1);
    machine.world.runFor(Duration.ofSeconds(1));
    assertThat(tooMuch).isCompletedExceptionally();
    assertThat(next).isCompletedExceptionally();
    assertThat(applied()).isZero();
    assertThat(machine.store().header(key(2))).isNull();
  }
}
