package io.metafabric.predict;

/**
 * Fits a logistic regression to what came of proposals. Stateless: what it is given is all it
 * knows, and one seed gives one result on one JVM.
 */
public interface RankingTrainer {
  /** For people: what is behind it. */
  String name();

  /**
   * May take its time; runs where nothing waits for it.
   *
   * @param examples some that came true, and some that did not
   * @param seed for what it draws by chance
   * @return one weight for each feature; a proposal is as likely as the logistic function of the
   *     sum of its features, each times its weight
   */
  double[] train(RankingExamples examples, long seed);
}
