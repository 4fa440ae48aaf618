package io.metafabric.core.conflict;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What has been added is found once, on its way to the disk or there, and in its order. */
@Tag("stress")
class ConflictLogStressTest {
  private static final int EACH = 30;

  private static Conflict conflict(int actor, int i) {
    Bytes payload = Bytes.utf8("v");
    var version = new Version(new Dot(new ActorId(actor), i), VersionVector.EMPTY, new Stamp(i));
    return new Conflict(
        Key.of("n/" + i),
        Header.value(version, new RegionName("eu"), payload, Header.NEVER),
        new Dot(new ActorId(6), i),
        payload,
        i,
        Conflict.Reason.LAST_WRITER_WINS);
  }

  private static List<Integer> countersOf(ConflictLog log, int actor) {
    return log.entries().stream()
        .map(each -> each.lost().version().dot())
        .filter(dot -> dot.actor().id() == actor)
        .map(dot -> (int) dot.counter())
        .toList();
  }

  private static void addAndLook(ConflictLog log, int actor) {
    for (int i = 1; i <= EACH; i++) {
      log.add(conflict(actor, i));
      assertThat(countersOf(log, actor)).isEqualTo(upTo(i));
    }
  }

  private static List<Integer> upTo(int last) {
    return IntStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  void writersOnTheWayToTheDisk_loseNothing_andSeeWhatTheyAdded() {
    int rounds = Interleavings.times(20);
    for (int round = 0; round < rounds; round++) {
      var log = new ConflictLog(new SimDisk(round));
      var background = new ChainedThreads();
      log.start(background);
      Interleavings.race(() -> addAndLook(log, 1), () -> addAndLook(log, 2));
      background.await();
      assertThat(log.stats().pendingBytes()).as("round %d", round).isZero();
      assertThat(log.stats().logged()).isEqualTo(2 * EACH);
      assertThat(countersOf(log, 1)).isEqualTo(upTo(EACH));
      assertThat(countersOf(log, 2)).isEqualTo(upTo(EACH));
    }
  }
}
