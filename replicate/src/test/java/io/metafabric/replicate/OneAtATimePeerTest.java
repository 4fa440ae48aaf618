package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.store.CompactionConfig;
import io.metafabric.core.store.Durabilities;
import io.metafabric.core.store.Inbound;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.store.RecordStore;
import io.metafabric.core.store.StoreConfig;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * A comparison, 100 ms away, with a region of a version that drops questions while it answers one:
 * what {@link RepairServer} did before several were under way.
 */
class OneAtATimePeerTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration ONE_WAY = Duration.ofMillis(100);
  private static final Duration ANSWERING = Duration.ofMillis(1);
  private static final int RECORDS = 300;
  private static final int PARTS = RECORDS * 10_000 / RepairServer.PART_BYTES;

  private final SimWorld world = new SimWorld(1);
  private final Side eu = new Side(EU);
  private final Side us = new Side(US);
  private final CompareRun run =
      new CompareRun(
          eu.store,
          new PlayedReplication.OfferedCopies(),
          new There(),
          eu.loop,
          eu.machine.scheduler().serial("background"),
          eu.machine.clock(),
          new ByteBudget(8 << 20, eu.machine.clock().nanoTime()),
          record -> new Inbound(record, true),
          record -> record,
          records -> {},
          7);
  private final RepairServer server =
      new RepairServer(
          us.store,
          new PlayedReplication.OfferedCopies(),
          us.loop,
          us.machine.scheduler().serial("background"),
          record -> new Inbound(record, true),
          record -> record,
          records -> {});

  private boolean answers;
  private int dropped;
  private long tookMs;

  private final class Side {
    final SimNode machine;
    final SerialExecutor loop;
    final RecordStore store;

    Side(RegionName region) {
      machine = new SimNode(world, region.name());
      loop = machine.scheduler().serial("loop");
      store =
          RecordStore.open(
              new StoreConfig(
                  "test",
                  region,
                  new JournalConfig(1 << 20),
                  Durabilities.all(Durability.OS),
                  1 << 16,
                  1 << 20,
                  64 << 20,
                  CompactionConfig.DEFAULT),
              machine.disk(),
              machine.clock(),
              machine.random(),
              machine.scheduler().serial("journal"),
              changes -> {});
    }

    void write() {
      for (int i = 0; i < RECORDS; i++) {
        Bytes payload = Bytes.utf8(i + " ".repeat(10_000));
        store.write(Key.of("n/" + i), payload, Header.NEVER, Precondition.NONE);
        world.runFor(Duration.ofMillis(20));
      }
    }
  }

  /** To the peer. */
  private final class There implements CompareRun.Link {
    private long requests;

    @Override
    public boolean send(Frame frame) {
      world.after(ONE_WAY, () -> us.loop.execute(() -> arrive(frame)));
      return true;
    }

    private void arrive(Frame frame) {
      if (answers) {
        dropped++;
        return;
      }
      answers = true;
      us.loop.schedule(ANSWERING, () -> answer(frame));
    }

    private void answer(Frame frame) {
      if (frame instanceof Frame.Compare compare) {
        server.onCompare(new Back(), compare);
      } else if (frame instanceof Frame.Dots dots) {
        server.onDots(new Back(), dots);
      } else {
        server.onRepair(new Back(), (Frame.Repair) frame);
      }
    }

    @Override
    public long nextRequest() {
      return ++requests;
    }

    @Override
    public double rttMs() {
      return 2.0 * ONE_WAY.toMillis();
    }
  }

  /** From the peer. */
  private final class Back implements PeerConnection {
    @Override
    public boolean send(Frame frame) {
      if (frame instanceof Frame.Compared compared) {
        answers = false;
        world.after(ONE_WAY, () -> eu.loop.execute(() -> run.onCompared(compared)));
      } else if (frame instanceof Frame.Repair part) {
        answers &= !part.last();
        world.after(ONE_WAY, () -> eu.loop.execute(() -> run.onRepair(part)));
      }
      return true;
    }

    @Override
    public void established() {}

    @Override
    public void close(String reason) {
      throw new AssertionError(reason);
    }

    @Override
    public String remote() {
      return "eu";
    }
  }

  private Comparison compare() {
    long beganNanos = world.nanoTime();
    eu.loop.execute(run::begin);
    Comparison comparison = world.await(run.result(), Duration.ofMinutes(10));
    tookMs = (world.nanoTime() - beganNanos) / 1_000_000;
    return comparison;
  }

  private void assertThatOneByOneSufficed() {
    assertThat(dropped)
        .as("until it was found silent, it was asked for several at once")
        .isBetween(1, 15);
    // A few round trips to find what differs, one for each part, and one silence.
    long atLeastMs = PARTS * 2 * ONE_WAY.toMillis();
    assertThat(tookMs).as("one by one").isBetween(atLeastMs, atLeastMs + 5000);
  }

  @Test
  void whatItHas_comesOneByOneAfterASilence() {
    us.write();
    Comparison comparison = compare();
    assertThat(comparison.received()).isEqualTo(RECORDS);
    assertThat(eu.store.stats().keys()).isEqualTo(RECORDS);
    assertThatOneByOneSufficed();
  }

  @Test
  void whatItLacks_isGivenOneByOneAfterASilence() {
    eu.write();
    Comparison comparison = compare();
    assertThat(comparison.sent()).isEqualTo(RECORDS);
    assertThat(us.store.stats().keys()).isEqualTo(RECORDS);
    assertThatOneByOneSufficed();
  }
}
