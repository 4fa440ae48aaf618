package io.metafabric;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.Key;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * Somebody's access to a key at another time: from a log, or from before the fabric was there.
 * Immutable.
 *
 * @param client who it was, as for {@link MetadataFabric#as}: 1 to {@value #MAX_CLIENT_LENGTH}
 *     characters, not all blank
 * @param key {@code namespace/id}
 */
public record PastAccess(String client, String key, Instant at) {
  static final int MAX_CLIENT_LENGTH = 256;

  /** The host's clock, or the log's, may be ahead of the fabric's. */
  static final Duration MAX_AHEAD = Duration.ofMinutes(1);

  /**
   * @throws ConfigurationException if the client's name is not one
   * @throws io.metafabric.core.error.InvalidKeyException if the key is none
   */
  public PastAccess {
    requireClient(client);
    key = Key.of(key).path();
    Objects.requireNonNull(at, "at");
  }

  static void requireClient(String client) {
    if (client.isBlank() || client.length() > MAX_CLIENT_LENGTH) {
      throw new ConfigurationException(
          "a client's name must have 1 to " + MAX_CLIENT_LENGTH + " characters");
    }
  }
}
