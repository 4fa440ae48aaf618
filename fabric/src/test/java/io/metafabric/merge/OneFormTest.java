package io.metafabric.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.time.Instant;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Equal values have equal bytes: whatever else could stand for them is refused. */
class OneFormTest {
  /** Bytes that are no value, and a word of what is said of them. */
  record Refused(String why, ByteWriter bytes, Function<byte[], ?> decoder, String says) {
    @Override
    public String toString() {
      return why;
    }
  }

  private static Refused counter(String why, String says, ByteWriter bytes) {
    return new Refused("counter: " + why, bytes, Counter::of, says);
  }

  private static Refused fields(String why, String says, ByteWriter bytes) {
    return new Refused("fields: " + why, bytes, Fields::of, says);
  }

  private static Refused set(String why, String says, ByteWriter bytes) {
    return new Refused("set: " + why, bytes, AddRemoveSet::of, says);
  }

  private static ByteWriter begin(int kind) {
    return Encoding.begin(kind);
  }

  private static ByteWriter counter(int writers) {
    return begin(Encoding.COUNTER).varint(writers);
  }

  private static ByteWriter fields(int count) {
    return begin(Encoding.FIELDS).varint(count);
  }

  /** Of one writer, "w", that has added three times. */
  private static ByteWriter set(int elements) {
    return begin(Encoding.SET).varint(1).text("w").varint(3).varint(elements);
  }

  private static ByteWriter addition(ByteWriter to, String element, long... numbers) {
    to.varint(element.length()).bytes(Bytes.utf8(element)).varint(numbers.length);
    for (long number : numbers) {
      to.varint(0).varint(number);
    }
    return to;
  }

  static Stream<Refused> refused() {
    return Stream.of(
        counter("another format", "format 2", new ByteWriter(8).u8(2).u8(3).varint(0)),
        counter("another kind", "of kind 4", begin(Encoding.MAX).varint(0)),
        counter("more bytes", "followed by 1", counter(0).u8(0)),
        counter("more writers than bytes", "writers must be", counter(2)),
        counter("a writer of nothing", "nothing", counter(1).text("w").varint(0).varint(0)),
        counter("a negative sum", "sum", counter(1).text("w").varint(-1).varint(0)),
        counter("no name", "name", counter(1).text("").varint(1).varint(0)),
        counter(
            "one writer twice",
            "order",
            counter(2).text("w").varint(1).varint(0).text("w").varint(2).varint(0)),
        counter(
            "writers out of order",
            "order",
            counter(2).text("w").varint(1).varint(0).text("v").varint(2).varint(0)),
        fields("more bytes", "followed by 2", fields(0).u8(0).u8(0)),
        fields("a negative time", "stamp", fields(1).text("f").varint(-1).varint(0)),
        fields("a value that is cut off", "field f", fields(1).text("f").varint(1).varint(3).u8(7)),
        fields(
            "fields out of order",
            "order",
            fields(2).text("f").varint(1).varint(0).text("e").varint(1).varint(0)),
        set("more bytes", "followed by 1", set(0).u8(0)),
        set(
            "a writer that has added nothing",
            "from 1",
            begin(Encoding.SET).varint(1).text("w").varint(0).varint(0)),
        set("an element that nobody added", "additions", addition(set(1), "e")),
        set(
            "an addition of nobody",
            "out of place",
            begin(Encoding.SET).varint(0).varint(1).varint(1).u8('e').varint(1).varint(1)),
        set("an addition without a number", "from 1", addition(set(1), "e", 0)),
        set("an addition that its writer has not seen", "out of place", addition(set(1), "e", 4)),
        set("additions out of order", "out of place", addition(set(1), "e", 2, 1)),
        set("one addition twice", "out of place", addition(set(1), "e", 2, 2)),
        set("elements out of order", "order", addition(addition(set(2), "f", 1), "e", 2)),
        set("one element twice", "order", addition(addition(set(2), "e", 1), "e", 2)));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatIsNotTheOneForm_isRefused_andSaysWhy(Refused refused) {
    byte[] bytes = refused.bytes.toArray();
    assertThatThrownBy(() -> refused.decoder.apply(bytes))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(refused.says);
  }

  @Test
  void theBytesOfEachKind_stayWhatTheyAre() {
    assertThat(Counter.ZERO.plus("w", 5).plus("w", -2).toBytes())
        .isEqualTo(counter(1).text("w").varint(5).varint(2).toArray());
    assertThat(new Max(-7).toBytes()).isEqualTo(begin(Encoding.MAX).i64(-7).toArray());
    Instant then = Instant.ofEpochMilli(1);
    assertThat(Fields.EMPTY.with("f", new byte[] {9}, then).without("f", then).toBytes())
        .isEqualTo(fields(1).text("f").varint(1001).varint(0).toArray());
    assertThat(Fields.EMPTY.with("f", new byte[] {9}, then).toBytes())
        .isEqualTo(fields(1).text("f").varint(1000).varint(2).u8(9).toArray());
    AddRemoveSet set = AddRemoveSet.EMPTY.plus("w", "e").plus("w", "d").plus("w", "e");
    byte[] expected = addition(addition(set(2), "d", 2), "e", 3).toArray();
    assertThat(set.toBytes()).isEqualTo(expected);
    assertThat(AddRemoveSet.of(expected)).isEqualTo(set).hasSameHashCodeAs(set);
  }

  @Test
  void aNameHas1To255BytesOfUtf8() {
    for (String name : new String[] {"w", "w".repeat(255), "\u00e9".repeat(127)}) {
      assertThat(Counter.of(Counter.ZERO.plus(name, 1).toBytes()).value()).isEqualTo(1);
      assertThat(AddRemoveSet.of(AddRemoveSet.EMPTY.plus(name, "e").toBytes()).size()).isEqualTo(1);
      byte[] fields = Fields.EMPTY.with(name, new byte[0], Instant.EPOCH).toBytes();
      assertThat(Fields.of(fields).get(name)).isPresent();
    }
    for (String name : new String[] {"", "w".repeat(256), "\u00e9".repeat(128), "\ud800"}) {
      assertThatThrownBy(() -> Counter.ZERO.plus(name, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a writer must have 1 to 255 bytes");
      assertThatThrownBy(() -> AddRemoveSet.EMPTY.plus(name, "e"))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Fields.EMPTY.with(name, new byte[0], Instant.EPOCH))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a field");
    }
  }
}
