package io.metafabric;

import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.session.TokenFormat;
import java.util.Arrays;
import java.util.Base64;

/**
 * What a {@link Session} has read and written, to be carried to where it goes on: in a header, a
 * cookie, a message. Immutable.
 *
 * <p>It names writes by the actors that made them and their counters, and no keys or values. What
 * all regions have is left out. It has at most 32 single writes and, for everything older, one
 * counter for each opening of a region that has written something which some member has not been
 * heard to have: 50 to 300 bytes as a rule, at most 1,024 openings and 20 KiB.
 *
 * <p><b>What it protects against.</b> A token has a checksum: one that was cut off or altered by
 * accident is refused, and so is one of another cluster, if that has another {@linkplain
 * FabricBuilder#cluster name}. Anybody can compute a checksum, so without {@link
 * FabricBuilder#sessionSecret} whoever can hand a token to the host can make one up. A made up
 * token reads and changes nothing: it can only make a session wait for writes that do not exist,
 * until its timeout, or have it promise less than its owner was promised. With a secret, tokens are
 * refused that were not made under it, by HMAC-SHA256 of 128 bits. Neither hides what a token says,
 * nor keeps it from being used again: an old token is as good as when it was made.
 */
public final class SessionToken {
  private final byte[] bytes;
  private final TokenFormat.Content content;

  private SessionToken(byte[] bytes) {
    this.bytes = bytes;
    this.content = TokenFormat.decode(bytes);
  }

  /**
   * @param bytes from {@link #toBytes}
   * @throws SessionTokenException if they are not those of a token, or its checksum is wrong
   */
  public static SessionToken of(byte[] bytes) {
    return new SessionToken(bytes.clone());
  }

  /**
   * @param text from {@link #toString}
   * @throws SessionTokenException if it is not that of a token, or its checksum is wrong
   */
  public static SessionToken parse(String text) {
    if (text.length() > 2 * TokenFormat.MAX_BYTES) {
      throw new SessionTokenException("a session token is not " + text.length() + " characters");
    }
    byte[] decoded;
    try {
      decoded = Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new SessionTokenException("the session token is not base64url: " + e.getMessage(), e);
    }
    return new SessionToken(decoded);
  }

  TokenFormat.Content content() {
    return content;
  }

  byte[] unsafeBytes() {
    return bytes;
  }

  public byte[] toBytes() {
    return bytes.clone();
  }

  /** Letters, digits, {@code -} and {@code _}: fit for a URL, a header or a cookie. */
  @Override
  public String toString() {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof SessionToken token && Arrays.equals(bytes, token.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }
}
