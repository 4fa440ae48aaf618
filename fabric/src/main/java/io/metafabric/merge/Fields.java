package io.metafabric.merge;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Named fields, each of which the last writer sets: concurrent writes of different fields are both
 * kept. Immutable.
 *
 * <p>Each field has the time at which it was set, and is never set to an earlier one than before. A
 * field that was removed leaves its name and that time behind.
 */
public final class Fields {
  public static final Fields EMPTY = new Fields(new TreeMap<>());

  /** A field as somebody has set it; null removed it. */
  private record Field(long stampMicros, @Nullable Bytes value) {
    Field merge(Field that) {
      return order(that) >= 0 ? this : that;
    }

    /**
     * Of the same time a value rather than none, then the larger: anything that is the same
     * everywhere.
     */
    private int order(Field that) {
      if (stampMicros != that.stampMicros) {
        return Long.compare(stampMicros, that.stampMicros);
      }
      if (value == null || that.value == null) {
        return Boolean.compare(value != null, that.value != null);
      }
      return Arrays.compareUnsigned(value.toArray(), that.value.toArray());
    }
  }

  private final SortedMap<String, Field> fields;

  private Fields(SortedMap<String, Field> fields) {
    this.fields = fields;
  }

  /** For {@code FabricBuilder.conflicts}. */
  public static ConflictRule rule() {
    return ConflictRule.merge("fields.1", (a, b) -> decode(a).merge(decode(b)).encode());
  }

  /**
   * @throws WireFormatException if these are not the bytes of fields
   */
  public static Fields of(byte[] bytes) {
    return decode(Bytes.copyOf(bytes));
  }

  static Fields decode(Bytes bytes) {
    ByteReader in = Encoding.open(bytes, Encoding.FIELDS, "fields");
    var fields = new TreeMap<String, Field>();
    int count = in.varint("fields", 0, in.remaining());
    String last = null;
    for (int i = 0; i < count; i++) {
      last = Encoding.nextName(in, last);
      long stamp = Encoding.counter(in, "stamp");
      int length = in.varint("length of a field", 0, Integer.MAX_VALUE);
      // 0 is for a field that was removed.
      fields.put(
          last, new Field(stamp, length == 0 ? null : in.payload(length - 1, "field " + last)));
    }
    in.end("fields");
    return new Fields(fields);
  }

  public byte[] toBytes() {
    return encode().toArray();
  }

  Bytes encode() {
    ByteWriter out = Encoding.begin(Encoding.FIELDS).varint(fields.size());
    fields.forEach(
        (name, field) -> {
          out.text(name).varint(field.stampMicros);
          Bytes value = field.value;
          if (value == null) {
            out.varint(0);
          } else {
            out.varint(value.length() + 1L).bytes(value);
          }
        });
    return Encoding.end(out);
  }

  public Optional<byte[]> get(String name) {
    Field field = fields.get(name);
    return field == null || field.value == null
        ? Optional.empty()
        : Optional.of(field.value.toArray());
  }

  /** All that are set, by name. */
  public SortedMap<String, Bytes> asMap() {
    var set = new TreeMap<String, Bytes>();
    fields.forEach(
        (name, field) -> {
          if (field.value != null) {
            set.put(name, field.value);
          }
        });
    return Collections.unmodifiableSortedMap(set);
  }

  /**
   * @param name 1 to 255 bytes of UTF-8
   * @param now counts in microseconds
   */
  public Fields with(String name, byte[] value, Instant now) {
    return with(name, Bytes.copyOf(value), now);
  }

  /** A field that is not set stays so. */
  public Fields without(String name, Instant now) {
    return get(name).isEmpty() ? this : with(name, (Bytes) null, now);
  }

  private Fields with(String name, @Nullable Bytes value, Instant now) {
    Encoding.requireName(name, "a field");
    Field before = fields.get(name);
    long stamp = Math.max(0, ChronoUnit.MICROS.between(Instant.EPOCH, now));
    if (before != null && before.stampMicros >= stamp) {
      stamp = before.stampMicros == Long.MAX_VALUE ? Long.MAX_VALUE : before.stampMicros + 1;
    }
    var next = new TreeMap<>(fields);
    next.put(name, new Field(stamp, value));
    return new Fields(next);
  }

  public Fields merge(Fields that) {
    var merged = new TreeMap<>(fields);
    for (Map.Entry<String, Field> each : that.fields.entrySet()) {
      merged.merge(each.getKey(), each.getValue(), Field::merge);
    }
    return new Fields(merged);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof Fields other && fields.equals(other.fields);
  }

  @Override
  public int hashCode() {
    return fields.hashCode();
  }

  @Override
  public String toString() {
    return asMap().toString();
  }
}
