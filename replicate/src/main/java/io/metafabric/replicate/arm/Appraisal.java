package io.metafabric.replicate.arm;

import java.util.Locale;

/**
 * The terms of benefit and cost of one copy. Immutable; amounts in micro-dollars.
 *
 * @param reads how many would wait without the copy, if there is one at all: those that come while
 *     the first one fetches wait with it
 * @param updates expected within the horizon, by others
 * @param savedMs for each of the reads
 * @param perMs what a millisecond is worth there
 * @param spared what each of the reads would transfer itself; 0 where that is not reckoned, as the
 *     copy is likely to be gone after its first read
 * @param transfer of the copy
 * @param storage for the horizon
 * @param updating transfer of the updates
 * @param linkPressure by which both transfers are multiplied, for the decision
 * @param targetPressure by which storage is, so too
 */
public record Appraisal(
    double probability,
    double reads,
    double updates,
    double savedMs,
    double perMs,
    double spared,
    double transfer,
    double storage,
    double updating,
    double linkPressure,
    double targetPressure) {
  public double benefit() {
    return probability * reads * (savedMs * perMs + spared);
  }

  public double cost() {
    return (transfer + updating) * linkPressure + storage * targetPressure;
  }

  /** What is paid for it: pressure is no money. */
  public double price() {
    return transfer + updating + storage;
  }

  /** Benefit for each micro-dollar; what is free comes first. */
  double ratio() {
    double cost = cost();
    return cost == 0 ? Double.POSITIVE_INFINITY : benefit() / cost;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "benefit %.4f = p %.2f x %.2f reads x (%.1f ms x %.4f + transfer %.4f); cost %.4f ="
            + " (transfer %.4f + %.2f updates %.4f) x link %.2f + storage %.6f x tier %.1f"
            + " micro-dollars",
        benefit(),
        probability,
        reads,
        savedMs,
        perMs,
        spared,
        cost(),
        transfer,
        updates,
        updating,
        linkPressure,
        storage,
        targetPressure);
  }
}
