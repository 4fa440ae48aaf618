package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The certificates of a trust file, of which those count that are valid when they are asked. The
 * JDK looks at no date of what is trusted itself (RFC 5280, 6.1). Thread-safe.
 */
final class TrustedNow {
  /** What is asked of the JDK, with those certificates alone that it is given. */
  interface PathCheck {
    void run(X509ExtendedTrustManager by) throws CertificateException;
  }

  private record Checks(List<X509Certificate> trusted, X509ExtendedTrustManager manager) {}

  private final NamedFile file;
  private final List<X509Certificate> all;
  private volatile Checks last;

  TrustedNow(NamedFile file, List<X509Certificate> all) {
    this.file = file;
    this.all = List.copyOf(all);
    this.last = new Checks(this.all, manager(this.all));
  }

  /**
   * @throws ConfigurationException if none is valid
   */
  void requireAny(Instant now) {
    if (goodAt(now).isEmpty()) {
      throw file.bad(
          "has no certificate that is valid now: "
              + all.stream().map(each -> described(each, now)).collect(Collectors.joining(", ")),
          null);
    }
  }

  /** When the last of them expires. */
  long untilMs() {
    return all.stream()
        .mapToLong(each -> each.getNotAfter().toInstant().toEpochMilli())
        .max()
        .orElseThrow();
  }

  /**
   * @throws CertificateException if the check fails; and if it would not by one that is not valid
   *     now, with a message that says which
   */
  void check(Instant now, PathCheck check) throws CertificateException {
    List<X509Certificate> good = goodAt(now);
    if (good.isEmpty()) {
      throw sayWhich(now, good, check, new CertificateException("nothing is trusted any more"));
    }
    try {
      check.run(managerOf(good));
    } catch (CertificateException e) {
      throw sayWhich(now, good, check, e);
    }
  }

  private List<X509Certificate> goodAt(Instant now) {
    return all.stream().filter(each -> CertificateName.problemAt(each, now) == null).toList();
  }

  private X509ExtendedTrustManager managerOf(List<X509Certificate> good) {
    Checks known = last;
    if (!known.trusted().equals(good)) {
      known = new Checks(good, manager(good));
      last = known;
    }
    return known.manager();
  }

  private CertificateException sayWhich(
      Instant now, List<X509Certificate> good, PathCheck check, CertificateException failure) {
    for (X509Certificate each : all) {
      if (!good.contains(each) && passes(check, each)) {
        return new CertificateException(
            "it is by what is not valid now: " + file + " has " + described(each, now));
      }
    }
    return failure;
  }

  private boolean passes(PathCheck check, X509Certificate by) {
    try {
      check.run(manager(List.of(by)));
      return true;
    } catch (CertificateException e) {
      return false;
    }
  }

  private static String described(X509Certificate certificate, Instant now) {
    return "the certificate of "
        + CertificateName.described(certificate)
        + ", which "
        + CertificateName.problemAt(certificate, now);
  }

  private X509ExtendedTrustManager manager(List<X509Certificate> trusted) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (int i = 0; i < trusted.size(); i++) {
        store.setCertificateEntry(String.format(Locale.ROOT, "trusted-%d", i), trusted.get(i));
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      if (factory.getTrustManagers()[0] instanceof X509ExtendedTrustManager checks) {
        return checks;
      }
      throw new ConfigurationException("tls: this JDK checks no certificates");
    } catch (GeneralSecurityException | IOException e) {
      throw file.bad("cannot be used with TLS", e);
    }
  }
}
