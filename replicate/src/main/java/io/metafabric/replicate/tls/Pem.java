package io.metafabric.replicate.tls;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads PEM files. Stateless. */
final class Pem {
  /** A section of a file. */
  private record Section(String label, String base64) {}

  private static final Pattern SECTION =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  private static final List<String> KEY_ALGORITHMS = List.of("EC", "RSA", "EdDSA", TlsKey.RSA_PSS);

  private Pem() {}

  /**
   * All certificates, in the order of the file.
   *
   * @throws io.metafabric.core.error.ConfigurationException if there is none, or one is damaged
   */
  static List<X509Certificate> certificates(NamedFile file, byte[] content) {
    var found = new ArrayList<X509Certificate>();
    for (Section section : sections(content)) {
      if (section.label.equals("CERTIFICATE") || section.label.equals("X509 CERTIFICATE")) {
        found.add(certificate(file, section, found.size() + 1));
      }
    }
    if (found.isEmpty()) {
      throw file.bad(
          "has no certificate; it needs -----BEGIN CERTIFICATE----- and what follows it", null);
    }
    return found;
  }

  private static X509Certificate certificate(NamedFile file, Section section, int number) {
    try {
      Certificate read =
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(decoded(section)));
      return (X509Certificate) read;
    } catch (CertificateException | IllegalArgumentException e) {
      throw file.bad("has a certificate, number " + number + ", that cannot be read", e);
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
    for (Section section : sections(content)) {
      switch (section.label) {
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
                    + section.label
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

  private static PrivateKey key(NamedFile file, Section section) {
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(decoded(section));
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

  private static byte[] decoded(Section section) {
    return Base64.getMimeDecoder().decode(section.base64);
  }

  private static List<Section> sections(byte[] content) {
    var sections = new ArrayList<Section>();
    Matcher matcher = SECTION.matcher(new String(content, StandardCharsets.ISO_8859_1));
    while (matcher.find()) {
      sections.add(new Section(matcher.group(1), matcher.group(2).strip()));
    }
    return sections;
  }
}
