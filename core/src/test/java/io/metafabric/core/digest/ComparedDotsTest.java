package io.metafabric.core.digest;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a comparison asks for is told in few passes over the index, and as it is now. */
class ComparedDotsTest {
  private static final RegionName PARIS = new RegionName("paris");
  private static final ActorId ACTOR = new ActorId(1);
  private static final int KEYS = 5000;
  private static final int DEPTH = 12;
  private static final long MUCH = 1 << 20;

  private final FrameTable frames = new FrameTable();
  private final KeyIndex index = new KeyIndex(frames, 1);
  private final HeaderTree tree = new HeaderTree();
  private final LiveDots live = new LiveDots(index, tree);
  private final Journal journal =
      Journal.open(new JournalConfig(1 << 20), new SimDisk(1), frames, (entry, at) -> {});
  private long counter;

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private Sibling version() {
    var dot = new Dot(ACTOR, ++counter);
    Bytes payload = Bytes.utf8("value " + counter);
    var version = new Version(dot, VersionVector.EMPTY, new Stamp(counter));
    return new Sibling(Header.value(version, PARIS, payload, Header.NEVER), payload);
  }

  private Dot publish(Key key, Sibling... versions) {
    Header before = index.header(key);
    var record = MetadataRecord.of(key, List.of(versions));
    var stored = new JournalEntry.Stored(record);
    FrameLocation at = journal.append(List.of(stored)).get(0);
    journal.makeDurable();
    index.publish(before, stored, at);
    journal.publish(at.position());
    Dot dot = record.header().version().dot();
    if (before == null) {
      tree.added(dot);
    } else {
      tree.replaced(before.version().dot(), dot);
    }
    return dot;
  }

  private void publishAll() {
    for (int i = 0; i < KEYS; i++) {
      publish(key(i), version());
    }
  }

  private ComparedDots compared(int maxDots, long maxKeyBytes) {
    return new ComparedDots(live, index, tree, maxDots, maxKeyBytes);
  }

  /** As a comparison of which all nodes differ does: 128 of them a time, the last first. */
  private static List<Dot> listed(ComparedDots dots) {
    var all = new ArrayList<Dot>();
    for (int to = 1 << DEPTH; to > 0; to -= 128) {
      var some = new ArrayList<Dot>();
      dots.below(DEPTH, IntStream.range(to - 128, to).toArray()).forEach(some::addAll);
      assertThat(dots.headers(some, dot -> {}))
          .hasSameSizeAs(some)
          .allMatch(each -> each.payload() == null);
      all.addAll(some);
    }
    return all;
  }

  private static void ask(ComparedDots dots, List<Dot> wanted) {
    Collections.shuffle(wanted, new Random(1));
    for (int from = 0; from < wanted.size(); from += 100) {
      List<Dot> some = wanted.subList(from, from + 100);
      assertThat(dots.records(some)).hasSize(100).allMatch(each -> each.payload() != null);
    }
  }

  @Test
  void allThatDiffers_isListedAndFound_inFewPasses() {
    publishAll();
    ComparedDots dots = compared(1000, MUCH);
    List<Dot> all = listed(dots);
    assertThat(all).hasSize(KEYS).doesNotHaveDuplicates();
    assertThat(live.passes()).as("a thousand dots each").isBetween(5L, 6L);

    ask(dots, all);
    assertThat(live.passes()).as("by their keys").isLessThanOrEqualTo(6);
  }

  @Test
  void whatIsKept_isBounded_andWhatIsNot_isLookedForAgain() {
    publishAll();
    ComparedDots dots = compared(1000, 100 * 210L);
    List<Dot> all = listed(dots);
    long before = live.passes();
    ask(dots, all);
    assertThat(live.passes() - before).as("of 50 questions").isGreaterThan(40);

    dots.clear();
    before = live.passes();
    assertThat(dots.records(all.subList(0, 10))).hasSize(10);
    assertThat(live.passes() - before).isEqualTo(1);
  }

  @Test
  void deepDigests_areThoseOfTheTree_inFewPasses() {
    publishAll();
    ComparedDots dots = compared(1000, MUCH);
    for (int to = 1 << HeaderTree.DEPTH; to > 0; to -= 1 << 10) {
      int[] parents = IntStream.range(to - (1 << 10), to).toArray();
      long[] digests = dots.digests(HeaderTree.DEPTH + HeaderTree.STEP, parents);
      for (int i = 0; i < parents.length; i++) {
        long sum = 0;
        for (int child = 0; child < 16; child++) {
          sum ^= digests[16 * i + child];
        }
        assertThat(sum).isEqualTo(tree.digest(HeaderTree.DEPTH, parents[i]));
      }
    }
    assertThat(live.passes()).isBetween(5L, 12L);
  }

  /** Nodes far from each other, and dots that are not spread: what was asked for, and no more. */
  @Test
  void whatIsNotSpread_isToldAllTheSame() {
    publishAll();
    ComparedDots dots = compared(10, MUCH);
    assertThat(new HashSet<>(listed(dots))).hasSize(KEYS);
    assertThat(dots.below(4, IntStream.range(0, 16).toArray()).stream().mapToInt(List::size).sum())
        .isEqualTo(KEYS);
    assertThat(dots.below(DEPTH, new int[0])).isEmpty();
  }

  @Test
  void whatChangesMeanwhile_isReadAsItIs() {
    Dot stays = publish(key(1), version());
    Dot goes = publish(key(2), version());
    Sibling first = version();
    Dot falls = publish(key(3), first);
    ComparedDots dots = compared(1000, MUCH);
    int[] everything = IntStream.range(0, 256).toArray();
    assertThat(dots.below(8, everything).stream().mapToInt(List::size).sum()).isEqualTo(3);

    Dot later = publish(key(2), version());
    publish(key(3), version(), first);
    assertThat(dots.records(List.of(stays, goes, falls)))
        .containsExactly(index.read(key(1)), index.read(key(3)));
    assertThat(live.passes()).isEqualTo(1);

    assertThat(dots.below(8, everything)).noneMatch(below -> below.contains(later));
    dots.beginAgain();
    assertThat(dots.below(8, everything)).anyMatch(below -> below.contains(later));
    assertThat(dots.records(List.of(goes, later))).containsExactly(index.read(key(2)));
    assertThat(live.passes()).isEqualTo(2);
  }
}
