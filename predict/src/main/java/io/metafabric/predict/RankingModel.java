package io.metafabric.predict;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import org.jspecify.annotations.Nullable;

/**
 * A probability from a few features: logistic regression, taught one outcome at a time by gradient
 * descent, and a calibration of what comes out. Where a trainer is given, models trained on many
 * outcomes at once compete with it (see {@link Retrainer}). Draws nothing by chance itself. Not
 * thread-safe.
 */
final class RankingModel {
  private static final double RATE = 0.02;
  private static final String ONLINE = "online";

  private final Ranking online;
  private final @Nullable Retrainer retrainer;
  private Ranking leader;
  private final Reliability reliability = new Reliability();

  /** Without a trainer. */
  RankingModel(double[] weights) {
    this(weights, null, 0);
  }

  /**
   * @param weights to begin with, one for each feature
   * @param seed for trainings
   */
  RankingModel(double[] weights, @Nullable Retraining retraining, long seed) {
    this.online = new Ranking(weights.length, weights);
    this.leader = online;
    this.retrainer = retraining == null ? null : new Retrainer(retraining, seed, weights.length);
  }

  /** A monotone score in (0, 1) of the features at {@code from}. */
  double score(float[] features, int from) {
    return leader.score(features, from);
  }

  /** The share of what had this score that came true. */
  double probability(double score) {
    return leader.probability(score);
  }

  /**
   * @param said the probability, when it was proposed
   */
  void learn(float[] features, int from, double said, boolean cameTrue) {
    reliability.add(said, cameTrue);
    double score = online.score(features, from);
    double saidNow = online.probability(score);
    online.descend(features, from, score, cameTrue, RATE);
    online.calibrate(score, cameTrue);
    if (retrainer != null) {
      retrainer.learn(features, from, saidNow, cameTrue);
      Ranking trained = retrainer.leader();
      leader = trained == null ? online : trained;
    }
  }

  /** Whether a trained model is gone by. */
  boolean isTrained() {
    return leader != online;
  }

  /** Mean squared error of late probabilities: 0 is perfect, 0.25 is what tossing a coin has. */
  double brierScore() {
    return reliability.lateBrierScore();
  }

  RankingStats stats(String predictor, String region) {
    return retrainer == null
        ? reliability.stats(predictor, region, ONLINE, 0, 0)
        : reliability.stats(
            predictor,
            region,
            isTrained() ? retrainer.name() : ONLINE,
            retrainer.trained(),
            retrainer.taken());
  }

  /** {@link #retainedBytes} is never more. */
  long maxRetainedBytes() {
    return online.retainedBytes()
        + Reliability.retainedBytes()
        + (retrainer == null ? 0 : retrainer.maxRetainedBytes(online.retainedBytes()));
  }

  /** The online model; another that was trained has to prove itself anew. */
  void save(ByteWriter out) {
    online.save(out);
    reliability.save(out);
  }

  /**
   * @throws WireFormatException if it is not what {@link #save} wrote, or of other features
   */
  void restore(ByteReader in) {
    online.restore(in);
    reliability.restore(in);
  }

  long retainedBytes() {
    return online.retainedBytes()
        + Reliability.retainedBytes()
        + (retrainer == null ? 0 : retrainer.retainedBytes());
  }
}
