package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which private keys TLS 1.3 can use, and whose they are. Stateless. */
final class TlsKey {
  static final String RSA_PSS = "RSASSA-PSS";

  /** What to do about a key that is none of them. */
  static final String REMEDY = "use an EC, RSA, RSA-PSS or Ed25519 key";

  /** What TLS 1.3 has for RSA-PSS, each with a salt as long as itself (RFC 8446, 4.2.3). */
  private static final List<String> PSS_DIGESTS = List.of("SHA-256", "SHA-384", "SHA-512");

  private static final PSSParameterSpec ANY_PSS =
      new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1);

  private TlsKey() {}

  /**
   * @throws ConfigurationException if no connection could be made with it
   */
  static void requireUsable(NamedFile file, PrivateKey key) {
    if (signature(key.getAlgorithm()) == null) {
      throw file.bad("has a private key of the kind " + key.getAlgorithm() + "; " + REMEDY, null);
    }
    PSSParameterSpec only = boundTo(key);
    if (only != null && !PSS_DIGESTS.contains(only.getDigestAlgorithm())) {
      throw file.bad(
          "has an RSA-PSS key that is bound to "
              + only.getDigestAlgorithm()
              + ", which TLS 1.3 does not use; make one that is bound to none, or to one of "
              + PSS_DIGESTS,
          null);
    }
  }

  /** Whether a certificate is of this key. */
  static boolean isOf(PrivateKey key, X509Certificate certificate) {
    byte[] probe = {1, 2, 3};
    try {
      Signature signing = signing(key);
      signing.initSign(key);
      signing.update(probe);
      byte[] signed = signing.sign();
      Signature checking = signing(key);
      checking.initVerify(certificate.getPublicKey());
      checking.update(probe);
      return checking.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static Signature signing(PrivateKey key) throws GeneralSecurityException {
    Signature signing = Signature.getInstance(String.valueOf(signature(key.getAlgorithm())));
    if (key.getAlgorithm().equals(RSA_PSS)) {
      PSSParameterSpec only = boundTo(key);
      signing.setParameter(only == null ? ANY_PSS : only);
    }
    return signing;
  }

  /** Null for what TLS 1.3 does not have. */
  private static @Nullable String signature(String algorithm) {
    return switch (algorithm) {
      case "EC" -> "SHA256withECDSA";
      case "RSA" -> "SHA256withRSA";
      case "EdDSA", "Ed25519", "Ed448", RSA_PSS -> algorithm;
      default -> null;
    };
  }

  /** The one way to sign that a key allows; null if it allows any. */
  private static @Nullable PSSParameterSpec boundTo(PrivateKey key) {
    AlgorithmParameterSpec parameters = key instanceof RSAKey rsa ? rsa.getParams() : null;
    return parameters instanceof PSSParameterSpec only ? only : null;
  }
}
