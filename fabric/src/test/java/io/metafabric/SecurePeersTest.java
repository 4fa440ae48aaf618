package io.metafabric;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.transport.FreePorts;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.core.transport.TestCertificates.Wish;
import io.metafabric.core.transport.TlsStats;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.tls.PeerTls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Regions that prove who they are to each other, and what becomes of those that do not. */
class SecurePeersTest {
  @TempDir Path directory;

  private TestCertificates authority;
  private List<Integer> ports = List.of();

  @BeforeEach
  void prepare() throws Exception {
    authority = new TestCertificates("prod");
    ports = FreePorts.take(3);
  }

  private FabricBuilder region(String name, int port, String peer, int peerPort) {
    return MetadataFabric.builder()
        .cluster("prod")
        .region(name)
        .directory(directory.resolve(name))
        .listen("127.0.0.1:" + ports.get(port))
        .peer(peer, "127.0.0.1:" + ports.get(peerPort));
  }

  private FabricBuilder eu() {
    return region("eu", 0, "us", 1);
  }

  private FabricBuilder us() {
    return region("us", 1, "eu", 0);
  }

  private PeerTls files(String node, Made own) throws IOException {
    return PeerTls.fromPem(
        own.certificateTo(directory.resolve(node + ".pem")),
        own.keyTo(directory.resolve(node + ".key")),
        authority.certificateTo(directory.resolve(node + "-trust.pem")));
  }

  private PeerTls files(String region) throws Exception {
    return files(region, authority.of("prod", region));
  }

  private static void awaitThat(String what, Callable<Boolean> condition) {
    await(what).atMost(Duration.ofSeconds(30)).until(condition);
  }

  private static boolean isInSync(MetadataFabric fabric, String peer) {
    return fabric.peer(peer).stats().state() == PeerState.IN_SYNC;
  }

  private static TlsStats tls(MetadataFabric fabric) {
    return Objects.requireNonNull(fabric.stats().transport().tls());
  }

  @Test
  void regionsWithCertificates_replicate_andGoOnOverNewOnes() throws Exception {
    try (var eu = eu().tls(files("eu")).open();
        var us = us().tls(files("us")).open()) {
      eu.put("n/1", "over TLS".getBytes(UTF_8));
      awaitThat("in sync", () -> isInSync(eu, "us") && isInSync(us, "eu"));
      // What was written just now may still be on its way.
      awaitThat("the value", () -> us.get("n/1").isPresent());
      assertThat(us.get("n/1").orElseThrow().bytes()).isEqualTo("over TLS".getBytes(UTF_8));
      assertThat(tls(eu).handshakes()).isPositive();

      // Certificate and key are replaced by others of the same region.
      files("eu");
      eu.reloadCertificates();
      assertThat(tls(eu).reloads()).isEqualTo(1);
      assertThat(isInSync(eu, "us")).as("nothing that is trusted is closed").isTrue();

      Files.writeString(directory.resolve("eu.pem"), "a typo");
      assertThatThrownBy(eu::reloadCertificates)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContainingAll("certificate", "eu.pem");
      assertThat(tls(eu).problem()).contains("eu.pem");
      eu.put("n/2", new byte[1]);
      awaitThat("it goes on", () -> us.explain("n/2").version().isPresent());
    }
    assertThat(OpenAndCloseTest.threads()).isEmpty();
  }

  @Test
  void aRegionTakenFromTheTrustFile_isCutOff_andIsTold() throws Exception {
    var other = new TestCertificates("other");
    Made usOwn = other.of("prod", "us");
    PeerTls euFiles = files("eu");
    Path trust = directory.resolve("eu-trust.pem");
    String both =
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(other.certificate());
    Files.writeString(trust, both);
    try (var eu = eu().tls(euFiles).open();
        var us = us().tls(files("us", usOwn)).open()) {
      awaitThat("in sync", () -> isInSync(eu, "us") && isInSync(us, "eu"));
      authority.certificateTo(trust);
      eu.reloadCertificates();
      awaitThat("out", () -> eu.peer("us").stats().refusal() == Refusal.CERTIFICATE);
      assertThat(eu.peer("us").stats().problem())
          .contains("metafabric://prod/us is not trusted here");
      awaitThat("told", () -> us.peer("eu").stats().refusal() == Refusal.CERTIFICATE);
      assertThat(us.peer("eu").stats().problem()).contains("certificate");
      awaitThat("refused from then on", () -> tls(eu).refused() > 0);
      us.put("n/after", new byte[1]);

      Files.writeString(trust, both);
      eu.reloadCertificates();
      awaitThat("back", () -> isInSync(eu, "us") && isInSync(us, "eu"));
      awaitThat("what was written meanwhile", () -> eu.explain("n/after").version().isPresent());
      assertThat(us.peer("eu").stats().refusal()).isNull();
    }
  }

