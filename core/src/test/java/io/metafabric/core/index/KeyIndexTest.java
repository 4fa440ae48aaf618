package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.journal.Compaction;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.journal.Liveness;
import io.metafabric.core.port.Disk;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The index over a journal that is compacted, beside a map that holds the records themselves. */
class KeyIndexTest {
  private static final JournalConfig CONFIG = new JournalConfig(4096);
  private static final int KEYS = 40;

  /** Fewer where each mutant takes them. */
  private static final int ROUNDS = Integer.getInteger("model.rounds", 4000);

  /** Few values: most keys have company. */
  private static final ToLongFunction<Key> POOR_HASH = key -> key.id().length() % 2;

  private final Map<Key, MetadataRecord> model = new HashMap<>();
  private final Map<Key, MetadataRecord> older = new HashMap<>();
  private final Map<Key, MetadataRecord> whole = new HashMap<>();
  private final Map<Key, JournalEntry.Stored> newest = new HashMap<>();
  private final Map<ActorId, Long> counters = new HashMap<>();
  private final FrameTable frames = new FrameTable();

  private final class Live implements Liveness {
    private final KeyIndex index;

    Live(KeyIndex index) {
      this.index = index;
    }

    @Override
    public boolean isForgotten(JournalEntry entry) {
      return false;
    }

    @Override
    public boolean isReplaced(JournalEntry entry) {
      return false;
    }

    @Override
    public @Nullable JournalEntry kept(JournalEntry entry, long position) {
      MetadataRecord record = ((JournalEntry.Stored) entry).record();
      Dot dot = record.header().version().dot();
      boolean shown = record.payload() != null && index.isSuperseded(record.key(), dot);
      return shown || index.isCurrent(record.key(), dot) ? entry : null;
    }

    @Override
    public void moved(JournalEntry entry, FrameLocation from, FrameLocation to) {
      if (!index.moved(((JournalEntry.Stored) entry).record().key(), from, to)) {
        // Another frame of the same write: kept, as the store does for its peers.
        others++;
      }
    }
  }

  private int others;

  private MetadataRecord next(Random random, Key key) {
    MetadataRecord before = model.get(key);
    var region = new RegionName("paris");
    if (before != null && !before.header().isTombstone() && random.nextInt(3) == 0) {
      // The same write comes again: with its payload, or with another context and without.
      var stillIn = before.payload();
      if (stillIn != null && random.nextBoolean()) {
        return before;
      }
      Version was = before.header().version();
      var context = was.context().with(new Dot(new ActorId(99), 1 + random.nextInt(1000)));
      var joined =
          new Header(
              new Version(was.dot(), context, was.stamp()),
              region,
              Header.Kind.VALUE,
              before.header().payloadBytes(),
              before.header().payloadCrc32c(),
              Header.NEVER);
      return new MetadataRecord(key, joined, null);
    }
    var actor = new ActorId(1 + random.nextInt(4));
    long counter = counters.merge(actor, 1L, Long::sum);
    var context = before == null ? VersionVector.EMPTY : before.header().version().asContext();
    var version = new Version(new Dot(actor, counter), context, new Stamp(counter));
    if (random.nextInt(5) == 0) {
      return new MetadataRecord(key, Header.tombstone(version, region), null);
    }
    byte[] bytes = new byte[random.nextInt(300)];
    random.nextBytes(bytes);
    var payload = Bytes.copyOf(bytes);
    var record =
        new MetadataRecord(key, Header.value(version, region, payload, Header.NEVER), payload);
    return random.nextInt(4) == 0 ? record.withoutPayload() : record;
  }

  /** As the store says it, or as it does when a remove has come that was covered already. */
  private JournalEntry.Stored stored(Random random, MetadataRecord record) {
    JournalEntry.Stored before = newest.get(record.key());
    if (before == null || record.payload() != null || record.header().isTombstone()) {
      return new JournalEntry.Stored(record);
    }
    Dot since = random.nextInt(6) == 0 ? new Dot(new ActorId(500), 1) : before.sinceOfNext();
    return new JournalEntry.Stored(record, since);
  }

