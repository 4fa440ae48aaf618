package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.PeerTransportContract;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.core.transport.TestCertificates.Wish;
import io.metafabric.core.transport.TestFrames;
import io.metafabric.core.transport.TlsStats;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.transport.TransportWorld;
import io.metafabric.core.wire.Frame;
import io.metafabric.replicate.tls.PeerProof;
import io.metafabric.replicate.tls.PeerTls;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All that a transport does, over TLS; and who is not let in. */
class TlsTransportTest extends PeerTransportContract {
  @TempDir static Path directory;

  private static TestCertificates authority;
  private static Made eu;
  private static Made us;

  private final AtomicLong aheadMs = new AtomicLong();

  @BeforeAll
  static void makeCertificates() throws Exception {
    authority = new TestCertificates("prod");
    eu = authority.of("prod", "eu");
    us = authority.of("prod", "us");
  }

  @AfterAll
  static void noBufferLeaked() {
    RecordingLeakDetector.assertNoLeaks();
  }

  /** The files of one node. */
  private static PeerTls files(String node, Made own, TestCertificates trusted) throws IOException {
    return PeerTls.fromPem(
        own.certificateTo(directory.resolve(node + ".pem")),
        own.keyTo(directory.resolve(node + ".key")),
        trusted.certificateTo(directory.resolve(node + "-trust.pem")));
  }

