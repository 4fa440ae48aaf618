package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageFullException;
import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimFault;
import io.metafabric.core.sim.SimSeeds;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Opening by what the last stop in order left, and never by anything else. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class StoreImageTest {
  private static final int KEYS = 60;
  private static final int TRIED_EVERY = 8;

  private final long seed;
  private final Random random;

  StoreImageTest(long seed) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  private StoreMachine stopped() {
    return stopped(seed);
  }

  private StoreMachine stopped(long seed) {
    var machine = new StoreMachine(seed, Durability.SYNC);
    machine.open();
    for (int i = 0; i < 3 * KEYS; i++) {
      boolean delete = random.nextInt(6) == 0;
      machine.write(key(i), delete ? null : Bytes.utf8("value " + i));
    }
    machine.close();
    return machine;
  }

  private static Key key(int i) {
    return Key.of("n/" + i % KEYS);
  }

  private static long replayedBytes(StoreMachine machine) {
    return machine.store().stats().replayedBytes();
  }

  @Test
  void afterAStopInOrder_theJournalIsNotRead() {
    StoreMachine machine = stopped();
    for (int opening = 0; opening < 5; opening++) {
      machine.open();
      assertThat(replayedBytes(machine)).isZero();
      machine.check("opening " + opening);
      assertThat(machine.store().stats().keys()).isEqualTo(KEYS);
      for (int i = 0; i < 200; i++) {
        machine.write(key(random.nextInt(KEYS)), Bytes.utf8("again " + i));
      }
      machine.close();
    }
  }

  @Test
  void theAccountOfLiveBytes_isTheSameAsAReplays() {
    StoreMachine machine = stopped();
    machine.open();
    long byImage = machine.store().stats().liveBytes();
    machine.close();
    machine.disk().delete(StoreImage.NAME);
    machine.open();
    assertThat(replayedBytes(machine)).isPositive();
    // Each opening adds the frame that says so.
    assertThat(machine.store().stats().liveBytes()).isBetween(byImage, byImage + 300);
  }

  /** The digests of all nodes of depth 8, from the tree that was kept or put together. */
  private static long[] digests(StoreMachine machine) {
    return machine.store().liveDots().compared().digests(8, IntStream.range(0, 16).toArray());
  }

  /** The same by looking at everything that is live: by depth 20 the index is asked. */
  private static long[] looked(StoreMachine machine) {
    var parents = IntStream.range(0, 1 << 16).toArray();
    long[] deep = machine.store().liveDots().compared().digests(20, parents);
    var digests = new long[256];
    for (int i = 0; i < deep.length; i++) {
      digests[i >>> 12] ^= deep[i];
    }
    return digests;
  }

  @Test
  void theHeaderTree_isThatOfWhatIsLive_howeverItCame() {
    StoreMachine machine = stopped(12);
    machine.open();
    assertThat(digests(machine)).isEqualTo(looked(machine));
    for (int i = 0; i < KEYS; i++) {
      machine.write(key(random.nextInt(2 * KEYS)), i % 5 == 0 ? null : Bytes.utf8("again " + i));
    }
    assertThat(digests(machine)).as("kept with every write").isEqualTo(looked(machine));
    long[] before = digests(machine);
    machine.node.crash(SimDisk.Loss.NONE);
    machine.open();
    assertThat(digests(machine)).as("after a crash").isEqualTo(before);
  }

  @Test
  void aHeaderTreeOfMoreKeysThanLeaves_isKeptInTheImage() {
    var machine = new StoreMachine(13, Durability.SYNC);
    machine.open();
    var actor = new ActorId(77);
    for (int from = 0; from < 70_000; from += 1_000) {
      var inbound = new ArrayList<Inbound>();
      for (long counter = from + 1; counter <= from + 1_000; counter++) {
        var version =
            new Version(new Dot(actor, counter), VersionVector.EMPTY, new Stamp(counter << 16));
        Header header = Header.tombstone(version, new RegionName("us"));
        inbound.add(new Inbound(new MetadataRecord(Key.of("n/" + counter), header, null), false));
      }
      var done = machine.store().applyAll(inbound);
      machine.world.runUntil("it is there", done::isDone, Duration.ofMinutes(1));
    }
    long[] before = digests(machine);
    assertThat(before).isEqualTo(looked(machine));
    machine.close();
    machine.open();
    assertThat(replayedBytes(machine)).isZero();
    assertThat(digests(machine)).isEqualTo(before);
    assertThat(looked(machine)).isEqualTo(before);
  }

  @Test
  void afterACrash_anOlderImageIsNotBelieved() {
    StoreMachine machine = stopped();
    machine.open();
    machine.write(key(1), Bytes.utf8("newer"));
    machine.node.crash(SimDisk.Loss.ALL);
    machine.open();
    assertThat(replayedBytes(machine)).isPositive();
    machine.check("after a crash");
  }

  @Test
  void anImageOfAnotherDirectory_isNotBelieved() {
    byte[] other = stopped(seed + 1000).disk().contentOf(StoreImage.NAME);
    StoreMachine machine = stopped();
    overwrite(machine.disk(), other);
    machine.open();
    assertThat(replayedBytes(machine)).isPositive();
    machine.check("with the image of another directory");
  }

  @Test
  void aJournalThatWasShortenedToItsOldLength_isMissed_byItsMark() {
    StoreMachine machine = stopped();
    byte[] image = machine.disk().contentOf(StoreImage.NAME);
    String segment = lastSegment(machine.disk());
    int length = machine.disk().contentOf(segment).length;
    machine.open();
    machine.write(key(1), Bytes.utf8("acknowledged"));
    machine.node.crash(SimDisk.Loss.NONE);
    try (var file = machine.disk().open(segment)) {
      file.truncate(length);
      file.sync();
    }
    overwrite(machine.disk(), image);
    assertThatThrownBy(machine::open)
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("was durable");
  }

  @Test
  void theImageOfACopyThatWentItsOwnWay_isNotBelieved() {
    StoreMachine machine = stopped();
    var common = new HashMap<String, byte[]>();
    machine.disk().list().forEach(name -> common.put(name, machine.disk().contentOf(name)));
    machine.open();
    machine.write(Key.of("a/1"), Bytes.utf8("one way"));
    machine.close();
    byte[] other = machine.disk().contentOf(StoreImage.NAME);
    machine.disk().list().forEach(machine.disk()::delete);
    common.forEach((name, content) -> write(machine.disk(), name, content));
    machine.open();
    machine.write(Key.of("b/1"), Bytes.utf8("other"));
    machine.close();
    overwrite(machine.disk(), other);

    machine.open();
    assertThat(replayedBytes(machine)).isPositive();
    assertThat(machine.store().holdsPayload(Key.of("b/1"))).isTrue();
    assertThat(machine.store().header(Key.of("a/1"))).isNull();
  }

  @ParameterizedTest
  @EnumSource(
      value = SimDisk.Operation.class,
      names = {"READ", "OPEN"})
  void anImageThatCannotBeRead_isNotNeeded(SimDisk.Operation operation) {
    StoreMachine machine = stopped();
    SimFault fault = machine.disk().failAll(operation, StoreImage.NAME::equals);
    machine.open();
    fault.end();
    assertThat(replayedBytes(machine)).isPositive();
    machine.check("without a readable image");
  }

  /** Its index names frames of files that the next opening deletes. */
  @Test
  void afterACompactionThatFailedAtItsEnd_thereIsNoImage() {
    StoreMachine machine = stopped();
    machine.open();
    machine
        .disk()
        .failNext(
            SimDisk.Operation.READ, name -> name.matches("journal-[0-9a-f]{16}-[0-9a-f]{8}\\.log"));
    for (int i = 0; machine.store().stats().compaction().failures() == 0; i++) {
      assertThat(i).isLessThan(10_000);
      machine.write(key(i), Bytes.utf8("x".repeat(40 + i % KEYS)));
    }
    machine.check("beside the failed compaction");
    machine.close();

    machine.disk().setCapacityBytes(0);
    assertThatThrownBy(machine::open).isInstanceOf(StorageFullException.class);
    machine.disk().setCapacityBytes(Long.MAX_VALUE);
    machine.open();
    machine.check("after openings of which one found the disk full");
  }

  private static String lastSegment(SimDisk disk) {
    return disk.list().stream()
        .filter(name -> name.endsWith(".log"))
        .reduce((one, next) -> next)
        .orElseThrow();
  }

  @Test
  void aFlippedBit_isFound_whereverItIs() {
    StoreMachine machine = stopped();
    int size = machine.disk().contentOf(StoreImage.NAME).length;
    // All of the description, and some of the half megabyte of slots.
    for (int at = 0; at < size; at += at < 2048 ? 1 : 1777) {
      if (!SimSeeds.isTried(seed, at, TRIED_EVERY)) {
        continue;
      }
      byte[] image = machine.disk().contentOf(StoreImage.NAME);
      image[Math.min(at, image.length - 1)] ^= (byte) (1 << random.nextInt(8));
      reopen(machine, image, "with a flipped bit at " + at);
    }
  }

  @Test
  void aPart_isNotTakenForTheWhole() {
    StoreMachine machine = stopped();
    int size = machine.disk().contentOf(StoreImage.NAME).length;
    for (int length = 0; length < size; length += length < 2048 ? 7 : 4099) {
      if (!SimSeeds.isTried(seed, length, TRIED_EVERY)) {
        continue;
      }
      byte[] image = machine.disk().contentOf(StoreImage.NAME);
      reopen(machine, Arrays.copyOf(image, length), "with " + length + " bytes of it");
    }
  }

  private void reopen(StoreMachine machine, byte[] image, String how) {
    overwrite(machine.disk(), image);
    machine.open();
    machine.check(how);
    assertThat(machine.store().stats().keys()).as(how).isEqualTo(KEYS);
    machine.close();
  }

  private static void overwrite(SimDisk disk, byte[] content) {
    disk.delete(StoreImage.NAME);
    write(disk, StoreImage.NAME, content);
  }

  private static void write(SimDisk disk, String name, byte[] content) {
    try (var file = disk.open(name)) {
      file.write(0, ByteBuffer.wrap(content));
      file.sync();
    }
  }
}
