package io.metafabric.core.version;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.AnyRecords;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Vectors as sets of dots: what is part of what, what two have in common, what one has beyond. */
class VersionVectorOrderTest {
  static final ActorId PARIS = new ActorId(1);
  static final ActorId TOKYO = new ActorId(-1);

  /** Two vectors that are often equal but for a little. */
  private record Pair(VersionVector a, VersionVector b) {}

  @Provide
  Arbitrary<Pair> pairs() {
    return pairsOf(AnyRecords.contexts(), true);
  }

  /** Without lone dots. */
  @Provide
  Arbitrary<Pair> countedPairs() {
    return pairsOf(AnyRecords.vectors(), false);
  }

  private static Arbitrary<Pair> pairsOf(Arbitrary<VersionVector> vectors, boolean lone) {
    Arbitrary<Pair> independent = Combinators.combine(vectors, vectors).as(Pair::new);
    Arbitrary<Pair> near =
        Combinators.combine(vectors, dots(), Arbitraries.of(true, false))
            .as(
                (vector, dot, swapped) -> {
                  VersionVector more = lone ? vector.withLone(dot) : vector.with(dot);
                  return swapped ? new Pair(more, vector) : new Pair(vector, more);
                });
    return Arbitraries.oneOf(independent, near).withoutEdgeCases();
  }

  @Provide
  static Arbitrary<Dot> dots() {
    return AnyRecords.dots();
  }

  @Provide
  Arbitrary<VersionVector> contexts() {
    return AnyRecords.contexts();
  }

  @Provide
  Arbitrary<VersionVector> vectors() {
    return AnyRecords.vectors();
  }

  @Property
  void aVectorContainsAllOfAnother_ifMergingThatChangesNothing(@ForAll("pairs") Pair pair) {
    boolean changesNothing = pair.a.merge(pair.b).equals(pair.a);

    assertThat(pair.a.containsAll(pair.b)).isEqualTo(changesNothing);
    assertThat(pair.a.covers(pair.b)).isEqualTo(changesNothing);
    assertThat(pair.a.merge(pair.b).containsAll(pair.a)).isTrue();
    assertThat(pair.a.containsAll(VersionVector.EMPTY)).isTrue();
  }

  @Property
  void vectorsThatContainEachOther_areEqual_andNoOthersAre(@ForAll("pairs") Pair pair) {
    boolean both = pair.a.containsAll(pair.b) && pair.b.containsAll(pair.a);

    assertThat(pair.a.equals(pair.b)).isEqualTo(both);
    assertThat(pair.a.merge(pair.b)).isEqualTo(pair.b.merge(pair.a));
  }

  @Test
  void countersOfOtherActors_makeAnotherVector() {
    assertThat(VersionVector.of(new Dot(PARIS, 1)))
        .isNotEqualTo(VersionVector.of(new Dot(TOKYO, 1)))
        .isNotEqualTo(VersionVector.of(new Dot(PARIS, 2)));
    assertThat(LongStream.range(1, 1_000).mapToObj(i -> VersionVector.of(new Dot(PARIS, i))))
        .extracting(VersionVector::hashCode)
        .doesNotHaveDuplicates();
  }

  @Property
  void meet_isTheLowerCounterOfEachActor_andNothingElse(
      @ForAll("pairs") Pair pair, @ForAll("dots") Dot any) {
    VersionVector met = pair.a.meet(pair.b);

    for (ActorId actor : actorsOf(pair, any)) {
      assertThat(met.counter(actor))
          .isEqualTo(Math.min(pair.a.counter(actor), pair.b.counter(actor)));
    }
    assertThat(met.loneDots()).isZero();
    met.forEach((actor, counter) -> assertThat(counter).isPositive());
    assertThat(pair.a.containsAll(met)).isTrue();
    assertThat(pair.b.meet(pair.a)).isEqualTo(met);
  }

  @Property
  void meetAndMerge_absorbEachOther(
      @ForAll("countedPairs") Pair pair, @ForAll("vectors") VersionVector c) {
    assertThat(pair.a.meet(pair.a.merge(pair.b))).isEqualTo(pair.a);
    assertThat(pair.a.merge(pair.a.meet(pair.b))).isEqualTo(pair.a);
    assertThat(pair.a.meet(pair.b).meet(c)).isEqualTo(pair.a.meet(pair.b.meet(c)));
    assertThat(pair.a.meet(pair.a)).isEqualTo(pair.a);
    assertThat(pair.a.meet(VersionVector.EMPTY)).isEqualTo(VersionVector.EMPTY);
  }

