package io.metafabric.http;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What the HTTP endpoints have counted since the fabric was opened. Immutable.
 *
 * @param connections that were taken
 * @param open of these
 * @param requests that began
 * @param answered with a success
 * @param failed with a 5xx: what it was about could not be done
 * @param refused connections and requests by reason; a reason that never was is left out
 */
public record HttpStats(
    long connections,
    int open,
    long requests,
    long answered,
    long failed,
    Map<HttpRefusal, Long> refused) {
  public HttpStats {
    var copy = new EnumMap<HttpRefusal, Long>(HttpRefusal.class);
    copy.putAll(refused);
    refused = Collections.unmodifiableMap(copy);
  }

  public long refused(HttpRefusal reason) {
    return refused.getOrDefault(reason, 0L);
  }
}
