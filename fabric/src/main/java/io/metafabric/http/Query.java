package io.metafabric.http;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request's target, taken apart. Immutable. */
record Query(String path, String text) {
  static Query of(String target) {
    int mark = target.indexOf('?');
    return mark < 0
        ? new Query(target, "")
        : new Query(target.substring(0, mark), target.substring(mark + 1));
  }

  /**
   * The fields; a plus is a space.
   *
   * @throws BadRequestException if they are not encoded as they should be, or one is there twice
   */
  Map<String, Object> fields() {
    var values = new LinkedHashMap<String, Object>();
    if (text.isEmpty()) {
      return values;
    }
    for (String pair : text.split("&", -1)) {
      int equals = pair.indexOf('=');
      if (equals < 1) {
        throw new BadRequestException(null, "a query is name=value, joined by &");
      }
      String name = decoded(null, pair.substring(0, equals));
      if (values.put(name, decoded(name, pair.substring(equals + 1))) != null) {
        throw new BadRequestException(name, name + " is given twice");
      }
    }
    return values;
  }

  private static String decoded(@Nullable String field, String encoded) {
    var bytes = new ByteArrayOutputStream(encoded.length());
    for (int i = 0; i < encoded.length(); i++) {
      char c = encoded.charAt(i);
      if (c == '%') {
        int high = i + 2 < encoded.length() ? Character.digit(encoded.charAt(i + 1), 16) : -1;
        int low = i + 2 < encoded.length() ? Character.digit(encoded.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          throw new BadRequestException(field, "a % is followed by two digits of 0-9 a-f");
        }
        bytes.write(high << 4 | low);
        i += 2;
      } else if (c > 0x7e || c <= ' ') {
        throw new BadRequestException(field, "other characters than ASCII must be percent-encoded");
      } else {
        bytes.write(c == '+' ? ' ' : c);
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new BadRequestException(field, "what is percent-encoded is not UTF-8");
    }
  }
}