  @Property
  void beyond_isTheLeastThatMakesTheOtherContainThis(
      @ForAll("countedPairs") Pair pair, @ForAll("dots") Dot any) {
    VersionVector news = pair.a.beyond(pair.b);

    assertThat(pair.b.merge(news)).isEqualTo(pair.b.merge(pair.a));
    for (ActorId actor : actorsOf(pair, any)) {
      boolean isNew = pair.a.counter(actor) > pair.b.counter(actor);
      assertThat(news.counter(actor)).isEqualTo(isNew ? pair.a.counter(actor) : 0);
    }
    assertThat(news.isEmpty()).isEqualTo(pair.b.containsAll(pair.a));
  }

  private static List<ActorId> actorsOf(Pair pair, Dot any) {
    var actors = new ArrayList<>(List.of(any.actor()));
    pair.a.forEach((actor, counter) -> actors.add(actor));
    pair.b.forEach((actor, counter) -> actors.add(actor));
    return actors;
  }

  @Property
  void countersAndLoneDots_makeTheVectorThatTheyWereTakenFrom(
      @ForAll("contexts") VersionVector vector) {
    var lone = new ArrayList<Dot>();
    vector.forEachLone((actor, counter) -> lone.add(new Dot(actor, counter)));
    var actors = new long[vector.size()];
    var counters = new long[vector.size()];
    for (int i = 0; i < vector.size(); i++) {
      actors[i] = vector.actor(i).id();
      counters[i] = vector.counterAt(i);
    }

    assertThat(VersionVector.of(actors, counters).withLone(lone))
        .isEqualTo(vector)
        .hasSameHashCodeAs(vector);
    assertThat(vector.loneDots()).isEqualTo(lone.size());
    assertThat(vector.isEmpty()).isEqualTo(actors.length == 0 && lone.isEmpty());
  }

  @Property
  void aDotStandsAlone_ifTheOneBeforeItWasNotSeen(
      @ForAll("vectors") VersionVector vector, @ForAll("dots") Dot dot) {
    boolean alone = dot.counter() > 1 && dot.counter() - 1 > vector.counter(dot.actor());
    if (alone) {
      assertThat(vector.withLone(List.of(dot))).isEqualTo(vector.withLone(dot));
    } else {
      assertThatThrownBy(() -> vector.withLone(List.of(dot)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(dot + " does not stand alone");
    }
  }

  @Test
  void loneDotsInAnotherOrder_orTwice_orBesideOthers_areRefused() {
    var vector = VersionVector.of(new Dot(PARIS, 1));
    var third = new Dot(PARIS, 3);
    var fifth = new Dot(PARIS, 5);
    var elsewhere = new Dot(TOKYO, 3);

    VersionVector all = vector.withLone(List.of(third, fifth, elsewhere));
    assertThat(all.loneDots()).isEqualTo(3);
    assertThat(all.lone()).containsExactly(third, fifth, elsewhere);
    assertThat(vector.lone()).isEmpty();
    for (List<Dot> dots :
        List.of(
            List.of(fifth, third),
            List.of(third, third),
            List.of(elsewhere, fifth),
            List.of(third, elsewhere, fifth))) {
      assertThatThrownBy(() -> vector.withLone(dots)).isInstanceOf(IllegalArgumentException.class);
    }
    VersionVector with = vector.withLone(third);
    assertThatThrownBy(() -> with.withLone(List.of(fifth)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already");
  }

  @Test
  void arraysThatAreNoVector_areRefused() {
    for (long[][] arrays :
        new long[][][] {
          {{1}, {}},
          {{1}, {0}},
          {{1, 2}, {1, -1}},
          {{2, 1}, {1, 1}},
          {{1, 1}, {1, 2}},
          {{-1, 1}, {1, 1}}
        }) {
      assertThatThrownBy(() -> VersionVector.of(arrays[0], arrays[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(VersionVector.of(new long[] {1, -1}, new long[] {1, 1}))
        .isEqualTo(VersionVector.of(new Dot(TOKYO, 1)).with(new Dot(PARIS, 1)));
    assertThat(VersionVector.of(new long[0], new long[0])).isSameAs(VersionVector.EMPTY);
  }
}
