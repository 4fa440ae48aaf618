package io.metafabric.core.transport;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** An authority that makes certificates as tests need them, good ones and bad ones. */
public final class TestCertificates {
  /** A certificate and its key. */
  public record Made(X509Certificate certificate, PrivateKey key, X509Certificate authority) {
    public Path certificateTo(Path file) throws IOException {
      return Files.writeString(file, pem(certificate));
    }

    public Path keyTo(Path file) throws IOException {
      return Files.writeString(file, pem("PRIVATE KEY", key.getEncoded()));
    }

    /** A key store with the key alone. */
    public Path keyStoreTo(Path file, String password)
        throws GeneralSecurityException, IOException {
      KeyStore store = newStore();
      store.setKeyEntry(
          "node", key, password.toCharArray(), new Certificate[] {certificate, authority});
      return write(store, file, password);
    }
  }

  /** How a certificate is to be. */
  public static final class Wish {
    private final List<String> uris = new ArrayList<>();
    private Instant from = Instant.now().minus(Duration.ofDays(1));
    private Instant until = Instant.now().plus(Duration.ofDays(30));
    private String usage;
    private KeyPair keys;

    public Wish uri(String uri) {
      uris.add(uri);
      return this;
    }

    public Wish from(Instant time) {
      from = time;
      return this;
    }

    public Wish until(Instant time) {
      until = time;
      return this;
    }

    /** Instead of new ones on the curve P-256. */
    public Wish keys(KeyPair pair) {
      keys = pair;
      return this;
    }

    /**
     * @param oid the only extended key usage
     */
    public Wish usage(String oid) {
      usage = oid;
      return this;
    }
  }

  private static final String ECDSA_SHA256 = "1.2.840.10045.4.3.2";
  private static final String ALTERNATIVE_NAMES = "2.5.29.17";
  private static final String BASIC_CONSTRAINTS = "2.5.29.19";
  private static final String EXTENDED_USAGE = "2.5.29.37";

  private final String name;
  private final KeyPair keys;
  private final X509Certificate own;
  private int serial = 1;

  public TestCertificates(String name) throws GeneralSecurityException {
    this(name, newKeys(), new Wish().until(Instant.now().plus(Duration.ofDays(60))));
  }

  /** One whose own certificate is of a region, as {@code openssl req -x509} makes it by default. */
  public static TestCertificates ofRegion(String uri) throws GeneralSecurityException {
    return new TestCertificates("region", newKeys(), new Wish().uri(uri));
  }

  private TestCertificates(String name, KeyPair keys, Wish wish) throws GeneralSecurityException {
    this.name = name;
    this.keys = keys;
    this.own =
        certificate(
            name,
            keys,
            wish,
            Der.sequence(
                Der.oid(BASIC_CONSTRAINTS), Der.isTrue(), Der.octets(Der.sequence(Der.isTrue()))));
  }

  /** The same authority, with a certificate of its own for another time. */
  public TestCertificates valid(Instant from, Instant until) throws GeneralSecurityException {
    return new TestCertificates(name, keys, new Wish().from(from).until(until));
  }

  /** Its own certificate. */
  public X509Certificate certificate() {
    return own;
  }

  public Path certificateTo(Path file) throws IOException {
    return Files.writeString(file, pem(own));
  }

  /** A key store with the certificate of the authority alone. */
  public Path trustStoreTo(Path file, String password)
      throws GeneralSecurityException, IOException {
    KeyStore store = newStore();
    store.setCertificateEntry("ca", own);
    return write(store, file, password);
  }

  /** The certificate of a region, good for a month. */
  public Made of(String cluster, String region) throws GeneralSecurityException {
    return make(new Wish().uri("metafabric://" + cluster + "/" + region));
  }

  /** One that nobody has issued but who shows it, by the name of the authority. */
  public Made selfSigned(Wish wish) throws GeneralSecurityException {
    KeyPair subject = newKeys();
    X509Certificate signed =
        new TestCertificates(name, subject, wish).certificate(name, subject, wish, new byte[0]);
    return new Made(signed, subject.getPrivate(), signed);
  }

  public Made make(Wish wish) throws GeneralSecurityException {
    KeyPair subject = wish.keys == null ? newKeys() : wish.keys;
    return new Made(certificate("node", subject, wish, new byte[0]), subject.getPrivate(), own);
  }

  private X509Certificate certificate(String subject, KeyPair of, Wish wish, byte[] more)
      throws GeneralSecurityException {
    byte[] algorithm = Der.sequence(Der.oid(ECDSA_SHA256));
    byte[] body =
        Der.sequence(
            Der.tagged(0xa0, Der.integer(2)),
            Der.integer(serial++),
            algorithm,
            Der.name(name),
            Der.sequence(Der.time(wish.from), Der.time(wish.until)),
            Der.name(subject),
            of.getPublic().getEncoded(),
            Der.tagged(0xa3, Der.sequence(names(wish), usage(wish), more)));
    Signature signing = Signature.getInstance("SHA256withECDSA");
    signing.initSign(keys.getPrivate());
    signing.update(body);
    byte[] whole = Der.sequence(body, algorithm, Der.bits(signing.sign()));
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(whole));
  }

  private static byte[] names(Wish wish) {
    if (wish.uris.isEmpty()) {
      return new byte[0];
    }
    byte[][] uris =
        wish.uris.stream()
            .map(uri -> Der.tagged(0x86, uri.getBytes(StandardCharsets.US_ASCII)))
            .toArray(byte[][]::new);
    return Der.sequence(Der.oid(ALTERNATIVE_NAMES), Der.octets(Der.sequence(uris)));
  }

  private static byte[] usage(Wish wish) {
    return wish.usage == null
        ? new byte[0]
        : Der.sequence(Der.oid(EXTENDED_USAGE), Der.octets(Der.sequence(Der.oid(wish.usage))));
  }

  private static KeyPair newKeys() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static KeyStore newStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Path write(KeyStore store, Path file, String password)
      throws GeneralSecurityException, IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password.toCharArray());
    }
    return file;
  }

  public static String pem(X509Certificate certificate) {
    try {
      return pem("CERTIFICATE", certificate.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public static String pem(String label, byte[] content) {
    String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
  }
}
