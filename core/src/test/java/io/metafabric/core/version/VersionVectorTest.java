package io.metafabric.core.version;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.AnyRecords;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class VersionVectorTest {
  static final ActorId PARIS = new ActorId(1);
  static final ActorId TOKYO = new ActorId(-1);

  @Provide
  Arbitrary<VersionVector> vectors() {
    return AnyRecords.vectors();
  }

  @Provide
  Arbitrary<VersionVector> contexts() {
    return AnyRecords.contexts();
  }

  @Provide
  Arbitrary<Dot> dots() {
    return AnyRecords.dots();
  }

  private static TreeMap<ActorId, Long> entriesOf(VersionVector vector) {
    var entries = new TreeMap<ActorId, Long>();
    vector.forEach(entries::put);
    return entries;
  }

  @Property
  void merge_isCommutative(
      @ForAll("contexts") VersionVector a, @ForAll("contexts") VersionVector b) {
    assertThat(a.merge(b)).isEqualTo(b.merge(a)).hasSameHashCodeAs(b.merge(a));
  }

  @Property
  void merge_isAssociative(
      @ForAll("contexts") VersionVector a,
      @ForAll("contexts") VersionVector b,
      @ForAll("contexts") VersionVector c) {
    assertThat(a.merge(b).merge(c)).isEqualTo(a.merge(b.merge(c)));
  }

  @Property
  void merge_isIdempotent_andEmptyIsItsNeutralElement(@ForAll("contexts") VersionVector a) {
    assertThat(a.merge(a)).isEqualTo(a);
    assertThat(a.merge(VersionVector.EMPTY)).isEqualTo(a);
    assertThat(VersionVector.EMPTY.merge(a)).isEqualTo(a);
  }

  @Property
  void merge_takesTheHigherCounterOfEachActor(
      @ForAll("vectors") VersionVector a, @ForAll("vectors") VersionVector b) {
    var expected = entriesOf(a);
    entriesOf(b).forEach((actor, counter) -> expected.merge(actor, counter, Math::max));

    assertThat(a.merge(b)).isEqualTo(VersionVector.of(expected));
    assertThat(entriesOf(a.merge(b))).isEqualTo(expected);
  }

  @Property
  void with_isAMergeWithOneDot(@ForAll("vectors") VersionVector a, @ForAll("dots") Dot dot) {
    assertThat(a.with(dot)).isEqualTo(a.merge(VersionVector.of(dot)));
    assertThat(a.with(dot).contains(dot)).isTrue();
  }

  @Property
  void aVectorContainsWhatItHasCountedTo(
      @ForAll("vectors") VersionVector a, @ForAll("dots") Dot dot) {
    long counted = entriesOf(a).getOrDefault(dot.actor(), 0L);
    assertThat(a.contains(dot)).isEqualTo(dot.counter() <= counted);
    assertThat(a.counter(dot.actor())).isEqualTo(counted);
  }

  @Property
  void vectorsAreEqualIfTheirEntriesAre(
      @ForAll("vectors") VersionVector a, @ForAll("vectors") VersionVector b) {
    assertThat(a.equals(b)).isEqualTo(entriesOf(a).equals(entriesOf(b)));
    assertThat(VersionVector.of(entriesOf(a))).isEqualTo(a).hasSameHashCodeAs(a);
    assertThat(a.size()).isEqualTo(entriesOf(a).size());
    assertThat(a.isEmpty()).isEqualTo(a.size() == 0);
  }

  @Property
  void merge_containsWhatEitherContained_andNothingElse(
      @ForAll("contexts") VersionVector a,
      @ForAll("contexts") VersionVector b,
      @ForAll("dots") Dot any) {
    for (Dot dot : around(a, b, any)) {
      assertThat(a.merge(b).contains(dot)).isEqualTo(a.contains(dot) || b.contains(dot));
    }
  }

  @Property
  void withLone_addsOneDot_andNothingElse(
      @ForAll("contexts") VersionVector a, @ForAll("dots") Dot added, @ForAll("dots") Dot any) {
    VersionVector next = a.withLone(added);
    for (Dot dot : around(a, a, any)) {
      assertThat(next.contains(dot)).isEqualTo(a.contains(dot) || dot.equals(added));
    }
    assertThat(next.contains(added)).isTrue();
    assertThat(next.withLone(added)).isEqualTo(next);
  }

  @Property
  void with_addsADotAndAllBefore_andNothingElse(
      @ForAll("contexts") VersionVector a, @ForAll("dots") Dot added, @ForAll("dots") Dot any) {
    for (Dot dot : around(a, a, any)) {
      boolean before = dot.actor().equals(added.actor()) && dot.counter() <= added.counter();
      assertThat(a.with(added).contains(dot)).isEqualTo(a.contains(dot) || before);
    }
    assertThat(a.with(added)).isEqualTo(a.merge(VersionVector.of(added)));
  }

  /** Dots where vectors may go wrong. */
  private static List<Dot> around(VersionVector a, VersionVector b, Dot any) {
    var dots = new ArrayList<>(List.of(any));
    VersionVector.Visitor near =
        (actor, counter) -> {
          for (long each = Math.max(1, counter - 1); each <= counter; each++) {
            dots.add(new Dot(actor, each));
          }
          if (counter < Long.MAX_VALUE) {
            dots.add(new Dot(actor, counter + 1));
          }
        };
    for (VersionVector each : List.of(a, b)) {
      each.forEach(near);
      each.forEachLone(near);
    }
    return dots;
  }

  @Test
  void aLoneDotThatTheCounterReaches_isLoneNoMore() {
    var vector =
        VersionVector.of(new Dot(PARIS, 2))
            .withLone(new Dot(PARIS, 5))
            .withLone(new Dot(TOKYO, 3))
            .withLone(new Dot(PARIS, 4));
    assertThat(vector.loneDots()).isEqualTo(3);
    assertThat(vector)
        .hasToString(
            "{0000000000000001:2, 0000000000000001#4, 0000000000000001#5, ffffffffffffffff#3}");

    assertThat(vector.withLone(new Dot(PARIS, 3)))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 5)).withLone(new Dot(TOKYO, 3)));
    assertThat(vector.with(new Dot(PARIS, 4)).with(new Dot(TOKYO, 3)))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 5)).with(new Dot(TOKYO, 3)));
    assertThat(VersionVector.EMPTY.withLone(new Dot(PARIS, 2)).withLone(new Dot(PARIS, 1)))
        .isEqualTo(VersionVector.of(new Dot(PARIS, 2)));
  }

  @Test
  void actorsAreVisitedInTheirUnsignedOrder() {
    var vector = VersionVector.of(new Dot(TOKYO, 1)).with(new Dot(PARIS, 2));
    var visited = new ArrayList<ActorId>();
    vector.forEach((actor, counter) -> visited.add(actor));

    assertThat(visited).containsExactly(PARIS, TOKYO);
    assertThat(vector).hasToString("{0000000000000001:2, ffffffffffffffff:1}");
    assertThat(VersionVector.EMPTY).hasToString("{}");
    assertThat(VersionVector.EMPTY.withLone(new Dot(PARIS, 3))).hasToString("{0000000000000001#3}");
  }

  @Test
  void aVectorDoesNotChange() {
    var vector = VersionVector.of(new Dot(PARIS, 1));
    var later = vector.with(new Dot(PARIS, 5)).with(new Dot(TOKYO, 1));

    assertThat(vector).isEqualTo(VersionVector.of(new Dot(PARIS, 1)));
    assertThat(later.with(new Dot(PARIS, 3))).isEqualTo(later);
  }

  @Test
  void countersBelowOne_areRefused() {
    var entries = new TreeMap<>(Map.of(PARIS, 0L));
    assertThatThrownBy(() -> VersionVector.of(entries))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Dot(PARIS, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void entriesInAnotherOrder_areRefused() {
    var entries = new TreeMap<ActorId, Long>(Comparator.reverseOrder());
    entries.put(PARIS, 1L);
    entries.put(TOKYO, 1L);
    assertThatThrownBy(() -> VersionVector.of(entries))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("natural order");
  }
}
