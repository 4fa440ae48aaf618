package io.metafabric.replicate.tls;

import io.metafabric.core.transport.PeerIdentity;
import java.net.Socket;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Believes whose certificate leads to a trusted one, both valid now, and names a region of the
 * cluster. Which region it is, whoever dials or is dialled must see to. Thread-safe.
 *
 * <p>No name of a host is looked at: a peer is the one that its certificate names, wherever it is.
 */
final class PeerTrust extends X509ExtendedTrustManager {
  private static final X509Certificate[] NO_HINTS = {};

  private final TrustedNow trusted;
  private final String cluster;
  private final LongSupplier wallMs;

  PeerTrust(TrustedNow trusted, String cluster, LongSupplier wallMs) {
    this.trusted = trusted;
    this.cluster = cluster;
    this.wallMs = wallMs;
  }

  /** Who shows these certificates, on a connection that is open. */
  PeerIdentity check(X509Certificate[] chain) throws CertificateException {
    return check(chain, by -> by.checkClientTrusted(chain, chain[0].getPublicKey().getAlgorithm()));
  }

  private PeerIdentity check(X509Certificate[] chain, TrustedNow.PathCheck path)
      throws CertificateException {
    String who = "the certificate of " + CertificateName.described(chain[0]);
    // Also of one that is trusted itself, of which the JDK looks at nothing else.
    Instant now = Instant.ofEpochMilli(wallMs.getAsLong());
    String notNow = CertificateName.problemAt(chain[0], now);
    if (notNow != null) {
      throw new CertificateException(who + " " + notNow);
    }
    try {
      trusted.check(chain[0], now, path);
    } catch (CertificateException e) {
      throw new CertificateException(who + " is not trusted here: " + reason(e), e);
    }
    PeerIdentity name;
    try {
      name = CertificateName.of(chain[0]);
    } catch (CertificateException e) {
      throw new CertificateException(who + " proves nothing: " + e.getMessage(), e);
    }
    if (!name.cluster().equals(cluster)) {
      throw new CertificateException(who + " is not of this cluster, \"" + cluster + "\"");
    }
    return name;
  }

  private static String reason(CertificateException e) {
    Throwable cause = e;
    while (cause.getCause() != null && !(cause instanceof CertPathValidatorException)) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    return message == null || message.contains("unable to find valid certification path")
        ? "it is neither a trusted one nor issued by one"
        : message;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, by -> by.checkClientTrusted(chain, authType, engine));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, by -> by.checkServerTrusted(chain, authType, engine));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, by -> by.checkClientTrusted(chain, authType, socket));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, by -> by.checkServerTrusted(chain, authType, socket));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain, by -> by.checkClientTrusted(chain, authType));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain, by -> by.checkServerTrusted(chain, authType));
  }

  /**
   * None: a side that is told whom the other believes shows nothing if it has nothing of theirs,
   * and then nobody can say what was wrong with it.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return NO_HINTS;
  }
}
