package io.metafabric.replicate.netty;

import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.replicate.tls.PeerProof;
import io.netty.channel.Channel;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandler;
import java.nio.channels.ClosedChannelException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** What one connection does about TLS. Belongs to the event loop but for {@link #identity}. */
final class TlsEnd {
  /** A last word that the network does not take in this time is not waited for. */
  private static final Duration LAST_WORD = Duration.ofMillis(500);

  private static final int MAX_CAUSES = 16;

  private final PeerProof proof;
  private final boolean dials;
  private final SslHandler handler;
  private volatile X509Certificate @Nullable [] chain;
  private volatile @Nullable PeerIdentity identity;

  TlsEnd(PeerProof proof, boolean dials, Duration handshakeTimeout) {
    this.proof = proof;
    this.dials = dials;
    this.handler = new SslHandler(proof.newEngine(dials));
    handler.setHandshakeTimeoutMillis(handshakeTimeout.toMillis());
    handler.setCloseNotifyFlushTimeoutMillis(LAST_WORD.toMillis());
  }

  void addTo(Channel channel) {
    channel.pipeline().addLast(new LingeringClose(LAST_WORD), handler);
  }

  /** Any thread: who the other side is; null before that is known. */
  @Nullable PeerIdentity identity() {
    return identity;
  }

  /**
   * The handshake has succeeded.
   *
   * @return what is wrong all the same: what was trusted when it began may not be any more; null if
   *     nothing is
   */
  @Nullable String complete() {
    try {
      Certificate[] shown = handler.engine().getSession().getPeerCertificates();
      chain = Arrays.copyOf(shown, shown.length, X509Certificate[].class);
    } catch (SSLPeerUnverifiedException e) {
      return refused("it has shown no certificate");
    }
    String problem = problemNow();
    if (problem == null) {
      proof.proven();
      return null;
    }
    return refused(problem);
  }

  private String refused(String why) {
    proof.refused(why);
    return why;
  }

  /** Any thread: why the other side is not believed any more; null if it is, or never was. */
  @Nullable String problemNow() {
    X509Certificate[] shown = chain;
    if (shown == null) {
      return null;
    }
    try {
      identity = proof.whoIs(shown);
      return null;
    } catch (CertificateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  void revoked(String why) {
    proof.revoked(why);
  }

  /**
   * What ended the handshake, or the connection once it was open, counted.
   *
   * @param isAboutTrust one side does not believe the other, and not only for now
   */
  record Failure(String reason, boolean isAboutTrust) {}

  Failure failed(Throwable cause) {
    String alert = certificateAlert(cause);
    if (alert != null) {
      proof.refusedThere();
      return new Failure(
          "the other side does not take this node's certificate ("
              + alert
              + "); it knows why: look at its log, or its stats",
          true);
    }
    CertificateException notBelieved = firstOf(CertificateException.class, cause);
    if (notBelieved != null) {
      return new Failure(refused(String.valueOf(notBelieved.getMessage())), true);
    }
    String why =
        firstOf(NotSslRecordException.class, cause) != null
            // Its own message has what came, all of it.
            ? "the other side does not speak TLS"
            : cause instanceof ClosedChannelException
                ? "the other side has ended it"
                : String.valueOf(cause.getMessage());
    return new Failure("no TLS connection: " + (dials ? why : refused(why)), false);
  }

  /** The other side's word that it does not take this node's certificate; null if it is none. */
  static @Nullable String certificateAlert(Throwable failure) {
    int causes = 0;
    for (Throwable each = failure; each != null && causes++ < MAX_CAUSES; each = each.getCause()) {
      String message = each.getMessage();
      if (each instanceof SSLException
          && message != null
          && message.contains("fatal alert")
          && message.matches(".*(certificate|unknown_ca|access_denied).*")) {
        return message;
      }
    }
    return null;
  }

  private static <T extends Throwable> @Nullable T firstOf(Class<T> type, Throwable failure) {
    int causes = 0;
    for (Throwable each = failure; each != null && causes++ < MAX_CAUSES; each = each.getCause()) {
      if (type.isInstance(each)) {
        return type.cast(each);
      }
    }
    return null;
  }
}
