package io.metafabric.predict;

import org.jspecify.annotations.Nullable;

/**
 * Keeps a window of outcomes, has a model trained on it from time to time, and says which model to
 * go by.
 *
 * <p>The trained models see products of two features too, which one that is taught an outcome at a
 * time would need too long to learn.
 *
 * <p>After every {@value #EVERY} outcomes these are held out, and a model is trained on those
 * before them. Challenger and champion, the one before it, are played over the held-out ones, which
 * neither has been trained on; the better one stays. It is gone by until the next time if it was
 * also better, by {@value #MARGIN} of the squared error, than what the online model had said of the
 * same outcomes as they came. So nothing is gone by that was not the best of three on the newest
 * outcomes.
 *
 * <p>Belongs to one thread, but for the training itself, which gets a copy and leaves its result in
 * one volatile field.
 */
final class Retrainer {
  static final int EVERY = 4096;
  static final int WINDOW = 4 * EVERY;
  static final double MARGIN = 0.01;

  private final Retraining retraining;
  private final long seed;
  private final ExampleWindow window;
  private double onlineErrors;
  private int heldOut;
  private int begun;
  private long trained;
  private long taken;
  private boolean underWay;
  private @Nullable Ranking champion;
  private boolean leads;
  private volatile @Nullable Trial finished;

  /**
   * What came of one training.
   *
   * @param best null if it failed, or there was nothing to learn
   */
  private record Trial(@Nullable Ranking best, boolean leads) {}

  Retrainer(Retraining retraining, long seed, int features) {
    this.retraining = retraining;
    this.seed = seed;
    this.window = new ExampleWindow(features, WINDOW);
  }

  /** The model to go by in place of the online one; null if that is the better one. */
  @Nullable Ranking leader() {
    return leads ? champion : null;
  }

  /**
   * @param online what the online model said of this before it was taught it
   */
  void learn(float[] features, int from, double online, boolean cameTrue) {
    takeFinished();
    if (champion != null) {
      champion.calibrate(champion.score(features, from), cameTrue);
    }
    window.add(features, from, cameTrue);
    double error = online - (cameTrue ? 1 : 0);
    onlineErrors += error * error;
    heldOut++;
    if (heldOut == EVERY) {
      // A round is left out where the one before is not done.
      if (!underWay && window.count() >= 2 * EVERY) {
        begin();
      }
      heldOut = 0;
      onlineErrors = 0;
    }
  }

  private void begin() {
    RankingExamples examples = window.copy();
    double[] present = champion == null ? null : champion.weights();
    double toBeat = onlineErrors * (1 - MARGIN);
    long seedOfThis = seed + begun;
    begun++;
    underWay = true;
    retraining
        .executor()
        .execute(
            () -> {
              var trial = new Trial(null, false);
              try {
                trial = train(examples, present, toBeat, seedOfThis);
              } finally {
                finished = trial;
              }
            });
    takeFinished();
  }

  private Trial train(
      RankingExamples examples, double @Nullable [] present, double toBeat, long seedOfThis) {
    int older = examples.count() - EVERY;
    RankingExamples toLearn = examples.first(older);
    if (!toLearn.differ()) {
      return new Trial(null, false);
    }
    var best =
        new Ranking(examples.features(), retraining.trainer().train(toLearn.crossed(), seedOfThis));
    double least = play(best, examples, older);
    if (present != null) {
      var before = new Ranking(examples.features(), present);
      double errors = play(before, examples, older);
      // Also where the challenger's are no number.
      if (!(errors > least)) {
        best = before;
        least = errors;
      }
    }
    return new Trial(best, least < toBeat);
  }

  /** Calibrates a model as if it had been there all the time; its errors from {@code from} on. */
  private static double play(Ranking ranking, RankingExamples examples, int from) {
    double errors = 0;
    for (int i = 0; i < examples.count(); i++) {
      double score = ranking.score(examples.values(), i * examples.features());
      boolean cameTrue = examples.cameTrue(i);
      if (i >= from) {
        double error = ranking.probability(score) - (cameTrue ? 1 : 0);
        errors += error * error;
      }
      ranking.calibrate(score, cameTrue);
    }
    return errors;
  }

  private void takeFinished() {
    Trial trial = finished;
    if (trial == null) {
      return;
    }
    finished = null;
    underWay = false;
    champion = trial.best();
    leads = champion != null && trial.leads();
    trained++;
    taken += leads ? 1 : 0;
  }

  String name() {
    return retraining.trainer().name();
  }

  /** How many trainings have ended. */
  long trained() {
    return trained;
  }

  /** Of these, how many with a model to go by. */
  long taken() {
    return taken;
  }

  /** Of outcomes with so many features. */
  static long windowBytes(int features) {
    return WINDOW * (1 + (long) Float.BYTES * features);
  }

  long maxRetainedBytes(long rankingBytes) {
    return window.retainedBytes() + rankingBytes + 8L * Ranking.products(window.features());
  }

  long retainedBytes() {
    return window.retainedBytes() + (champion == null ? 0 : champion.retainedBytes());
  }
}
