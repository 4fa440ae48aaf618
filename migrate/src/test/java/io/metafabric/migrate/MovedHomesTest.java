package io.metafabric.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Homes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a region makes of the records of moves that it knows. */
final class MovedHomesTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName SA = new RegionName("sa");
  private static final RegionName US = new RegionName("us");
  private static final RegionName ZURICH = new RegionName("zurich");
  private static final List<RegionName> ALL = List.of(EU, SA, US, ZURICH);
  private static final Key KEY = Key.of("n/1");

  private static MovedHomes homes(List<RegionName> regions) {
    return new MovedHomes(new HomeDirectory(regions, Map.of()), regions);
  }

  private static MetadataRecord move(RegionName from, RegionName to, long epoch) {
    var payload = MovedHomes.payloadOf(new MovedHomes.Moved(new Homes(to, from), epoch));
    var version =
        new Version(new Dot(new ActorId(7), epoch), VersionVector.EMPTY, MovedHomes.stampOf(epoch));
    Header header = Header.value(version, from, payload, Header.NEVER);
    return new MetadataRecord(MovedHomes.recordOf(KEY), header, payload);
  }

  private static MetadataRecord headerOf(MetadataRecord record) {
    return new MetadataRecord(record.key(), record.header(), null);
  }

  @Test
  void aMoveIsTheSame_whetherItsPayloadIsThereOrNot() {
    for (RegionName from : ALL) {
      for (RegionName to : ALL) {
        for (long epoch : new long[] {1, 2, (1L << 32) + 1, 4L << 32}) {
          if (!from.equals(to)) {
            MetadataRecord record = move(from, to, epoch);
            MovedHomes whole = homes(ALL);
            MovedHomes header = homes(ALL);
            assertThat(whole.apply(record)).isEqualTo(KEY);
            assertThat(header.apply(headerOf(record))).isEqualTo(KEY);
            assertThat(header.of(KEY))
                .isEqualTo(whole.of(KEY))
                .isEqualTo(new MovedHomes.Moved(new Homes(to, from), epoch));
          }
        }
      }
    }
  }

  /** Who has seen the payload of the move before agrees with who has not. */
  @Test
  void aLaterMoveWithoutItsPayload_isTheHome_whateverWasKnownBefore() {
    MovedHomes knew = homes(ALL);
    MovedHomes knewNothing = homes(ALL);
    knew.apply(move(EU, SA, 1));
    for (MovedHomes each : List.of(knew, knewNothing)) {
      each.apply(headerOf(move(SA, US, 2)));
    }
    assertThat(knew.of(KEY)).isEqualTo(knewNothing.of(KEY));
    assertThat(knew.of(KEY)).isEqualTo(new MovedHomes.Moved(new Homes(US, SA), 2));
  }

  @Test
  void aRegionThatIsNotConfigured_isNoHome() {
    MovedHomes homes = homes(List.of(EU, SA));
    assertThatThrownBy(() -> homes.apply(headerOf(move(SA, ZURICH, 1))))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("in none of [eu, sa]");
    assertThat(homes.of(KEY).epoch()).isZero();
  }
}
