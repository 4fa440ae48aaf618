package io.metafabric.core.version;

import static io.metafabric.core.version.Causality.AFTER;
import static io.metafabric.core.version.Causality.BEFORE;
import static io.metafabric.core.version.Causality.CONCURRENT;
import static io.metafabric.core.version.Causality.SAME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.error.WireFormatException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class VersionTest {
  static final ActorId PARIS = new ActorId(1);
  static final ActorId TOKYO = new ActorId(2);

  static Version version(ActorId actor, long counter, VersionVector context) {
    return new Version(new Dot(actor, counter), context, new Stamp(counter));
  }

  @Provide
  Arbitrary<Version> versions() {
    return AnyRecords.versions();
  }

  /** Versions as nodes issue them, each with all that its writer had read. */
  private record History(List<Version> versions, List<Set<Dot>> seen) {}

  @Provide
  Arbitrary<History> histories() {
    return Arbitraries.longs().map(VersionTest::history);
  }

  private static History history(long seed) {
    var random = new Random(seed);
    var history = new History(new ArrayList<>(), new ArrayList<>());
    var counters = new long[3];
    for (int i = 0; i < 12; i++) {
      VersionVector context = VersionVector.EMPTY;
      var seen = new HashSet<Dot>();
      for (int read = random.nextInt(3); read > 0 && i > 0; read--) {
        int which = random.nextInt(i);
        Version version = history.versions.get(which);
        context = context.merge(version.asContext());
        seen.addAll(history.seen.get(which));
        seen.add(version.dot());
      }
      // A vector speaks of prefixes: who has seen a counter counts as having seen those before.
      for (Version version : history.versions) {
        if (context.contains(version.dot())) {
          seen.add(version.dot());
        }
      }
      int at = random.nextInt(3);
      history.versions.add(version(new ActorId(at + 1L), ++counters[at], context));
      history.seen.add(seen);
    }
    return history;
  }

  @Property
  void relationTo_tellsWhoHadSeenWhom(@ForAll("histories") History history) {
    for (int i = 0; i < history.versions.size(); i++) {
      for (int j = 0; j < history.versions.size(); j++) {
        Version a = history.versions.get(i);
        Version b = history.versions.get(j);
        Causality expected =
            i == j
                ? SAME
                : history.seen.get(i).contains(b.dot())
                    ? AFTER
                    : history.seen.get(j).contains(a.dot()) ? BEFORE : CONCURRENT;
        assertThat(a.relationTo(b)).as("%s to %s", a, b).isEqualTo(expected);
        assertThat(a.covers(b.dot())).isEqualTo(expected == SAME || expected == AFTER);
      }
    }
  }

  @Property
  void relationTo_isAntisymmetric(@ForAll("versions") Version a, @ForAll("versions") Version b) {
    Causality there;
    try {
      there = a.relationTo(b);
    } catch (WireFormatException e) {
      assertThatThrownBy(() -> b.relationTo(a)).isInstanceOf(WireFormatException.class);
      return;
    }
    Causality back =
        switch (there) {
          case SAME -> SAME;
          case BEFORE -> AFTER;
          case AFTER -> BEFORE;
          case CONCURRENT -> CONCURRENT;
        };
    assertThat(b.relationTo(a)).isEqualTo(back);
    assertThat(a.relationTo(a)).isEqualTo(SAME);
  }

  @Property
  void whoWritesAfterReading_coversWhatWasRead(
      @ForAll("versions") Version read, @ForAll("versions") Version alsoRead) {
    VersionVector seen = read.asContext().merge(alsoRead.asContext());
    var fresh = new Dot(new ActorId(0x5eed), Long.MAX_VALUE);
    if (seen.contains(fresh)) {
      return;
    }
    var next = new Version(fresh, seen, new Stamp(1));

    assertThat(next.relationTo(read)).isEqualTo(AFTER);
    assertThat(next.relationTo(alsoRead)).isEqualTo(AFTER);
    read.context()
        .forEach((actor, counter) -> assertThat(next.covers(new Dot(actor, counter))).isTrue());
  }

  @Property
  void everyVersion_coversTheOneThatNoWriteMade(@ForAll("versions") Version any) {
    assertThat(any.relationTo(Version.NONE)).isEqualTo(AFTER);
    assertThat(Version.NONE.relationTo(any)).isEqualTo(BEFORE);
    assertThat(any.covers(Version.NONE.dot())).isTrue();
    assertThat(Version.NONE.covers(any.dot())).isFalse();
    assertThat(Version.NONE.relationTo(Version.NONE)).isEqualTo(SAME);
  }

  @Property
  void whoHasSeenAVersion_hasSeenIt_andWhatItsWriterHad_andNothingElse(
      @ForAll("versions") Version read, @ForAll("versions") Version any) {
    Dot other = any.dot();
    boolean alsoSeen = read.context().contains(other) || other.equals(read.dot());

    assertThat(read.seen().contains(read.dot())).isTrue();
    assertThat(read.seen().contains(other)).isEqualTo(alsoSeen);
    assertThat(read.asContext()).isEqualTo(read.context().merge(VersionVector.of(read.dot())));
  }

  @Property
  void oneOfTwoWrites_isTheLater_andOfThreeOneIsTheLast(
      @ForAll("fewStamps") Version a,
      @ForAll("fewStamps") Version b,
      @ForAll("fewStamps") Version c) {
    assertThat(a.isLaterThan(a)).isFalse();
    if (!a.dot().equals(b.dot()) || !a.stamp().equals(b.stamp())) {
      assertThat(a.isLaterThan(b)).isNotEqualTo(b.isLaterThan(a));
    }
    if (a.isLaterThan(b) && b.isLaterThan(c)) {
      assertThat(a.isLaterThan(c)).isTrue();
    }
  }

  @Provide
  Arbitrary<Version> fewStamps() {
    return Combinators.combine(AnyRecords.dots(), Arbitraries.longs().between(0, 2))
        .as((dot, stamp) -> new Version(dot, VersionVector.EMPTY, new Stamp(stamp)));
  }

  @Test
  void theLaterStamp_thenTheHigherActor_thenTheHigherCounter_comesFirst() {
    var early = new Version(new Dot(TOKYO, 9), VersionVector.EMPTY, new Stamp(1));
    var late = new Version(new Dot(PARIS, 1), VersionVector.EMPTY, new Stamp(2));
    var lateInTokyo = new Version(new Dot(TOKYO, 1), VersionVector.EMPTY, new Stamp(2));
    var lateAgain = new Version(new Dot(TOKYO, 2), VersionVector.EMPTY, new Stamp(2));

    assertThat(late.isLaterThan(early)).isTrue();
    assertThat(lateInTokyo.isLaterThan(late)).isTrue();
    assertThat(lateAgain.isLaterThan(lateInTokyo)).isTrue();
  }

  @Property
  void anotherContext_makesTheSameWriteOfIt(
      @ForAll("versions") Version version, @ForAll("versions") Version any) {
    VersionVector more = version.context().merge(any.context());
    if (more.contains(version.dot())) {
      return;
    }
    assertThat(version.withContext(more))
        .isEqualTo(new Version(version.dot(), more, version.stamp()));
    assertThat(version.withContext(version.context())).isSameAs(version);
  }

  @Test
  void aVersionSaysWhoWroteItWhen_andAfterWhat() {
    assertThat(version(PARIS, 2, VersionVector.of(new Dot(TOKYO, 1))))
        .hasToString("0000000000000001:2@0.2 after {0000000000000002:1}");
  }

  @Test
  void twoCallersOfOneNodeWhoReadTheSameVersion_writeConcurrently() {
    var read = version(PARIS, 1, VersionVector.EMPTY);
    var first = version(PARIS, 2, read.asContext());
    var second = version(PARIS, 3, read.asContext());

    assertThat(second.relationTo(first)).isEqualTo(CONCURRENT);
    assertThat(second.relationTo(read)).isEqualTo(AFTER);
    assertThat(read.relationTo(second)).isEqualTo(BEFORE);
  }

  @Test
  void aStampSaysNothingAboutCausality() {
    var early = new Version(new Dot(PARIS, 1), VersionVector.EMPTY, new Stamp(1));
    var late = new Version(new Dot(TOKYO, 1), VersionVector.EMPTY, new Stamp(1_000));
    var afterLate = new Version(new Dot(PARIS, 2), late.asContext(), new Stamp(2));

    assertThat(early.relationTo(late)).isEqualTo(CONCURRENT);
    assertThat(afterLate.relationTo(late)).isEqualTo(AFTER);
  }

  @Test
  void aWriteThatClaimsToHaveSeenItself_isRefused() {
    assertThatThrownBy(() -> version(PARIS, 1, Map.of(PARIS, 1L)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> version(PARIS, 1, Map.of(PARIS, 2L)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Version version(ActorId actor, long counter, Map<ActorId, Long> context) {
    return version(actor, counter, VersionVector.of(new java.util.TreeMap<>(context)));
  }

  @Test
  void twoWritesThatClaimToHaveSeenEachOther_areNotBelieved() {
    var one = version(PARIS, 1, VersionVector.of(new Dot(TOKYO, 1)));
    var other = version(TOKYO, 1, VersionVector.of(new Dot(PARIS, 1)));

    assertThatThrownBy(() -> one.relationTo(other)).isInstanceOf(WireFormatException.class);
  }
}
