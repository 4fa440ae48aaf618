package io.metafabric.predict;

import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.Prediction;
import io.metafabric.core.record.Key;
import java.util.ArrayList;
import java.util.List;

/**
 * What was read after a key, by any client, is read after it again: a first-order successor table.
 *
 * <p>Order is taken per client, so that clients that read at the same time do not look like one
 * muddled client; what is learned is shared, so that a client profits from the first read on from
 * what others did. A key's successors are those that the same client read within its next {@value
 * #WINDOW} reads.
 *
 * <p>The probability is (times followed) / (times read + {@value #DOUBT}): what happened once has a
 * third, not certainty. Reading the same key twice in a row teaches nothing. A prediction follows
 * the likely successors of likely successors, with the product of their probabilities, so that on
 * one miss many reads to come can be fetched in one round trip.
 *
 * <p>Bounded in bytes: a fixed share holds the clients' last keys, the rest the table, from which
 * keys leave that are seen rarely. Not thread-safe. Draws nothing by chance.
 */
public final class SuccessorPredictor implements Predictor {
  public static final String NAME = "successor";

  static final int WINDOW = 4;
  static final int DOUBT = 2;

  /** Bounds the work of one prediction: so many rows are looked at. */
  static final int MAX_STEPS = 64;

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
    int from = keys.find(last);
    if (keys.slotOf(from) == 0) {
      return List.of();
    }
    var likely = new ArrayList<Prediction>();
    var path = new LikelyPath(from, LEAST_PROBABILITY);
    for (int steps = 0; steps < MAX_STEPS && likely.size() < context.maxPredictions(); steps++) {
      LikelyPath.Step step = path.next();
      if (step == null) {
        break;
      }
      follow(path, step);
      String key = keys.keyAt(keys.slotOf(step.reference()));
      if (key != null && step.reference() != from) {
        likely.add(prediction(key, step.probability(), last, context));
      }
    }
    return List.copyOf(likely);
  }

  private void follow(LikelyPath path, LikelyPath.Step step) {
    int slot = keys.slotOf(step.reference());
    if (slot == 0) {
      // The key has left the table since it was counted as a successor.
      return;
    }
    double reads = rows.reads(slot) + DOUBT;
    for (int i = 0; i < SuccessorRows.SUCCESSORS; i++) {
      double share = Math.min(1, rows.count(slot, i) / reads);
      path.add(rows.successor(slot, i), step.probability() * share);
    }
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
