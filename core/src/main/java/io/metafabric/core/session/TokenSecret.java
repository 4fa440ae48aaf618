package io.metafabric.core.session;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** What regions share, so that nobody else can make session tokens. Never printed. Thread-safe. */
public final class TokenSecret {
  /** HMAC-SHA256, cut off. */
  static final int MAC_BYTES = 16;

  /** Shorter ones could be guessed. */
  public static final int MIN_BYTES = 16;

  private static final String ALGORITHM = "HmacSHA256";

  private final SecretKeySpec key;

  /**
   * @throws IllegalArgumentException if there are less than {@link #MIN_BYTES}
   */
  public TokenSecret(byte[] secret) {
    if (secret.length < MIN_BYTES) {
      throw new IllegalArgumentException(
          "sessionSecret must have at least " + MIN_BYTES + " bytes, and has " + secret.length);
    }
    this.key = new SecretKeySpec(secret, ALGORITHM);
  }

  byte[] mac(ByteBuffer bytes) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update(bytes);
      return Arrays.copyOf(mac.doFinal(), MAC_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has " + ALGORITHM, e);
    }
  }

  @Override
  public String toString() {
    return "a secret";
  }
}
