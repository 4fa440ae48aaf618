package io.metafabric.replicate.tls;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.core.transport.TlsStats;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * How one node proves who it is and has others do the same: TLS 1.3, with a certificate on both
 * sides. Its files may change while it is in use. Thread-safe.
 */
public final class PeerProof {
  private static final String[] PROTOCOLS = {"TLSv1.3"};

  private record State(
      TlsMaterial material, SSLContext context, PeerTrust trust, long expiresAtMs) {}

  private final PeerTls files;
  private final String cluster;
  private final RegionName region;
  private final LongSupplier wallMs;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  private final AtomicLong handshakes = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong refusedThere = new AtomicLong();
  private final AtomicLong revoked = new AtomicLong();
  private final AtomicLong reloads = new AtomicLong();
  private final AtomicLong failedReloads = new AtomicLong();
  private volatile @Nullable String lastRefusal;
  private volatile @Nullable String problem;

  private volatile State state;

  /** As they were looked at last, taken or not. Guarded by this. */
  private List<byte[]> seen;

  private PeerProof(PeerTls files, String cluster, RegionName region, LongSupplier wallMs) {
    this.files = files;
    this.cluster = cluster;
    this.region = region;
    this.wallMs = wallMs;
    this.seen = files.read();
    this.state = load(seen);
  }

  /**
   * Reads and checks the files.
   *
   * @param wallMs the wall clock, by which certificates are valid; epoch milliseconds
   * @throws ConfigurationException if a file is missing, or is not what it should be; the message
   *     names it
   */
  public static PeerProof open(
      PeerTls files, String cluster, RegionName region, LongSupplier wallMs) {
    return new PeerProof(files, cluster, region, wallMs);
  }

  private State load(List<byte[]> contents) {
    TlsMaterial material = files.load(contents);
    material.requireFor(cluster, region, wallMs.getAsLong());
    return stateOf(material);
  }

  private State stateOf(TlsMaterial material) {
    var trust = new PeerTrust(material.trust(), cluster, wallMs);
    return new State(material, material.context(trust), trust, material.expiresAtMs());
  }

  /**
   * Looks whether the files have changed, and goes over to what they are now. Then the connections
   * that are open are looked at, whatever the files are: certificates expire.
   *
   * @return whether there was anything new
   * @throws ConfigurationException if what is there now cannot be used: all goes on with what was
   *     there before, but for whom the trust file has if that can be used, and {@link #stats} says
   *     so until there is something that can
   */
  public synchronized boolean reload() {
    try {
      return takeChanged();
    } finally {
      listeners.forEach(Runnable::run);
    }
  }

  private boolean takeChanged() {
    try {
      List<byte[]> now = files.read();
      if (isSame(now, seen) && problem == null) {
        return false;
      }
      seen = now;
      state = load(now);
      problem = null;
      reloads.incrementAndGet();
      return true;
    } catch (ConfigurationException e) {
      String what = String.valueOf(e.getMessage());
      if (!what.equals(problem)) {
        failedReloads.incrementAndGet();
        problem = what;
      }
      takeTrustAlone();
      throw e;
    }
  }

  /** Who was taken out of the trust file is not to stay for what is wrong with this node's own. */
  private void takeTrustAlone() {
    try {
      TrustedNow trusted = files.trusted();
      trusted.requireAny(Instant.ofEpochMilli(wallMs.getAsLong()));
      state = stateOf(state.material.with(trusted));
    } catch (ConfigurationException e) {
      // It cannot be used either: what was believed still is.
    }
  }

  private static boolean isSame(List<byte[]> some, List<byte[]> others) {
    for (int i = 0; i < some.size(); i++) {
      if (!Arrays.equals(some.get(i), others.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** Is told when open connections should be looked at, on any thread; must not wait. */
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  public void removeListener(Runnable listener) {
    listeners.remove(listener);
  }

  /** One end of a new connection. */
  public SSLEngine newEngine(boolean dials) {
    SSLEngine engine = state.context.createSSLEngine();
    engine.setUseClientMode(dials);
    engine.setEnabledProtocols(PROTOCOLS);
    if (!dials) {
      engine.setNeedClientAuth(true);
    }
    return engine;
  }

  /**
   * Who has shown these certificates.
   *
   * @throws CertificateException if they prove nothing, or nothing any more; the message says why
   */
  public PeerIdentity whoIs(X509Certificate[] chain) throws CertificateException {
    return state.trust.check(chain);
  }

  /** A handshake has come to its end. */
  public void proven() {
    handshakes.incrementAndGet();
  }

  /** The other side has proved nothing. */
  public void refused(String why) {
    refused.incrementAndGet();
    lastRefusal = why;
  }

  /** The other side did not believe this one. */
  public void refusedThere() {
    refusedThere.incrementAndGet();
  }

  /** A connection is closed, because what was believed is not any more. */
  public void revoked(String why) {
    revoked.incrementAndGet();
    lastRefusal = why;
  }

  public TlsStats stats() {
    return new TlsStats(
        handshakes.get(),
        refused.get(),
        refusedThere.get(),
        revoked.get(),
        reloads.get(),
        failedReloads.get(),
        state.expiresAtMs,
        problem,
        lastRefusal);
  }
}
