package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SiblingsTest {
  static final Key KEY = Key.of("n/1");
  static final RegionName PARIS = new RegionName("paris");
  static final int NO_BOUND = 1 << 30;
  static final int NODES = 4;

  /** A write, and what its caller had really read before, through however many hands. */
  record Write(MetadataRecord record, Set<Dot> seen) {
    Dot dot() {
      return record.header().version().dot();
    }
  }

  /** Nodes that write one key, blindly and after reading, and hear of each other's writes. */
  static final class World {
    final Random random;
    final Map<Dot, Write> writes = new HashMap<>();
    final List<List<Write>> issued = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();

    World(long seed) {
      random = new Random(seed);
      for (int i = 0; i < NODES; i++) {
        nodes.add(new Node(i));
        issued.add(new ArrayList<>());
      }
    }

    World run(int steps) {
      for (int i = 0; i < steps; i++) {
        nodes.get(random.nextInt(NODES)).step();
      }
      return this;
    }

    List<MetadataRecord> all() {
      return writes.values().stream()
          .map(Write::record)
          .collect(Collectors.toCollection(ArrayList::new));
    }

    /** What nobody had really seen. */
    Set<Dot> unseen() {
      var left = new HashSet<>(writes.keySet());
      writes.values().forEach(each -> left.removeAll(each.seen()));
      return left;
    }

    final class Node {
      final int number;
      final ActorId actor;
      final int[] heard = new int[NODES];
      final List<Dot> readOnce = new ArrayList<>();
      @Nullable MetadataRecord state;
      long counter;
      long clock;

      Node(int number) {
        this.number = number;
        this.actor = new ActorId(number + 1L);
      }

      long knownUpTo(ActorId who) {
        int from = (int) who.id() - 1;
        if (from == number) {
          return Long.MAX_VALUE;
        }
        return heard[from] == 0 ? 0 : issued.get(from).get(heard[from] - 1).dot().counter();
      }

      void step() {
        switch (random.nextInt(6)) {
          case 0 -> write(versions());
          case 1 -> write(someOf(versions()));
          case 2 -> writeAfterReadingLongAgo();
          case 3 -> fetch(nodes.get(random.nextInt(NODES)));
          default -> hear(random.nextInt(NODES));
        }
      }

      List<Sibling> versions() {
        return state == null ? List.of() : state.versions();
      }

      List<Sibling> someOf(List<Sibling> from) {
        return from.stream().filter(each -> random.nextBoolean()).toList();
      }

      /** A caller that reads one write and takes its time. */
      void writeAfterReadingLongAgo() {
        versions().forEach(each -> readOnce.add(each.header().version().dot()));
        if (!readOnce.isEmpty()) {
          Write read = writes.get(readOnce.get(random.nextInt(readOnce.size())));
          write(read.record().versions());
        }
      }

      void write(List<Sibling> read) {
        counter += 1 + random.nextInt(3);
        VersionVector context =
            WriterContext.folded(WriterContext.ofAll(read), versions(), this::knownUpTo);
        var version = new Version(new Dot(actor, counter), context, new Stamp(++clock));
        Bytes payload = Bytes.utf8(version.dot().toString());
        Header header =
            random.nextInt(5) == 0
                ? Header.tombstone(version, PARIS)
                : random.nextInt(4) == 0
                    ? Header.merged(version, PARIS, payload, Header.NEVER)
                    : Header.value(version, PARIS, payload, Header.NEVER);
        var record = new MetadataRecord(KEY, header, header.isTombstone() ? null : payload);
        var seen = new HashSet<Dot>();
        for (Sibling each : read) {
          Dot dot = each.header().version().dot();
          seen.add(dot);
          seen.addAll(writes.get(dot).seen());
        }
        for (Sibling each : versions()) {
          Dot dot = each.header().version().dot();
          assertThat(context.contains(dot))
              .as("%s sees %s", version, dot)
              .isEqualTo(seen.contains(dot));
        }
        assertThat(seen).allMatch(context::contains);
        var write = new Write(record, seen);
        writes.put(version.dot(), write);
        issued.get(number).add(write);
        take(record);
      }

      void hear(int from) {
        if (from != number && heard[from] < issued.get(from).size()) {
          take(issued.get(from).get(heard[from]++).record());
        }
      }

      void hearAll() {
        for (int from = 0; from < NODES; from++) {
          while (from != number && heard[from] < issued.get(from).size()) {
            hear(from);
          }
        }
      }

      void fetch(Node from) {
        if (from.state != null) {
          take(from.state);
        }
      }

      void take(MetadataRecord record) {
        state = joined(state, record);
        state.versions().forEach(each -> clock = Math.max(clock, stamp(each)));
      }
    }
  }

  static long stamp(Sibling sibling) {
    return sibling.header().version().stamp().packed();
  }

  static MetadataRecord joined(@Nullable MetadataRecord a, MetadataRecord b) {
    return a == null ? b : join(a, b);
  }

  static MetadataRecord join(MetadataRecord a, MetadataRecord b) {
    return Siblings.join(a, b, NO_BOUND).record();
  }

  static Set<Dot> dots(MetadataRecord record) {
    return record.versions().stream()
        .map(each -> each.header().version().dot())
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#laws")
  void everyOrderWithDuplicates_leavesWhatNobodyHadSeen(long seed) {
    World world = new World(seed).run(25);
    if (world.writes.isEmpty() || world.unseen().size() > MetadataRecord.MAX_VERSIONS) {
      return;
    }
    MetadataRecord expected = world.all().stream().reduce(SiblingsTest::join).orElseThrow();
    assertThat(dots(expected)).as("seed %d", seed).isEqualTo(world.unseen());
    for (int i = 0; i < 10; i++) {
      List<MetadataRecord> shuffled = world.all();
      shuffled.addAll(world.all().subList(0, world.random.nextInt(shuffled.size())));
      Collections.shuffle(shuffled, world.random);
      assertThat(shuffled.stream().reduce(SiblingsTest::join).orElseThrow())
          .as("seed %d", seed)
          .isEqualTo(expected);
    }
    world.nodes.forEach(World.Node::hearAll);
    assertThat(world.nodes).allMatch(node -> expected.equals(node.state));
  }

  @ParameterizedTest
  @MethodSource("io.metafabric.core.sim.SimSeeds#laws")
  void join_isCommutativeAssociativeIdempotentAndMonotone(long seed) {
    World world = new World(seed).run(20);
    List<MetadataRecord> states =
        world.nodes.stream().filter(node -> node.state != null).map(node -> node.state).toList();
    for (MetadataRecord a : states) {
      assertThat(join(a, a)).isEqualTo(a);
      for (MetadataRecord b : states) {
        MetadataRecord both = join(a, b);
        assertThat(join(b, a)).as("seed %d", seed).isEqualTo(both);
        assertThat(join(both, b)).isEqualTo(both);
        for (Sibling each : a.versions()) {
          assertThat(both.versions())
              .anyMatch(other -> other.header().version().covers(each.header().version().dot()));
        }
        for (MetadataRecord c : states) {
          assertThat(join(both, c)).as("seed %d", seed).isEqualTo(join(a, join(b, c)));
        }
      }
    }
  }

  static MetadataRecord write(long actor, long counter, VersionVector context, long stamp) {
    return write(actor, counter, context, stamp, 2);
  }

  static MetadataRecord write(
      long actor, long counter, VersionVector context, long stamp, int payloadBytes) {
    var version = new Version(new Dot(new ActorId(actor), counter), context, new Stamp(stamp));
    Bytes payload = Bytes.copyOf(new byte[payloadBytes]);
    return new MetadataRecord(KEY, Header.value(version, PARIS, payload, Header.NEVER), payload);
  }

  @Test
  void twoCallersOfOneNodeWhoReadTheSame_areSiblings_andAThirdWhoReadOneReplacesThatAlone() {
    MetadataRecord read = write(1, 1, VersionVector.EMPTY, 1);
    VersionVector context = read.header().version().seen();
    MetadataRecord first = write(1, 2, context, 2);
    MetadataRecord second = write(1, 3, context, 3);
    MetadataRecord both = join(join(read, first), second);
    assertThat(dots(both)).containsExactlyInAnyOrderElementsOf(List.of(dot(first), dot(second)));

    VersionVector seen = second.header().version().seen();
    VersionVector folded = WriterContext.folded(seen, both.versions(), actor -> Long.MAX_VALUE);
    assertThat(folded.contains(dot(first))).isFalse();
    MetadataRecord third = write(1, 4, folded, 4);
    assertThat(dots(join(both, third)))
        .containsExactlyInAnyOrderElementsOf(List.of(dot(first), dot(third)));

    VersionVector all = WriterContext.ofAll(both.versions());
    MetadataRecord last = write(1, 4, all, 4);
    assertThat(all.loneDots()).isZero();
    assertThat(join(both, last)).isEqualTo(last);
  }

  private static Dot dot(MetadataRecord record) {
    return record.header().version().dot();
  }

  @Test
  void whatThisNodeDoesNotKnowAllOf_staysALoneDot() {
    MetadataRecord fetched = write(2, 9, VersionVector.EMPTY, 1);
    VersionVector seen = fetched.header().version().seen();
    assertThat(WriterContext.folded(seen, fetched.versions(), actor -> 8)).isEqualTo(seen);
    assertThat(WriterContext.folded(seen, fetched.versions(), actor -> 9))
        .isEqualTo(VersionVector.of(dot(fetched)));
  }

  @Test
  void aDeletionBesideAValue_isASibling_andTheValueIsShown() {
    MetadataRecord value = write(1, 1, VersionVector.EMPTY, 1);
    var later = new Version(new Dot(new ActorId(2), 1), VersionVector.EMPTY, new Stamp(5));
    var deleted = new MetadataRecord(KEY, Header.tombstone(later, PARIS), null);

    MetadataRecord both = join(value, deleted);

    assertThat(both.header()).isEqualTo(value.header());
    assertThat(both.siblings()).containsExactly(new Sibling(deleted.header(), null));
  }

  @Test
  void moreThanSixteen_loseTheEarliest_inWhateverOrderTheyCome() {
    var all = new ArrayList<MetadataRecord>();
    for (int i = 1; i <= 40; i++) {
      all.add(write(i, 1, VersionVector.EMPTY, i));
    }
    MetadataRecord expected = all.stream().reduce(SiblingsTest::join).orElseThrow();
    assertThat(expected.versions()).hasSize(MetadataRecord.MAX_VERSIONS);
    assertThat(expected.versions()).allMatch(each -> stamp(each) > 24);
    Collections.shuffle(all, new Random(1));
    assertThat(all.stream().reduce(SiblingsTest::join).orElseThrow()).isEqualTo(expected);

    Siblings.Joined joined =
        Siblings.join(expected, write(50, 1, VersionVector.EMPTY, 50), NO_BOUND);
    assertThat(joined.fellOut()).singleElement().matches(each -> stamp(each) == 25);
  }

  @Test
  void allPayloadsTogether_fitIntoAFrame_asTheirHeadersTellAlone() {
    MetadataRecord all = write(1, 1, VersionVector.EMPTY, 1, 60_000);
    MetadataRecord headers = all.withoutPayload();
    for (int i = 2; i <= 9; i++) {
      MetadataRecord next = write(i, 1, VersionVector.EMPTY, i, 60_000);
      all = Siblings.join(all, next, 200_000).record();
      headers = Siblings.join(next.withoutPayload(), headers, 200_000).record();
    }
    assertThat(all.versions()).hasSize(4);
    assertThat(headers).isEqualTo(all.withoutPayload());
  }

  @Test
  void aPayloadThatIsKnown_isNotLostToAHeaderWithoutIt() {
    MetadataRecord a = write(1, 1, VersionVector.EMPTY, 1);
    MetadataRecord b = write(2, 1, VersionVector.EMPTY, 2);
    MetadataRecord both = join(a, b);
    assertThat(join(both, both.withoutPayload())).isEqualTo(both);
    assertThat(join(both.withoutPayload(), both)).isEqualTo(both);
    assertThat(join(a, both.withoutPayload()).siblings().get(0).payload()).isNotNull();
  }

  @Test
  void versionsThatClaimToHaveSeenEachOther_bothStay() {
    var one = new Dot(new ActorId(1), 1);
    var other = new Dot(new ActorId(2), 1);
    MetadataRecord a = write(1, 1, VersionVector.of(other), 1);
    MetadataRecord b = write(2, 1, VersionVector.of(one), 2);
    assertThat(dots(join(a, b))).containsExactlyInAnyOrder(one, other);
    assertThat(join(a, b)).isEqualTo(join(b, a));
  }

  @Test
  void versionsThatClaimToHaveSeenEachOther_stayBesideWhatHasSeenNeither() {
    MetadataRecord a = write(1, 1, VersionVector.of(new Dot(new ActorId(2), 1)), 1);
    MetadataRecord b = write(2, 1, VersionVector.of(new Dot(new ActorId(1), 1)), 2);
    MetadataRecord c = write(3, 1, VersionVector.EMPTY, 3);
    assertThat(dots(join(join(a, b), c))).containsExactlyInAnyOrder(dot(a), dot(b), dot(c));
  }

  @Test
  void versionsThatClaimToHaveSeenEachOtherInACircle_allStay() {
    MetadataRecord a = write(1, 1, VersionVector.of(new Dot(new ActorId(2), 1)), 1);
    MetadataRecord b = write(2, 1, VersionVector.of(new Dot(new ActorId(3), 1)), 2);
    MetadataRecord c = write(3, 1, VersionVector.of(new Dot(new ActorId(1), 1)), 3);
    var both = MetadataRecord.of(KEY, List.of(sibling(c), sibling(b)));
    assertThat(dots(join(a, both))).containsExactlyInAnyOrder(dot(a), dot(b), dot(c));
  }

  private static Sibling sibling(MetadataRecord record) {
    return record.versions().get(0);
  }

  @Test
  void theFirstVersionStays_howeverLargeItIs() {
    MetadataRecord small = write(1, 1, VersionVector.EMPTY, 1, 10);
    MetadataRecord large = write(2, 1, VersionVector.EMPTY, 2, 200_000);
    Siblings.Joined joined = Siblings.join(small, large, 10);
    assertThat(joined.record()).isEqualTo(large);
    assertThat(joined.fellOut()).containsExactly(sibling(small));
  }

  /** The same write, with a payload of its own. */
  private static MetadataRecord forged(MetadataRecord of, String value) {
    Bytes payload = Bytes.utf8(value);
    Version version = of.header().version();
    return new MetadataRecord(KEY, Header.value(version, PARIS, payload, Header.NEVER), payload);
  }

  @Test
  void oneWriteWithTwoPayloads_keepsTheOneThatItsHeaderDescribes_orNone() {
    MetadataRecord write = write(1, 1, VersionVector.EMPTY, 1);
    MetadataRecord one = forged(write, "one");
    MetadataRecord other = forged(write, "other");
    MetadataRecord winner = join(one, other);
    MetadataRecord loser = winner.equals(one) ? other : one;

    assertThat(winner).isIn(one, other).isEqualTo(join(other, one));
    MetadataRecord bare = winner.withoutPayload();
    for (MetadataRecord each : List.of(join(bare, loser), join(loser, bare))) {
      assertThat(each).as("the loser's payload is another's").isEqualTo(bare);
    }
    assertThat(join(bare, join(loser, winner))).isEqualTo(winner);
  }

  @Test
  void onlyADefect_givesOneWriteTwoPayloads_orLetsTwoSeeEachOther() {
    MetadataRecord write = write(1, 1, VersionVector.EMPTY, 1);
    MetadataRecord beside = write(2, 1, VersionVector.EMPTY, 2, 3);
    MetadataRecord after = write(3, 1, WriterContext.ofAll(join(write, beside).versions()), 3);
    assertThat(Siblings.collide(write, write)).isFalse();
    assertThat(Siblings.collide(write, write.withoutPayload())).isFalse();
    assertThat(Siblings.collide(write, beside)).isFalse();
    assertThat(Siblings.collide(write, after)).isFalse();
    assertThat(Siblings.collide(join(write, beside), after)).isFalse();

    MetadataRecord forged = forged(write, "forged");
    assertThat(Siblings.collide(write, forged)).isTrue();
    assertThat(Siblings.collide(join(write, beside), forged)).isTrue();
    assertThat(Siblings.collide(forged, join(write, beside))).isTrue();
    MetadataRecord seesAfter = write(2, 1, VersionVector.of(dot(after)), 2, 3);
    assertThat(Siblings.collide(seesAfter, after)).isTrue();
  }

  @Test
  void payloadsOfTheSameWrites_areTakenOver_andNoOthers() {
    MetadataRecord a = write(1, 1, VersionVector.EMPTY, 1);
    MetadataRecord b = write(2, 1, VersionVector.EMPTY, 2);
    MetadataRecord both = join(a, b);
    MetadataRecord headers = both.withoutPayload();

    assertThat(Siblings.withPayloadsOf(headers, both)).isEqualTo(both);
    assertThat(Siblings.withPayloadsOf(both, headers)).isEqualTo(both);
    assertThat(Siblings.withPayloadsOf(headers, headers)).isEqualTo(headers);
    assertThat(Siblings.withPayloadsOf(headers, b)).isEqualTo(headers.withPayload(b.payload()));
    assertThat(Siblings.withPayloadsOf(headers, forged(b, "forged"))).isEqualTo(headers);
    assertThat(Siblings.withPayloadsOf(headers, write(3, 1, VersionVector.EMPTY, 3)))
        .isEqualTo(headers);
    assertThat(Siblings.withPayloadsOf(both, forged(b, "forged"))).isEqualTo(both);
  }
}
