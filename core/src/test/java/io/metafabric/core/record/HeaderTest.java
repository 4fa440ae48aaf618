package io.metafabric.core.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.ConfigurationException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderTest {
  static final RegionName PARIS = new RegionName("paris");
  static final Version VERSION =
      new Version(new Dot(new ActorId(1), 1), VersionVector.EMPTY, new Stamp(1));
  static final Bytes PAYLOAD = Bytes.utf8("payload");

  @Test
  void aValueIsVisible_untilItExpires() {
    Header forEver = Header.value(VERSION, PARIS, PAYLOAD, Header.NEVER);
    Header untilTen = Header.value(VERSION, PARIS, PAYLOAD, 10);

    assertThat(forEver.isVisibleAt(Long.MAX_VALUE)).isTrue();
    assertThat(untilTen.isVisibleAt(9)).isTrue();
    assertThat(untilTen.isVisibleAt(10)).isFalse();
  }

  @Test
  void whatHasExpiredHere_mayBeVisibleWhereTheClockIsBehind() {
    long expiresAtMs = Header.CLOCKS_DIFFER_MS + 10;
    Header header = Header.value(VERSION, PARIS, PAYLOAD, expiresAtMs);

    assertThat(header.mayBeVisibleElsewhereAt(expiresAtMs + Header.CLOCKS_DIFFER_MS - 1)).isTrue();
    assertThat(header.mayBeVisibleElsewhereAt(expiresAtMs + Header.CLOCKS_DIFFER_MS)).isFalse();
    assertThat(Header.tombstone(VERSION, PARIS).mayBeVisibleElsewhereAt(0)).isFalse();
  }

  @Test
  void aTombstoneIsNeverVisible_andDescribesNothing() {
    Header tombstone = Header.tombstone(VERSION, PARIS);

    assertThat(tombstone.isTombstone()).isTrue();
    assertThat(tombstone.isVisibleAt(0)).isFalse();
    assertThat(tombstone.describes(Bytes.EMPTY)).isFalse();
  }

  @Test
  void aHeaderDescribesItsPayloadAlone() {
    Header header = Header.value(VERSION, PARIS, PAYLOAD, Header.NEVER);

    assertThat(header.describes(PAYLOAD)).isTrue();
    assertThat(header.describes(Bytes.utf8("Payload"))).isFalse();
    assertThat(header.describes(Bytes.EMPTY)).isFalse();
    assertThat(Header.value(VERSION, PARIS, Bytes.EMPTY, 0).describes(Bytes.EMPTY)).isTrue();
  }

  @Test
  void aRecordWithAnotherPayloadThanItsHeaders_isRefused() {
    Key key = Key.of("n/1");
    Header header = Header.value(VERSION, PARIS, PAYLOAD, Header.NEVER);

    assertThat(new MetadataRecord(key, header, PAYLOAD).withoutPayload())
        .isEqualTo(new MetadataRecord(key, header, null));
    assertThatThrownBy(() -> new MetadataRecord(key, header, Bytes.utf8("other")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n/1");
    assertThatThrownBy(() -> new MetadataRecord(key, Header.tombstone(VERSION, PARIS), Bytes.EMPTY))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatCannotBe_isRefused() {
    assertThatThrownBy(() -> new Header(VERSION, PARIS, Header.Kind.VALUE, -1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Header(VERSION, PARIS, Header.Kind.VALUE, 0, 0, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Header(VERSION, PARIS, Header.Kind.TOMBSTONE, 1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Header(VERSION, PARIS, Header.Kind.TOMBSTONE, 0, 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Paris", "1paris", "-paris", "par is", "paris_1", "pa/ris", "\u00e9"})
  void aRegionNameOfAnotherForm_isRefused(String name) {
    assertThatThrownBy(() -> new RegionName(name))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("\"" + name + "\"")
        .hasMessageContaining("a-z 0-9 -");
  }

  @Test
  void aRegionName_hasAtMost63Characters() {
    assertThat(new RegionName("r".repeat(63))).hasToString("r".repeat(63));
    assertThatThrownBy(() -> new RegionName("r".repeat(64)))
        .isInstanceOf(ConfigurationException.class);
  }
}
