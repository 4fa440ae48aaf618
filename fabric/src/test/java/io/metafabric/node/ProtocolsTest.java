package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.Refusal;
import io.metafabric.replicate.PeerStats;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Two regions of which one is of a later day: it offers, and answers in, another protocol. */
final class ProtocolsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final int LATER = 2;

  /** Says another protocol in whatever names one; all else goes through as it is. */
  private record OfLater(PeerTransport transport) implements PeerTransport {
    @Override
    public PeerAddress listen(PeerAddress address, Acceptor acceptor) {
      return transport.listen(
          address,
          raw -> {
            var later = new LaterConnection(raw);
            return new Handler(acceptor.accept(later), later);
          });
    }

    @Override
    public void connect(PeerAddress address, PeerHandler handler) {
      transport.connect(address, new Handler(handler, null));
    }

    @Override
    public TransportStats stats() {
      return transport.stats();
    }

    @Override
    public void close() {
      transport.close();
    }
  }

  private record LaterConnection(PeerConnection raw) implements PeerConnection {
    @Override
    public boolean send(Frame frame) {
      return raw.send(later(frame));
    }

    private static Frame later(Frame frame) {
      if (frame instanceof Frame.Hello hello) {
        return new Frame.Hello(
            LATER,
            LATER,
            hello.cluster(),
            hello.region(),
            hello.nodeId(),
            hello.actor(),
            hello.regions(),
            hello.maxValueBytes(),
            hello.conflictRules(),
            hello.belonging());
      }
      return frame instanceof Frame.Welcome welcome
          ? new Frame.Welcome(
              LATER, welcome.cluster(), welcome.region(), welcome.nodeId(), welcome.applied())
          : frame;
    }

    @Override
    public boolean isDrained() {
      return raw.isDrained();
    }

    @Override
    public void established() {
      raw.established();
    }

    @Override
    public boolean takesCompressed() {
      return raw.takesCompressed();
    }

    @Override
    public void otherSideTakesCompressed(boolean takes) {
      raw.otherSideTakesCompressed(takes);
    }

    @Override
    public void close(String reason) {
      raw.close(reason);
    }

    @Override
    public String remote() {
      return raw.remote();
    }
  }

  /** Knows one connection, by the same object all the time. */
  private static final class Handler implements PeerHandler {
    private final PeerHandler handler;
    private @Nullable LaterConnection known;

    Handler(PeerHandler handler, @Nullable LaterConnection known) {
      this.handler = handler;
      this.known = known;
    }

    private LaterConnection later(PeerConnection raw) {
      LaterConnection connection = known == null ? new LaterConnection(raw) : known;
      known = connection;
      return connection;
    }

    @Override
    public void onOpen(PeerConnection connection) {
      handler.onOpen(later(connection));
    }

    @Override
    public void onFrame(PeerConnection connection, Frame frame) {
      handler.onFrame(later(connection), frame);
    }

    @Override
    public void onWritable(PeerConnection connection) {
      handler.onWritable(later(connection));
    }

    @Override
    public void onClosed(@Nullable PeerConnection connection, String reason) {
      handler.onClosed(connection == null ? null : later(connection), reason);
    }
  }

  private static PeerStats other(SimCluster cluster, RegionName in) {
    return cluster.node(in).stats().replication().peers().get(0);
  }

  @Test
  void regionsWithoutACommonProtocol_refuseEachOther_andBothSidesNameBoth() {
    var cluster = new SimCluster(71, 1 << 16, "eu", "us");
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.behind = (region, transport) -> region.equals(EU) ? new OfLater(transport) : transport;
    cluster.startAll();
    Key key = Key.of("n/1");
    var written = cluster.node(EU).write(key, Bytes.utf8("one"), Header.NEVER, Precondition.NONE);
    cluster.world.runFor(LONG);
    assertThat(written).isCompleted();
    for (RegionName region : List.of(EU, US)) {
      PeerStats stats = other(cluster, region);
      assertThat(stats.refusal()).as("in %s", region).isEqualTo(Refusal.PROTOCOL);
      assertThat(stats.problem())
          .as("in %s", region)
          .containsPattern("region eu (speaks protocol 2 to 2|answers in protocol 2), region us")
          .contains("region us speaks 1")
          .contains("use versions of the library");
      assertThat(stats.connects()).isZero();
    }
    assertThat(cluster.node(US).store().header(key)).isNull();

    // The day comes for the other one, or goes again for this.
    cluster.stop(EU);
    cluster.behind = (region, transport) -> transport;
    cluster.start(EU);
    cluster.world.runUntil(
        "both to be alike", () -> cluster.node(US).store().header(key) != null, LONG);
    for (RegionName region : List.of(EU, US)) {
      cluster.world.runUntil(
          "nothing is refused", () -> other(cluster, region).refusal() == null, LONG);
      assertThat(other(cluster, region).problem()).isNull();
    }
  }
}
