package io.metafabric.replicate.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.RecordingHandler;
import io.metafabric.core.transport.TestCertificates;
import io.metafabric.core.transport.TestCertificates.Made;
import io.metafabric.core.transport.TlsStats;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.replicate.tls.PeerProof;
import io.metafabric.replicate.tls.PeerTls;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Thousands who begin a handshake of TLS and do not go on with it. */
class TlsFloodTest {
  private static final int THOUSANDS = 2_000;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final TransportLimits LIMITS =
      new TransportLimits(256 * 1024, 64 * 1024, 4 * 1024, 64 * 1024);

  @TempDir Path directory;

  private final SocketWorld world = new SocketWorld();
  private final List<RecordingHandler> accepted = new CopyOnWriteArrayList<>();
  private final List<Socket> sockets = new ArrayList<>();
  private TestCertificates authority;
  private PeerTransport server;
  private PeerTransport client;
  private PeerAddress address;

  @BeforeEach
  void listen() throws Exception {
    authority = new TestCertificates("prod");
    server = transport("eu");
    client = transport("us");
    address =
        server.listen(
            world.anyAddress("eu"),
            connection -> {
              // Only who has proved who it is gets here.
              connection.established();
              var handler = new RecordingHandler();
              accepted.add(handler);
              return handler;
            });
  }

  private PeerTransport transport(String region) throws Exception {
    var config =
        new NettyConfig(
            region,
            LIMITS.maxFrameBytes(),
            LIMITS.outboundQueueBytes(),
            LIMITS.controlReserveBytes(),
            LIMITS.inboundQueueBytes(),
            SocketWorld.MAX_CONNECTIONS,
            SocketWorld.MAX_STRANGERS,
            100_000,
            1L << 30,
            PATIENCE);
    return new NettyPeerTransport(config, null, proof(region), world.newExecutor(region));
  }

  private PeerProof proof(String region) throws Exception {
    Made own = authority.of("prod", region);
    PeerTls files =
        PeerTls.fromPem(
            own.certificateTo(directory.resolve(region + ".pem")),
            own.keyTo(directory.resolve(region + ".key")),
            authority.certificateTo(directory.resolve(region + "-ca.pem")));
    return PeerProof.open(files, "prod", new RegionName(region), System::currentTimeMillis);
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
    world.close();
  }

  @AfterAll
  static void noBufferLeaked() {
    RecordingLeakDetector.assertNoLeaks();
  }

  private TlsStats tls() {
    return Objects.requireNonNull(server.stats().tls());
  }

  /** The first bytes that a dialler of the cluster sends. */
  private byte[] clientHello() throws Exception {
    SSLEngine engine = proof("ap").newEngine(true);
    engine.beginHandshake();
    ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), out);
    return Arrays.copyOf(out.array(), out.position());
  }

  private void open(byte[] begins) throws IOException {
    var socket = new Socket(address.host(), address.port());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(30_000);
    sockets.add(socket);
    try {
      socket.getOutputStream().write(begins);
    } catch (IOException e) {
      assertThat(e).as("displaced already").hasMessageMatching(".*(reset|pipe|abort).*");
    }
  }

  private RecordingHandler dial() {
    var dialled = new RecordingHandler();
    int before = accepted.size();
    client.connect(address, dialled);
    world.runUntil("a peer is served", () -> dialled.isOpen() && accepted.size() > before);
    return dialled;
  }

  @Test
  void theyDisplaceEachOther_andTheLastOfThemAreDroppedInTime_andPeersDoNotNotice()
      throws Exception {
    RecordingHandler known = dial();
    byte[] hello = clientHello();
    int[] sent = {0, 3, hello.length / 2, hello.length};
    for (int i = 0; i < THOUSANDS; i++) {
      open(Arrays.copyOf(hello, sent[i % sent.length]));
      if (i % 500 == 499) {
        dial();
      }
    }
    world.runUntil(
        "all but so many were displaced",
        () -> server.stats().displaced() >= THOUSANDS - SocketWorld.MAX_STRANGERS);
    assertThat(server.stats().strangers()).isLessThanOrEqualTo(SocketWorld.MAX_STRANGERS);
    assertThat(server.stats().maxWaitingBytes())
        .as("for as many as there may be")
        .isLessThanOrEqualTo(
            (SocketWorld.MAX_STRANGERS + 5L)
                * (LIMITS.outboundQueueBytes()
                    + LIMITS.controlReserveBytes()
                    + LIMITS.inboundQueueBytes()));

    world.runUntil("whoever is left has run out of time", () -> server.stats().strangers() == 0);
    for (Socket socket : sockets) {
      awaitEnd(socket);
    }
    assertThat(server.stats().displaced() + tls().refused())
        .as("each is counted, once")
        .isEqualTo(THOUSANDS);
    assertThat(tls().refused()).isPositive();
    assertThat(tls().lastRefusal()).contains("timed out");
    assertThat(tls().handshakes()).as("peers alone").isEqualTo(accepted.size()).isEqualTo(5);
    assertThat(server.stats().refusedConnections()).isZero();
    assertThat(known.isOpen()).as("who is known stays").isTrue();
    assertThat(dial().isOpen()).isTrue();
  }

  /** What the server has said of its own in the handshake may be read before. */
  private static void awaitEnd(Socket socket) {
    try {
      while (socket.getInputStream().read() >= 0) {}
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("reset");
    }
  }
}
