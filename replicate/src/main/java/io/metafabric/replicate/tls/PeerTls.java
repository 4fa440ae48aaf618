package io.metafabric.replicate.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where a node finds what it proves with that it is of its region, and whom it believes. Immutable.
 *
 * <pre>{@code
 * MetadataFabric.builder()
 *     .cluster("prod")
 *     .region("eu")
 *     .listen("0.0.0.0:7400")
 *     .peer("us", "us.example.com:7400")
 *     .tls(PeerTls.fromPem(Path.of("eu.pem"), Path.of("eu.key"), Path.of("ca.pem")))
 * }</pre>
 *
 * <p>The node's certificate has the URI {@code metafabric://cluster/region} among its subject
 * alternative names, here {@code metafabric://prod/eu}; {@code metafabric://cluster/region/node}
 * binds it to one directory, whose identity is what peers name in their problems. It is used in
 * both directions: if it has extended key usages, server and client authentication are among them.
 *
 * <p>The files are read when the fabric is opened, and every ten seconds whether they have changed.
 * Nothing of what is in them, and no password, is in any message, log or {@code toString}.
 */
public final class PeerTls {
  private final List<NamedFile> files;
  private final Loader loader;
  private final TrustLoader trustLoader;

  /** Makes of the contents of the node's own files, in their order, what they mean. */
  private interface Loader {
    TlsMaterial load(List<byte[]> contents, TrustedNow trusted);
  }

  /** Makes of the content of the trust file what it means. */
  private interface TrustLoader {
    List<X509Certificate> load(byte[] content);
  }

  /**
   * @param files the node's own, then the trust file
   */
  private PeerTls(List<NamedFile> files, Loader loader, TrustLoader trustLoader) {
    this.files = List.copyOf(files);
    this.loader = loader;
    this.trustLoader = trustLoader;
  }

  private NamedFile trustFile() {
    return files.get(files.size() - 1);
  }

  /**
   * From PEM files.
   *
   * @param certificate the node's own one first, then those between it and its authority, if any
   * @param key of the node's certificate, PKCS #8, not encrypted: EC, RSA, RSA-PSS or Ed25519
   * @param trust the authorities whose certificates are believed, or those of the peers themselves
   */
  public static PeerTls fromPem(Path certificate, Path key, Path trust) {
    var chainFile =
        new NamedFile("certificate", Objects.requireNonNull(certificate, "certificate"));
    var keyFile = new NamedFile("key", Objects.requireNonNull(key, "key"));
    var trustFile = new NamedFile("trust", Objects.requireNonNull(trust, "trust"));
    return new PeerTls(
        List.of(chainFile, keyFile, trustFile),
        (contents, trusted) ->
            TlsMaterial.of(
                chainFile,
                Pem.certificates(chainFile, contents.get(0)),
                keyFile,
                Pem.key(keyFile, contents.get(1)),
                trusted),
        content -> Pem.certificates(trustFile, content));
  }

  /**
   * From key stores of a type that the JDK knows, PKCS #12 or JKS. The passwords are copied.
   *
   * @param keyStore has one private key with its certificates, under the password of the store
   * @param trustStore has the certificates of the authorities or peers that are believed
   */
  public static PeerTls fromKeyStore(
      Path keyStore, char[] keyStorePassword, Path trustStore, char[] trustStorePassword) {
    var keyFile = new NamedFile("keyStore", Objects.requireNonNull(keyStore, "keyStore"));
    var trustFile = new NamedFile("trustStore", Objects.requireNonNull(trustStore, "trustStore"));
    char[] keyPassword =
        Objects.requireNonNull(keyStorePassword, "keyStorePassword must not be null").clone();
    char[] trustPassword =
        Objects.requireNonNull(trustStorePassword, "trustStorePassword must not be null").clone();
    return new PeerTls(
        List.of(keyFile, trustFile),
        (contents, trusted) -> {
          KeyStore keys = open(keyFile, contents.get(0), keyPassword);
          String alias = onlyKey(keyFile, keys);
          return TlsMaterial.of(
              keyFile,
              chain(keyFile, keys, alias),
              keyFile,
              key(keyFile, keys, alias, keyPassword),
              trusted);
        },
        content -> trusted(trustFile, open(trustFile, content, trustPassword)));
  }

  private static KeyStore open(NamedFile file, byte[] content, char[] password) {
    // The JDK's own type takes both PKCS #12 and JKS.
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(new ByteArrayInputStream(content), password);
      return store;
    } catch (IOException e) {
      // Cause and message of a bad store may have some of it: neither goes on.
      throw file.bad(
          e.getCause() instanceof UnrecoverableKeyException
              ? "does not open: the password is wrong"
              : "is no key store, or is damaged; it must be PKCS #12 or JKS",
          null);
    } catch (GeneralSecurityException e) {
      throw file.bad("cannot be used by this JDK (" + e.getClass().getSimpleName() + ")", null);
    }
  }

  private static String onlyKey(NamedFile file, KeyStore store) {
    try {
      var keys = new ArrayList<String>();
      for (String alias : Collections.list(store.aliases())) {
        if (store.isKeyEntry(alias)) {
          keys.add(alias);
        }
      }
      if (keys.size() != 1) {
        throw file.bad(
            keys.isEmpty()
                ? "has no private key; is it the trust store?"
                : "has " + keys.size() + " private keys, " + keys + "; it must have one",
            null);
      }
      return keys.get(0);
    } catch (GeneralSecurityException e) {
      throw file.bad("cannot be listed", e);
    }
  }

  private static PrivateKey key(NamedFile file, KeyStore store, String alias, char[] password) {
    Key key;
    try {
      key = store.getKey(alias, password);
    } catch (GeneralSecurityException e) {
      throw file.bad(
          "has the key \"" + alias + "\" under another password than its own; use the same", null);
    }
    if (key instanceof PrivateKey privateKey) {
      return privateKey;
    }
    throw file.bad("has the key \"" + alias + "\", which is no private key", null);
  }

  private static List<X509Certificate> chain(NamedFile file, KeyStore store, String alias) {
    var chain = new ArrayList<X509Certificate>();
    try {
      Certificate @Nullable [] stored = store.getCertificateChain(alias);
      for (Certificate each : stored == null ? new Certificate[0] : stored) {
        if (each instanceof X509Certificate certificate) {
          chain.add(certificate);
        }
      }
    } catch (GeneralSecurityException e) {
      throw file.bad("cannot be listed", e);
    }
    if (chain.isEmpty()) {
      throw file.bad("has no certificate for the key \"" + alias + "\"", null);
    }
    return chain;
  }

  private static List<X509Certificate> trusted(NamedFile file, KeyStore store) {
    var trusted = new ArrayList<X509Certificate>();
    try {
      for (String alias : Collections.list(store.aliases())) {
        if (store.isCertificateEntry(alias)
            && store.getCertificate(alias) instanceof X509Certificate certificate) {
          trusted.add(certificate);
        }
      }
    } catch (GeneralSecurityException e) {
      throw file.bad("cannot be listed", e);
    }
    if (trusted.isEmpty()) {
      throw file.bad("has no trusted certificate; import one (keytool -importcert)", null);
    }
    return trusted;
  }

  /**
   * What the files have now, each whole.
   *
   * @throws io.metafabric.core.error.ConfigurationException if one cannot be read
   */
  List<byte[]> read() {
    return files.stream().map(NamedFile::read).toList();
  }

  /**
   * What was read means.
   *
   * @throws io.metafabric.core.error.ConfigurationException if it is not what it should be
   */
  TlsMaterial load(List<byte[]> contents) {
    return loader.load(contents, trusted(contents.get(contents.size() - 1)));
  }

  /**
   * Whom the trust file has now, whatever the others have.
   *
   * @throws io.metafabric.core.error.ConfigurationException if it cannot be read, or is not what it
   *     should be
   */
  TrustedNow trusted() {
    return trusted(trustFile().read());
  }

  private TrustedNow trusted(byte[] content) {
    return new TrustedNow(trustFile(), trustLoader.load(content));
  }

  /** The files by name, and nothing of what is in them. */
  @Override
  public String toString() {
    return files.stream().map(NamedFile::toString).collect(Collectors.joining(", "));
  }
}
