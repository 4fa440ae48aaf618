package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.store.ViewReport.State;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What an inspection says of a hint is what the next opening makes of it. */
@ParameterizedClass(name = "seed {0}")
@MethodSource("io.metafabric.core.sim.SimSeeds#exhaustive")
class HintCheckTest {
  private static final int KEYS = 300;
  private static final int HEADER_BYTES = 16;
  private static final int PAGE_BYTES = 4096;

  private final Random random;
  private final StoreMachine machine;
  private final byte[] image;

  HintCheckTest(long seed) {
    random = new Random(seed);
    machine = stopped(seed);
    image = machine.disk().contentOf(StoreImage.NAME);
  }

  private StoreMachine stopped(long seed) {
    var stopped = new StoreMachine(seed, Durability.SYNC);
    stopped.open();
    for (int i = 0; i < 2 * KEYS; i++) {
      stopped.write(Key.of("n/" + random.nextInt(KEYS)), Bytes.utf8("value " + i));
    }
    stopped.close();
    return stopped;
  }

  private State state() {
    ViewReport report = HintCheck.inspect(machine.disk());
    assertThat(report.file()).isEqualTo(StoreImage.NAME);
    assertThat(report.why()).isNotEmpty();
    assertThat(machine.disk().openFiles()).isEmpty();
    return report.state();
  }

  private void put(byte[] content) {
    SimDisk disk = machine.disk();
    disk.delete(StoreImage.NAME);
    try (var file = disk.open(StoreImage.NAME)) {
      file.write(0, ByteBuffer.wrap(content));
      file.sync();
    }
  }

  private boolean isUsed() {
    machine.open();
    boolean used = machine.store().stats().replayedBytes() == 0;
    machine.node.crash(SimDisk.Loss.NONE);
    return used;
  }

  @Test
  void afterAStopInOrder_itIsGood_andBehindTheOpeningThereIsNone() {
    assertThat(state()).isEqualTo(State.GOOD);
    assertThat(isUsed()).isTrue();
    assertThat(state()).isEqualTo(State.ABSENT);
  }

  @Test
  void oneOfAnEarlierStopOrOfAnotherDirectory_isStale() {
    machine.open();
    machine.write(Key.of("n/1"), Bytes.utf8("newer"));
    machine.close();
    assertThat(state()).isEqualTo(State.GOOD);
    put(image);
    assertThat(state()).isEqualTo(State.STALE);
    put(stopped(machine.world.seed() + 1000).disk().contentOf(StoreImage.NAME));
    assertThat(state()).isEqualTo(State.STALE);
    assertThat(isUsed()).isFalse();
  }

  @Test
  void oneOfAnotherFormat_isStale() {
    byte[] other = image.clone();
    other[7] = (byte) '8';
    put(other);
    assertThat(state()).isEqualTo(State.STALE);
    assertThat(isUsed()).isFalse();
  }

  /** Between the description and the pages there is nothing that anybody reads. */
  @Test
  void aFlippedBit_isDamage_whereverItIs() {
    int end = HEADER_BYTES + ByteBuffer.wrap(image).getInt(Long.BYTES);
    int pagesAt = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    assertThat(image.length).isGreaterThan(pagesAt + PAGE_BYTES);
    for (int i = 0; i < 400; i++) {
      // All of the header but for the format, then anywhere.
      int at = i < HEADER_BYTES ? i : random.nextInt(i % 2 == 0 ? end : image.length);
      if (at == 6 || at == 7 || (at >= end && at < pagesAt)) {
        continue;
      }
      byte[] damaged = image.clone();
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      put(damaged);
      assertThat(state()).as("seed %d, byte %d", machine.world.seed(), at).isEqualTo(State.DAMAGED);
    }
    assertThat(isUsed()).isFalse();
  }

  @Test
  void aPart_isDamage() {
    for (int i = 0; i < 100; i++) {
      int length = i < HEADER_BYTES ? i : random.nextInt(image.length);
      put(Arrays.copyOf(image, length));
      assertThat(state())
          .as("seed %d, %d bytes", machine.world.seed(), length)
          .isEqualTo(State.DAMAGED);
    }
    assertThat(isUsed()).isFalse();
  }

  @Test
  void oneOfAJournalThatIsDamaged_isNoneOfIts() {
    SimDisk disk = machine.disk();
    String last =
        disk.list().stream()
            .filter(name -> name.endsWith(".log"))
            .reduce((a, b) -> b)
            .orElseThrow();
    disk.damage(last, 7);
    assertThat(state()).isEqualTo(State.STALE);
    disk.delete(last);
    assertThat(state()).isEqualTo(State.STALE);
  }
}
