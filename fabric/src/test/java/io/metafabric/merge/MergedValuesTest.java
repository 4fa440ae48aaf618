package io.metafabric.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.record.Bytes;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** What each kind of value is, beside its laws. */
class MergedValuesTest {
  static final Instant EARLY = Instant.ofEpochSecond(1_000);
  static final Instant LATE = EARLY.plusSeconds(1);

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void theLargestNumberCounts() {
    assertThat(new Max(-3).merge(new Max(-2))).isEqualTo(new Max(-2));
    assertThat(new Max(-2).merge(new Max(-3))).isEqualTo(new Max(-2));
    assertThat(Max.of(new Max(Long.MIN_VALUE).toBytes())).isEqualTo(new Max(Long.MIN_VALUE));
  }

  // ---- Counters.

  @Test
  void aCounterIsItsSum_alsoBelowZero_andIsBoundedOnBothSides() {
    assertThat(Counter.ZERO.plus("a", 3).plus("b", -5).value()).isEqualTo(-2);
    assertThat(Counter.ZERO.plus("a", 3).plus("a", 0).value()).isEqualTo(3);

    Counter most = Counter.ZERO.plus("a", Long.MAX_VALUE);
    assertThat(most.value()).isEqualTo(Long.MAX_VALUE);
    assertThat(most.plus("b", 1).value()).isEqualTo(Long.MAX_VALUE);
    assertThat(most.plus("b", 1).plus("a", -1).value()).isEqualTo(Long.MAX_VALUE);
    assertThat(most.plus("b", 1).plus("a", -2).value()).isEqualTo(Long.MAX_VALUE - 1);

    Counter least = Counter.ZERO.plus("a", -Long.MAX_VALUE).plus("b", -1);
    assertThat(least.value()).isEqualTo(Long.MIN_VALUE);
    assertThat(least.plus("b", -1).value()).isEqualTo(Long.MIN_VALUE);
    assertThatThrownBy(() -> least.plus("a", -1)).isInstanceOf(ArithmeticException.class);
  }

  @Test
  void countersAreEqual_ifEachWriterHasAddedTheSame_notIfTheirSumsAre() {
    Counter one = Counter.ZERO.plus("a", 1);

    assertThat(one)
        .isEqualTo(Counter.of(one.toBytes()))
        .hasSameHashCodeAs(Counter.of(one.toBytes()));
    assertThat(one).isNotEqualTo(Counter.ZERO.plus("b", 1)).isNotEqualTo("1");
    assertThat(one.hashCode()).isNotEqualTo(Counter.ZERO.plus("a", 2).hashCode());
    assertThat(one.plus("a", 0)).isSameAs(one);
    assertThat(one.plus("a", 1).value()).isEqualTo(2);
    assertThat(one.value()).as("it does not change").isEqualTo(1);
  }

  // ---- Sets.

