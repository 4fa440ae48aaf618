package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What was learned survives a restart, and nothing that is wrong with its file does. */
class ForesightFileTest {
  private static final long MAX_BYTES = 256 << 10;
  private static final String GOLDEN = "foresight-v1.bin";
  private static final List<Source> GOLDEN_SOURCES =
      List.of(Source.NEEDS_FIRST_ORDER, Source.NEEDS_SECOND_ORDER, Source.READS_SECOND_ORDER);

  private static Foresight foresight(List<Source> sources) {
    return new Foresight(
        PARIS,
        List.of(new SequencePredictor(new PredictorConfig(PARIS, MAX_BYTES, 1), sources)),
        MAX_BYTES,
        1,
        (name, failure) -> {
          throw new AssertionError(name, failure);
        });
  }

  private static Foresight foresight() {
    return foresight(Source.DEFAULT);
  }

  private static AccessEvent need(String client, String id, long atMs) {
    return new AccessEvent(client, "t/" + id, PARIS, atMs, Outcome.REMOTE);
  }

  /** Teaches it that k0 to k19 follow each other. */
  private static Foresight taught(List<Source> sources) {
    Foresight foresight = foresight(sources);
    for (int i = 0; i < 800; i++) {
      foresight.observe(List.of(need("client" + i / 20, "k" + i % 20, i)));
      foresight.predictions(key -> false);
    }
    return foresight;
  }

  private static List<String> said(Foresight foresight, String... needs) {
    var said = new ArrayList<String>();
    for (String id : needs) {
      foresight.observe(List.of(need("newcomer", id, 1_000)));
      for (Prediction each : foresight.predictions(key -> false)) {
        said.add(each.key().id() + " " + each.probability());
      }
    }
    return said;
  }

  private static Foresight restored(SimDisk disk, List<String> damage) {
    return restored(disk, Source.DEFAULT, damage);
  }

  private static Foresight restored(SimDisk disk, List<Source> sources, List<String> damage) {
    Foresight restored = foresight(sources);
    var saved = new ForesightFile(disk, MAX_BYTES).read(damage::add);
    restored.restore(saved, (name, why) -> damage.add(name + ": " + why));
    return restored;
  }

  @Test
  void whatWasLearned_isThereAfterARestart_fromTheFirstReadOn() {
    var disk = new SimDisk(1);
    Foresight before = taught(Source.DEFAULT);
    assertThat(new ForesightFile(disk, MAX_BYTES).write(before.save())).isTrue();
    disk.crash(SimDisk.Loss.ALL);

    var damage = new ArrayList<String>();
    Foresight after = restored(disk, damage);

    assertThat(damage).isEmpty();
    List<String> first = said(after, "k3", "k4");
    assertThat(first).anyMatch(each -> each.startsWith("k5 "));
    assertThat(said(foresight(), "k3", "k4")).isEmpty();
    assertThat(said(restored(disk, damage), "k3", "k4", "k9", "k2", "k3"))
        .startsWith(first.toArray(new String[0]))
        .isEqualTo(said(restored(disk, damage), "k3", "k4", "k9", "k2", "k3"));
  }

  @Test
  void eachSource_goesOnFromWhereItStopped() {
    for (Source source : Source.values()) {
      Map<String, byte[]> saved = taught(List.of(source)).save();
      Foresight one = continued(source, saved);
      assertThat(one.save().get(source.id())).as("%s", source).isEqualTo(saved.get(source.id()));
      Foresight other = continued(source, saved);
      assertThat(said(one, "k3", "k4", "k5", "k6"))
          .as("%s", source)
          .isEqualTo(said(other, "k3", "k4", "k5", "k6"));
    }
  }

  private static Foresight continued(Source source, Map<String, byte[]> saved) {
    Foresight continued = foresight(List.of(source));
    continued.restore(
        saved,
        (name, why) -> {
          throw new AssertionError(name + " " + why);
        });
    return continued;
  }

