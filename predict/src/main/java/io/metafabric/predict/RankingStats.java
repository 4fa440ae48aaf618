package io.metafabric.predict;

import java.util.List;

/**
 * How true the probabilities of a predictor that ranks were, in one region. Each of its proposals
 * counts once its outcome is known, also those that were not worth a fetch: it came true if its key
 * was needed within the next 64 needs, up to 128 where many clients take turns. Immutable.
 *
 * @param region where the reads were
 * @param model that it goes by now: {@code online}, or the name of a trainer
 * @param trainings models that were trained
 * @param taken how many of the trainings ended with a trained model to go by
 * @param outcomes proposals whose outcome is known
 * @param brierScore mean squared error of all that was said; 0 is perfect, 0.25 is what a coin has
 * @param lateBrierScore the same of about the last thousand
 * @param bins the reliability table, from 0 to 1
 */
public record RankingStats(
    String predictor,
    String region,
    String model,
    long trainings,
    long taken,
    long outcomes,
    double brierScore,
    double lateBrierScore,
    List<Bin> bins) {
  /**
   * Proposals that were said to be about as likely.
   *
   * @param from the least probability
   * @param to the next bin's least
   * @param meanSaid mean of what was said; 0 if there is none
   * @param count how many
   * @param cameTrue how many of them
   */
  public record Bin(double from, double to, double meanSaid, long count, long cameTrue) {
    /** The share that came true; 0 if there is none. */
    public double shareThatCameTrue() {
      return count == 0 ? 0 : (double) cameTrue / count;
    }
  }

  public RankingStats {
    bins = List.copyOf(bins);
  }
}
