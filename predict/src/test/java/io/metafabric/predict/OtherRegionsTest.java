package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.AccessSummary;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class OtherRegionsTest {
  private static final RegionName TOKYO = new RegionName("tokyo");
  private static final ActorId OPENING = new ActorId(7);
  private static final Predicate<Key> ALL = key -> true;
  private static final int MOST = 1000;

  private final Counted counted = new Counted();
  private final OtherRegions others = new OtherRegions(counted);
  private final Foresight foresight = foresight(Source.DEFAULT);
  private final SummaryMaker maker = maker();
  private int clients;

  private static final class Counted implements OtherRegions.Counts {
    long learned;
    long repeated;
    long dropped;
    long unknown;

    @Override
    public void learned(long reads) {
      learned += reads;
    }

    @Override
    public void repeated() {
      repeated++;
    }

    @Override
    public void dropped() {
      dropped++;
    }

    @Override
    public void unknown(long reads) {
      unknown += reads;
    }
  }

  private static Foresight foresight(List<Source> sources) {
    var predictor = new SequencePredictor(new PredictorConfig(PARIS, 1 << 20, 1), sources);
    return new Foresight(
        PARIS,
        List.of(predictor),
        1 << 20,
        1,
        (name, failure) -> {
          throw new AssertionError(name, failure);
        });
  }

  private static SummaryMaker maker() {
    return new SummaryMaker(16 << 10, key -> true, new SplittableRandom(1));
  }

  private AccessSummary summary(String client, String... ids) {
    for (String id : ids) {
      maker.read(new AccessEvent(client, "t/" + id, TOKYO, 0, Outcome.WARM));
    }
    return maker.take();
  }

  /** What a client that is new in this region is likely to read after it has read these. */
  private List<String> after(Foresight foresight, String... ids) {
    String client = "here-" + clients++;
    foresight.observe(Reads.by(client, ids));
    return foresight.forecast(client, 0).predictions().stream()
        .map(Prediction::key)
        .map(Key::id)
        .toList();
  }

  @Test
  void whatFollowsWhatInAnotherRegion_isForeseenHere() {
    assertThat(after(foresight, "a")).isEmpty();
    others.told(TOKYO, OPENING, 1, summary("ann", "a", "b", "c"));
    others.learn(foresight, ALL, 0, MOST);

    assertThat(after(foresight, "a")).contains("b");
    assertThat(after(foresight, "b")).contains("c");
    assertThat(counted.learned).isEqualTo(3);
    assertThat(others.waitingBytes()).isZero();
  }

  @Test
  void aClientsReads_goOnFromOneSummaryToTheNext_butNotOverOneThatIsMissing() {
    others.told(TOKYO, OPENING, 1, summary("ann", "a", "b"));
    others.told(TOKYO, OPENING, 2, summary("ann", "c"));
    others.told(TOKYO, OPENING, 4, summary("ann", "d", "e"));
    others.learn(foresight, ALL, 0, MOST);

    assertThat(after(foresight, "b")).contains("c");
    assertThat(after(foresight, "c")).doesNotContain("d");
    assertThat(after(foresight, "d")).contains("e");
  }

  @Test
  void nothingGoesOn_whereClientsWereLeftOut() {
    AccessSummary first = summary("ann", "a", "b");
    others.told(
        TOKYO, OPENING, 1, new AccessSummary(false, first.keys(), first.runs(), first.more()));
    others.told(TOKYO, OPENING, 2, summary("ann", "c"));
    others.learn(foresight, ALL, 0, MOST);

    assertThat(after(foresight, "a")).contains("b");
    assertThat(after(foresight, "b")).doesNotContain("c");
  }

  @Test
  void whatCameBefore_isNotLearnedTwice_andANewOpeningNumbersAnew() {
    AccessSummary summary = summary("ann", "a", "b");
    others.told(TOKYO, OPENING, 5, summary);
    others.told(TOKYO, OPENING, 5, summary);
    others.told(TOKYO, OPENING, 4, summary);
    assertThat(counted.repeated).isEqualTo(2);
    others.told(TOKYO, new ActorId(8), 1, summary);
    others.told(new RegionName("lima"), OPENING, 5, summary);
    others.learn(foresight, ALL, 0, MOST);

    assertThat(counted.repeated).isEqualTo(2);
    assertThat(counted.learned).isEqualTo(3 * 2);
  }

  @Test
  void keysThatNobodyKnowsHere_areCounted_andNotLearned() {
    others.told(TOKYO, OPENING, 1, summary("ann", "a", "b", "a", "c", "c", "c"));
    others.learn(foresight, key -> !key.id().equals("c"), 0, MOST);

    assertThat(counted.learned).isEqualTo(3);
    assertThat(counted.unknown).isEqualTo(3);
    assertThat(after(foresight, "a")).contains("b").doesNotContain("c");
  }

  @Test
  void littleIsLearnedAtATime_andAllOfItInTheEnd() {
    var ids = new ArrayList<String>();
    for (int i = 0; i < 500; i++) {
      ids.add("k" + i);
    }
    others.told(TOKYO, OPENING, 1, summary("ann", ids.toArray(String[]::new)));
    others.told(TOKYO, OPENING, 2, summary("ann", "k0"));
    for (int turn = 1; turn <= 5; turn++) {
      others.learn(foresight, ALL, 0, 100);
      assertThat(counted.learned).isBetween(100L * turn - 1, 100L * turn + 1);
    }
    others.learn(foresight, ALL, 0, 100);
    assertThat(counted.learned).isEqualTo(501);
    assertThat(others.waitingBytes()).isZero();
  }

  @Test
  void whatWaits_isBoundedInBytes_andTheRestDropped() {
    var ids = new ArrayList<String>();
    for (int i = 0; i < 1000; i++) {
      ids.add("k" + i);
    }
    AccessSummary large = summary("ann", ids.toArray(String[]::new));
    for (int i = 1; i <= 200; i++) {
      others.told(TOKYO, OPENING, i, large);
      assertThat(others.waitingBytes()).isLessThanOrEqualTo(OtherRegions.MAX_WAITING_BYTES);
    }
    assertThat(counted.dropped).isBetween(100L, 199L);
    others.learn(foresight, ALL, 0, Integer.MAX_VALUE);
    assertThat(counted.learned).isEqualTo((200 - counted.dropped) * 1000);
  }

  @Test
  void whatIsHotElsewhere_isProposed_whereThatSourceIsChosen() {
    Foresight hot = foresight(List.of(Source.OTHER_REGIONS));
    others.told(TOKYO, OPENING, 1, summary("ann", "hot", "hot", "hot", "hot", "cold"));
    others.learn(hot, ALL, 0, MOST);
    hot.observe(List.of(new AccessEvent("here", "t/x", PARIS, 1, AccessEvent.Outcome.REMOTE)));

    assertThat(after(hot, "x")).contains("hot").doesNotContain("cold");
  }
}
