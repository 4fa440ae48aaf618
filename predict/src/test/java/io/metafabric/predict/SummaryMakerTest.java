package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.SummaryCodec;
import io.metafabric.core.record.Key;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SummaryMakerTest {
  private static final int BYTES = 2 << 10;

  private final SummaryMaker maker = maker(BYTES);

  private static SummaryMaker maker(int maxBytes) {
    return new SummaryMaker(maxBytes, key -> true, new SplittableRandom(1));
  }

  private static void read(SummaryMaker maker, String client, String... ids) {
    for (String id : ids) {
      maker.read(new AccessEvent(client, "t/" + id, PARIS, 0, Outcome.WARM));
    }
  }

  private static List<String> idsOf(AccessSummary summary, int run) {
    return summary.runs().get(run).reads().stream()
        .map(number -> summary.keys().get(number).id())
        .toList();
  }

  private static AccessSummary overTheWire(AccessSummary summary) {
    var out = new ByteWriter(64);
    SummaryCodec.write(out, summary);
    return SummaryCodec.read(new ByteReader(ByteBuffer.wrap(out.toArray())));
  }

  private static long reads(AccessSummary summary) {
    long reads = 0;
    for (AccessSummary.Run run : summary.runs()) {
      reads += run.reads().size();
    }
    for (AccessSummary.More more : summary.more()) {
      reads += more.reads();
    }
    return reads;
  }

  @Test
  void whatEachClientReads_isToldInItsOrder_withoutItsName() {
    read(maker, "ann", "a", "b");
    read(maker, "bob", "c", "a");
    read(maker, "ann", "a");

    AccessSummary summary = overTheWire(maker.take());

    assertThat(summary.whole()).isTrue();
    assertThat(summary.keys()).hasSize(3);
    assertThat(idsOf(summary, 0)).containsExactly("a", "b", "a");
    assertThat(idsOf(summary, 1)).containsExactly("c", "a");
    assertThat(summary.more()).isEmpty();
    assertThat(maker.isEmpty()).isTrue();
    assertThat(maker.leftOut()).isZero();
  }

  @Test
  void aClientHasOneHashInAllSummariesOfAMaker_andAnotherInThoseOfOthers() {
    read(maker, "ann", "a");
    int first = maker.take().runs().get(0).client();
    read(maker, "ann", "b");
    var salted = new SummaryMaker(BYTES, key -> true, new SplittableRandom(2));
    read(salted, "ann", "a");

    assertThat(maker.take().runs().get(0).client()).isEqualTo(first);
    assertThat(salted.take().runs().get(0).client()).isNotEqualTo(first);
  }

  @Test
  void readsThatOnlyRepeatTheOneBefore_areCounted() {
    read(maker, "ann", "a", "a", "a", "b", "b");

    AccessSummary summary = overTheWire(maker.take());

    assertThat(idsOf(summary, 0)).containsExactly("a", "b");
    assertThat(summary.more())
        .containsExactly(new AccessSummary.More(0, 2), new AccessSummary.More(1, 1));
    assertThat(summary.whole()).isTrue();
  }

  @Test
  void whatOthersMayNotBeTold_isLeftOut_wherever() {
    var secretive =
        new SummaryMaker(BYTES, key -> !key.id().startsWith("s"), new SplittableRandom(1));
    read(secretive, "ann", "a", "s1", "b", "s2", "s2");

    AccessSummary summary = secretive.take();

    assertThat(idsOf(summary, 0)).containsExactly("a", "b");
    assertThat(summary.keys()).extracting(Key::id).containsExactly("a", "b");
    assertThat(summary.more()).isEmpty();
    read(secretive, "ann", "s3");
    assertThat(secretive.isEmpty()).isTrue();
  }

  @Test
  void ofMoreClientsThanFit_someAreToldWhole_andOthersCounted() {
    for (int step = 0; step < 10; step++) {
      for (int client = 0; client < 200; client++) {
        read(maker, "client-" + client, "popular", "k" + client + "-" + step);
      }
    }

    AccessSummary summary = overTheWire(maker.take());

    assertThat(summary.whole()).isFalse();
    assertThat(summary.runs()).hasSizeBetween(2, 50);
    assertThat(summary.runs())
        .allSatisfy(run -> assertThat(run.reads()).as("of %s", run.client()).hasSize(20));
    AccessSummary.More most =
        summary.more().stream().max((a, b) -> Long.compare(a.reads(), b.reads())).orElseThrow();
    assertThat(summary.keys().get(most.key()).id()).isEqualTo("popular");
    assertThat(most.reads()).isBetween(1000L, 2000L);
    assertThat(maker.leftOut()).isGreaterThan(2000);
  }

  @Test
  void whoIsLeftOutOnce_hasItsTurnLater() {
    var told = new java.util.HashSet<Integer>();
    for (int round = 0; round < 100; round++) {
      for (int client = 0; client < 40; client++) {
        for (int step = 0; step < 8; step++) {
          read(maker, "client-" + client, "k" + client + "-" + step);
        }
      }
      maker.take().runs().forEach(run -> told.add(run.client()));
    }
    assertThat(told).hasSize(40);
  }

  @Test
  void ofOneClientThatReadsMoreThanFits_theFirstReadsAreTold() {
    IntStream.range(0, 5000).forEach(i -> read(maker, "ann", "k" + i));

    AccessSummary summary = overTheWire(maker.take());

    assertThat(summary.whole()).isFalse();
    assertThat(idsOf(summary, 0)).startsWith("k0", "k1", "k2").hasSizeGreaterThan(100);
    read(maker, "ann", "x", "y");
    assertThat(maker.take().whole()).as("the next one").isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whateverIsRead_bytesAndMemoryKeepToTheirBounds(long seed) {
    var random = new Random(seed);
    int maxBytes = SummaryConfig.MIN_BYTES << random.nextInt(7);
    SummaryMaker any = maker(maxBytes);
    for (int round = 0; round < 3; round++) {
      int clients = 1 << random.nextInt(12);
      int keys = 1 << random.nextInt(14);
      int length = 1 + random.nextInt(900);
      for (int i = 0; i < 30_000; i++) {
        String id = "x".repeat(random.nextInt(length)) + random.nextInt(keys);
        read(any, "client-" + random.nextInt(clients), id);
        assertThat(any.retainedBytes())
            .isLessThanOrEqualTo(SummaryMaker.maxRetainedBytes(maxBytes));
      }
      AccessSummary summary = any.take();
      assertThat(SummaryCodec.bytesOf(summary)).isLessThanOrEqualTo(maxBytes);
      assertThat(overTheWire(summary)).isEqualTo(summary);
      assertThat(reads(summary)).isPositive();
      assertThat(summary.retainedBytes())
          .isLessThanOrEqualTo(SummaryMaker.maxRetainedBytes(maxBytes));
    }
  }

  @Test
  void theSameReadsUnderTheSameSalt_giveTheSameSummary() {
    var summaries = new ArrayList<AccessSummary>();
    for (int run = 0; run < 2; run++) {
      var random = new Random(9);
      SummaryMaker any = maker(BYTES);
      for (int i = 0; i < 20_000; i++) {
        read(any, "client-" + random.nextInt(300), "k" + random.nextInt(3000));
      }
      summaries.add(any.take());
    }
    assertThat(summaries.get(0)).isEqualTo(summaries.get(1));
  }

  @Test
  void twoSummaries_areJoinedToWhatOneWouldHaveBeen() {
    SummaryMaker whole = maker(BYTES);
    read(maker, "ann", "a", "b");
    read(whole, "ann", "a", "b");
    read(maker, "bob", "c", "c");
    read(whole, "bob", "c", "c");
    AccessSummary earlier = maker.take();
    read(maker, "ann", "d");
    read(whole, "ann", "d");
    read(maker, "bob", "a", "d");
    read(whole, "bob", "a", "d");

    assertThat(SummaryMaker.joined(earlier, maker.take(), BYTES)).isEqualTo(whole.take());
  }

  @Test
  void joinedSummaries_keepToTheBound_andSayWhatIsMissing() {
    SummaryMaker wide = maker(SummaryCodec.MAX_BYTES);
    IntStream.range(0, 400).forEach(i -> read(wide, "client-" + i % 20, "k" + i));
    AccessSummary earlier = wide.take();
    IntStream.range(0, 400).forEach(i -> read(wide, "client-" + i % 20, "k" + i));
    AccessSummary later = wide.take();

    AccessSummary joined = SummaryMaker.joined(earlier, later, BYTES);

    assertThat(SummaryCodec.bytesOf(joined)).isLessThanOrEqualTo(BYTES);
    assertThat(joined.whole()).isFalse();
    assertThat(SummaryMaker.joined(joined, maker(BYTES).take(), BYTES).whole()).isFalse();
  }

  @Test
  void whatIsForgotten_isNotTold() {
    read(maker, "ann", "a", "a");
    maker.clear();
    assertThat(maker.isEmpty()).isTrue();
    read(maker, "ann", "b");
    AccessSummary summary = maker.take();
    assertThat(summary.keys()).extracting(Key::id).containsExactly("b");
    assertThat(summary.more()).isEmpty();
  }
}
