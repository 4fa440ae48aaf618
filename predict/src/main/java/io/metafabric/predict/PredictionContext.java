package io.metafabric.predict;

import io.metafabric.core.record.RegionName;
import java.time.Duration;
import java.util.List;

/**
 * Where a client stands when its next reads are asked for. Immutable.
 *
 * @param client as in {@link io.metafabric.core.access.AccessEvent#client()}
 * @param lastKeys what it read last, newest first, without immediate repetitions; never empty, and
 *     {@value Trails#DEPTH} long once the client has read as many
 * @param region where it reads
 * @param nowMs epoch milliseconds
 * @param horizon for how long predictions are acted on, so how far ahead they should speak
 * @param maxPredictions at least 1
 */
public record PredictionContext(
    String client,
    List<String> lastKeys,
    RegionName region,
    long nowMs,
    Duration horizon,
    int maxPredictions) {
  public PredictionContext {
    lastKeys = List.copyOf(lastKeys);
    if (lastKeys.isEmpty()) {
      throw new IllegalArgumentException("a context needs at least one key that was read");
    }
    if (maxPredictions < 1) {
      throw new IllegalArgumentException("maxPredictions must be >= 1, was " + maxPredictions);
    }
  }
}
