package io.metafabric.procs;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Values that say which attempt made them, and whose every byte follows from it and the key. */
final class Values {
  private Values() {}

  static byte[] of(WriteId id, String key) {
    var text = new StringBuilder(id + " " + key + " ");
    var random = new SplittableRandom(id.sequence() * 1_000_003 + id.life());
    int dice = random.nextInt(100);
    int length = random.nextInt(dice < 80 ? 300 : dice < 98 ? 4000 : 64_000);
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString().getBytes(UTF_8);
  }

  /**
   * @throws IllegalArgumentException if nobody can have written this value under this key
   */
  static WriteId idOf(byte[] value, String key) {
    String text = new String(value, UTF_8);
    int end = text.indexOf(' ');
    if (end > 0 && text.substring(0, end).matches("\\d+\\.\\d+")) {
      WriteId id = WriteId.parse(text.substring(0, end));
      if (Arrays.equals(value, of(id, key))) {
        return id;
      }
    }
    throw new IllegalArgumentException(
        "nobody wrote this under "
            + key
            + ": "
            + value.length
            + " bytes, \""
            + text.substring(0, Math.min(60, text.length()))
            + "\"");
  }
}
