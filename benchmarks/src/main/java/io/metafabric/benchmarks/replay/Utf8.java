package io.metafabric.benchmarks.replay;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Texts of which nobody knows whether they are UTF-8, read with a character for each byte. */
final class Utf8 {
  private Utf8() {}

  /** What the bytes say; null if they are not UTF-8. */
  static @Nullable String decoded(String bytes) {
    if (bytes.chars().allMatch(c -> c < 0x80)) {
      return bytes;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** The same if it is UTF-8, else with an escape for each byte that is not ASCII, as in a URL. */
  static String escaped(String bytes) {
    if (decoded(bytes) != null) {
      return bytes;
    }
    var text = new StringBuilder();
    for (char c : bytes.toCharArray()) {
      if (c < 0x80) {
        text.append(c);
      } else {
        text.append(String.format("%%%02X", (int) c));
      }
    }
    return text.toString();
  }
}
