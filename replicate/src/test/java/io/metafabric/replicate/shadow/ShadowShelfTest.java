package io.metafabric.replicate.shadow;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.ShadowReason;
import io.metafabric.replicate.arm.CopyRoom;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ShadowShelfTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration TTL = Duration.ofSeconds(10);
  private static final long TTL_NANOS = TTL.toNanos();
  private static final ShadowTerms TERMS = ShadowTerms.of(ShadowReason.REQUESTED, 3, TTL);

  private final ShadowShelf shelf = new ShadowShelf(20_000, new CopyRoom(20_000));

  private static MetadataRecord record(int key, long counter, int bytes) {
    Bytes payload = Bytes.copyOf(new byte[bytes]);
    var version = new Version(new Dot(new ActorId(7), counter), VersionVector.EMPTY, new Stamp(5));
    return new MetadataRecord(
        Key.of("n/" + key), Header.value(version, EU, payload, Header.NEVER), payload);
  }

  @Test
  void aLook_tellsWhatItSpared_andWhatWasSentForIt_sinceTheLastOne() {
    shelf.put(record(1, 1, 10), TERMS, 0);
    shelf.read("n/1", true);
    shelf.refresh(record(1, 2, 100), true);
    shelf.refresh(record(1, 2, 100), true);
    shelf.refresh(record(1, 3, 200), true);
    shelf.read("n/1", false);
    shelf.read("n/1", false);
    shelf.refresh(record(1, 4, 400), false);
    assertThat(shelf.due(TTL_NANOS, 9).get(0).used())
        .isEqualTo(new ShadowShelf.Used(2, Map.of(), 2, 300, 200, TTL_NANOS));

    shelf.read("n/1", false);
    shelf.livesOn(Key.of("n/1"), TTL_NANOS);
    assertThat(shelf.due(2 * TTL_NANOS, 9).get(0).used())
        .as("a read while it was looked at is of the next look")
        .isEqualTo(new ShadowShelf.Used(1, Map.of(), 0, 0, 0, TTL_NANOS));
    assertThat(shelf.stats().hits()).isEqualTo(4);
  }

  @Test
  void whatDoesNotFit_isNotTaken_andNothingMakesRoomForIt() {
    assertThat(shelf.put(record(1, 1, 9_000), TERMS, 0)).isTrue();
    assertThat(shelf.put(record(2, 2, 9_000), TERMS, 0)).isTrue();
    assertThat(shelf.put(record(3, 3, 9_000), TERMS, 0)).isFalse();
    shelf.refresh(record(1, 4, 15_000), true);
    assertThat(shelf.get(Key.of("n/1"))).isEqualTo(record(1, 1, 9_000));
    ShadowStats stats = shelf.stats();
    assertThat(stats.held()).isEqualTo(2);
    assertThat(stats.made()).isEqualTo(2);
    assertThat(stats.refused()).isOne();
    assertThat(stats.bytes()).isLessThanOrEqualTo(20_000);
  }

  @Test
  void aShadowIsDue_whenItsTimeIsOver_once() {
    shelf.put(record(1, 1, 10), TERMS, 0);
    assertThat(shelf.due(TTL_NANOS - 1, 9)).isEmpty();
    List<ShadowShelf.Due> due = shelf.due(TTL_NANOS, 9);
    assertThat(due).hasSize(1);
    assertThat(due.get(0).used().reads()).isZero();
    assertThat(shelf.due(TTL_NANOS, 9)).as("it is being looked at").isEmpty();
    assertThat(shelf.fades(Key.of("n/1"), TTL_NANOS)).isTrue();
    shelf.putOff(Key.of("n/1"), TTL_NANOS, 100);
    assertThat(shelf.due(TTL_NANOS + 99, 9)).isEmpty();
    assertThat(shelf.due(TTL_NANOS + 100, 9)).hasSize(1);
  }

  @Test
  void whereMoreAreDueThanAreLookedAtAtOnce_eachHasItsTurn() {
    for (int key = 1; key <= 3; key++) {
      shelf.put(record(key, key, 10), TERMS, 0);
    }
    var seen = new HashSet<Key>();
    for (int look = 1; look <= 2; look++) {
      for (ShadowShelf.Due due : shelf.due(look * TTL_NANOS, 2)) {
        seen.add(due.key());
        shelf.livesOn(due.key(), look * TTL_NANOS);
      }
    }
    assertThat(seen).hasSize(3);
  }

  @Test
  void onlyTheVersionThatMayGo_ends() {
    MetadataRecord first = record(1, 1, 10);
    shelf.put(first, TERMS, 0);
    shelf.refresh(record(1, 2, 10), true);
    Dot dot = first.header().version().dot();
    assertThat(shelf.end(first.key(), dot, false)).isFalse();
    assertThat(shelf.end(first.key(), new Dot(dot.actor(), 2), false)).isTrue();
    assertThat(shelf.contains(first.key())).isFalse();
    assertThat(shelf.stats().expired()).isOne();
    assertThat(shelf.stats().bytes()).isZero();
  }

  @Test
  void whatBecameNewerWhileItWasToEnd_isLookedAtAgain_andEnds() {
    MetadataRecord first = record(1, 1, 10);
    shelf.put(first, TERMS, 0);
    ShadowShelf.Due due = shelf.due(TTL_NANOS, 9).get(0);
    assertThat(shelf.fades(due.key(), TTL_NANOS)).isTrue();
    shelf.refresh(record(1, 2, 10), true);
    assertThat(shelf.end(due.key(), due.dot(), false)).isFalse();
    ShadowShelf.Due again = shelf.due(TTL_NANOS, 9).get(0);
    assertThat(again.dot()).isEqualTo(new Dot(due.dot().actor(), 2));
    assertThat(shelf.fades(again.key(), TTL_NANOS)).isTrue();
    assertThat(shelf.end(again.key(), again.dot(), false)).isTrue();
  }

  @Test
  void anOlderPayloadThatComesLate_isNotKept() {
    MetadataRecord first = record(1, 1, 10);
    MetadataRecord second = record(1, 2, 20);
    var saw = second.header().version().withContext(first.header().version().asContext());
    second = second.withHeader(second.header().withVersion(saw));
    shelf.put(second, TERMS, 0);
    shelf.refresh(first, true);
    assertThat(shelf.get(first.key())).isEqualTo(second);
  }

  @Test
  void readsAreCounted_andTellWhatIsUsed() {
    shelf.put(record(1, 1, 10), TERMS, 0);
    shelf.read("n/1", false);
    shelf.read("n/2", false);
    Frame.ShadowFacts facts = shelf.facts(Key.of("n/1"), 5_000_000);
    assertThat(facts).isNotNull();
    assertThat(facts.hits()).isOne();
    assertThat(facts.ageMs()).isEqualTo(5);
    assertThat(shelf.due(TTL_NANOS, 9).get(0).used().reads()).isOne();
    shelf.livesOn(Key.of("n/1"), TTL_NANOS);
    assertThat(shelf.due(2 * TTL_NANOS, 9).get(0).used().reads()).as("not since").isZero();
    assertThat(shelf.stats().hits()).isOne();
  }

  @Property
  void itsAccountOfBytesIsRight_andWithinItsBound(
      @ForAll @Size(max = 100) List<@IntRange(min = 0, max = 6_000) Integer> sizes) {
    var small = new ShadowShelf(20_000, new CopyRoom(20_000));
    long counter = 0;
    for (int size : sizes) {
      counter++;
      int key = size % 7;
      switch (size % 3) {
        case 0 -> small.put(record(key, counter, size), TERMS, 0);
        case 1 -> small.refresh(record(key, counter, size), true);
        default -> {
          MetadataRecord held = small.get(Key.of("n/" + key));
          if (held != null) {
            small.end(held.key(), held.header().version().dot(), true);
          }
        }
      }
      long sum =
          small.keys().stream()
              .mapToLong(each -> HeldShadow.bytesOf(Objects.requireNonNull(small.get(each))))
              .sum();
      assertThat(small.stats().bytes()).isEqualTo(sum).isLessThanOrEqualTo(20_000);
    }
  }

  @Test
  void theLedger_forgetsWhatIsOver_andTellsWhatWentWithARegion() {
    var ledger = new ShadowLedger();
    Key asked = Key.of("n/asked");
    Key read = Key.of("n/read");
    long second = 1_000_000_000;
    ledger.add(asked, EU, new ShadowPromise(TERMS, 2 * second), 100);
    ledger.add(asked, US, new ShadowPromise(TERMS, 3 * second), 200);
    ledger.add(read, EU, promise(ShadowReason.FIRST_READ), 200);
    assertThat(ledger.of(asked, 99)).containsExactly(EU, US);
    assertThat(ledger.of(asked, 100)).containsExactly(US);
    assertThat(ledger.lost(Set.of(EU), 100)).isEmpty();
    assertThat(ledger.of(read, 100)).isEmpty();
    assertThat(ledger.lost(Set.of(US), 199))
        .containsExactly(Map.entry(asked, new ShadowPromise(TERMS, 3 * second)));
    assertThat(ledger.estimatedBytes()).isZero();
  }

  @Test
  void ofWhatWentWithSeveralRegions_theLongestPromiseIsOwed_untilLessIsLeftThanAShadowLives() {
    var ledger = new ShadowLedger();
    Key key = Key.of("n/1");
    long second = 1_000_000_000;
    ledger.add(key, EU, new ShadowPromise(TERMS, 9 * second), 100 * second);
    ledger.add(key, US, new ShadowPromise(TERMS, 5 * second), 100 * second);
    ShadowPromise owed = ledger.lost(Set.of(EU, US), second).get(key);
    assertThat(owed.left(second).ttlNanos()).isEqualTo(8 * second);
    assertThat(owed.isOver(8 * second)).isFalse();
    assertThat(owed.isOver(8 * second + 1)).isTrue();
  }

  private static ShadowPromise promise(ShadowReason reason) {
    return ShadowPromise.from(ShadowTerms.of(reason, 3, TTL), 0);
  }

  @Test
  void whatIsOver_isNotLost_andWhatWasAskedForIsToldOfFirst() {
    var ledger = new ShadowLedger();
    Key asked = Key.of("n/asked");
    for (int i = 0; i < 10; i++) {
      ledger.add(Key.of("n/" + i), EU, promise(ShadowReason.FIRST_READ), 200);
    }
    ledger.add(asked, EU, promise(ShadowReason.REQUESTED), 100);
    assertThat(ledger.in(EU, 3, 99)).hasSize(3).containsKey(asked);
    assertThat(ledger.in(EU, 3, 100)).hasSize(3).doesNotContainKey(asked);
    assertThat(ledger.lost(Set.of(EU), TTL.toNanos())).isEmpty();
    assertThat(ledger.estimatedBytes()).isZero();
  }

  @Test
  void ledgerAndReaders_stayWithinTheirBounds() {
    var ledger = new ShadowLedger();
    var readers = new ShadowReaders();
    for (int i = 0; i < 20_000; i++) {
      ledger.add(Key.of("n/" + i), EU, promise(ShadowReason.REQUESTED), 100);
      readers.fetched(Key.of("n/" + i), US, i);
    }
    assertThat(ledger.estimatedBytes()).isBetween(1L, ShadowLedger.MAX_BYTES);
    assertThat(ledger.forgotten()).isEqualTo(20_000 - ledger.keys().size()).isPositive();
    assertThat(readers.estimatedBytes()).isBetween(1L, ShadowReaders.MAX_BYTES);
    assertThat(readers.of(Key.of("n/19999"), 19_999)).containsEntry(US, 1L);
    assertThat(readers.of(Key.of("n/0"), 19_999)).isEmpty();
  }

  @Test
  void whoReadLongAgo_countsLessThanWhoReadsNow_andAtLastNotAtAll() {
    var readers = new ShadowReaders();
    long hour = 3_600_000_000_000L;
    Key key = Key.of("n/1");
    for (int i = 0; i < 8; i++) {
      readers.fetched(key, US, 0);
    }
    assertThat(readers.of(key, 0)).containsExactly(Map.entry(US, 8L));
    for (int i = 0; i < 3; i++) {
      readers.fetched(key, EU, 2 * hour);
    }
    assertThat(readers.of(key, 2 * hour)).containsOnly(Map.entry(US, 2L), Map.entry(EU, 3L));
    assertThat(readers.of(key, 5 * hour)).isEmpty();
  }
}
