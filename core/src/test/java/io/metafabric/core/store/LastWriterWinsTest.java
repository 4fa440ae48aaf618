package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class LastWriterWinsTest {
  static final RegionName PARIS = new RegionName("paris");

  /** Writers that see some of each other's writes, as nodes do: stamps follow what was seen. */
  static List<Header> anyHistory(Random random) {
    var headers = new ArrayList<Header>();
    var counters = new long[4];
    var replicas = new Header[4];
    var clocks = new long[4];
    for (int i = 0; i < 12; i++) {
      int at = random.nextInt(4);
      if (random.nextBoolean() && !headers.isEmpty()) {
        Header seen = headers.get(random.nextInt(headers.size()));
        clocks[at] = Math.max(clocks[at], seen.version().stamp().packed());
        replicas[at] = joinOrFirst(replicas[at], seen);
      }
      clocks[at] += 1 + random.nextInt(3);
      var context = replicas[at] == null ? VersionVector.EMPTY : replicas[at].version().asContext();
      var version =
          new Version(
              new Dot(new ActorId(at + 1L), ++counters[at]), context, new Stamp(clocks[at]));
      replicas[at] = Header.value(version, PARIS, Bytes.utf8("v" + i), Header.NEVER);
      headers.add(replicas[at]);
    }
    return headers;
  }

  static Header joinOrFirst(@Nullable Header known, Header next) {
    return known == null ? next : LastWriterWins.join(known, next);
  }

  @RepeatedTest(300)
  void everyOrderWithDuplicates_givesTheSameState(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    List<Header> history = anyHistory(random);
    Header expected = history.stream().reduce(LastWriterWins::join).orElseThrow();
    for (int i = 0; i < 20; i++) {
      var shuffled = new ArrayList<>(history);
      shuffled.addAll(history.subList(0, random.nextInt(history.size())));
      Collections.shuffle(shuffled, random);
      assertThat(shuffled.stream().reduce(LastWriterWins::join).orElseThrow())
          .as("seed %d", run.getCurrentRepetition())
          .isEqualTo(expected);
    }
  }

  @RepeatedTest(300)
  void join_isCommutativeAssociativeAndIdempotent(RepetitionInfo run) {
    List<Header> history = anyHistory(new Random(run.getCurrentRepetition()));
    Header a = history.get(3);
    Header b = history.get(7);
    Header c = history.get(11);
    assertThat(LastWriterWins.join(a, b)).isEqualTo(LastWriterWins.join(b, a));
    assertThat(LastWriterWins.join(LastWriterWins.join(a, b), c))
        .isEqualTo(LastWriterWins.join(a, LastWriterWins.join(b, c)));
    assertThat(LastWriterWins.join(LastWriterWins.join(a, b), b))
        .isEqualTo(LastWriterWins.join(a, b));
  }

  @Test
  void versionsThatClaimToHaveSeenEachOther_areJoinedTheSameEverywhere() {
    var one = new Dot(new ActorId(1), 1);
    var other = new Dot(new ActorId(2), 1);
    Header early =
        Header.tombstone(new Version(one, VersionVector.of(other), new Stamp(10)), PARIS);
    Header late = Header.tombstone(new Version(other, VersionVector.of(one), new Stamp(11)), PARIS);
    assertThat(LastWriterWins.join(early, late)).isEqualTo(late);
    assertThat(LastWriterWins.join(late, early)).isEqualTo(late);
  }

  @Test
  void theWinnerCoversTheLoser_soThatItNeverComesBack() {
    var early = new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(10));
    var late = new Version(new Dot(new ActorId(2), 1), VersionVector.EMPTY, new Stamp(11));
    Header loser = Header.value(early, PARIS, Bytes.utf8("a"), Header.NEVER);
    Header winner = Header.tombstone(late, PARIS);

    Header joined = LastWriterWins.join(loser, winner);

    assertThat(joined.isTombstone()).isTrue();
    assertThat(joined.version().covers(early.dot())).isTrue();
    assertThat(LastWriterWins.join(joined, loser)).isEqualTo(joined);
  }
}