  private PeerProof proof(String node, Made own, TestCertificates trusted, String region) {
    try {
      return PeerProof.open(
          files(node, own, trusted),
          "prod",
          new RegionName(region),
          () -> System.currentTimeMillis() + aheadMs.get());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private PeerTransport transport(TransportWorld in, String node, PeerProof proof) {
    return new NettyPeerTransport(
        SocketWorld.config(node, LIMITS), null, proof, in.newExecutor(node));
  }

  @Override
  protected TransportWorld newWorld() {
    var sockets = new SocketWorld();
    return new TransportWorld() {
      @Override
      public Executor newExecutor(String node) {
        return sockets.newExecutor(node);
      }

      @Override
      public PeerTransport newTransport(String node, TransportLimits limits, Executor callbacks) {
        boolean serves = node.equals("server");
        return new NettyPeerTransport(
            SocketWorld.config(node, limits),
            null,
            proof(node, serves ? eu : us, authority, serves ? "eu" : "us"),
            callbacks);
      }

      @Override
      public PeerAddress anyAddress(String node) {
        return sockets.anyAddress(node);
      }

      @Override
      public PeerAddress deadAddress() {
        return sockets.deadAddress();
      }

      @Override
      public void runUntil(String what, BooleanSupplier condition) {
        sockets.runUntil(what, condition);
      }

      @Override
      public void close() {
        sockets.close();
      }
    };
  }

  /** What is said, in the order of saying. */
  private static final class Told implements PeerHandler {
    final List<String> untrusted = new CopyOnWriteArrayList<>();
    final List<String> closed = new CopyOnWriteArrayList<>();
    volatile @Nullable PeerConnection connection;

    @Override
    public void onOpen(PeerConnection opened) {
      connection = opened;
    }

    @Override
    public void onFrame(PeerConnection from, Frame frame) {}

    @Override
    public void onWritable(PeerConnection from) {}

    @Override
    public void onUntrusted(@Nullable PeerConnection from, String reason) {
      untrusted.add(reason);
    }

    @Override
    public void onClosed(@Nullable PeerConnection from, String reason) {
      closed.add(reason);
    }
  }

  private PeerAddress listen(List<Told> accepted) {
    return server.listen(
        world.anyAddress("server"),
        connection -> {
          var told = new Told();
          accepted.add(told);
          return told;
        });
  }

  private static TlsStats tls(PeerTransport transport) {
    return Objects.requireNonNull(transport.stats().tls());
  }

  @Test
  void eachSideKnowsWhoTheOtherIs() {
    var accepted = new CopyOnWriteArrayList<Told>();
    var dialled = new Told();
    client.connect(listen(accepted), dialled);
    await("both are open", () -> dialled.connection != null && !accepted.isEmpty());
    await("told", () -> accepted.get(0).connection != null);
    assertThat(dialled.connection.provenAs()).hasToString("metafabric://prod/eu");
    assertThat(accepted.get(0).connection.provenAs()).hasToString("metafabric://prod/us");
    assertThat(tls(server).handshakes()).isEqualTo(1);
  }

  /** A dialler that is not believed; what the listener says of it, and what it hears. */
  private void refusedToBoth(Made own, TestCertificates trusted, String why) {
    var accepted = new CopyOnWriteArrayList<Told>();
    PeerAddress address = listen(accepted);
    var dialled = new Told();
    try (var stranger = transport(world, "stranger", proof("stranger", own, trusted, "us"))) {
      stranger.connect(address, dialled);
      await("it is refused", () -> tls(server).refused() == 1);
      await("it is told", () -> !dialled.closed.isEmpty());
      assertThat(dialled.untrusted)
          .singleElement()
          .asString()
          .contains("does not take this node's certificate");
      assertThat(tls(stranger).refusedThere()).isEqualTo(1);
    }
    assertThat(tls(server).lastRefusal()).contains(why);
    assertThat(accepted).as("nobody heard of it").isEmpty();
    assertOthersAreServed(address);
  }

  private void assertOthersAreServed(PeerAddress address) {
    var good = new Told();
    client.connect(address, good);
    await("others are served", () -> good.connection != null);
  }

  @Test
  void aCertificateOfAnUnknownAuthority_isRefused_andBothSidesSayWhy() throws Exception {
    var other = new TestCertificates("prod");
    refusedToBoth(other.of("prod", "us"), authority, "metafabric://prod/us is not trusted here");
  }

  @Test
  void aSelfSignedCertificate_isRefused_alsoByTheNameOfTheAuthority() throws Exception {
    Made own = authority.selfSigned(new Wish().uri("metafabric://prod/us"));
    assertThat(own.certificate().getIssuerX500Principal())
        .isEqualTo(authority.certificate().getSubjectX500Principal());
    refusedToBoth(own, authority, "metafabric://prod/us is not trusted here");
  }

  @Test
  void aPeerThatIsNotBelievedByTheDialler_isToldTo() throws Exception {
    var accepted = new CopyOnWriteArrayList<Told>();
    PeerAddress address = listen(accepted);
    var dialled = new Told();
    try (var sceptic =
        transport(world, "sceptic", proof("sceptic", us, new TestCertificates("x"), "us"))) {
      sceptic.connect(address, dialled);
      await("told", () -> !dialled.closed.isEmpty());
      assertThat(dialled.untrusted)
          .singleElement()
          .asString()
          .contains("metafabric://prod/eu is not trusted here");
      assertThat(tls(sceptic).refused()).isEqualTo(1);
    }
    await("the other side knows", () -> tls(server).refusedThere() == 1);
  }

  @Test
  void anExpiredCertificate_isRefused() throws Exception {
    Made brief =
        authority.make(
            new Wish().uri("metafabric://prod/us").until(Instant.now().plusSeconds(300)));
    PeerProof late = proof("late", brief, authority, "us");
    aheadMs.set(600_000);
    var dialled = new Told();
    PeerAddress address = listen(new CopyOnWriteArrayList<>());
    try (var stranger = transport(world, "late", late)) {
      stranger.connect(address, dialled);
      await("refused", () -> tls(server).refused() == 1);
      assertThat(tls(server).lastRefusal()).contains("metafabric://prod/us has expired at");
      await("told", () -> !dialled.untrusted.isEmpty());
    }
  }

  @Test
  void aCertificateOfAnExpiredAuthority_isRefused_byFileAndField_andTheConnectionsOfItEnd()
      throws Exception {
    var brief =
        new TestCertificates("brief")
            .valid(Instant.now().minusSeconds(60), Instant.now().plusSeconds(300));
    PeerProof guards = proof("guard", eu, authority, "eu");
    Path trust = directory.resolve("guard-trust.pem");
    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(brief.certificate()));
    guards.reload();
    var accepted = new CopyOnWriteArrayList<Told>();
    try (var guard = transport(world, "guard", guards);
        var visitor =
            transport(
                world, "visitor", proof("visitor", brief.of("prod", "us"), authority, "us"))) {
      PeerAddress address =
          guard.listen(
              world.anyAddress("guard"),
              connection -> {
                var told = new Told();
                accepted.add(told);
                return told;
              });
      visitor.connect(address, new Told());
      await("in", () -> !accepted.isEmpty() && accepted.get(0).connection != null);
      aheadMs.set(600_000);
      guards.reload();
      await("out", () -> !accepted.get(0).closed.isEmpty());

      var again = new Told();
      visitor.connect(address, again);
      await("refused", () -> tls(guard).refused() == 1);
      await("told", () -> !again.untrusted.isEmpty());
      assertThat(tls(guard).lastRefusal())
          .contains("metafabric://prod/us is not trusted here")
          .contains("trust " + trust + " has the certificate of \"CN=brief\", which has expired");
      assertThat(accepted).hasSize(1);
      assertOthersAreServed(address);
    }
  }

  @Test
  void rsaPssKeys_connectBothWays() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSASSA-PSS");
    generator.initialize(2048);
    Made own =
        authority.make(new Wish().uri("metafabric://prod/ap").keys(generator.generateKeyPair()));
    var accepted = new CopyOnWriteArrayList<Told>();
    try (var pss = transport(world, "pss", proof("pss", own, authority, "ap"))) {
      var out = new Told();
      pss.connect(listen(accepted), out);
      await("it has dialled", () -> out.connection != null);
      var in = new Told();
      client.connect(pss.listen(world.anyAddress("pss"), connection -> new Told()), in);
      await("it was dialled", () -> in.connection != null);
      assertThat(in.connection.provenAs()).hasToString("metafabric://prod/ap");
    }
  }

