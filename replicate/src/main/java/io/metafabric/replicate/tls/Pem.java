package io.metafabric.replicate.tls;

import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads PEM files. Stateless. */
final class Pem {
  private static final Set<String> CERTIFICATES = Set.of("CERTIFICATE", "X509 CERTIFICATE");

  /** What may stand beside certificates, and is passed over. */
  private static final Set<String> OTHERS =
      Set.of(
          "PRIVATE KEY",
          "ENCRYPTED PRIVATE KEY",
          "RSA PRIVATE KEY",
          "EC PRIVATE KEY",
          "DSA PRIVATE KEY",
          "EC PARAMETERS",
          "DH PARAMETERS",
          "PUBLIC KEY",
          "CERTIFICATE REQUEST",
          "NEW CERTIFICATE REQUEST");

  private static final List<String> KEY_ALGORITHMS = List.of("EC", "RSA", "EdDSA", TlsKey.RSA_PSS);

  private Pem() {}

  /**
   * All certificates, in the order of the file.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is none, one is damaged, or
   *     there is something that might be meant as one: none is left out without a word
   */
  static List<X509Certificate> certificates(NamedFile file, byte[] content) {
    var found = new ArrayList<X509Certificate>();
    for (PemSection section : PemSection.allIn(file, content)) {
      if (CERTIFICATES.contains(section.label())) {
        found.add(certificate(file, section, found.size() + 1));
      } else if (section.label().equals("X509 CRL")) {
        throw file.bad(
            "has a revocation list in line "
                + section.line()
                + ", and none is heeded; take what is revoked out of the trust file",
            null);
      } else if (!OTHERS.contains(section.label())) {
        throw file.bad(
            "has a section in line "
                + section.line()
                + " that is none of those that are known; certificates begin with -----BEGIN"
                + " CERTIFICATE-----",
            null);
      }
    }
    if (found.isEmpty()) {
      throw file.bad(
          "has no certificate; it needs -----BEGIN CERTIFICATE----- and what follows it", null);
    }
    return found;
  }

  private static X509Certificate certificate(NamedFile file, PemSection section, int number) {
    try {
      Certificate read =
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(section.decoded()));
      return (X509Certificate) read;
    } catch (CertificateException | IllegalArgumentException e) {
      throw file.bad(
          "has a certificate, number "
              + number
              + " in line "
              + section.line()
              + ", that cannot be read",
          e);
    }
  }

  /**
   * The one private key.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is none, several, or one that
   *     cannot be used
   */
  static PrivateKey key(NamedFile file, byte[] content) {
    PrivateKey found = null;
    for (PemSection section : PemSection.allIn(file, content)) {
      switch (section.label()) {
        case "PRIVATE KEY" -> {
          if (found != null) {
            throw file.bad("has more than one private key", null);
          }
          found = key(file, section);
        }
        case "ENCRYPTED PRIVATE KEY" ->
            throw file.bad(
                "has an encrypted key; decrypt it (openssl pkey -in key -out plain), or use a key"
                    + " store",
                null);
        case "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY" ->
            throw file.bad(
                "has a key in the format of \""
                    + section.label()
                    + "\"; convert it to PKCS #8 (openssl pkcs8 -topk8 -nocrypt -in key -out new)",
                null);
        default -> {}
      }
    }
    if (found == null) {
      throw file.bad(
          "has no private key; it needs -----BEGIN PRIVATE KEY----- and what follows it", null);
    }
    return found;
  }

  private static PrivateKey key(NamedFile file, PemSection section) {
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(section.decoded());
    } catch (IllegalArgumentException e) {
      throw unreadable(file);
    }
    for (String algorithm : KEY_ALGORITHMS) {
      PrivateKey key = keyOf(algorithm, encoded);
      if (key != null) {
        return key;
      }
    }
    throw unreadable(file);
  }

  /** Null if it is one of another algorithm, or none. */
  private static @Nullable PrivateKey keyOf(String algorithm, PKCS8EncodedKeySpec encoded) {
    try {
      return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
    } catch (GeneralSecurityException e) {
      return null;
    }
  }

  /** Without a cause: who knows what of the key a provider's message would show. */
  private static RuntimeException unreadable(NamedFile file) {
    return file.bad("has a private key that cannot be read; " + TlsKey.REMEDY, null);
  }
}