  private void apply(JournalEntry.Stored stored) {
    MetadataRecord record = stored.record();
    Key key = record.key();
    MetadataRecord before = model.get(key);
    boolean sameWrite =
        before != null
            && before.header().version().dot().equals(record.header().version().dot())
            && before.header().payloadCrc32c() == record.header().payloadCrc32c();
    boolean isWhole = record.payload() != null || record.header().isTombstone();
    if (!isWhole && !sameWrite && before != null && before.payload() != null) {
      // With the context that it had when its payload came.
      older.put(key, whole.get(key));
    }
    model.put(
        key, record.payload() == null && sameWrite ? before.withHeader(record.header()) : record);
    MetadataRecord held = older.get(key);
    if (held != null && (isWhole || !held.header().version().dot().equals(stored.since()))) {
      older.remove(key);
    }
    newest.put(key, stored);
    if (record.payload() != null) {
      whole.put(key, record);
    }
  }

  private void checkOlder(KeyIndex index, Key key) {
    MetadataRecord record = model.get(key);
    Substitute shown = index.substitute(key);
    if (record == null || record.payload() != null || record.header().isTombstone()) {
      assertThat(shown).isNull();
      return;
    }
    MetadataRecord held = older.get(key);
    assertThat(shown)
        .isEqualTo(new Substitute(record.header(), newest.get(key).sinceOfNext(), held));
    if (held != null) {
      assertThat(index.isSuperseded(key, held.header().version().dot())).isTrue();
      shownOlder++;
    }
    assertThat(index.isSuperseded(key, record.header().version().dot())).isFalse();
  }

  private int shownOlder;

  private void check(KeyIndex index, Key key, int i) {
    MetadataRecord expected = model.get(key);
    assertThat(index.read(key)).isEqualTo(expected);
    assertThat(index.header(key)).isEqualTo(expected == null ? null : expected.header());
    assertThat(index.holdsPayload(key)).isEqualTo(expected != null && expected.payload() != null);
    checkOlder(index, key);
    if (expected != null) {
      Dot dot = expected.header().version().dot();
      assertThat(index.isCurrent(key, dot)).isTrue();
      assertThat(index.isCurrent(key, new Dot(dot.actor(), dot.counter() + 1_000_000))).isFalse();
      assertThat(index.isCurrent(key, new Dot(new ActorId(1000 + i), dot.counter()))).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void itAgreesWithAMap(long seed) {
    var world = new SimWorld(seed);
    var disk = new SimNode(world, "paris").disk();
    var random = new Random(seed);
    boolean poor = seed % 2 == 0;
    // Two actors have words, the others must be told apart by reading.
    ToLongFunction<Key> hash = poor ? POOR_HASH : key -> KeyHash.of(key.path(), seed);
    var index = new KeyIndex(frames, seed, hash, poor ? 2 : DotWords.MAX_ACTORS);
    Journal journal = Journal.open(CONFIG, disk, frames, (entry, at) -> {});
    int compactions = 0;
    for (int i = 0; i < ROUNDS; i++) {
      Key key = Key.of("n/" + random.nextInt(KEYS));
      JournalEntry.Stored record = stored(random, next(random, key));
      MetadataRecord before = model.get(key);
      FrameLocation at = journal.append(List.of(record)).get(0);
      journal.makeDurable();
      index.publish(before == null ? null : before.header(), record, at);
      journal.publish(at.position());
      apply(record);
      check(index, Key.of("n/" + random.nextInt(KEYS)), i);
      if (i % 40 == 0) {
        Compaction compaction =
            Compaction.begin(journal, new Live(index), Long.MAX_VALUE, 0.2, false);
        if (compaction != null) {
          while (compaction.step(256)) {
            check(index, Key.of("n/" + random.nextInt(KEYS)), i);
          }
          compactions++;
        }
      }
    }
    assertThat(compactions).as("seed " + seed).isGreaterThan(ROUNDS / 200);
    assertThat(others).as("seed " + seed).isPositive();
    assertThat(shownOlder).as("seed " + seed).isGreaterThan(ROUNDS / 40);
    assertThat(index.supersededBytes()).as("seed " + seed).isPositive();
    var keys = new ArrayList<Key>();
    index.forEachKey(keys::add);
    assertThat(keys).containsExactlyInAnyOrderElementsOf(model.keySet());
    assertThat(index.keys()).isEqualTo(model.size());
    journal.close();
    replayed(disk, hash);
  }

  private void replayed(Disk disk, ToLongFunction<Key> hash) {
    var again = new FrameTable();
    var index = new KeyIndex(again, 0, hash, 3);
    Journal journal =
        Journal.open(
            CONFIG,
            disk,
            again,
            (entry, at) -> {
              if (entry instanceof JournalEntry.Stored stored) {
                index.replay(stored, at);
              }
            });
    for (int i = 0; i < KEYS; i++) {
      check(index, Key.of("n/" + i), i);
    }
    assertThat(journal.liveBytes()).isPositive();
    journal.close();
  }
}