  @Test
  void whoSpeaksNoTls_isRefusedAndCounted_andFindsNobody() throws Exception {
    var accepted = new CopyOnWriteArrayList<Told>();
    PeerAddress address = listen(accepted);
    try (var socket = new Socket(address.host(), address.port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(TestFrames.control(1).toString().getBytes());
      assertEnds(socket.getInputStream());
    }
    await("counted", () -> tls(server).refused() == 1);
    assertThat(tls(server).lastRefusal()).contains("does not speak TLS");
    assertThat(accepted).isEmpty();
    try (var plain =
        new NettyPeerTransport(
            SocketWorld.config("plain", LIMITS), null, world.newExecutor("plain"))) {
      PeerAddress open = plain.listen(world.anyAddress("plain"), connection -> new Told());
      var dialled = new Told();
      client.connect(open, dialled);
      await("told", () -> !dialled.closed.isEmpty());
      assertThat(dialled.closed.get(0)).contains("no TLS connection");
    }
  }

  private static void assertEnds(InputStream in) {
    try {
      while (in.read() >= 0) {}
    } catch (IOException reset) {
      assertThat(reset).hasMessageContaining("reset");
    }
  }

  @Test
  void aClientWithoutACertificate_orWithAnOlderTls_isRefused() throws Exception {
    PeerAddress address = listen(new CopyOnWriteArrayList<>());
    assertThat(handshakeOf(address, "TLSv1.2")).isInstanceOf(SSLException.class);
    await("counted", () -> tls(server).refused() == 1);
    // Its side of the handshake may succeed; the first that it reads is the refusal.
    assertThat(handshakeOf(address, "TLSv1.3")).isInstanceOf(IOException.class);
    await("counted", () -> tls(server).refused() == 2);
    assertOthersAreServed(address);
  }

  private static @Nullable Exception handshakeOf(PeerAddress address, String protocol)
      throws GeneralSecurityException, IOException {
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    trust.setCertificateEntry("ca", authority.certificate());
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    try (var socket =
        (SSLSocket) context.getSocketFactory().createSocket(address.host(), address.port())) {
      socket.setSoTimeout(30_000);
      socket.setEnabledProtocols(new String[] {protocol});
      socket.startHandshake();
      return socket.getInputStream().read() < 0 ? new IOException("closed") : null;
    } catch (IOException e) {
      return e;
    }
  }

  @Test
  void aListenerThatNeverAnswers_isGivenUp() throws Exception {
    try (var silent = new ServerSocket(0)) {
      var dialled = new Told();
      var config =
          new NettyConfig(
              "hasty",
              1 << 20,
              1 << 20,
              1 << 20,
              1 << 20,
              9,
              9,
              9,
              1 << 20,
              Duration.ofMillis(200));
      try (var hasty =
          new NettyPeerTransport(
              config, null, proof("hasty", us, authority, "us"), world.newExecutor("hasty"))) {
        hasty.connect(new PeerAddress("127.0.0.1", silent.getLocalPort()), dialled);
        await("given up", () -> !dialled.closed.isEmpty());
        assertThat(dialled.connection).isNull();
      }
    }
  }

  @Test
  void whoIsTakenFromTheTrustFile_isCutOff_andRefusedFromThenOn() throws Exception {
    var other = new TestCertificates("other");
    PeerProof proof = proof("guard", eu, authority, "eu");
    Path trust = directory.resolve("guard-trust.pem");
    Files.writeString(
        trust,
        TestCertificates.pem(authority.certificate()) + TestCertificates.pem(other.certificate()));
    proof.reload();
    var accepted = new CopyOnWriteArrayList<Told>();
    try (var guard = transport(world, "guard", proof);
        var visitor =
            transport(
                world, "visitor", proof("visitor", other.of("prod", "ap"), authority, "ap"))) {
      PeerAddress address =
          guard.listen(
              world.anyAddress("guard"),
              connection -> {
                var told = new Told();
                accepted.add(told);
                return told;
              });
      var known = new Told();
      client.connect(address, known);
      var foreign = new Told();
      visitor.connect(address, foreign);
      await("both are in", () -> accepted.stream().filter(t -> t.connection != null).count() == 2);

      authority.certificateTo(trust);
      assertThat(proof.reload()).isTrue();
      await("it is out", () -> !foreign.closed.isEmpty());
      assertThat(tls(guard).revoked()).isEqualTo(1);
      assertThat(tls(guard).lastRefusal()).contains("metafabric://prod/ap is not trusted here");
      assertThat(accepted.stream().flatMap(told -> told.untrusted.stream()))
          .singleElement()
          .asString()
          .contains("metafabric://prod/ap");
      assertThat(known.closed).as("others are not disturbed").isEmpty();

      var again = new Told();
      visitor.connect(address, again);
      await("refused", () -> !again.closed.isEmpty());
      assertThat(tls(guard).refused()).isEqualTo(1);
    }
  }

  @Test
  void aCertificateThatExpiresWhileItIsInUse_endsTheConnection() throws Exception {
    Made brief =
        authority.make(
            new Wish().uri("metafabric://prod/us").until(Instant.now().plusSeconds(300)));
    PeerProof proof = proof("guard", eu, authority, "eu");
    var accepted = new CopyOnWriteArrayList<Told>();
    try (var guard = transport(world, "guard", proof);
        var visitor = transport(world, "brief", proof("brief", brief, authority, "us"))) {
      PeerAddress address =
          guard.listen(
              world.anyAddress("guard"),
              connection -> {
                var told = new Told();
                accepted.add(told);
                return told;
              });
      visitor.connect(address, new Told());
      await("in", () -> !accepted.isEmpty() && accepted.get(0).connection != null);
      aheadMs.set(600_000);
      assertThat(proof.reload()).as("no file has changed").isFalse();
      await("out", () -> !accepted.get(0).closed.isEmpty());
      assertThat(accepted.get(0).untrusted.get(0)).contains("has expired");
    }
  }

  @Test
  void beyondThisMachine_isServedWithProofAlone() {
    var beyond = new PeerAddress("192.0.2.7", 7000);
    NettyPeerTransport.requireServed(beyond, true);
    assertThatThrownBy(() -> NettyPeerTransport.requireServed(beyond, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("tls(...)");
  }
}
