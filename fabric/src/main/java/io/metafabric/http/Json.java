package io.metafabric.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonParser.NumberType;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Objects of fields from UTF-8, and answers to it. Stateless. */
final class Json {
  private static final int MAX_TEXT = 8192;
  private static final int MAX_NAME = 128;
  private static final int MAX_DIGITS = 32;

  // Nothing is pooled or interned: that would stay behind on threads and in the class loader.
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
          .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(MAX_TEXT)
                  .maxNameLength(MAX_NAME)
                  .maxNumberLength(MAX_DIGITS)
                  .maxNestingDepth(2)
                  .build())
          .build();

  private Json() {}

  /**
   * One object of strings and whole numbers, the latter as {@code Long}.
   *
   * @throws BadRequestException if it is none
   */
  static Map<String, Object> fields(byte[] utf8, int from, int length) {
    char[] text;
    try {
      text = decoded(ByteBuffer.wrap(utf8, from, length));
    } catch (CharacterCodingException e) {
      throw new BadRequestException(null, "this is not UTF-8");
    }
    try (JsonParser in = FACTORY.createParser(text)) {
      return fields(in);
    } catch (StreamConstraintsException e) {
      throw new BadRequestException(
          null,
          "a name may have "
              + MAX_NAME
              + " characters, a string "
              + MAX_TEXT
              + ", a number "
              + MAX_DIGITS
              + " digits at most");
    } catch (JsonProcessingException e) {
      // Its own message may have some of what came.
      throw new BadRequestException(
          null, "broken JSON at character " + e.getLocation().getCharOffset());
    } catch (IOException e) {
      throw new UncheckedIOException("read from memory", e);
    }
  }

  private static char[] decoded(ByteBuffer utf8) throws CharacterCodingException {
    var decoded = StandardCharsets.UTF_8.newDecoder().decode(utf8);
    var text = new char[decoded.remaining()];
    decoded.get(text);
    return text;
  }

  private static Map<String, Object> fields(JsonParser in) throws IOException {
    if (in.nextToken() != JsonToken.START_OBJECT) {
      throw new BadRequestException(null, "a JSON object is needed, as in {\"name\": \"value\"}");
    }
    var values = new LinkedHashMap<String, Object>();
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String name = in.currentName();
      if (values.put(name, value(name, in)) != null) {
        throw new BadRequestException(name, name + " is given twice");
      }
    }
    if (in.nextToken() != null) {
      throw new BadRequestException(null, "there is something behind the JSON object");
    }
    return values;
  }

  private static Object value(String name, JsonParser in) throws IOException {
    JsonToken token = in.nextToken();
    if (token == JsonToken.VALUE_STRING) {
      return in.getText();
    }
    if (token == JsonToken.VALUE_NUMBER_INT && in.getNumberType() != NumberType.BIG_INTEGER) {
      return in.getLongValue();
    }
    if (token == JsonToken.VALUE_NUMBER_INT || token == JsonToken.VALUE_NUMBER_FLOAT) {
      throw new BadRequestException(name, name + " must be a whole number of at most 64 bits");
    }
    throw new BadRequestException(name, name + " must be a string or a whole number");
  }

  static byte[] text(Map<String, ?> object) {
    var bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = FACTORY.createGenerator(bytes)) {
      write(out, object);
    } catch (IOException e) {
      throw new UncheckedIOException("written to memory", e);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator out, @Nullable Object value) throws IOException {
    if (value instanceof Map<?, ?> object) {
      out.writeStartObject();
      for (Map.Entry<?, ?> each : object.entrySet()) {
        out.writeFieldName(String.valueOf(each.getKey()));
        write(out, each.getValue());
      }
      out.writeEndObject();
    } else if (value instanceof Iterable<?> list) {
      out.writeStartArray();
      for (Object each : list) {
        write(out, each);
      }
      out.writeEndArray();
    } else if (value instanceof Boolean flag) {
      out.writeBoolean(flag);
    } else if (value instanceof Double number) {
      out.writeNumber(number);
    } else if (value instanceof Number number) {
      out.writeNumber(number.longValue());
    } else if (value == null) {
      out.writeNull();
    } else {
      out.writeString(value.toString());
    }
  }
}
