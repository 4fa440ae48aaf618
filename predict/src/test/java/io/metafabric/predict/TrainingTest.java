package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static io.metafabric.predict.Reads.ids;
import static io.metafabric.predict.Reads.prediction;
import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.codec.ByteWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What predictors are told of another time, and what they say of one client. */
class TrainingTest {
  private final SequencePredictor predictor =
      new SequencePredictor(new PredictorConfig(PARIS, 1 << 20, 1));

  private static AccessEvent needed(String client, String id) {
    return new AccessEvent(client, "t/" + id, PARIS, 0, Outcome.REMOTE);
  }

  private static List<AccessEvent> rounds(int rounds, String... ids) {
    var events = new ArrayList<AccessEvent>();
    for (int round = 0; round < rounds; round++) {
      for (String id : ids) {
        events.add(needed("client" + round, id));
      }
    }
    return events;
  }

  private static Foresight foresight(Predictor... predictors) {
    return new Foresight(
        PARIS,
        List.of(predictors),
        1 << 20,
        1,
        (name, failure) -> {
          throw new AssertionError(name, failure);
        });
  }

  @Test
  void whatItWasTrainedWith_isProposedAtTheFirstRead() {
    predictor.train(rounds(40, "a", "b", "c", "d"));
    assertThat(predictor.proposals(key -> false, 64)).as("nothing is being read").isEmpty();

    predictor.observe(List.of(needed("newcomer", "a")));
    List<Prediction> said = predictor.proposals(key -> false, 64);

    assertThat(ids(said)).containsExactly("b");
    assertThat(said.get(0).probability()).isGreaterThan(0.5);
  }

  @Test
  void training_leavesWhatWasProposedOfNow_andWhatMayBeWasted() {
    predictor.train(rounds(40, "a", "b", "c", "d"));
    predictor.observe(List.of(needed("newcomer", "a")));
    predictor.resolved(0, 20);
    assertThat(predictor.open()).as("more was wasted than so few reads allow").isFalse();

    for (int i = 0; i < 100; i++) {
      predictor.train(rounds(10, "p", "q", "r"));
    }

    assertThat(predictor.open()).as("the past pays for nothing").isFalse();
    assertThat(ids(predictor.forecast("newcomer", 0, 8))).contains("b");
  }

  @Test
  void unrelatedReads_areNotTakenForProbable() {
    long seed = 5;
    var random = new Random(seed);
    var past = new ArrayList<AccessEvent>();
    for (int i = 0; i < 20_000; i++) {
      past.add(needed("client", "k" + random.nextInt(5_000)));
    }
    predictor.train(past);
    assertThat(predictor.forecast("client", 0, 8))
        .as("seed %s", seed)
        .allSatisfy(said -> assertThat(said.probability()).isLessThan(0.3));
  }

  @Test
  void trainingForVeryManyClients_staysWithinTheBound() {
    long maxBytes = 256 << 10;
    var small = new SequencePredictor(new PredictorConfig(PARIS, maxBytes, 1));
    for (int batch = 0; batch < 50; batch++) {
      var past = new ArrayList<AccessEvent>();
      for (int i = 0; i < 1_000; i++) {
        past.add(needed("client" + batch + "-" + i, "k".repeat(1 + i % 900) + i + batch));
      }
      small.train(past);
      assertThat(small.retainedBytes()).isLessThanOrEqualTo(maxBytes);
    }
    assertThat(small.forecast("client0-0", 0, 8)).as("silent for longest").isNull();
    assertThat(small.forecast("client49-999", 0, 8)).isNotNull();
  }

  @Test
  void aForecast_changesNothing() {
    predictor.train(rounds(40, "a", "b", "c", "d"));
    byte[] before = saved();
    assertThat(predictor.forecast("a stranger", 0, 8)).isNull();
    assertThat(predictor.forecast("client0", 0, 8)).isNotNull();
    assertThat(saved()).isEqualTo(before);
  }

  private byte[] saved() {
    var out = new ByteWriter(1 << 16);
    predictor.save(out);
    return out.toArray();
  }

  /** Says one thing, and remembers what it was shown and asked. */
  private static final class Told implements Predictor {
    private final List<AccessEvent> shown = new ArrayList<>();
    private final List<PredictionContext> asked = new ArrayList<>();

    @Override
    public String name() {
      return "told";
    }

    @Override
    public void observe(List<AccessEvent> events) {
      shown.addAll(events);
    }

    @Override
    public List<Prediction> predict(PredictionContext context) {
      asked.add(context);
      return List.of(prediction("z", 0.75, "told"), prediction("b", 0.01, "told"));
    }

    @Override
    public long retainedBytes() {
      return 0;
    }
  }

  @Test
  void aHostsPredictor_isShownThePast_andAskedOfAClient_withoutBeingGated() {
    var told = new Told();
    Foresight foresight = foresight(told, predictor);
    foresight.train(rounds(40, "a", "b", "c"));
    foresight.observe(List.of(needed("reader", "a")));
    told.asked.clear();

    ClientForecast forecast = foresight.forecast("reader", 0);

    assertThat(told.shown).hasSize(121);
    assertThat(told.asked)
        .singleElement()
        .satisfies(at -> assertThat(at.client()).isEqualTo("reader"));
    assertThat(forecast.known()).isTrue();
    assertThat(ids(forecast.predictions())).contains("b", "z");
    assertThat(forecast.predictions())
        .filteredOn(said -> said.key().id().equals("b"))
        .as("in the name of who is surest")
        .singleElement()
        .satisfies(said -> assertThat(said.predictor()).isEqualTo(SequencePredictor.NAME));
    assertThat(foresight.stats().predictors())
        .filteredOn(each -> each.name().equals("told"))
        .singleElement()
        .satisfies(each -> assertThat(each.predicted()).isZero());
    assertThat(foresight.forecast("stranger", 0).known()).isFalse();
  }

  @Test
  void trainedClients_areNotAskedAboutAsIfTheyWereReading() {
    var told = new Told();
    Foresight foresight = foresight(told);
    foresight.train(rounds(3, "a", "b"));
    assertThat(foresight.predictions(key -> false)).isEmpty();
    assertThat(told.asked).isEmpty();
    assertThat(foresight.observed()).as("is worth saving").isEqualTo(6);
  }
}
