package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import org.junit.jupiter.api.Test;

class PreconditionTest {
  static final long NOW_MS = 1_000;
  static final RegionName PARIS = new RegionName("paris");
  static final Version FIRST = version(1);
  static final Version SECOND = version(2);

  static final Header VALUE = value(Header.NEVER);
  static final Header EXPIRED = value(NOW_MS);
  static final Header EXPIRES_SOON = value(NOW_MS + 1);
  static final Header DELETED = Header.tombstone(FIRST, PARIS);

  private static Version version(long counter) {
    return new Version(new Dot(new ActorId(1), counter), VersionVector.EMPTY, new Stamp(1));
  }

  private static Header value(long expiresAtMs) {
    return Header.value(FIRST, PARIS, Bytes.utf8("v"), expiresAtMs);
  }

  @Test
  void aValueIsThere_untilItExpires_orIsDeleted() {
    for (Header there : new Header[] {VALUE, EXPIRES_SOON}) {
      assertThat(Precondition.VISIBLE.holds(there, NOW_MS)).isTrue();
      assertThat(Precondition.ABSENT.holds(there, NOW_MS)).isFalse();
    }
    for (Header gone : new Header[] {null, EXPIRED, DELETED}) {
      assertThat(Precondition.VISIBLE.holds(gone, NOW_MS)).isFalse();
      assertThat(Precondition.ABSENT.holds(gone, NOW_MS)).isTrue();
    }
    assertThat(Precondition.NONE.holds(null, NOW_MS)).isTrue();
    assertThat(Precondition.NONE.holds(VALUE, NOW_MS)).isTrue();
  }

  @Test
  void aVersionThatIsExpected_isThere_whateverItsContext() {
    assertThat(Precondition.version(FIRST).holds(VALUE, NOW_MS)).isTrue();
    VersionVector more = VersionVector.of(new Dot(new ActorId(2), 3));
    assertThat(Precondition.version(FIRST.withContext(more)).holds(VALUE, NOW_MS)).isTrue();

    assertThat(Precondition.version(SECOND).holds(VALUE, NOW_MS)).isFalse();
    assertThat(Precondition.version(FIRST).holds(EXPIRED, NOW_MS)).isFalse();
    assertThat(Precondition.version(FIRST).holds(DELETED, NOW_MS)).isFalse();
    assertThat(Precondition.version(FIRST).holds(null, NOW_MS)).isFalse();
  }

  @Test
  void whoExpectsNoVersion_expectsThatNothingIsKnown() {
    assertThat(Precondition.version(Version.NONE).holds(null, NOW_MS)).isTrue();
    assertThat(Precondition.version(Version.NONE).holds(VALUE, NOW_MS)).isFalse();
  }
}
