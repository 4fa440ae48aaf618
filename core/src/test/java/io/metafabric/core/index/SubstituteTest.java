package io.metafabric.core.index;

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
import org.junit.jupiter.api.Test;

/** Which older values may be shown in place of one that cannot be read. */
class SubstituteTest {
  private static final Key KEY = Key.of("n/1");
  private static final RegionName PARIS = new RegionName("paris");
  private static final Dot FIRST = new Dot(new ActorId(1), 1);
  private static final Dot SECOND = new Dot(new ActorId(1), 2);
  private static final Dot THIRD = new Dot(new ActorId(1), 3);
  private static final long EXPIRES_MS = 1_000;

  private static MetadataRecord value(Dot dot, VersionVector context) {
    Bytes payload = Bytes.utf8("v" + dot.counter());
    var version = new Version(dot, context, new Stamp(dot.counter()));
    return new MetadataRecord(KEY, Header.value(version, PARIS, payload, EXPIRES_MS), payload);
  }

  private static final MetadataRecord OLDEST = value(FIRST, VersionVector.EMPTY);
  private static final MetadataRecord OLD = value(SECOND, VersionVector.of(FIRST));
  private static final Header NEWEST = value(THIRD, VersionVector.of(SECOND)).header();

  @Test
  void nothingOlderIsShown_thanTheLastThatWasHere() {
    var substitute = new Substitute(NEWEST, SECOND, null);
    assertThat(substitute.allows(OLD, 0)).isTrue();
    assertThat(substitute.allows(OLDEST, 0)).isFalse();
    var later = value(THIRD, VersionVector.of(SECOND));
    assertThat(substitute.allows(later, 0)).as("which had seen that").isTrue();
  }

  @Test
  void whereNothingWasHere_anyValueIsShown() {
    assertThat(new Substitute(NEWEST, null, null).allows(OLDEST, 0)).isTrue();
  }

  @Test
  void whatHasExpired_orHasNoValue_isNotShown() {
    var substitute = new Substitute(NEWEST, SECOND, null);
    assertThat(substitute.allows(OLD, EXPIRES_MS - 1)).isTrue();
    assertThat(substitute.allows(OLD, EXPIRES_MS + 1)).isFalse();
    assertThat(substitute.allows(OLD.withoutPayload(), 0)).isFalse();
  }
}
