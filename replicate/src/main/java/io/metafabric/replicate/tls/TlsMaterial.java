package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerIdentity;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** One state of a node's key, certificates and trust, checked. Immutable. */
final class TlsMaterial {
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String ANY_USAGE = "2.5.29.37.0";

  private final NamedFile file;
  private final List<X509Certificate> chain;
  private final PrivateKey key;
  private final @Nullable TrustedNow trust;

  /**
   * @param trust null for a server that asks nobody who they are
   */
  private TlsMaterial(
      NamedFile file, List<X509Certificate> chain, PrivateKey key, @Nullable TrustedNow trust) {
    this.file = file;
    this.chain = List.copyOf(chain);
    this.key = key;
    this.trust = trust;
  }

  /**
   * Checks what does not depend on who the node is.
   *
   * @throws ConfigurationException if the key is not the certificate's, or the certificate cannot
   *     be used in both directions
   */
  static TlsMaterial of(
      NamedFile chainFile,
      List<X509Certificate> chain,
      NamedFile keyFile,
      PrivateKey key,
      TrustedNow trusted) {
    X509Certificate own = chain.get(0);
    requireTogether(chainFile, own, keyFile, key);
    requireUsages(chainFile, own);
    return new TlsMaterial(chainFile, chain, key, trusted);
  }

  /**
   * What a server shows to clients that show nothing.
   *
   * @throws ConfigurationException if the key is not the certificate's, or the certificate is not a
   *     server's, or for another time
   */
  static TlsMaterial ofServer(
      NamedFile chainFile,
      List<X509Certificate> chain,
      NamedFile keyFile,
      PrivateKey key,
      long nowMs) {
    X509Certificate own = chain.get(0);
    requireTogether(chainFile, own, keyFile, key);
    List<String> usages = usages(chainFile, own);
    if (usages != null && !usages.contains(ANY_USAGE) && !usages.contains(SERVER_AUTH)) {
      throw chainFile.bad("has a certificate whose extended key usages lack serverAuth", null);
    }
    requireValid(chainFile, chain, Instant.ofEpochMilli(nowMs));
    return new TlsMaterial(chainFile, chain, key, null);
  }

  private static void requireValid(NamedFile file, List<X509Certificate> chain, Instant now) {
    for (int i = 0; i < chain.size(); i++) {
      String notNow = CertificateName.problemAt(chain.get(i), now);
      if (notNow != null) {
        throw file.bad(
            i == 0
                ? "has a certificate that " + notNow
                : "has as number "
                    + (i + 1)
                    + " the certificate of "
                    + CertificateName.described(chain.get(i))
                    + ", which "
                    + notNow,
            null);
      }
    }
  }

  private static void requireTogether(
      NamedFile chainFile, X509Certificate own, NamedFile keyFile, PrivateKey key) {
    TlsKey.requireUsable(keyFile, key);
    if (!TlsKey.isOf(key, own)) {
      throw keyFile.bad(
          "has a private key that is not the one of the certificate "
              + CertificateName.described(own)
              + " in "
              + chainFile.path(),
          null);
    }
  }

  private static void requireUsages(NamedFile file, X509Certificate own) {
    List<String> usages = usages(file, own);
    if (usages != null
        && !usages.contains(ANY_USAGE)
        && !(usages.contains(CLIENT_AUTH) && usages.contains(SERVER_AUTH))) {
      throw file.bad(
          "has a certificate for one direction alone; a node both dials and is dialled, so its"
              + " extended key usages must have serverAuth and clientAuth, or there must be none",
          null);
    }
  }

  private static @Nullable List<String> usages(NamedFile file, X509Certificate own) {
    try {
      return own.getExtendedKeyUsage();
    } catch (CertificateException e) {
      throw file.bad("has a certificate whose extended key usages cannot be read", e);
    }
  }

  /**
   * Checks that the certificate is this node's, now, and that somebody can be trusted.
   *
   * @throws ConfigurationException if it is for another one, or for another time; or if it, or all
   *     that is trusted, is by authorities for another time
   */
  void requireFor(String cluster, RegionName region, long nowMs) {
    X509Certificate own = chain.get(0);
    Instant now = Instant.ofEpochMilli(nowMs);
    requireValid(file, chain, now);
    trust().requireAny(now);
    PeerIdentity name;
    try {
      name = CertificateName.of(own);
    } catch (CertificateException e) {
      throw file.bad("has a certificate that cannot be used: " + e.getMessage(), e);
    }
    if (!name.cluster().equals(cluster) || !name.region().equals(region)) {
      throw file.bad(
          "has the certificate of "
              + name
              + ", and this node is "
              + new PeerIdentity(cluster, region, null),
          null);
    }
  }

  /** The same node, which believes others. */
  TlsMaterial with(TrustedNow others) {
    return new TlsMaterial(file, chain, key, others);
  }

  /** When the first of its own certificates does, or the last of those that it trusts. */
  long expiresAtMs() {
    long ownMs =
        chain.stream()
            .mapToLong(each -> each.getNotAfter().toInstant().toEpochMilli())
            .min()
            .orElseThrow();
    return Math.min(ownMs, trust().untilMs());
  }

  /** Whom to believe; not of a server. */
  TrustedNow trust() {
    return Objects.requireNonNull(trust, "a server trusts nobody");
  }

  SSLContext context(X509ExtendedTrustManager checks) {
    return contextOf(checks);
  }

  /** Of a server, which believes nobody's certificate and asks for none. */
  SSLContext serverContext() {
    return contextOf();
  }

  private SSLContext contextOf(TrustManager... trust) {
    char[] password = "in memory alone".toCharArray();
    try {
      KeyStore store = emptyStore();
      store.setKeyEntry("node", key, password, chain.toArray(new X509Certificate[0]));
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, password);
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(keys.getKeyManagers(), trust, null);
      // A session that is taken up again is one whose certificate is not looked at.
      context.getServerSessionContext().setSessionTimeout(1);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw file.bad("cannot be used with TLS", e);
    }
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
