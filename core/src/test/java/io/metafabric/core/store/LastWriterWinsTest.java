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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#laws")
  void everyOrderWithDuplicates_givesTheSameState(long seed) {
    var random = new Random(seed);
    List<Header> history = anyHistory(random);
    Header expected = history.stream().reduce(LastWriterWins::join).orElseThrow();
    for (int i = 0; i < 20; i++) {
      var shuffled = new ArrayList<>(history);
      shuffled.addAll(history.subList(0, random.nextInt(history.size())));
      Collections.shuffle(shuffled, random);
      assertThat(shuffled.stream().reduce(LastWriterWins::join).orElseThrow())
          .as("seed %d", seed)
          .isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#laws")
  void join_isCommutativeAssociativeAndIdempotent(long seed) {
    List<Header> history = anyHistory(new Random(seed));
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
  void whoHadSeenTheOther_wins_alsoWhereThereIsNoLaterStamp() {
    var last = new Stamp(Long.MAX_VALUE);
    var seen = new Version(new Dot(new ActorId(2), 1), VersionVector.EMPTY, last);
    var after = new Version(new Dot(new ActorId(1), 1), seen.asContext(), last);
    Header value = Header.value(seen, PARIS, Bytes.utf8("a"), Header.NEVER);
    Header deleted = Header.tombstone(after, PARIS);

    assertThat(LastWriterWins.join(value, deleted)).isEqualTo(deleted);
    assertThat(LastWriterWins.join(deleted, value)).isEqualTo(deleted);
  }

  @Test
  void oneWriteThatComesWithTwoContexts_hasBoth() {
    var dot = new Dot(new ActorId(1), 5);
    var one = VersionVector.of(new Dot(new ActorId(2), 1));
    var other = VersionVector.of(new Dot(new ActorId(3), 1));
    Header a =
        Header.value(new Version(dot, one, new Stamp(9)), PARIS, Bytes.utf8("a"), Header.NEVER);
    Header b = a.withVersion(a.version().withContext(other));

    assertThat(LastWriterWins.join(a, b).version().context()).isEqualTo(one.merge(other));
    assertThat(LastWriterWins.join(a, b)).isEqualTo(LastWriterWins.join(b, a));
    assertThat(LastWriterWins.wins(a, a)).isTrue();
  }

  @Test
  void oneWriteWithTwoPayloads_hasTheSameOneEverywhere() {
    var version = new Version(new Dot(new ActorId(1), 5), VersionVector.EMPTY, new Stamp(9));
    Header a = Header.value(version, PARIS, Bytes.utf8("a"), Header.NEVER);
    Header b = Header.value(version, PARIS, Bytes.utf8("b"), Header.NEVER);

    Header joined = LastWriterWins.join(a, b);
    assertThat(joined).isIn(a, b).isEqualTo(LastWriterWins.join(b, a));
    assertThat(LastWriterWins.wins(a, b)).isNotEqualTo(LastWriterWins.wins(b, a));
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
