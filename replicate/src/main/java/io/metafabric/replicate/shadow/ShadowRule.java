package io.metafabric.replicate.shadow;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.error.InvalidKeyException;
import io.metafabric.core.record.Key;
import io.metafabric.core.wire.FrameCodec;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How many regions hold the payloads of some keys. Immutable.
 *
 * <p>The <em>shadowing factor</em> counts all regions that hold a payload, home and backup
 * included: with 1 or 2 there is no shadow, with 3 there is one region beside home and backup. It
 * is no promise: shadows come with reads, and end when nobody reads them.
 *
 * @param prefix of the keys, for example {@code users/} for a namespace; empty for all
 * @param client whose reads ask for it; null for everybody's
 * @param factor 1 to the number of regions
 * @param timeToLive of a shadow that nobody reads; {@link #MIN_TIME_TO_LIVE} to {@link
 *     #MAX_TIME_TO_LIVE}. One that is read lives longer, at most eight times as long
 */
public record ShadowRule(String prefix, @Nullable String client, int factor, Duration timeToLive) {
  public static final Duration MIN_TIME_TO_LIVE = Duration.ofSeconds(1);
  public static final Duration MAX_TIME_TO_LIVE = Duration.ofDays(30);
  public static final Duration DEFAULT_TIME_TO_LIVE = Duration.ofMinutes(10);

  private static final int MAX_TEXT = 512;

  public ShadowRule {
    Objects.requireNonNull(prefix, "prefix");
    requireText("prefix", prefix);
    if (client != null) {
      requireText("client", client);
      if (client.isBlank()) {
        throw new ConfigurationException("the client of a shadow rule must have a name");
      }
    }
    requireFactor(factor, FrameCodec.MAX_REGIONS);
    requireTimeToLive(timeToLive);
  }

  /**
   * For all keys of a namespace.
   *
   * @throws ConfigurationException if no key can have it
   */
  public static ShadowRule forNamespace(String namespace, int factor, Duration timeToLive) {
    Objects.requireNonNull(namespace, "namespace");
    requireNamespace(namespace);
    return new ShadowRule(namespace + "/", null, factor, timeToLive);
  }

  private static void requireNamespace(String namespace) {
    try {
      if (Key.of(namespace + "/id").namespace().equals(namespace)) {
        return;
      }
    } catch (InvalidKeyException e) {
      // Told below, of the namespace alone.
    }
    throw new ConfigurationException(
        "no key can have the namespace \""
            + namespace
            + "\" of a shadow rule; use 1 to "
            + Key.MAX_NAMESPACE_LENGTH
            + " characters of a-z 0-9 . _ -, or forPrefix");
  }

  /** For all keys that begin so, for example {@code users/eu-}. */
  public static ShadowRule forPrefix(String prefix, int factor, Duration timeToLive) {
    return new ShadowRule(prefix, null, factor, timeToLive);
  }

  /** For what one client reads, as in {@code MetadataFabric.as(client)}. */
  public static ShadowRule forClient(String client, int factor, Duration timeToLive) {
    return new ShadowRule("", Objects.requireNonNull(client, "client"), factor, timeToLive);
  }

  private static void requireText(String what, String text) {
    if (text.length() > MAX_TEXT) {
      throw new ConfigurationException(
          "the "
              + what
              + " of a shadow rule must have at most "
              + MAX_TEXT
              + " characters, had "
              + text.length());
    }
  }

  /**
   * @param regions how many there are
   * @throws ConfigurationException if there cannot be so many
   */
  public static void requireFactor(int factor, int regions) {
    if (factor < 1 || factor > regions) {
      throw new ConfigurationException(
          "shadowing factor must be 1 to "
              + regions
              + ", the number of regions that can hold a payload, was "
              + factor);
    }
  }

  /**
   * @throws ConfigurationException if no shadow can live for so long, or so shortly
   */
  public static void requireTimeToLive(Duration timeToLive) {
    Objects.requireNonNull(timeToLive, "timeToLive");
    if (timeToLive.compareTo(MIN_TIME_TO_LIVE) < 0 || timeToLive.compareTo(MAX_TIME_TO_LIVE) > 0) {
      throw new ConfigurationException(
          "timeToLive of a shadow must be "
              + MIN_TIME_TO_LIVE
              + " to "
              + MAX_TIME_TO_LIVE
              + ", was "
              + timeToLive);
    }
  }

  /** As {@link #requireFactor}, of a rule. */
  void requireRegions(Set<?> regions) {
    requireFactor(factor, regions.size());
  }

  boolean covers(String path, @Nullable String by) {
    return path.startsWith(prefix) && (client == null || client.equals(by));
  }

  /** One for a client before one for everybody; of those the one with the longer prefix. */
  boolean isMoreSpecificThan(ShadowRule that) {
    boolean mine = client != null;
    boolean theirs = that.client != null;
    return mine == theirs ? prefix.length() > that.prefix.length() : mine;
  }
}
