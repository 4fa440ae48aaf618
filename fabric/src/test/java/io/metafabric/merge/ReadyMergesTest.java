package io.metafabric.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.Merge;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.Bytes;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReadyMergesTest {
  private static final int WRITERS = 3;

  /** A merge, how its values come to be, and how they are read. */
  record Kind(
      ConflictRule rule,
      Function<RandomGenerator, Bytes> values,
      Function<byte[], Bytes> decodeAndEncode) {
    Merge merge() {
      return Objects.requireNonNull(rule.merge());
    }

    @Override
    public String toString() {
      return rule.name();
    }
  }

  static Stream<Kind> kinds() {
    return Stream.of(
        new Kind(Counter.rule(), ReadyMergesTest::counter, bytes -> Counter.of(bytes).encode()),
        new Kind(Max.rule(), r -> new Max(r.nextInt(9) - 4L).encode(), b -> Max.of(b).encode()),
        new Kind(Fields.rule(), ReadyMergesTest::fields, bytes -> Fields.of(bytes).encode()),
        new Kind(
            AddRemoveSet.rule(), ReadyMergesTest::set, bytes -> AddRemoveSet.of(bytes).encode()));
  }

  /** Writers that hear of each other now and then; what one of them has in the end. */
  private static <T> T history(
      RandomGenerator shared, T empty, Step<T> step, java.util.function.BinaryOperator<T> merge) {
    // Few histories, so that values are often of the same one.
    var random = new Random(shared.nextInt(4));
    List<T> all = new ArrayList<>(List.of(empty));
    List<T> states = new ArrayList<>(java.util.Collections.nCopies(WRITERS, empty));
    for (int i = 0; i < 12; i++) {
      int at = random.nextInt(WRITERS);
      T next =
          random.nextInt(3) == 0
              ? merge.apply(states.get(at), states.get(random.nextInt(WRITERS)))
              : step.next(states.get(at), "w" + at, random);
      states.set(at, next);
      all.add(next);
    }
    return all.get(shared.nextInt(all.size()));
  }

  @FunctionalInterface
  interface Step<T> {
    T next(T state, String writer, Random random);
  }

  private static Bytes counter(RandomGenerator random) {
    return history(
            random,
            Counter.ZERO,
            (state, writer, r) -> state.plus(writer, r.nextInt(7) - 3),
            Counter::merge)
        .encode();
  }

  private static Bytes fields(RandomGenerator random) {
    return history(
            random,
            Fields.EMPTY,
            (state, writer, r) ->
                r.nextInt(4) == 0
                    ? state.without("f" + r.nextInt(3), Instant.ofEpochMilli(r.nextInt(4)))
                    : state.with(
                        "f" + r.nextInt(3),
                        new byte[] {(byte) r.nextInt(3)},
                        Instant.ofEpochMilli(r.nextInt(4))),
            Fields::merge)
        .encode();
  }

  private static Bytes set(RandomGenerator random) {
    return history(
            random,
            AddRemoveSet.EMPTY,
            (state, writer, r) ->
                r.nextInt(3) == 0
                    ? state.minus("e" + r.nextInt(3))
                    : state.plus(writer, "e" + r.nextInt(3)),
            AddRemoveSet::merge)
        .encode();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void theLawsHold(Kind kind) {
    MergeLaws.require(kind.merge(), kind.values());
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void whatIsWritten_isReadAgain_inOneForm(Kind kind) {
    var random = new Random(1);
    for (int i = 0; i < 300; i++) {
      Bytes value = kind.values().apply(random);
      assertThat(kind.decodeAndEncode().apply(value.toArray())).isEqualTo(value);
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void hostileBytes_failTyped_orAreAValueInItsOneForm(Kind kind) {
    var random = new Random(2);
    for (int i = 0; i < 3_000; i++) {
      byte[] bytes = kind.values().apply(random).toArray();
      switch (random.nextInt(3)) {
        case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 4));
        case 1 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        default -> random.nextBytes(bytes);
      }
      byte[] hostile = bytes;
      try {
        assertThat(kind.decodeAndEncode().apply(hostile).toArray()).isEqualTo(hostile);
      } catch (WireFormatException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
    byte[] huge = {1, 3, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 7};
    huge[1] = kind.values().apply(random).toArray()[1];
    assertThatThrownBy(() -> kind.decodeAndEncode().apply(huge))
        .isInstanceOf(WireFormatException.class);
    byte[] text = "plain text".getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> kind.decodeAndEncode().apply(text))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("format");
  }

  @Test
  void aValueOfAnotherKind_isNamed() {
    assertThatThrownBy(() -> Counter.of(new Max(1).toBytes()))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining("not a counter");
  }

  @Test
  void aCounter_hasEveryAddition() {
    Counter base = Counter.ZERO.plus("eu", 5).plus("us", -2);
    Counter eu = base.plus("eu", 1).plus("eu", 1);
    Counter us = base.plus("us", 10);
    assertThat(eu.merge(us).value()).isEqualTo(15);
    assertThat(Counter.of(eu.toBytes())).isEqualTo(eu).hasToString("5");

    Counter large = Counter.ZERO.plus("a", Long.MAX_VALUE).plus("b", Long.MAX_VALUE);
    assertThat(large.value()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> large.plus("a", 1)).isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> large.plus("", 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anElementThatWasAddedMeanwhile_outlivesTheRemoval() {
    AddRemoveSet base = AddRemoveSet.EMPTY.plus("eu", "a").plus("eu", "b");
    AddRemoveSet removed = base.minus("a").minus("b");
    AddRemoveSet addedAgain = base.plus("us", "a");

    AddRemoveSet merged = removed.merge(addedAgain);

    assertThat(merged.contains("a")).isTrue();
    assertThat(merged.contains("b")).isFalse();
    assertThat(merged.elements()).containsExactly(Bytes.utf8("a"));
    assertThat(AddRemoveSet.of(merged.toBytes())).isEqualTo(merged).hasToString("[a]");
    assertThat(base.merge(removed).size()).isZero();
  }

  @Test
  void aClearedSet_remembersWhatItHad_soThatTheNextAdditionsAreNew() {
    AddRemoveSet base = AddRemoveSet.EMPTY.plus("eu", "a");
    AddRemoveSet meanwhile = base.plus("us", "b");

    AddRemoveSet again = base.cleared().plus("eu", "c");

    assertThat(base.cleared().size()).isZero();
    assertThat(again.merge(meanwhile).elements()).containsExactly(Bytes.utf8("b"), Bytes.utf8("c"));
    assertThat(AddRemoveSet.of(again.merge(meanwhile).toBytes())).hasToString("[b, c]");
  }

  @Test
  void fieldsThatDifferentWritersSet_areBothKept_andTheLaterOfOneWins() {
    Instant now = Instant.ofEpochSecond(1_000);
    Fields base = Fields.EMPTY.with("name", new byte[] {1}, now);
    Fields eu = base.with("colour", new byte[] {2}, now.plusSeconds(1));
    Fields us = base.with("name", new byte[] {3}, now.plusSeconds(2)).with("x", new byte[0], now);

    Fields merged = eu.merge(us);

    assertThat(merged.get("colour")).hasValue(new byte[] {2});
    assertThat(merged.get("name")).hasValue(new byte[] {3});
    assertThat(merged.get("x")).hasValue(new byte[0]);
    assertThat(merged.without("name", Instant.EPOCH).merge(merged).get("name")).isEmpty();
    assertThat(Fields.of(merged.toBytes())).isEqualTo(merged);
    assertThat(merged.asMap().keySet()).containsExactly("colour", "name", "x");
  }

  @Test
  void aBrokenMerge_isFoundWithItsValues() {
    Function<RandomGenerator, Bytes> any = random -> Bytes.utf8("v" + random.nextInt(5));
    assertThat(MergeLaws.check((a, b) -> a, any, 1, 100).orElseThrow())
        .satisfies(found -> assertThat(found.law()).startsWith("commutative"))
        .satisfies(found -> assertThat(found.toString()).contains("seed 1").contains("\"v"));
    Merge longer = (a, b) -> Bytes.utf8(max(a, b) + "+");
    assertThat(MergeLaws.check(longer, any, 1, 100).orElseThrow().law()).startsWith("idempotent");
    // The middle of three depends on who is asked first.
    Merge average = (a, b) -> a.equals(b) ? a : Bytes.utf8("v" + (number(a) + number(b)) / 2);
    assertThat(MergeLaws.check(average, any, 1, 100)).isPresent();
    var calls = new int[1];
    Merge moody = (a, b) -> Bytes.utf8("v" + calls[0]++);
    assertThat(MergeLaws.check(moody, any, 1, 100).orElseThrow().law()).startsWith("the same");
    assertThatThrownBy(() -> MergeLaws.require((a, b) -> a, any))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("not commutative");
    assertThat(MergeLaws.check((a, b) -> Bytes.utf8(max(a, b)), any, 1, 100)).isEmpty();
  }

  private static String max(Bytes a, Bytes b) {
    return a.toUtf8().compareTo(b.toUtf8()) > 0 ? a.toUtf8() : b.toUtf8();
  }

  private static int number(Bytes value) {
    return Integer.parseInt(value.toUtf8().substring(1));
  }
}
