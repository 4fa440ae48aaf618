package io.metafabric.predict;

import io.metafabric.core.access.Prediction;
import java.util.List;

/**
 * What a client is likely to read next. Immutable.
 *
 * @param known whether it is remembered what the client has read last; those that were silent for
 *     longest are forgotten
 * @param predictions likeliest first, each key once; empty if nothing is known to follow
 */
public record ClientForecast(String client, boolean known, List<Prediction> predictions) {
  public ClientForecast {
    predictions = List.copyOf(predictions);
  }
}
