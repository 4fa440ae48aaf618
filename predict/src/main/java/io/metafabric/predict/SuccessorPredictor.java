package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What was read after a key, by any client, is read after it again: a first-order successor table.
 *
 * <p>Order is taken per client, so that clients that read at the same time do not look like one
 * muddled client; what is learned is shared, so that a client profits from the first read on from
 * what others did. A key's successors are those that the same client read within its next {@value
 * #WINDOW} reads. The window is also the look-ahead: on one miss, several reads to come can be
 * fetched in one round trip.
 *
 * <p>The probability is (times followed) / (times read + {@value #DOUBT}): what happened once has a
 * third, not certainty. Reading the same key twice in a row teaches nothing.
 *
 * <p>Bounded in bytes: a fixed share holds the clients' last keys, the rest the table, from which
 * keys leave that are seen rarely. Not thread-safe. Draws nothing by chance.
 */
public final class SuccessorPredictor implements Predictor {
  public static final String NAME = "successor";

  static final int WINDOW = 4;
  static final int DOUBT = 2;

  /** Less likely keys are not named; no gate lets them through. */
  private static final double LEAST_PROBABILITY = PrecisionGate.LOWEST_FLOOR;

  private static final int TRAILS_SHARE = 32;

  private final KeyTable keys;
  private final SuccessorRows rows = new SuccessorRows();
  private final ClientTrails trails;

  public SuccessorPredictor(PredictorConfig config) {
    this.trails = new ClientTrails(config.maxBytes() / TRAILS_SHARE, WINDOW);
    this.keys =
        new KeyTable(
            config.maxBytes() - trails.retainedBytes(), SuccessorRows.ROW_BYTES, rows::clear);
    rows.ensureCapacity(keys.capacity());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void observe(List<AccessEvent> events) {
    for (AccessEvent event : events) {
      observe(event.client(), event.key());
    }
  }

  private void observe(String client, String key) {
    int read = keys.intern(key);
    rows.ensureCapacity(keys.capacity());
    int trail = trails.trailOf(client);
    if (trails.at(trail, 0) == read) {
      return;
    }
    rows.countRead(keys.slotOf(read));
    for (int i = 0; i < WINDOW; i++) {
      int before = trails.at(trail, i);
      if (before == read) {
        // Whatever is older has been followed by this key already, and that was counted.
        break;
      }
      int slot = keys.slotOf(before);
      if (slot != 0) {
        rows.countSuccessor(slot, read);
      }
    }
    trails.push(trail, read);
  }

  @Override
  public List<Prediction> predict(PredictionContext context) {
    String last = context.lastKeys().get(0);
    int slot = keys.slotOf(keys.find(last));
    if (slot == 0) {
      return List.of();
    }
    double reads = rows.reads(slot) + DOUBT;
    var likely = new ArrayList<Prediction>();
    for (int i = 0; i < SuccessorRows.SUCCESSORS; i++) {
      double probability = rows.count(slot, i) / reads;
      String successor = keys.keyAt(keys.slotOf(rows.successor(slot, i)));
      if (probability >= LEAST_PROBABILITY && successor != null) {
        likely.add(prediction(successor, Math.min(1, probability), last, context));
      }
    }
    // The sort is stable and the rows are in a fixed order, so ties need no rule of their own.
    likely.sort(Comparator.comparingDouble(Prediction::probability).reversed());
    int most = Math.min(likely.size(), context.maxPredictions());
    return List.copyOf(likely.subList(0, most));
  }

  private static Prediction prediction(
      String key, double probability, String last, PredictionContext context) {
    return new Prediction(
        Key.of(key), context.region(), probability, context.horizon(), "after " + last, NAME);
  }

  @Override
  public long retainedBytes() {
    return keys.retainedBytes() + trails.retainedBytes();
  }

  /** How many keys it knows about. */
  int trackedKeys() {
    return keys.size();
  }
}
