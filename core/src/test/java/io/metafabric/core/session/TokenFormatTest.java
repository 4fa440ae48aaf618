package io.metafabric.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.SessionTokenException;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class TokenFormatTest {
  private static final ActorId ACTOR = new ActorId(0x11);
  private static final TokenSecret SECRET = new TokenSecret(new byte[32]);

  private static final Dependencies ONE_OF_EACH =
      Dependencies.of(
          VersionVector.of(new Dot(ACTOR, 300)),
          List.of(new Dependencies.Recent(0x0102030405060708L, new Dot(new ActorId(0x22), 5))),
          new Stamp(0x0a0b));

  private static final String SAID =
      "0163"
          + "0000000000000a0b"
          + "010000000000000011ac02"
          + "01"
          + "01020304050607080000000000000022"
          + "05";

  private static byte[] bytes(@Nullable TokenSecret secret) {
    return TokenFormat.encode("c", ONE_OF_EACH, secret);
  }

  /** Tokens outlive the process that made them. */
  @Test
  void theBytes_areWhatTheyAlwaysWere() {
    assertThat(HexFormat.of().formatHex(bytes(null))).isEqualTo("0200" + SAID + "2a2db414");
    assertThat(HexFormat.of().formatHex(bytes(SECRET)))
        .isEqualTo("0201" + SAID + "11a14a094890245d657f6b7fd7f569ca");
    assertThat(HexFormat.of().formatHex(TokenFormat.encode("c", Dependencies.NONE, null)))
        .isEqualTo("0200" + "0163" + "0000000000000000" + "00" + "00" + "9be5de78");
  }

  @Test
  void whatIsWritten_isRead() {
    assertThat(TokenFormat.decode(bytes(null)))
        .isEqualTo(new TokenFormat.Content("c", false, ONE_OF_EACH));
    assertThat(TokenFormat.decode(bytes(SECRET)))
        .isEqualTo(new TokenFormat.Content("c", true, ONE_OF_EACH));
  }

  @Test
  void eachTruncatedToken_isRefused_andEachThatIsTooLong() {
    byte[] whole = bytes(null);
    for (int length = 0; length < whole.length; length++) {
      byte[] some = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> TokenFormat.decode(some)).isInstanceOf(SessionTokenException.class);
    }
    assertThatThrownBy(() -> TokenFormat.decode(Arrays.copyOf(whole, whole.length + 1)))
        .isInstanceOf(SessionTokenException.class);
    assertThatThrownBy(() -> TokenFormat.decode(new byte[TokenFormat.MAX_BYTES + 1]))
        .isInstanceOf(SessionTokenException.class)
        .hasMessageContaining("at most");
  }

  @Test
  void eachFlippedBit_isSeen() {
    for (int bit = 0; bit < bytes(null).length * 8; bit++) {
      byte[] flipped = bytes(null);
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      boolean isKeyed = bit == 8;
      if (!isKeyed) {
        assertThatThrownBy(() -> TokenFormat.decode(flipped))
            .as("bit %d", bit)
            .isInstanceOf(SessionTokenException.class);
      }
    }
    for (int bit = 16; bit < bytes(SECRET).length * 8; bit++) {
      byte[] flipped = bytes(SECRET);
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThat(TokenFormat.verify(flipped, SECRET)).as("bit %d", bit).isFalse();
    }
  }

  @Test
  void anotherSecret_isNotThisOne_andNoneIsPrinted() {
    var other = new TokenSecret("0123456789abcdef".getBytes(StandardCharsets.UTF_8));
    assertThat(TokenFormat.verify(bytes(SECRET), SECRET)).isTrue();
    assertThat(TokenFormat.verify(bytes(other), SECRET)).isFalse();
    assertThat(other).asString().doesNotContain("0123");
    assertThatThrownBy(() -> new TokenSecret(new byte[15]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 16 bytes");
  }

  @Test
  void anotherFormat_isNamed() {
    byte[] next = bytes(null);
    next[0] = 3;
    assertThatThrownBy(() -> TokenFormat.decode(next)).hasMessageContaining("format 3");
  }

  /** With the right checksum, as anybody can make it who has no secret to know. */
  @RepeatedTest(200)
  void whateverIsInside_isReadOrRefused_andNothingElse(RepetitionInfo run) {
    var random = new Random(run.getCurrentRepetition());
    byte[] token = bytes(null);
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      token[2 + random.nextInt(token.length - 6)] = (byte) random.nextInt();
    }
    int length = token.length - 4;
    ByteBuffer.wrap(token).putInt(length, Checksums.crc32c(ByteBuffer.wrap(token, 0, length)));
    try {
      TokenFormat.Content content = TokenFormat.decode(token);
      assertThat(TokenFormat.encode(content.cluster(), content.dependencies(), null))
          .as("there is one form only")
          .isEqualTo(token);
    } catch (SessionTokenException e) {
      assertThat(e).hasMessageContaining("not a session token");
    }
  }

  @Test
  void whatIsBeyondTheBound_hasNoToken() {
    var actors = new long[Dependencies.MAX_ACTORS + 1];
    var counters = new long[actors.length];
    Arrays.setAll(actors, i -> i + 1);
    Arrays.fill(counters, Long.MAX_VALUE);
    var most =
        VersionVector.of(
            Arrays.copyOf(actors, actors.length - 1), Arrays.copyOf(counters, actors.length - 1));
    var recent = new ArrayList<Dependencies.Recent>();
    for (int i = 0; i < Dependencies.MAX_RECENT; i++) {
      recent.add(new Dependencies.Recent(i, new Dot(new ActorId(-1 - i), Long.MAX_VALUE)));
    }
    assertThat(TokenFormat.encode("c", Dependencies.of(most, recent, new Stamp(1)), SECRET))
        .as("the bound that is documented")
        .hasSizeLessThan(20 << 10);
    Dependencies beyond =
        Dependencies.of(most, List.of(), new Stamp(1))
            .join(
                Dependencies.of(
                    VersionVector.of(new Dot(new ActorId(-1), 1)), List.of(), new Stamp(1)));
    assertThatThrownBy(() -> TokenFormat.encode("c", beyond, null))
        .isInstanceOf(SessionTokenException.class)
        .hasMessageContaining("begin another");
  }
}
