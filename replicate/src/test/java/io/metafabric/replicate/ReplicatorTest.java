package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.place.Homes;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.TransportStats;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One node's replication over a transport that the test plays. */
class ReplicatorTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");

  private final SimWorld world = new SimWorld(1);
  private final SimNode node = new SimNode(world, "eu");
  private final SerialExecutor loop = node.scheduler().serial("loop");
  private final PlayedTransport transport = new PlayedTransport();

  /** Fails for one address, welcomes and ends at another, and never answers elsewhere. */
  private final class PlayedTransport implements PeerTransport {
    final List<String> dialled = new ArrayList<>();
    String failsAt = "";
    String endsAt = "";

    @Override
    public PeerAddress listen(PeerAddress address, Acceptor acceptor) {
      return address;
    }

    @Override
    public void connect(PeerAddress address, PeerHandler handler) {
      dialled.add(address.host());
      if (address.host().equals(failsAt)) {
        throw new IllegalStateException("a defect");
      }
      if (address.host().equals(endsAt)) {
        var ending = new EndingConnection(new RegionName(endsAt));
        loop.execute(() -> handler.onOpen(ending));
        loop.execute(() -> handler.onFrame(ending, ending.welcome()));
        loop.execute(() -> handler.onClosed(ending, "it ends as soon as it has begun"));
      }
    }

    @Override
    public TransportStats stats() {
      return new TransportStats(0, 0, 0, 0, 0, 0, 0);
    }

    @Override
    public void close() {}
  }

  private record EndingConnection(RegionName region) implements PeerConnection {
    Frame.Welcome welcome() {
      return new Frame.Welcome(1, "test", region, 7, VersionVector.EMPTY);
    }

    @Override
    public boolean send(Frame frame) {
      return true;
    }

    @Override
    public void established() {}

    @Override
    public void close(String reason) {}

    @Override
    public String remote() {
      return region.name();
    }
  }

  private static final class NoCopies implements LocalCopies {
    @Override
    public @Nullable MetadataRecord find(Key key) {
      return null;
    }

    @Override
    public boolean wants(Key key) {
      return false;
    }

    @Override
    public void offer(MetadataRecord record) {}
  }

  private Replicator replicator() {
    var config =
        ReplicationConfig.of(
            "test",
            EU,
            new PeerAddress("eu", 1),
            Map.of(AP, new PeerAddress("ap", 1), US, new PeerAddress("us", 1)),
            1 << 16);
    var store =
        RecordStore.open(
            new StoreConfig(
                "test",
                EU,
                new JournalConfig(1 << 16),
                Durabilities.all(Durability.SYNC),
                1 << 16,
                1 << 20,
                64 << 20,
                CompactionConfig.DEFAULT),
            node.disk(),
            node.clock(),
            node.random(),
            node.scheduler().serial("journal"),
            changes -> {});
    return new Replicator(
        config,
        key -> new Homes(EU, US),
        store,
        transport,
        loop,
        node.clock(),
        node.random(),
        new NoCopies());
  }

  @Test
  void aPeerThatCannotBeDialled_isDialledAgain_andDoesNotHoldUpTheOthers() {
    transport.failsAt = "ap";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(20));
    assertThat(transport.dialled).contains("us");
    assertThat(transport.dialled.stream().filter("ap"::equals).count()).isBetween(4L, 30L);
    PeerStats ap = replicator.stats().peers().get(0);
    assertThat(ap.region()).isEqualTo(AP);
    assertThat(ap.problem()).contains("cannot connect to ap:1").contains("a defect");
  }

  @Test
  void aPeerThatWelcomesAndEnds_isDialledWithGrowingPauses() {
    transport.endsAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofMinutes(1));
    assertThat(transport.dialled.stream().filter("us"::equals).count()).isBetween(8L, 60L);
    PeerStats us = replicator.stats().peers().get(1);
    assertThat(us.connects()).isGreaterThan(5);
    assertThat(us.problem()).isEqualTo("it ends as soon as it has begun");
  }
}