  @Test
  void aSetHasWhatWasAdded_andNotWhatWasRemoved() {
    AddRemoveSet set = AddRemoveSet.EMPTY.plus("w", bytes("b")).plus("w", "a").plus("w", "c");
    AddRemoveSet less = set.minus(bytes("b"));

    assertThat(set.size()).isEqualTo(3);
    assertThat(set.elements()).containsExactly(Bytes.utf8("a"), Bytes.utf8("b"), Bytes.utf8("c"));
    assertThat(less.elements()).containsExactly(Bytes.utf8("a"), Bytes.utf8("c"));
    assertThat(less.contains("b")).isFalse();
    assertThat(less.contains(bytes("c"))).isTrue();
    assertThat(less.minus("none")).isEqualTo(less);
    assertThat(set).as("it does not change").hasToString("[a, b, c]");
    assertThatThrownBy(() -> set.elements().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void aRemovalOfWhatOneWriterAdded_leavesWhatAnotherDid_untilThatIsRemovedToo() {
    AddRemoveSet eu = AddRemoveSet.EMPTY.plus("eu", "a");
    AddRemoveSet us = AddRemoveSet.EMPTY.plus("us", "a");
    AddRemoveSet both = eu.merge(us);

    AddRemoveSet left = eu.minus("a").merge(both);
    assertThat(left.contains("a")).isTrue();
    assertThat(left.merge(us.minus("a")).contains("a")).isFalse();
    assertThat(both.minus("a").merge(eu).merge(us).size()).isZero();
    assertThat(both.plus("eu", "a").merge(both)).isEqualTo(both.plus("eu", "a"));
  }

  @Test
  void setsAreEqual_ifTheyHaveAndHaveSeenTheSame() {
    AddRemoveSet set = AddRemoveSet.EMPTY.plus("w", "a");
    AddRemoveSet again = set.plus("w", "b").minus("b");

    assertThat(set).isEqualTo(AddRemoveSet.EMPTY.plus("w", "a")).isNotEqualTo("[a]");
    assertThat(set).isNotEqualTo(again).isNotEqualTo(AddRemoveSet.EMPTY.plus("w", "b"));
    assertThat(set.hashCode()).isNotEqualTo(again.hashCode());
    assertThat(again).as("the removal was seen").hasToString("[a]");
  }

  // ---- Fields.

  @Test
  void theLaterOfTwoWritesOfAField_isLeft_andOfOneTimeAValue_thenTheLarger() {
    Fields small = Fields.EMPTY.with("f", new byte[] {1}, LATE);
    Fields large = Fields.EMPTY.with("f", new byte[] {2}, LATE);
    Fields larger = Fields.EMPTY.with("f", new byte[] {(byte) 0x80}, LATE);
    Fields early = Fields.EMPTY.with("f", new byte[] {9}, EARLY);
    Fields removed = early.without("f", LATE);

    for (Fields later : new Fields[] {small, removed}) {
      assertThat(early.merge(later)).isEqualTo(later);
      assertThat(later.merge(early)).isEqualTo(later);
    }
    assertThat(small.merge(large)).isEqualTo(large.merge(small)).isEqualTo(large);
    assertThat(large.merge(larger)).isEqualTo(larger.merge(large)).isEqualTo(larger);
    assertThat(removed.merge(small)).isEqualTo(small.merge(removed)).isEqualTo(small);
    assertThat(removed.merge(removed)).isEqualTo(removed);
  }

  @Test
  void aFieldIsNeverSetToAnEarlierTime_howeverTheClockGoes() {
    Fields late = Fields.EMPTY.with("f", new byte[] {1}, LATE);
    Fields next = late.with("f", new byte[] {2}, EARLY);
    Fields same = late.with("f", new byte[] {3}, LATE);
    Fields before = Fields.EMPTY.with("f", new byte[] {4}, Instant.EPOCH.minusSeconds(9));

    assertThat(next.merge(late)).isEqualTo(next);
    assertThat(same.merge(late)).isEqualTo(same);
    assertThat(next).isEqualTo(late.with("f", new byte[] {2}, LATE.plusNanos(1_000)));
    assertThat(Fields.of(before.toBytes())).isEqualTo(before);
    assertThat(before).isEqualTo(Fields.EMPTY.with("f", new byte[] {4}, Instant.EPOCH));
  }

  @Test
  void theLastTimeThereIs_doesNotStopTheWriters() {
    byte[] last =
        Encoding.begin(Encoding.FIELDS)
            .varint(1)
            .text("f")
            .varint(Long.MAX_VALUE)
            .varint(0)
            .toArray();

    Fields next = Fields.of(last).with("f", new byte[] {1}, LATE);

    assertThat(next.get("f")).hasValue(new byte[] {1});
    assertThat(next.merge(Fields.of(last))).isEqualTo(next);
  }

  @Test
  void aFieldThatWasRemoved_isNotSet_andStaysSo() {
    Fields set = Fields.EMPTY.with("f", new byte[] {1}, EARLY).with("g", new byte[] {2}, EARLY);
    Fields removed = set.without("f", LATE);

    assertThat(removed.get("f")).isEmpty();
    assertThat(removed.asMap()).containsOnlyKeys("g").hasToString(removed.toString());
    assertThat(removed.without("f", LATE)).isSameAs(removed);
    assertThat(removed.without("never", LATE)).isSameAs(removed);
    assertThat(removed.merge(set)).isEqualTo(removed);
    assertThat(set.get("f")).as("it does not change").isPresent();
    assertThat(removed).isNotEqualTo(set).isNotEqualTo("f").isEqualTo(set.without("f", LATE));
    assertThat(removed).hasSameHashCodeAs(set.without("f", LATE));
    assertThat(removed.hashCode()).isNotEqualTo(set.hashCode());
    assertThatThrownBy(() -> set.asMap().clear()).isInstanceOf(UnsupportedOperationException.class);
  }
}