  @Test
  void aCrashAtAnyCall_leavesTheOldOrTheNew() {
    Map<String, byte[]> old = Map.of("p", new byte[] {1, 2, 3});
    var large = new byte[200_000];
    new SplittableRandom(1).nextBytes(large);
    Map<String, byte[]> now = Map.of("p", large);
    var whole = new SimDisk(1);
    new ForesightFile(whole, MAX_BYTES).write(old);
    long begun = whole.operations();
    new ForesightFile(whole, MAX_BYTES).write(now);
    long calls = whole.operations() - begun;
    assertThat(calls).isGreaterThan(6);
    int newOnes = 0;
    for (int call = 0; call < calls; call++) {
      for (int seed = 0; seed < 8; seed++) {
        var disk = new SimDisk(seed);
        new ForesightFile(disk, MAX_BYTES).write(old);
        disk.beforeOperation(call, disk::crash);
        try {
          new ForesightFile(disk, MAX_BYTES).write(now);
        } catch (StorageException e) {
          // The process has ended.
        }
        disk.crash();
        byte[] found = new ForesightFile(disk, MAX_BYTES).read(damage -> {}).get("p");
        assertThat(found).as("call %s, seed %s", call, seed).isIn(old.get("p"), large);
        newOnes += Arrays.equals(found, large) ? 1 : 0;
        assertThat(disk.files()).hasSize(1);
        assertThat(new ForesightFile(disk, MAX_BYTES).write(now)).isTrue();
      }
    }
    assertThat(newOnes).isPositive();
  }

  @Test
  void afterAFailedWrite_theOldOneIsThere_andNoRoomIsTaken() {
    var disk = new SimDisk(1);
    Map<String, byte[]> old = Map.of("p", new byte[] {1, 2, 3});
    new ForesightFile(disk, MAX_BYTES).write(old);
    long used = disk.usedBytes();
    disk.setCapacityBytes(used + 100);
    boolean refused = false;
    try {
      new ForesightFile(disk, MAX_BYTES).write(Map.of("p", new byte[100_000]));
    } catch (StorageException e) {
      refused = true;
    }
    assertThat(refused).isTrue();
    assertThat(disk.usedBytes()).isEqualTo(used);
    assertThat(new ForesightFile(disk, MAX_BYTES).read(damage -> {}).get("p"))
        .isEqualTo(old.get("p"));
  }

  private static SimDisk diskWith(byte[] content) {
    var disk = new SimDisk(1);
    try (DiskFile file = disk.open("foresight.7")) {
      file.write(0, ByteBuffer.wrap(content));
    }
    return disk;
  }

  private static byte[] bytes(Map<String, byte[]> saved) {
    ByteBuffer encoded = ForesightFile.encode(saved);
    var bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    return bytes;
  }

  private static void assertIsRefused(byte[] content, String what) {
    SimDisk disk = diskWith(content);
    var damage = new ArrayList<String>();
    assertThat(new ForesightFile(disk, MAX_BYTES).read(damage::add)).as(what).isEmpty();
    assertThat(damage).as(what).hasSize(1);
    assertThat(damage.get(0)).startsWith("foresight.7: ").doesNotContain("secret-key");
    assertThat(disk.files()).as(what).isEmpty();
  }

  @Test
  void everyFlippedBit_everyCut_andEveryOtherVersion_isRefusedReportedAndDeleted() {
    byte[] good = bytes(Map.of("p", "secret-key and 40 other bytes".getBytes(), "q", new byte[9]));
    for (int bit = 0; bit < 8 * good.length; bit++) {
      byte[] flipped = good.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertIsRefused(flipped, "bit " + bit);
    }
    for (int length = 0; length < good.length; length++) {
      assertIsRefused(Arrays.copyOf(good, length), "cut to " + length);
    }
    assertIsRefused(Arrays.copyOf(good, good.length + 1), "one byte more");
    assertIsRefused(new byte[(int) MAX_BYTES + 64], "too long");
  }

