package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Durability;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What peers have acknowledged outlives restarts and compaction. */
class AcknowledgedTest {
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");

  private final StoreMachine machine = new StoreMachine(7, Durability.SYNC);
  private long written;

  @BeforeEach
  void open() {
    machine.open();
  }

  private void write(int writes) {
    for (int i = 0; i < writes; i++) {
      machine.write(Key.of("n/" + written++ % 10), Bytes.copyOf(new byte[100]));
    }
  }

  private VersionVector upTo(long counter) {
    return VersionVector.of(new Dot(machine.store().actor(), counter));
  }

  private JournalEntry.Acknowledged note(RegionName peer, long counter, long lackingUpTo) {
    long position = machine.store().publishedPosition();
    long from = lackingUpTo == 0 ? 0 : 1;
    machine.store().noteAcknowledged(peer, upTo(counter), position, from, lackingUpTo);
    return new JournalEntry.Acknowledged(
        peer, machine.store().actor(), counter, position, from, lackingUpTo);
  }

  @Test
  void aNote_isWrittenWithTheNextWrite_notByItself() {
    write(3);
    long before = machine.store().publishedPosition();
    JournalEntry.Acknowledged note = note(US, 3, 0);
    machine.world.runFor(Duration.ofMinutes(1));
    assertThat(machine.store().publishedPosition()).isEqualTo(before);
    assertThat(machine.store().acknowledgedBy(US)).isNull();

    write(1);
    assertThat(machine.store().publishedPosition()).isEqualTo(before + 2);
    assertThat(machine.store().acknowledgedBy(US)).isEqualTo(note);
    assertThat(machine.store().acknowledgedBy(AP)).isNull();
  }

  @Test
  void theNewestOfEachPeer_isKnownAfterAStop_aCrash_andCompaction() {
    var random = new Random(7);
    JournalEntry.Acknowledged us = note(US, 1, 0);
    JournalEntry.Acknowledged ap = note(AP, 1, 0);
    for (int round = 0; round < 30; round++) {
      write(30);
      if (round < 10) {
        us = note(US, 30 + round, round);
      }
      if (round == 3) {
        ap = note(AP, 100, 0);
      }
      switch (random.nextInt(3)) {
        case 0 -> {
          machine.close();
          machine.open();
        }
        case 1 -> {
          write(1); // with which the notes go
          machine.node.crash(SimDisk.Loss.ALL);
          machine.open();
        }
        default -> write(1);
      }
      assertThat(machine.store().acknowledgedBy(US)).as("round %d", round).isEqualTo(us);
      assertThat(machine.store().acknowledgedBy(AP)).as("round %d", round).isEqualTo(ap);
    }
    assertThat(machine.store().keptFrom()).as("compacted beyond them").isGreaterThan(ap.position());
  }

  @Test
  void ofManyNotes_oneOfEachPeerIsLive() {
    for (int round = 1; round <= 100; round++) {
      note(US, round, 0);
      note(AP, round, 0);
      write(10);
    }
    long live = machine.store().stats().liveBytes();
    assertThat(live).as("ten values and two notes").isLessThan(3000);
    machine.node.crash(SimDisk.Loss.NONE);
    machine.open();
    // The opening adds the frame that says so.
    assertThat(machine.store().stats().liveBytes()).isBetween(live, live + 100);
  }

  @Test
  void aPeer_stillHasWhatItAcknowledged_ifItHasAllOpeningsUpToThere() {
    ActorId first = machine.store().actor();
    write(5);
    machine.close();
    machine.open();
    ActorId second = machine.store().actor();
    write(4);
    note(US, 3, 0);
    write(2);
    JournalEntry.Acknowledged noted = machine.store().acknowledgedBy(US);
    assertThat(noted).isNotNull();
    VersionVector all = VersionVector.of(new Dot(first, 5)).with(new Dot(second, 3));
    assertThat(machine.store().stillHas(all, noted)).isTrue();
    assertThat(machine.store().stillHas(all.with(new Dot(second, 9)), noted)).isTrue();
    VersionVector lacksFirst = VersionVector.of(new Dot(first, 4)).with(new Dot(second, 3));
    VersionVector lacksSecond = VersionVector.of(new Dot(first, 5)).with(new Dot(second, 2));
    assertThat(machine.store().stillHas(lacksFirst, noted)).isFalse();
    assertThat(machine.store().stillHas(lacksSecond, noted)).isFalse();
    assertThat(machine.store().stillHas(VersionVector.EMPTY, noted)).isFalse();
  }
}
