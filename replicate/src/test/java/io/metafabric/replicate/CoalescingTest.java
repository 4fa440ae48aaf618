package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.LastWriterWins;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left out must not be missed, whatever the receiver knew before. */
class CoalescingTest {
  private static final int ACTORS = 3;

  private final List<Header> written = new ArrayList<>();
  private final List<Header> states = new ArrayList<>();

  private static MetadataRecord record(Header header) {
    return new MetadataRecord(Key.of("n/1"), header, null);
  }

  /** One key, written and joined at random by several actors, also on top of what is not newest. */
  private void history(Random random) {
    long stamp = 0;
    var counters = new long[ACTORS];
    for (int i = 0; i < 30; i++) {
      int actor = random.nextInt(ACTORS);
      VersionVector context = VersionVector.EMPTY;
      if (!states.isEmpty() && random.nextInt(4) > 0) {
        context = states.get(random.nextInt(states.size())).version().asContext();
      }
      stamp += random.nextInt(1, 3);
      var version =
          new Version(
              new Dot(new ActorId(actor + 1), ++counters[actor]), context, new Stamp(stamp));
      Header header =
          Header.value(version, new RegionName("r" + actor), Bytes.utf8("" + i), Header.NEVER);
      written.add(header);
      states.add(header);
      if (random.nextBoolean()) {
        Header other = states.get(random.nextInt(states.size()));
        states.add(LastWriterWins.join(header, other));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void whoeverJoinsTheLater_learnsNothingFromTheEarlier(long seed) {
    history(new Random(seed));
    int coalesced = 0;
    int concurrent = 0;
    for (Header earlier : states) {
      for (Header later : states) {
        boolean sameDot = earlier.version().dot().equals(later.version().dot());
        if (sameDot || !Coalescing.saysAll(record(later), record(earlier))) {
          concurrent += sameDot || later.version().covers(earlier.version().dot()) ? 0 : 1;
          continue;
        }
        coalesced++;
        for (Header known : states) {
          Header both = LastWriterWins.join(LastWriterWins.join(known, earlier), later);
          assertThat(LastWriterWins.join(known, later))
              .as("seed %d: %s, then %s", seed, known, later)
              .isEqualTo(both);
        }
      }
    }
    assertThat(coalesced).as("seed %d", seed).isPositive();
    assertThat(concurrent).as("seed %d: pairs of which both must go", seed).isPositive();
  }

  @Test
  void aRemove_isSaidByALaterRemove_notByAValue() {
    var region = new RegionName("r");
    var actor = new ActorId(1);
    var first = new Version(new Dot(actor, 1), VersionVector.EMPTY, new Stamp(1));
    var second = new Version(new Dot(actor, 2), first.asContext(), new Stamp(2));
    Bytes bytes = Bytes.utf8("v");
    MetadataRecord removed = record(Header.tombstone(first, region));
    MetadataRecord value = record(Header.value(first, region, bytes, Header.NEVER));
    MetadataRecord removedLater = record(Header.tombstone(second, region));
    MetadataRecord valueLater = record(Header.value(second, region, bytes, Header.NEVER));
    assertThat(Coalescing.saysAll(valueLater, removed)).isFalse();
    assertThat(Coalescing.saysAll(removedLater, removed)).isTrue();
    assertThat(Coalescing.saysAll(removedLater, value)).isTrue();
    assertThat(Coalescing.saysAll(valueLater, value)).isTrue();
  }
}
