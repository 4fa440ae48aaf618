package io.metafabric.http;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.replicate.tls.ServerTls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where and for whom a fabric answers HTTP. Beyond this machine only with certificate and token.
 * Immutable; the token is in no message, log or {@code toString}.
 *
 * <pre>{@code
 * MetadataFabric.builder().http(HttpConfig.at("127.0.0.1:7480"))
 * }</pre>
 */
public final class HttpConfig {
  private static final int MIN_TOKEN_LENGTH = 16;
  private static final int MAX_TOKEN_LENGTH = 512;
  private static final int MAX_MAX_CONNECTIONS = 10_000;
  private static final Duration SHORTEST = Duration.ofMillis(10);
  private static final Duration LONGEST = Duration.ofMinutes(10);

  private final PeerAddress address;
  private final @Nullable String token;
  private final @Nullable ServerTls tls;
  private final long maxTrainBytes;
  private final int maxConnections;
  private final Duration patience;

  private HttpConfig(
      PeerAddress address,
      @Nullable String token,
      @Nullable ServerTls tls,
      long maxTrainBytes,
      int maxConnections,
      Duration patience) {
    this.address = address;
    this.token = token;
    this.tls = tls;
    this.maxTrainBytes = maxTrainBytes;
    this.maxConnections = maxConnections;
    this.patience = patience;
  }

  /**
   * @param address {@code host:port}; port 0 chooses one
   * @throws ConfigurationException if it is none
   */
  public static HttpConfig at(String address) {
    Objects.requireNonNull(address, "address");
    return new HttpConfig(
        PeerAddress.parse(address), null, null, 64L << 20, 64, Duration.ofSeconds(10));
  }

  /**
   * What clients send as {@code Authorization: Bearer}; without it they are told only whether the
   * fabric is well. Default: none, on loopback addresses alone.
   *
   * @param secret 16 to 512 visible ASCII characters; random ones
   */
  public HttpConfig withToken(String secret) {
    Objects.requireNonNull(secret, "token");
    boolean visible = secret.chars().allMatch(c -> c > ' ' && c < 0x7f);
    if (!visible || secret.length() < MIN_TOKEN_LENGTH || secret.length() > MAX_TOKEN_LENGTH) {
      throw new ConfigurationException(
          "an HTTP token must have "
              + MIN_TOKEN_LENGTH
              + " to "
              + MAX_TOKEN_LENGTH
              + " visible ASCII characters");
    }
    return new HttpConfig(address, secret, tls, maxTrainBytes, maxConnections, patience);
  }

  /** TLS 1.3 with this certificate. Default: none, on loopback addresses alone. */
  public HttpConfig withTls(ServerTls files) {
    Objects.requireNonNull(files, "tls");
    return new HttpConfig(address, token, files, maxTrainBytes, maxConnections, patience);
  }

  /**
   * How much one request may bring to learn from; it is never in memory as a whole. Default: 64
   * MiB.
   *
   * @param bytes at least 1
   */
  public HttpConfig withMaxTrainBytes(long bytes) {
    if (bytes < 1) {
      throw new ConfigurationException("maxTrainBytes must be at least 1, was " + bytes);
    }
    return new HttpConfig(address, token, tls, bytes, maxConnections, patience);
  }

  /**
   * How many clients may be connected; each has one request under way at a time. Default: 64.
   *
   * @param most 1 to 10,000
   */
  public HttpConfig withMaxConnections(int most) {
    if (most < 1 || most > MAX_MAX_CONNECTIONS) {
      throw new ConfigurationException(
          "maxConnections must be 1 to " + MAX_MAX_CONNECTIONS + ", was " + most);
    }
    return new HttpConfig(address, token, tls, maxTrainBytes, most, patience);
  }

  /**
   * For how long a head or a body may be on its way, a body a second longer for each KiB that has
   * come, and how long a client may take for an answer; three times that between two requests.
   * Default: 10 s.
   *
   * @param time 10 ms to 10 min
   */
  public HttpConfig withPatience(Duration time) {
    if (time.compareTo(SHORTEST) < 0 || time.compareTo(LONGEST) > 0) {
      throw new ConfigurationException(
          "patience must be " + SHORTEST + " to " + LONGEST + ", was " + time);
    }
    return new HttpConfig(address, token, tls, maxTrainBytes, maxConnections, time);
  }

  /**
   * The address to listen on, resolved once, so that the name cannot mean something else
   * afterwards.
   *
   * @throws ConfigurationException if it can be reached from elsewhere, and there is no token or no
   *     certificate; or if it has no address
   */
  InetSocketAddress resolve() {
    InetAddress[] all;
    try {
      all = InetAddress.getAllByName(address.host());
    } catch (UnknownHostException e) {
      throw new ConfigurationException("http: " + address + " has no address", e);
    }
    for (InetAddress one : all) {
      if (!one.isLoopbackAddress() && (token == null || tls == null)) {
        throw new ConfigurationException(
            "http: "
                + address
                + " is "
                + one.getHostAddress()
                + ", beyond this machine, where a certificate and a token are needed; add "
                + (tls == null ? "withTls(...)" : "")
                + (tls == null && token == null ? " and " : "")
                + (token == null ? "withToken(...)" : "")
                + ", or use a loopback address such as 127.0.0.1");
      }
    }
    return new InetSocketAddress(all[0], address.port());
  }

  PeerAddress address() {
    return address;
  }

  @Nullable String token() {
    return token;
  }

  @Nullable ServerTls tls() {
    return tls;
  }

  long maxTrainBytes() {
    return maxTrainBytes;
  }

  int maxConnections() {
    return maxConnections;
  }

  Duration patience() {
    return patience;
  }

  @Override
  public String toString() {
    return address + (tls == null ? "" : ", " + tls) + (token == null ? "" : ", with a token");
  }
}
