package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerIdentity;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which node a certificate is for: a subject alternative name that is the URI {@code
 * metafabric://cluster/region}, or {@code metafabric://cluster/region/node}. Stateless.
 */
final class CertificateName {
  static final String SCHEME = "metafabric://";

  /** The type of a URI among alternative names, RFC 5280. */
  private static final int URI = 6;

  private CertificateName() {}

  /**
   * The name in a certificate.
   *
   * @throws CertificateException if it has none, more than one, or one that is not well formed
   */
  static PeerIdentity of(X509Certificate certificate) throws CertificateException {
    PeerIdentity found = null;
    for (String uri : uris(certificate)) {
      if (uri.startsWith(SCHEME)) {
        if (found != null) {
          throw new CertificateException(
              "it has more than one name, " + found + " and " + uri + "; a certificate is for one");
        }
        found = parse(uri);
      }
    }
    if (found == null) {
      throw new CertificateException(
          "it has no name of a region; it needs a subject alternative name that is the URI "
              + SCHEME
              + "cluster/region");
    }
    return found;
  }

  /** Whether a certificate names a region, well or badly; also if its names cannot be read. */
  static boolean isIn(X509Certificate certificate) {
    try {
      return uris(certificate).stream().anyMatch(uri -> uri.startsWith(SCHEME));
    } catch (CertificateException e) {
      return true;
    }
  }

  /** For messages: the names that it has, trusted or not. */
  static String described(X509Certificate certificate) {
    try {
      return of(certificate).toString();
    } catch (CertificateException e) {
      return "\"" + certificate.getSubjectX500Principal().getName() + "\"";
    }
  }

  /** Why a certificate is not good at a time; null if it is. */
  static @Nullable String problemAt(X509Certificate certificate, Instant now) {
    Instant until = certificate.getNotAfter().toInstant();
    if (now.isAfter(until)) {
      return "has expired at " + until;
    }
    Instant from = certificate.getNotBefore().toInstant();
    return now.isBefore(from) ? "is not valid before " + from : null;
  }

  private static List<String> uris(X509Certificate certificate) throws CertificateException {
    @Nullable Collection<List<?>> names;
    try {
      names = certificate.getSubjectAlternativeNames();
    } catch (CertificateParsingException e) {
      throw new CertificateException("its names cannot be read", e);
    }
    return names == null
        ? List.of()
        : names.stream()
            .filter(name -> Integer.valueOf(URI).equals(name.get(0)))
            .map(name -> String.valueOf(name.get(1)))
            .toList();
  }

  static PeerIdentity parse(String uri) throws CertificateException {
    String[] parts = uri.substring(SCHEME.length()).split("/", -1);
    if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty()) {
      throw new CertificateException(
          "its name "
              + uri
              + " is not "
              + SCHEME
              + "cluster/region or "
              + SCHEME
              + "cluster/region/node");
    }
    try {
      // A plus sign is itself in this part of a URI.
      String cluster = URLDecoder.decode(parts[0].replace("+", "%2B"), StandardCharsets.UTF_8);
      Long node = parts.length == 3 ? (Long) Long.parseUnsignedLong(parts[2], 16) : null;
      return new PeerIdentity(cluster, new RegionName(parts[1]), node);
    } catch (NumberFormatException e) {
      throw new CertificateException(
          "its name " + uri + " ends with what is no node: one has 1 to 16 hexadecimal digits", e);
    } catch (ConfigurationException e) {
      throw new CertificateException("its name " + uri + " is none: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new CertificateException("its name " + uri + " is not well encoded", e);
    }
  }
}
