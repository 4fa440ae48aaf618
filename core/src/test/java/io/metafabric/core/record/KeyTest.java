package io.metafabric.core.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.error.InvalidKeyException;
import java.nio.charset.StandardCharsets;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTest {
  @Provide
  Arbitrary<Key> keys() {
    return AnyRecords.keys();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "n/1",
        "a.b_c-9/x",
        "n//",
        "n/a/b/c",
        "n/ ",
        "n/\u00e9",
        "n/\u20ac",
        "n/\ud83d\ude00",
        "n/\uffff",
        "0/A=B?C#D"
      })
  void whatIsOfTheForm_isAKey(String path) {
    Key key = Key.of(path);

    assertThat(key).hasToString(path);
    assertThat(key.path()).isEqualTo(path);
    assertThat(key.namespace() + "/" + key.id()).isEqualTo(path);
    assertThat(key.namespace()).doesNotContain("/");
    assertThat(key.utf8Length()).isEqualTo(path.getBytes(StandardCharsets.UTF_8).length);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|namespace/id with both parts",
        "/|namespace/id with both parts",
        "n|namespace/id with both parts",
        "n/|namespace/id with both parts",
        "/1|namespace/id with both parts",
        "//1|namespace/id with both parts",
        "N/1|other characters",
        "n n/1|other characters",
        "n\u00e9/1|other characters",
        "n:m/1|other characters",
        "n`/1|other characters",
        "n{/1|other characters",
      })
  void aMalformedNamespace_isRefused(String path, String why) {
    assertThatThrownBy(() -> Key.of(path))
        .isInstanceOf(InvalidKeyException.class)
        .hasMessageContaining("\"" + path + "\"")
        .hasMessageContaining(why);
  }

  @Test
  void null_isRefused() {
    assertThatThrownBy(() -> Key.of(null))
        .isInstanceOf(InvalidKeyException.class)
        .hasMessageContaining("namespace/id");
  }

  @Test
  void controlCharacters_areRefused_eachOfThem() {
    for (char c = 0; c < 0x100; c++) {
      String path = "n/a" + c + "b";
      if (Character.isISOControl(c)) {
        assertThatThrownBy(() -> Key.of(path))
            .isInstanceOf(InvalidKeyException.class)
            .hasMessageContaining("control character at index 3")
            .hasMessageContaining("\"n/a?b\"");
      } else {
        assertThat(Key.of(path).path()).isEqualTo(path);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"n/\ud83d", "n/\ude00", "n/\ud83dx", "n/\ude00\ud83d", "n/\ud83d\ud83d\ude00"})
  void halfASurrogatePair_isRefused(String path) {
    assertThatThrownBy(() -> Key.of(path))
        .isInstanceOf(InvalidKeyException.class)
        .hasMessageContaining("half a surrogate pair at index 2");
  }

  @Test
  void aNamespace_hasAtMost64Characters() {
    String longest = "n".repeat(64);
    assertThat(Key.of(longest + "/1").namespace()).isEqualTo(longest);
    assertThatThrownBy(() -> Key.of(longest + "n/1"))
        .isInstanceOf(InvalidKeyException.class)
        .hasMessageContaining("64");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "\u00e9", "\u20ac", "\ud83d\ude00"})
  void aKey_hasAtMost1024BytesOfUtf8(String character) {
    int bytes = character.getBytes(StandardCharsets.UTF_8).length;
    String fits = "n/" + "x".repeat(1022 % bytes) + character.repeat(1022 / bytes);

    assertThat(Key.of(fits).utf8Length()).isEqualTo(1024);
    assertThatThrownBy(() -> Key.of(fits + "x"))
        .isInstanceOf(InvalidKeyException.class)
        .hasMessageContaining("is 1025 bytes of UTF-8, more than 1024");
  }

  @Test
  void aMessage_quotesNoMoreThanTheBeginning() {
    assertThatThrownBy(() -> Key.of("n/" + "x".repeat(1_000_000)))
        .isInstanceOf(InvalidKeyException.class)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(200).contains("..."));
  }

  @Property
  void aKeyComesBackFromItsUtf8(@ForAll("keys") Key key) {
    Key back = Key.fromUtf8(key.toUtf8());

    assertThat(back).isEqualTo(key).hasSameHashCodeAs(key);
    assertThat(back.compareTo(key)).isZero();
    assertThat(key.toUtf8()).hasSize(key.utf8Length());
  }

  @Property
  void anyBytes_areAKeyWithExactlyTheseBytes_orRefused(@ForAll byte[] bytes) {
    Key key;
    try {
      key = Key.fromUtf8(bytes);
    } catch (InvalidKeyException e) {
      return;
    }
    assertThat(key.toUtf8()).isEqualTo(bytes);
  }

  @Test
  void utf8WithASecondWayToSayTheSame_isRefused() {
    byte[] overlongSlash = {'n', '/', (byte) 0xc0, (byte) 0xaf};
    byte[] encodedSurrogate = {'n', '/', (byte) 0xed, (byte) 0xa0, (byte) 0xbd};
    byte[] cutShort = {'n', '/', (byte) 0xe2, (byte) 0x82};

    for (byte[] bytes : new byte[][] {overlongSlash, encodedSurrogate, cutShort}) {
      assertThatThrownBy(() -> Key.fromUtf8(bytes))
          .isInstanceOf(InvalidKeyException.class)
          .hasMessageContaining("not UTF-8");
    }
  }

  @Test
  void keysAreOrderedByTheirPath() {
    assertThat(Key.of("a/1")).isLessThan(Key.of("a/2")).isLessThan(Key.of("b/1"));
    assertThat(Key.of("a/1")).isNotEqualTo(Key.of("a/2")).isNotEqualTo(null).isNotEqualTo("a/1");
  }
}
