package io.metafabric.core.conflict;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.DiskFile;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.DirectExecutor;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConflictLogTest {
  private final SimDisk disk = new SimDisk(1);

  private ConflictLog open() {
    var log = new ConflictLog(disk);
    log.start(new DirectExecutor());
    return log;
  }

  private static Conflict conflict(int i, int valueBytes) {
    var version = new Version(new Dot(new ActorId(5), i), VersionVector.EMPTY, new Stamp(i));
    Bytes payload = Bytes.copyOf(new byte[valueBytes]);
    return new Conflict(
        Key.of("n/" + i),
        Header.value(version, new RegionName("eu"), payload, Header.NEVER),
        new Dot(new ActorId(6), i),
        payload,
        i,
        i % 2 == 0 ? Conflict.Reason.LAST_WRITER_WINS : Conflict.Reason.TOO_MANY_SIBLINGS);
  }

  @Test
  void whatIsAdded_isReadAgain_alsoAfterACrash() {
    var all = new ArrayList<Conflict>();
    try (var log = open()) {
      for (int i = 1; i <= 20; i++) {
        all.add(conflict(i, i));
        log.add(all.get(i - 1));
      }
      assertThat(log.entries()).isEqualTo(all);
    }
    disk.crash();
    try (var log = open()) {
      assertThat(log.entries()).isEqualTo(all);
      log.add(conflict(21, 3));
      log.add(conflict(21, 3));
      assertThat(log.entries()).as("once is enough").hasSize(21);
      assertThat(log.stats().logged()).isEqualTo(1);
    }
  }

  @Test
  void beforeItMayWrite_itRemembers_withinItsBound() {
    var log = new ConflictLog(disk);
    for (int i = 1; i <= 100; i++) {
      log.add(conflict(i, 60_000));
    }
    assertThat(log.entries()).hasSizeBetween(10, 20).contains(conflict(1, 60_000));
    assertThat(log.stats().dropped()).isEqualTo(100 - log.stats().logged());
    assertThat(disk.list()).isEmpty();
    log.close();
    assertThat(open().entries()).hasSameSizeAs(log.entries());
  }

  @Test
  void theNewestAreKept_withinTheBound() {
    var log = open();
    for (int i = 1; i <= 1_000; i++) {
      log.add(conflict(i, 20_000));
      if (i % 100 == 0) {
        // Restarts change nothing.
        log.close();
        log = open();
      }
    }
    List<Conflict> kept = log.entries();
    assertThat(kept).hasSizeBetween(100, 210);
    for (int i = 0; i < kept.size(); i++) {
      assertThat(kept.get(i)).isEqualTo(conflict(1_000 - kept.size() + 1 + i, 20_000));
    }
    assertThat(disk.usedBytes()).isLessThanOrEqualTo(ConflictLog.MAX_BYTES);
    assertThat(log.stats().diskBytes()).isEqualTo(disk.usedBytes());
  }

  @Test
  void aLargeValue_isLoggedWithoutItsBytes() {
    var log = open();
    Conflict large = conflict(1, ConflictLog.MAX_VALUE_BYTES + 1);
    log.add(large);
    assertThat(log.entries())
        .singleElement()
        .satisfies(
            read -> {
              assertThat(read.lost()).isEqualTo(large.lost());
              assertThat(read.value()).isEmpty();
            });
  }

  @Test
  void damage_costsWhatIsBehindIt_andNothingElse() {
    var random = new Random(3);
    for (int run = 0; run < 200; run++) {
      var damaged = new SimDisk(run);
      var log = new ConflictLog(damaged);
      log.start(new DirectExecutor());
      for (int i = 1; i <= 10; i++) {
        log.add(conflict(i, 20));
      }
      byte[] content = damaged.contentOf("conflicts-0.log");
      content[random.nextInt(content.length)] ^= (byte) (1 + random.nextInt(255));
      int length = random.nextInt(3) == 0 ? random.nextInt(content.length) : content.length;
      try (DiskFile file = damaged.open("conflicts-0.log")) {
        file.write(0, ByteBuffer.wrap(content));
        file.truncate(length);
      }
      var again = new ConflictLog(damaged);
      again.start(new DirectExecutor());
      List<Conflict> left = again.entries();
      for (int i = 0; i < left.size(); i++) {
        assertThat(left.get(i)).as("run %d", run).isEqualTo(conflict(i + 1, 20));
      }
      again.add(conflict(99, 1));
      assertThat(again.entries()).hasSize(left.size() + 1).endsWith(conflict(99, 1));
    }
  }

  @Test
  void aDiskThatRefuses_costsTheEntry_andIsCounted() {
    var log = open();
    log.add(conflict(1, 1));
    disk.setCapacityBytes(disk.usedBytes());
    log.add(conflict(2, 100));
    assertThat(log.stats().dropped()).isEqualTo(1);
    disk.setCapacityBytes(Long.MAX_VALUE);
    log.add(conflict(3, 1));
    assertThat(log.entries()).containsExactly(conflict(1, 1), conflict(3, 1));
  }
}