  @Test
  void aRegionThatShowsTheCertificateOfAnother_isRefused_andToldBoth() throws Exception {
    try (var eu =
            MetadataFabric.builder()
                .region("eu")
                .directory(directory.resolve("eu"))
                .listen("127.0.0.1:0")
                .peer("us", "127.0.0.1:" + ports.get(1))
                .tls(files("eu", authority.of("default", "eu")))
                .open();
        var impostor = new RawPeer(dial(eu, authority.of("default", "ap")))) {
      impostor.send(RawPeer.hello(FrameCodec.PROTOCOL, 1 << 20));
      Frame.Refuse refuse = (Frame.Refuse) impostor.read();
      assertThat(refuse.reason()).isEqualTo(Refusal.CERTIFICATE);
      assertThat(refuse.message())
          .contains("region us shows the certificate of metafabric://default/ap")
          .contains("not of metafabric://default/us");
      assertThat(impostor.isAtEnd()).isTrue();
      assertThat(eu.stats().replication().refusedPeers()).isEqualTo(1);
      assertThat(eu.peer("us").stats().refusal()).isEqualTo(Refusal.CERTIFICATE);
      assertThat(eu.peer("us").stats().problem()).contains("metafabric://default/ap");
    }
    // An older dialler does not know the reason, and is given one that it does.
    assertThat(Refusal.CERTIFICATE.toldIn(1)).isEqualTo(Refusal.REGION);
  }

  private SSLSocket dial(MetadataFabric to, Made as) throws Exception {
    char[] password = "test".toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("key", as.key(), password, new Certificate[] {as.certificate()});
    store.setCertificateEntry("ca", authority.certificate());
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return (SSLSocket)
        context.getSocketFactory().createSocket("127.0.0.1", to.listening().orElseThrow().port());
  }

  @Test
  void aCertificateThatIsBoundToAnotherDirectory_isRefused() throws Exception {
    Made bound = authority.make(new Wish().uri("metafabric://prod/us/1234"));
    try (var eu = eu().tls(files("eu")).open();
        var us = us().tls(files("us", bound)).open()) {
      awaitThat("refused", () -> eu.peer("us").stats().refusal() == Refusal.CERTIFICATE);
      awaitThat("told", () -> us.peer("eu").stats().refusal() == Refusal.CERTIFICATE);
      for (MetadataFabric each : List.of(eu, us)) {
        String problem = each.peers().get(0).stats().problem();
        assertThat(problem)
            .contains("metafabric://prod/us/1234")
            .containsPattern("not of metafabric://prod/us/[0-9a-f]{8,}");
      }
      assertThat(eu.stats().replication().refusedPeers()).isPositive();
    }
  }

  @Test
  void oneSideWithoutTls_isRefusedByBoth() throws Exception {
    try (var eu = eu().tls(files("eu")).open();
        var us = us().open()) {
      awaitThat("counted", () -> tls(eu).refused() > 0);
      assertThat(tls(eu).lastRefusal()).contains("does not speak TLS");
      awaitThat("told", () -> eu.peer("us").stats().problem() != null);
      awaitThat("dropped", () -> us.stats().transport().malformed() > 0);
      assertThat(us.peer("eu").stats().state()).isNotEqualTo(PeerState.IN_SYNC);
    }
  }

  @Test
  void beyondThisMachine_thereIsTlsOrNothing() throws Exception {
    Path untouched = directory.resolve("untouched");
    FabricBuilder listens =
        MetadataFabric.builder().region("eu").directory(untouched).listen("0.0.0.0:0");
    assertThatThrownBy(listens::open)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("0.0.0.0:0", "beyond this machine", "tls(...)");
    FabricBuilder dials =
        MetadataFabric.builder()
            .region("eu")
            .directory(untouched)
            .listen("127.0.0.1:0")
            .peer("us", "192.0.2.7:7400");
    assertThatThrownBy(dials::open)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("192.0.2.7:7400", "beyond this machine", "tls(...)");
    PeerTls typo =
        PeerTls.fromPem(
            directory.resolve("tpyo.pem"), directory.resolve("a"), directory.resolve("b"));
    assertThatThrownBy(() -> MetadataFabric.builder().directory(untouched).tls(typo).open())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll("certificate", "tpyo.pem", "does not exist");
    assertThat(untouched).as("nothing was opened").doesNotExist();
    assertThat(OpenAndCloseTest.threads()).isEmpty();
    try (var plain = eu().open()) {
      assertThatThrownBy(plain::reloadCertificates)
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("without tls(...)");
    }
  }
}
