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
 * JDK looks at no date of what is trusted itself (RFC 5280, 6.1). One that names a region is
 * trusted for itself alone, whatever it says of being an authority: else whoever has its key could
 * be any region. Thread-safe.
 */
final class TrustedNow {
  /** What is asked of the JDK, with those certificates alone that it is given. */
  interface PathCheck {
    void run(X509ExtendedTrustManager by) throws CertificateException;
  }

  private record Checks(List<X509Certificate> trusted, X509ExtendedTrustManager manager) {
    void run(PathCheck check) throws CertificateException {
      if (trusted.isEmpty()) {
        throw new CertificateException((String) null); // the JDK would say that this is a defect
      }
      check.run(manager);
    }
  }

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
   * @param leaf whose certificate it is that is checked
   * @throws CertificateException if the check fails; and if it would not by one that is not valid
   *     now, or not trusted for others, with a message that says which
   */
  void check(X509Certificate leaf, Instant now, PathCheck check) throws CertificateException {
    List<X509Certificate> good = goodAt(now);
    if (good.isEmpty()) {
      throw sayWhich(now, good, check, new CertificateException("nothing is trusted any more"));
    }
    List<X509Certificate> forIt =
        good.stream().filter(each -> each.equals(leaf) || !CertificateName.isIn(each)).toList();
    try {
      checksOf(forIt).run(check);
    } catch (CertificateException e) {
      throw sayWhich(now, forIt, check, e);
    }
  }

  private List<X509Certificate> goodAt(Instant now) {
    return all.stream().filter(each -> CertificateName.problemAt(each, now) == null).toList();
  }

  private Checks checksOf(List<X509Certificate> good) {
    Checks known = last;
    if (!known.trusted().equals(good)) {
      known = new Checks(good, manager(good));
      last = known;
    }
    return known;
  }

  private CertificateException sayWhich(
      Instant now, List<X509Certificate> good, PathCheck check, CertificateException failure) {
    for (X509Certificate each : all) {
      if (!good.contains(each) && passes(check, each)) {
        return new CertificateException(
            CertificateName.problemAt(each, now) == null
                ? "it is issued by "
                    + CertificateName.described(each)
                    + ", which names a region, and is trusted by "
                    + file
                    + " for itself alone"
                : "it is by what is not valid now: " + file + " has " + described(each, now));
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