  @Test
  void whatLies_underAGoodChecksum_takesNoMemory_andDoesNoHarm() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    var random = new Random(seed);
    byte[] learned = taught(List.of(Source.values())).save().get(SequencePredictor.NAME);
    var like =
        new SequencePredictor(new PredictorConfig(PARIS, MAX_BYTES, 1), List.of(Source.values()));
    int refused = 0;
    for (int round = 0; round < 2_000; round++) {
      byte[] lie = learned.clone();
      int at = random.nextInt(lie.length - 8);
      switch (random.nextInt(4)) {
        case 0 -> Arrays.fill(lie, at, at + 4, (byte) 0xff);
        case 1 -> ByteBuffer.wrap(lie).putInt(at, Integer.MAX_VALUE);
        case 2 -> lie[at] = (byte) random.nextInt();
        default -> lie = Arrays.copyOf(lie, at);
      }
      try {
        SequencePredictor taken = like.restored(new ByteReader(ByteBuffer.wrap(lie)));
        assertThat(taken.retainedBytes()).as("seed %s", seed).isLessThanOrEqualTo(MAX_BYTES);
        for (int i = 0; i < 100; i++) {
          taken.observe(List.of(need("c" + i % 3, "k" + i % 27, i * 3_600_000L)));
          taken.proposals(key -> false, 64);
        }
        assertThat(taken.retainedBytes()).as("seed %s", seed).isLessThanOrEqualTo(MAX_BYTES);
      } catch (WireFormatException e) {
        refused++;
        assertThat(e.getMessage()).doesNotContain("t/k");
      }
    }
    assertThat(refused).isBetween(400, 1_999);
  }

  @Test
  void whatIsNoKey_underAGoodChecksum_isRefused_andNotNamed() {
    byte[] lie = taught(List.of(Source.values())).save().get(SequencePredictor.NAME).clone();
    byte[] key = "t/k13".getBytes(UTF_8);
    int at = 0;
    while (!Arrays.equals(lie, at, at + key.length, key, 0, key.length)) {
      at++;
    }
    lie[at + 1] = '%';
    var like =
        new SequencePredictor(new PredictorConfig(PARIS, MAX_BYTES, 1), List.of(Source.values()));
    assertThatThrownBy(() -> like.restored(new ByteReader(ByteBuffer.wrap(lie))))
        .isInstanceOf(WireFormatException.class)
        .hasMessage("one of the keys is none");
  }

  @Test
  void whatOtherSourcesLearned_isReported_andLearnedAnew() {
    Map<String, byte[]> saved = taught(List.of(Source.CLIENT, Source.POPULARITY)).save();
    var reported = new ArrayList<String>();
    Foresight other = foresight();
    other.restore(saved, (name, why) -> reported.add(name + ": " + why));
    assertThat(reported).containsExactly("sequence: there were other prediction sources");
    assertThat(said(other, "k3", "k4")).isEmpty();
  }

  @Test
  void aFileOfTheFirstFormat_isReadForEver() throws IOException {
    byte[] golden;
    try (InputStream in = ForesightFileTest.class.getResourceAsStream(GOLDEN)) {
      golden = in.readAllBytes();
    }
    var damage = new ArrayList<String>();
    SimDisk disk = diskWith(golden);
    Foresight restored = restored(disk, GOLDEN_SOURCES, damage);
    assertThat(damage).isEmpty();
    assertThat(said(restored, "k3", "k4")).anyMatch(each -> each.startsWith("k5 "));
    assertThat(disk.contentOf("foresight.7")).isEqualTo(golden);
  }

  /** Wrote the golden file; a new format gets a new one. */
  public static void main(String... arguments) throws IOException {
    Path file = Path.of("predict/src/test/resources/io/metafabric/predict", GOLDEN);
    if (Files.exists(file)) {
      throw new IllegalStateException(file + " is there already, and must stay as it is");
    }
    Files.createDirectories(file.getParent());
    Files.write(file, bytes(taught(GOLDEN_SOURCES).save()));
  }
}
