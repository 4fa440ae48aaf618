package io.metafabric.replicate.tls;

import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * Where a server finds the certificate that it shows to clients that show none. Immutable; nothing
 * of what is in the files is in any message, log or {@code toString}.
 */
public final class ServerTls {
  private static final String[] PROTOCOLS = {"TLSv1.3"};

  private final NamedFile certificate;
  private final NamedFile key;

  private ServerTls(NamedFile certificate, NamedFile key) {
    this.certificate = certificate;
    this.key = key;
  }

  /**
   * From PEM files.
   *
   * @param certificate the server's own one first, then those between it and its authority, if any;
   *     it names the hosts by which clients know the server
   * @param key of the certificate, PKCS #8, not encrypted: EC, RSA, RSA-PSS or Ed25519
   */
  public static ServerTls fromPem(Path certificate, Path key) {
    return new ServerTls(
        new NamedFile("certificate", Objects.requireNonNull(certificate, "certificate")),
        new NamedFile("key", Objects.requireNonNull(key, "key")));
  }

  /** One state of the files, read and checked. Thread-safe. */
  public static final class Loaded {
    private final List<byte[]> contents;
    private final SSLContext context;

    private Loaded(List<byte[]> contents, SSLContext context) {
      this.contents = contents;
      this.context = context;
    }

    /** The server's end of a new connection: TLS 1.3. */
    public SSLEngine newEngine() {
      SSLEngine engine = context.createSSLEngine();
      engine.setUseClientMode(false);
      engine.setEnabledProtocols(PROTOCOLS);
      return engine;
    }

    private boolean isOf(List<byte[]> others) {
      return Arrays.equals(contents.get(0), others.get(0))
          && Arrays.equals(contents.get(1), others.get(1));
    }
  }

  /**
   * Reads the files.
   *
   * @param nowMs the wall clock, epoch milliseconds
   * @throws io.metafabric.core.error.ConfigurationException if one is missing, or is not what it
   *     should be, or the certificate is not valid now
   */
  public Loaded load(long nowMs) {
    return load(List.of(certificate.read(), key.read()), nowMs);
  }

  private Loaded load(List<byte[]> contents, long nowMs) {
    List<X509Certificate> chain = Pem.certificates(certificate, contents.get(0));
    PrivateKey privateKey = Pem.key(key, contents.get(1));
    TlsMaterial material = TlsMaterial.ofServer(certificate, chain, key, privateKey, nowMs);
    return new Loaded(contents, material.serverContext());
  }

  /**
   * The same if the files are as they were, else what they are now.
   *
   * @throws io.metafabric.core.error.ConfigurationException as {@link #load}
   */
  public Loaded reload(Loaded before, long nowMs) {
    List<byte[]> now = List.of(certificate.read(), key.read());
    return before.isOf(now) ? before : load(now, nowMs);
  }

  /** The files by name, and nothing of what is in them. */
  @Override
  public String toString() {
    return certificate + ", " + key;
  }
}
