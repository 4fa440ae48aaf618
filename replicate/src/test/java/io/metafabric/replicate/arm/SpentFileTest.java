package io.metafabric.replicate.arm;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.Clock;
import io.metafabric.core.port.DiskFile;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.sim.SimDisk.Loss;
import io.metafabric.core.sim.SimDisk.Operation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class SpentFileTest {
  private static final long HOUR_MS = 3_600_000;
  private static final long NANOS_PER_MS = 1_000_000;

  private final SimDisk disk = new SimDisk(1);
  private long wallMs = 1_700_000_000_000L;
  private final Clock clock =
      new Clock() {
        @Override
        public long wallMs() {
          return wallMs;
        }

        @Override
        public long nanoTime() {
          return 0;
        }
      };

  private SpentFile open(Executor background) {
    return new SpentFile(disk, clock, background, problem -> {});
  }

  private SpentFile open() {
    return open(Runnable::run);
  }

  private static SpentDollars spent(long... sums) {
    var byAge = new ArrayList<>(Collections.nCopies(SpentDollars.HOURS, 0L));
    for (int i = 0; i < sums.length; i++) {
      byAge.set(i, sums[i]);
    }
    return new SpentDollars(5, byAge);
  }

  @Test
  void withoutAFile_nothingWasSpent_andNoneIsMade() {
    try (SpentFile file = open()) {
      assertThat(file.before()).isEqualTo(SpentDollars.NOTHING);
    }
    assertThat(disk.files()).isEmpty();
  }

  @Test
  void theLastNoteCounts_asOldAsItIs() {
    try (SpentFile file = open()) {
      for (int i = 1; i < 6; i++) {
        assertThat(file.note(spent(i, 100))).isTrue();
      }
    }
    wallMs += HOUR_MS;
    assertThat(open().before()).isEqualTo(spent(5, 100).after(HOUR_MS * NANOS_PER_MS));
  }

  @Test
  void aWallClockThatHasGoneBack_makesNothingOlder_andOneFarAhead_asOldAsCanBe() {
    try (SpentFile file = open()) {
      file.note(spent(7));
    }
    wallMs -= 1000 * HOUR_MS;
    assertThat(open().before()).isEqualTo(spent(7));
    wallMs = Long.MAX_VALUE;
    var account = new CopyAccount(CopyBudget.DEFAULT, open(), 0);
    assertThat(account.spentDollars(0)).isZero();
  }

  @Test
  void aProcessThatIsKilled_losesNothing_alsoIfTheDiskWasNotWaitedFor() {
    SpentFile file = open(task -> {});
    file.note(spent(1));
    file.note(spent(2));
    disk.crash(Loss.NONE);
    assertThat(open().before()).isEqualTo(spent(2));
  }

  @RepeatedTest(50)
  void aMachineThatStops_losesTheLastNoteAtMost(RepetitionInfo run) {
    var torn = new SimDisk(run.getCurrentRepetition());
    var file = new SpentFile(torn, clock, Runnable::run, problem -> {});
    file.note(spent(1));
    var unsynced = new SpentFile(torn, clock, task -> {}, problem -> {});
    unsynced.note(spent(2));
    torn.crash(Loss.SOME);
    assertThat(new SpentFile(torn, clock, Runnable::run, problem -> {}).before())
        .isIn(spent(1), spent(2));
  }

  @Test
  void ofADamagedFile_aDaysBudgetCountsAsSpent() {
    var random = new Random(3);
    for (int kept : List.of(1, 100, 235, 2 * SpentFile.PLACE_BYTES)) {
      disk.delete(SpentFile.NAME);
      try (DiskFile file = disk.open(SpentFile.NAME)) {
        byte[] noise = new byte[kept];
        random.nextBytes(noise);
        file.write(0, ByteBuffer.wrap(noise));
      }
      SpentFile opened = open();
      assertThat(opened.before()).isEqualTo(SpentDollars.UNKNOWN);
      long hour = 3_600_000_000_000L;
      CopyBudget most = CopyBudget.DEFAULT.withDollarsPerDay(CopyBudget.MAX_DOLLARS);
      var account = new CopyAccount(most, opened, 0);
      assertThat(account.pay(1, 1, 0, 0)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
      assertThat(account.pay(1, 1, 0, 24 * hour)).isEqualTo(Decision.Reason.OVER_DOLLARS_PER_DAY);
      assertThat(account.pay(1, 1, 0, 25 * hour)).isNull();
    }
  }

  @Test
  void eachByteIsChecked() {
    try (SpentFile file = open()) {
      file.note(spent(9, 8, 7));
    }
    int length = disk.contentOf(SpentFile.NAME).length;
    for (int at = SpentFile.PLACE_BYTES; at < length; at += 5) {
      Runnable undo = disk.damage(SpentFile.NAME, at);
      assertThat(open().before()).as("byte %d", at).isEqualTo(SpentDollars.UNKNOWN);
      undo.run();
    }
    assertThat(open().before()).isEqualTo(spent(9, 8, 7));
  }

  @Test
  void aFileThatWasMadeAndNotWritten_saysThatNothingWasSpent() {
    try (DiskFile file = disk.open(SpentFile.NAME)) {
      assertThat(open().before()).isEqualTo(SpentDollars.NOTHING);
      file.write(0, ByteBuffer.allocate(700));
    }
    assertThat(open().before()).isEqualTo(SpentDollars.NOTHING);
  }

  @Test
  void whatCannotBeWritten_isNotNoted_andIsTriedAgain() {
    SpentFile file = open();
    disk.failNext(Operation.OPEN);
    assertThat(file.note(spent(1))).isFalse();
    disk.failNext(Operation.WRITE);
    assertThat(file.note(spent(2))).isFalse();
    assertThat(file.note(spent(3))).isTrue();
    assertThat(open().before()).isEqualTo(spent(3));
    disk.failNext(Operation.OPEN);
    assertThat(open().before()).as("what cannot be read").isEqualTo(SpentDollars.UNKNOWN);
  }
}
