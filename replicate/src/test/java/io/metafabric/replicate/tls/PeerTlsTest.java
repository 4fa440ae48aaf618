package io.metafabric.replicate.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerIdentity;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.core.transport.TestCertificates.Wish;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator can get wrong about certificates is told with file and field, and no secret. */
class PeerTlsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final String PASSWORD = "s3cret-of-the-store";

  @TempDir Path directory;

  private TestCertificates authority;
  private Made eu;
  private Path certificate;
  private Path key;
  private Path trust;

  @BeforeEach
  void makeGoodOnes() throws Exception {
    authority = new TestCertificates("prod");
    eu = authority.of("prod", "eu");
    certificate = eu.certificateTo(directory.resolve("eu.pem"));
    key = eu.keyTo(directory.resolve("eu.key"));
    trust = authority.certificateTo(directory.resolve("ca.pem"));
  }

  private PeerProof open() {
    return open(PeerTls.fromPem(certificate, key, trust));
  }

  private static PeerProof open(PeerTls files) {
    return PeerProof.open(files, "prod", EU, System::currentTimeMillis);
  }

  /** The message has all the words, and neither it nor a cause's has anything secret. */
  private void refused(PeerTls files, String... words) {
    ConfigurationException refusal =
        catchThrowableOfType(ConfigurationException.class, () -> open(files));
    assertThat(refusal).as("it was taken").isNotNull();
    assertThat(refusal).hasMessageContainingAll(words);
    var all = new StringWriter();
    refusal.printStackTrace(new PrintWriter(all));
    String encoded = Base64.getEncoder().encodeToString(eu.key().getEncoded());
    assertThat(all + files.toString())
        .doesNotContain(PASSWORD)
        .doesNotContain("wrong-one")
        .doesNotContain(encoded.substring(40, 60));
  }

  private void refused(String... words) {
    refused(PeerTls.fromPem(certificate, key, trust), words);
  }

  @Test
  void goodFilesAreTaken_inBothForms_andNeitherShowsASecret() throws Exception {
    assertThat(open().stats().expiresAtMs())
        .isEqualTo(eu.certificate().getNotAfter().toInstant().toEpochMilli());
    Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
    Path trustStore = authority.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
    PeerTls stores =
        PeerTls.fromKeyStore(keyStore, PASSWORD.toCharArray(), trustStore, PASSWORD.toCharArray());
    open(stores);
    assertThat(stores).asString().contains("eu.p12", "trust.p12").doesNotContain(PASSWORD);
  }

  @Test
  void theCallersPasswordMayBeWipedAfterwards() throws Exception {
    Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
    Path trustStore = authority.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
    char[] password = PASSWORD.toCharArray();
    PeerTls stores = PeerTls.fromKeyStore(keyStore, password, trustStore, password);
    Arrays.fill(password, 'x');
    open(stores);
  }

  @Test
  void aFileThatIsMissing_orIsADirectory_isNamedWithItsField() throws Exception {
    Path missing = directory.resolve("no-such.pem");
    refused(PeerTls.fromPem(missing, key, trust), "certificate", missing.toString(), "not exist");
    refused(PeerTls.fromPem(certificate, missing, trust), "key", missing.toString(), "not exist");
    refused(PeerTls.fromPem(certificate, key, missing), "trust", missing.toString(), "not exist");
    refused(PeerTls.fromPem(certificate, key, directory), "trust", "is a directory");
    char[] password = PASSWORD.toCharArray();
    refused(PeerTls.fromKeyStore(missing, password, missing, password), "keyStore", "not exist");
  }

  @Test
  void aKeyFileWithoutAUsableKey_saysWhatItHasInstead() throws Exception {
    Files.copy(certificate, directory.resolve("not-a-key"));
    key = directory.resolve("not-a-key");
    refused("key", "no private key");
    byte[] pkcs8 = eu.key().getEncoded();
    keyIs(TestCertificates.pem("ENCRYPTED PRIVATE KEY", pkcs8));
    refused("key", "encrypted key", "openssl pkey");
    keyIs(TestCertificates.pem("EC PRIVATE KEY", pkcs8));
    refused("key", "EC PRIVATE KEY", "openssl pkcs8");
    keyIs(TestCertificates.pem("PRIVATE KEY", new byte[] {1, 2, 3}));
    refused("key", "cannot be read");
    keyIs("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n");
    refused("key", "cannot be read");
    String good = TestCertificates.pem("PRIVATE KEY", pkcs8);
    keyIs(good + good);
    refused("key", "more than one");
    keyIs(good.replace("-----END PRIVATE KEY-----", "-----END PRIVATE KEX-----"));
    refused("key", "in line", "the end of the one before");
  }

  private void keyIs(String content) throws IOException {
    Files.writeString(key, content);
  }

  @Test
  void aCertificateFileWithoutACertificate_orADamagedOne_isNamed() throws Exception {
    Files.writeString(certificate, "hello");
    refused("certificate", "no certificate", "BEGIN CERTIFICATE");
    Files.writeString(certificate, TestCertificates.pem("CERTIFICATE", new byte[] {1, 2, 3}));
    refused("certificate", "number 1", "cannot be read");
    eu.certificateTo(certificate);
    Files.writeString(trust, "");
    refused("trust", "no certificate");
  }

  @Test
  void anAuthorityThatIsCommentedOut_isNotTrusted() throws Exception {
    var other = new TestCertificates("other");
    String commented = TestCertificates.pem(other.certificate()).replaceAll("(?m)^", "# ");
    Files.writeString(
        trust, "made today\n" + TestCertificates.pem(authority.certificate()) + commented);
    PeerProof proof = open();
    assertThat(proof.whoIs(chainOf("us"))).hasToString("metafabric://prod/us");
    notTrusted(proof, other.of("prod", "us"), "not trusted here");
    Files.writeString(trust, commented);
    refused("trust", "no certificate");
  }

  @ParameterizedTest
  @CsvSource({
    "-----END CERTIFICATE-----, -----END CERTIFICATE----, line 'LAST'",
    "-----END CERTIFICATE-----, ----END CERTIFICATE-----, line 'LAST'",
    "-----END CERTIFICATE-----, -----END CERTIFICAT-----, line 'LAST'",
    "-----END CERTIFICATE-----, '', line 1",
    "-----BEGIN CERTIFICATE-----, ----BEGIN CERTIFICATE-----, line 1",
    "-----BEGIN CERTIFICATE-----, '', line 'LAST'",
    "-----BEGIN CERTIFICATE-----, # -----BEGIN CERTIFICATE-----, line 'LAST'",
    "CERTIFICATE-----, CERITFICATE-----, a section in line 1",
    "CERTIFICATE-----, X509 CRL-----, revocation list in line 1",
    "MII, M!I, cannot be read",
  })
  void aTypoInATrustFile_leavesNobodyOut_withoutAWord(String what, String typo, String told)
      throws Exception {
    String good = TestCertificates.pem(authority.certificate());
    String bad = good.replace(what, typo);
    assertThat(bad).isNotEqualTo(good);
    int last = good.split("\n").length;
    String expected = told.replace("'LAST'", "" + last);
    Files.writeString(trust, bad + TestCertificates.pem(new TestCertificates("b").certificate()));
    refused("trust", expected);
    Files.writeString(trust, bad);
    refused("trust", expected);
  }

  @Test
  void whatElseAFileMayHave_isPassedOver() throws Exception {
    String own = TestCertificates.pem(eu.certificate());
    Files.writeString(
        certificate,
        "Bag Attributes\n  a: b\n"
            + TestCertificates.pem("PRIVATE KEY", new byte[] {1})
            + own.replace("\n", "\r\n"));
    assertThat(open().stats().problem()).isNull();
  }

  @Test
  void theKeyOfAnotherCertificate_isTold() throws Exception {
    authority.of("prod", "eu").keyTo(key);
    refused("key", "not the one of the certificate metafabric://prod/eu");
    KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
    rsa.initialize(2048);
    keyIs(TestCertificates.pem("PRIVATE KEY", rsa.generateKeyPair().getPrivate().getEncoded()));
    refused("key", "not the one of the certificate");
  }

  @Test
  void aCertificateOutOfItsTime_isRefusedWithTheTime() throws Exception {
    Instant yesterday = Instant.now().minus(Duration.ofDays(1));
    ownIs(new Wish().uri("metafabric://prod/eu").from(yesterday.minusSeconds(9)).until(yesterday));
    refused("certificate", "has expired at " + yesterday.toString().substring(0, 16));
    Instant tomorrow = Instant.now().plus(Duration.ofDays(1));
    ownIs(new Wish().uri("metafabric://prod/eu").from(tomorrow));
    refused("certificate", "not valid before " + tomorrow.toString().substring(0, 16));
  }

  @Test
  void anAuthorityOutOfItsTime_isRefused_withFileAndField() throws Exception {
    Instant yesterday = Instant.now().minus(Duration.ofDays(1));
    TestCertificates old = authority.valid(yesterday.minusSeconds(9), yesterday);
    String since = "which has expired at " + yesterday.toString().substring(0, 16);
    old.certificateTo(trust);
    refused("trust " + trust, "no certificate that is valid now", "\"CN=prod\"", since);
    Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
    Path trustStore = old.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
    char[] password = PASSWORD.toCharArray();
    refused(
        PeerTls.fromKeyStore(keyStore, password, trustStore, password),
        "trustStore " + trustStore,
        since);
    authority.certificateTo(trust);
    Files.writeString(
        certificate,
        TestCertificates.pem(eu.certificate()) + TestCertificates.pem(old.certificate()));
    refused("certificate " + certificate, "number 2", "\"CN=prod\"", since);

    Instant tomorrow = Instant.now().plus(Duration.ofDays(1));
    eu.certificateTo(certificate);
    authority.valid(tomorrow, tomorrow.plusSeconds(9)).certificateTo(trust);
    refused("trust " + trust, "not valid before " + tomorrow.toString().substring(0, 16));
  }

  @Test
  void whoIsOfAnAuthorityThatHasExpired_isNotTrusted_andTheOthersAre() throws Exception {
    Instant now = Instant.now();
    var brief = new TestCertificates("brief").valid(now.minusSeconds(60), now.plusSeconds(300));
    Made us = brief.of("prod", "us");
    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(brief.certificate()));
    var aheadMs = new AtomicLong();
    PeerProof proof =
        PeerProof.open(
            PeerTls.fromPem(certificate, key, trust),
            "prod",
            EU,
            () -> System.currentTimeMillis() + aheadMs.get());
    assertThat(proof.whoIs(new X509Certificate[] {us.certificate()}))
        .hasToString("metafabric://prod/us");

    aheadMs.set(600_000);
    notTrusted(
        proof,
        us,
        "metafabric://prod/us is not trusted here",
        "trust " + trust + " has the certificate of \"CN=brief\", which has expired at");
    assertThat(proof.whoIs(chainOf("us"))).hasToString("metafabric://prod/us");
    notTrusted(proof, new TestCertificates("brief").of("prod", "us"), "issued by one");

    // Its own certificate was renewed for the same key.
    brief.valid(now, now.plusSeconds(3_600)).certificateTo(trust);
    proof.reload();
    assertThat(proof.whoIs(new X509Certificate[] {us.certificate()}))
        .hasToString("metafabric://prod/us");
    aheadMs.set(7_200_000);
    notTrusted(proof, us, "trust " + trust, "\"CN=brief\", which has expired at");
  }

  @Test
  void whatEndsFirst_isTold() throws Exception {
    Instant until = Instant.now().plus(Duration.ofDays(2));
    long untilMs = until.getEpochSecond() * 1000;
    authority.valid(until.minusSeconds(1_000_000), until).certificateTo(trust);
    assertThat(open().stats().expiresAtMs()).as("of the authority").isEqualTo(untilMs);
    authority.certificateTo(trust);
    Files.writeString(
        certificate,
        TestCertificates.pem(eu.certificate())
            + TestCertificates.pem(
                authority.valid(until.minusSeconds(1_000_000), until).certificate()));
    assertThat(open().stats().expiresAtMs()).as("of its own chain").isEqualTo(untilMs);
  }

  private static KeyPair rsaPss(@Nullable PSSParameterSpec boundTo)
      throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSASSA-PSS");
    generator.initialize(new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4, boundTo));
    return generator.generateKeyPair();
  }

  @Test
  void anRsaPssKey_isTaken_inBothForms_andIsToldFromAnother() throws Exception {
    Wish wish = new Wish().uri("metafabric://prod/eu");
    for (PSSParameterSpec boundTo : Arrays.asList(null, pss("SHA-384", 48))) {
      eu = authority.make(wish.keys(rsaPss(boundTo)));
      eu.certificateTo(certificate);
      eu.keyTo(key);
      assertThat(open().stats().problem()).isNull();
      Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
      Path trustStore = authority.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
      char[] password = PASSWORD.toCharArray();
      open(PeerTls.fromKeyStore(keyStore, password, trustStore, password));
    }
    authority.make(wish.keys(rsaPss(null))).keyTo(key);
    refused("key " + key, "not the one of the certificate metafabric://prod/eu");
  }

  private static PSSParameterSpec pss(String digest, int saltBytes) {
    return new PSSParameterSpec(digest, "MGF1", new MGF1ParameterSpec(digest), saltBytes, 1);
  }

  @Test
  void aKeyThatTlsCannotUse_isRefused() throws Exception {
    eu = authority.make(new Wish().uri("metafabric://prod/eu").keys(rsaPss(pss("SHA-1", 20))));
    eu.certificateTo(certificate);
    eu.keyTo(key);
    refused("key " + key, "bound to SHA-1", "SHA-256");
    KeyPairGenerator dsa = KeyPairGenerator.getInstance("DSA");
    dsa.initialize(2048);
    eu = authority.make(new Wish().uri("metafabric://prod/eu").keys(dsa.generateKeyPair()));
    Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
    Path trustStore = authority.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
    char[] password = PASSWORD.toCharArray();
    refused(
        PeerTls.fromKeyStore(keyStore, password, trustStore, password),
        "keyStore " + keyStore,
        "of the kind DSA",
        "RSA-PSS");
  }

  private void ownIs(Wish wish) throws GeneralSecurityException, IOException {
    Made made = authority.make(wish);
    made.certificateTo(certificate);
    made.keyTo(key);
  }

  @Test
  void aCertificateOfAnotherRegionOrCluster_orOfNone_isRefused_andBothAreNamed() throws Exception {
    ownIs(new Wish().uri("metafabric://prod/us"));
    refused("certificate of metafabric://prod/us", "this node is metafabric://prod/eu");
    ownIs(new Wish().uri("metafabric://test/eu"));
    refused("certificate of metafabric://test/eu", "this node is metafabric://prod/eu");
    ownIs(new Wish());
    refused("certificate", "no name of a region", "metafabric://cluster/region");
    ownIs(new Wish().uri("https://prod/eu"));
    refused("certificate", "no name of a region");
    ownIs(new Wish().uri("metafabric://prod/eu").uri("metafabric://prod/us"));
    refused("certificate", "more than one name");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "metafabric://prod",
        "metafabric:///eu",
        "metafabric://prod/EU",
        "metafabric://prod/eu/",
        "metafabric://prod/eu/xyz",
        "metafabric://prod/eu/1/2"
      })
  void aNameThatIsNotOne_isShown(String uri) throws Exception {
    ownIs(new Wish().uri(uri));
    refused("certificate", uri);
  }

  @ParameterizedTest
  @CsvSource({"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"})
  void aCertificateForOneDirectionAlone_isRefused(String usage) throws Exception {
    ownIs(new Wish().uri("metafabric://prod/eu").usage(usage));
    refused("certificate", "serverAuth and clientAuth");
  }

  @Test
  void keyStores_withAWrongPassword_orWithoutWhatIsNeeded_areNamed() throws Exception {
    Path keyStore = eu.keyStoreTo(directory.resolve("eu.p12"), PASSWORD);
    Path trustStore = authority.trustStoreTo(directory.resolve("trust.p12"), PASSWORD);
    char[] right = PASSWORD.toCharArray();
    char[] wrong = "wrong-one".toCharArray();
    refused(
        PeerTls.fromKeyStore(keyStore, wrong, trustStore, right),
        "keyStore " + keyStore,
        "password is wrong");
    refused(
        PeerTls.fromKeyStore(keyStore, right, trustStore, wrong),
        "trustStore " + trustStore,
        "password is wrong");
    refused(
        PeerTls.fromKeyStore(trustStore, right, trustStore, right),
        "keyStore " + trustStore,
        "no private key");
    refused(
        PeerTls.fromKeyStore(keyStore, right, keyStore, right),
        "trustStore " + keyStore,
        "no trusted certificate");
    refused(
        PeerTls.fromKeyStore(certificate, right, trustStore, right),
        "keyStore " + certificate,
        "no key store");
  }

  @Test
  void aReloadTakesWhatIsGood_andKeepsWhatWas_whereItIsNot() throws Exception {
    PeerProof proof = open();
    assertThat(proof.reload()).as("nothing has changed").isFalse();

    Files.writeString(certificate, "half wri");
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(proof::reload)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining(certificate.toString());
    }
    assertThat(proof.stats().failedReloads()).as("once for one problem").isEqualTo(1);
    assertThat(proof.stats().problem()).contains(certificate.toString());
    assertThat(proof.whoIs(chainOf("us"))).hasToString("metafabric://prod/us");

    ownIs(new Wish().uri("metafabric://prod/eu"));
    assertThat(proof.reload()).isTrue();
    assertThat(proof.stats().problem()).isNull();
    assertThat(proof.stats().reloads()).isEqualTo(1);

    Files.delete(trust);
    assertThatThrownBy(proof::reload).hasMessageContainingAll("trust", "not exist");
    authority.certificateTo(trust);
    proof.reload();
    assertThat(proof.stats().problem()).as("it is back, as it was").isNull();
  }

  private X509Certificate[] chainOf(String region) throws GeneralSecurityException {
    return new X509Certificate[] {authority.of("prod", region).certificate()};
  }

  @Test
  void whoIsTrusted_isWhomTheFileNames_asAuthorityOrByItself() throws Exception {
    PeerProof proof = open();
    var other = new TestCertificates("prod");
    Made stranger = other.of("prod", "us");
    notTrusted(proof, stranger, "metafabric://prod/us", "not trusted here");
    notTrusted(proof, authority.of("test", "us"), "not of this cluster, \"prod\"");
    notTrusted(proof, authority.make(new Wish()), "no name of a region");

    // By itself; and then its end is looked at all the same.
    Made us = other.make(new Wish().uri("metafabric://prod/us/7f"));
    us.certificateTo(trust);
    proof.reload();
    assertThat(proof.whoIs(new X509Certificate[] {us.certificate()}))
        .isEqualTo(new PeerIdentity("prod", new RegionName("us"), 0x7fL));
    notTrusted(proof, authority.of("prod", "us"), "not trusted here");
    Made old =
        other.make(
            new Wish()
                .uri("metafabric://prod/us")
                .from(Instant.now().minusSeconds(90))
                .until(Instant.now().minusSeconds(60)));
    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(old.certificate()));
    proof.reload();
    notTrusted(proof, old, "has expired");
  }

  /** Its owner could be any region, else. */
  @Test
  void aRegionWhoseCertificateSaysThatItIsAnAuthority_isTrustedForItselfAlone() throws Exception {
    var us = TestCertificates.ofRegion("metafabric://prod/us");
    us.certificateTo(trust);
    PeerProof proof = open();
    assertThat(proof.whoIs(new X509Certificate[] {us.certificate()}))
        .hasToString("metafabric://prod/us");
    notTrusted(proof, us.of("prod", "ap"), "names a region", "for itself alone");

    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(us.certificate()));
    proof.reload();
    assertThat(proof.whoIs(new X509Certificate[] {us.certificate()}))
        .hasToString("metafabric://prod/us");
    assertThat(proof.whoIs(chainOf("ap"))).hasToString("metafabric://prod/ap");
    notTrusted(proof, us.of("prod", "ap"), "names a region", "for itself alone");
  }

  @Test
  void whoIsTakenOutOfTheTrustFile_isShutOut_whateverIsWrongWithThisNodesOwnFiles()
      throws Exception {
    var other = new TestCertificates("other");
    Made us = other.of("prod", "us");
    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(other.certificate()));
    PeerProof proof = open();
    X509Certificate[] chain = {us.certificate()};
    assertThat(proof.whoIs(chain)).hasToString("metafabric://prod/us");

    Files.delete(certificate);
    authority.certificateTo(trust);
    assertThatThrownBy(proof::reload).hasMessageContaining("certificate");
    notTrusted(proof, us, "not trusted here");
    assertThat(proof.stats().problem()).contains(certificate.toString());
    assertThat(proof.whoIs(chainOf("ap"))).as("it goes on").hasToString("metafabric://prod/ap");

    Files.writeString(trust, "");
    assertThatThrownBy(proof::reload).isInstanceOf(ConfigurationException.class);
    assertThat(proof.whoIs(chainOf("ap"))).as("nobody is no file").isNotNull();
  }

  private static void notTrusted(PeerProof proof, Made who, String... words) {
    assertThatThrownBy(() -> proof.whoIs(new X509Certificate[] {who.certificate()}))
        .isInstanceOf(CertificateException.class)
        .hasMessageContainingAll(words);
  }

  @Test
  void aNameThatIsNoHostName_isEncoded_andUnderstood() throws Exception {
    String cluster = "a/b \u00e9+";
    var identity = new PeerIdentity(cluster, EU, -1L);
    assertThat(CertificateName.parse(identity.toString())).isEqualTo(identity);
    assertThat(identity.toString().getBytes(StandardCharsets.UTF_8))
        .hasSize(identity.toString().length());
  }
}
