package io.metafabric.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Who may ask. Thread-safe. */
final class Gate {
  private static final String SCHEME = "bearer ";

  /** Null if no token is asked for. */
  private final byte @Nullable [] tokenHash;

  private final String ownHost;

  Gate(HttpConfig config) {
    String token = config.token();
    this.tokenHash = token == null ? null : hash(token);
    this.ownHost = config.address().host().toLowerCase(Locale.ROOT);
  }

  /** Whether a request has the token, or none is asked for. */
  boolean trusts(HttpRequest request) {
    if (tokenHash == null) {
      return true;
    }
    String given = request.headers().get(HttpHeaderNames.AUTHORIZATION);
    if (given == null || !given.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
      return false;
    }
    // Of hashes, in a time that tells neither how much of it is right nor how long it is.
    return MessageDigest.isEqual(tokenHash, hash(given.substring(SCHEME.length()).strip()));
  }

  /**
   * Whether the host that is asked for is of this machine, where no token is asked for: a page in a
   * browser here could otherwise ask under a name of its own that it has lead here.
   */
  boolean takesHost(HttpRequest request) {
    if (tokenHash != null) {
      return true;
    }
    List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
    if (hosts.size() != 1) {
      return false;
    }
    String name = hosts.get(0).toLowerCase(Locale.ROOT).replaceFirst(":\\d*$", "");
    return name.equals("localhost")
        || name.equals("[::1]")
        || name.equals(ownHost)
        || name.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
  }

  private static byte[] hash(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
