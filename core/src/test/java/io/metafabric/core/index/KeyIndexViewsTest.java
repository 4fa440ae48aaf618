package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.port.DiskFile;
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
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the index tells beside a key's record: counts, lists, an image of itself. */
class KeyIndexViewsTest {
  private static final RegionName PARIS = new RegionName("paris");
  private static final ActorId ACTOR = new ActorId(1);
  private static final long PAGES_AT = 4096;

  private final SimDisk disk = new SimDisk(1);
  private final FrameTable frames = new FrameTable();
  private KeyIndex index = new KeyIndex(frames, 1);
  private final Journal journal =
      Journal.open(new JournalConfig(1 << 20), disk, frames, (entry, at) -> {});
  private long counter;

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private Version version() {
    counter++;
    return new Version(new Dot(ACTOR, counter), VersionVector.EMPTY, new Stamp(counter));
  }

  private Sibling value(String value, long expiresAtMs) {
    Bytes payload = Bytes.utf8(value);
    return new Sibling(Header.value(version(), PARIS, payload, expiresAtMs), payload);
  }

  private Sibling value(String value) {
    return value(value, Header.NEVER);
  }

  private Sibling elsewhere() {
    return value("elsewhere").withoutPayload();
  }

  private Sibling tombstone() {
    return new Sibling(Header.tombstone(version(), PARIS), null);
  }

  private static Dot dot(Sibling version) {
    return version.header().version().dot();
  }

  private void publish(Key key, Sibling... versions) {
    publish(new JournalEntry.Stored(MetadataRecord.of(key, List.of(versions))));
  }

  /** A write of which the value is elsewhere, over one that may be shown until it is here. */
  private void supersede(Key key) {
    Header before = index.header(key);
    assertThat(before).isNotNull();
    publish(
        new JournalEntry.Stored(
            MetadataRecord.of(key, List.of(elsewhere())), before.version().dot()));
  }

  private void publish(JournalEntry.Stored stored) {
    FrameLocation at = journal.append(List.of(stored)).get(0);
    journal.makeDurable();
    index.publish(index.header(stored.record().key()), stored, at);
    journal.publish(at.position());
  }

  private Set<Key> keys() {
    var keys = new HashSet<Key>();
    index.forEachKey(key -> assertThat(keys.add(key)).isTrue());
    return keys;
  }

  private Set<Dot> writes() {
    var writes = new HashSet<Dot>();
    index.forEachWrite(
        (actor, number, place) -> {
          assertThat(writes.add(new Dot(new ActorId(actor), number))).isTrue();
          Key key = index.keyAt(place);
          assertThat(key).isNotNull();
          assertThat(index.isCurrent(key, new Dot(new ActorId(actor), number))).isTrue();
        });
    return writes;
  }

  private Set<Key> withoutPayload() {
    var keys = new HashSet<Key>();
    for (int table = 0; table < KeyIndex.tables(); table++) {
      for (long place : index.withoutPayload(table)) {
        keys.add(index.keyAt(place));
      }
    }
    return keys;
  }

  private Set<Key> mortals() {
    var keys = new HashSet<Key>();
    for (int table = 0; table < KeyIndex.tables(); table++) {
      for (long place : index.mortalsIn(table, dot -> true)) {
        MetadataRecord record = index.mortalAt(place);
        assertThat(record).isNotNull();
        keys.add(record.key());
      }
    }
    return keys;
  }

  @Test
  void everyKeyAndItsPresentWrite_isListedOnce() {
    var dots = new HashSet<Dot>();
    var keys = new HashSet<Key>();
    for (int i = 0; i < 200; i++) {
      publish(key(i), value("old"));
      Sibling now = i % 3 == 0 ? elsewhere() : value("new");
      publish(key(i), now);
      keys.add(key(i));
      dots.add(dot(now));
    }
    assertThat(keys()).isEqualTo(keys);
    assertThat(writes()).isEqualTo(dots);
    assertThat(index.keys()).isEqualTo(200);
    assertThat(withoutPayload()).hasSize(67).allMatch(key -> !index.holdsPayload(key));
    assertThat(index.hasSeen(ACTOR)).isTrue();
    assertThat(index.hasSeen(new ActorId(2))).isFalse();
  }

  @Test
  void whatMayDie_isListed_andWhatIsDeleted_isCounted() {
    publish(key(1), value("stays"));
    publish(key(2), value("expires", 5));
    publish(key(3), value("is deleted"));
    Sibling deleted = tombstone();
    publish(key(3), deleted);
    publish(key(4), tombstone());
    publish(key(4), value("is back"));

    assertThat(mortals()).containsExactlyInAnyOrder(key(2), key(3));
    assertThat(index.tombstones()).isEqualTo(1);
    assertThat(index.tombstoneBytes()).isBetween(30L, 100L);
    for (int table = 0; table < KeyIndex.tables(); table++) {
      assertThat(index.mortalsIn(table, dot -> !dot.equals(dot(deleted)))).hasSizeLessThan(2);
    }

    long live = journal.liveBytes();
    index.forget(key(3), dot(deleted));
    assertThat(keys()).containsExactlyInAnyOrder(key(1), key(2), key(4));
    assertThat(index.keys()).isEqualTo(3);
    assertThat(index.tombstones()).isZero();
    assertThat(index.tombstoneBytes()).isZero();
    assertThat(index.header(key(3))).isNull();
    assertThat(journal.liveBytes()).as("its frame still hides the value").isEqualTo(live);
    assertThat(journal.forgottenBytes()).isPositive();
  }

  @Test
  void anExpiredValueThatIsForgotten_isGarbage_withAPayloadBesideIt() {
    publish(key(1), value("expires", 5));
    supersede(key(1));
    Sibling last = value("expires too", 6);
    publish(key(1), last);
    supersede(key(1));
    assertThat(index.supersededBytes()).isPositive();
    Header newest = index.header(key(1));
    assertThat(newest).isNotNull();

    index.forget(key(1), newest.version().dot());
    assertThat(index.supersededBytes()).isZero();
    assertThat(index.keys()).isZero();
    assertThat(index.isSuperseded(key(1), dot(last))).isFalse();
    assertThat(journal.liveBytes()).isEqualTo(journal.forgottenBytes());
  }

  @Test
  void versionsBesideAWinner_areListedWithIt_untilOneHasSeenThemAll() {
    Sibling beside = value("beside");
    Sibling deleted = tombstone();
    Sibling winner = value("winner");
    publish(key(1), winner, beside, deleted);
    Sibling other = value("other");
    publish(key(2), value("one more"), other);

    assertThat(index.siblingsOf(key(1)))
        .containsExactly(1, dot(beside).counter(), 1, dot(deleted).counter());
    assertThat(index.siblingsOf(key(9))).isEmpty();
    assertThat(index.keysWithSiblings()).containsExactlyInAnyOrder(key(1), key(2));
    assertThat(index.keysWithMortalSiblings()).containsExactly(key(1));
    var visited = new HashSet<Dot>();
    index.forEachSibling((key, actor, number) -> visited.add(new Dot(new ActorId(actor), number)));
    assertThat(visited).containsExactlyInAnyOrder(dot(beside), dot(deleted), dot(other));

    long bytes = index.bytes();
    publish(key(1), value("all"));
    assertThat(index.siblingsOf(key(1))).isEmpty();
    assertThat(index.keysWithSiblings()).containsExactly(key(2));
    assertThat(index.bytes()).isLessThan(bytes);
  }

  @Test
  void payloadsOfOlderWrites_areGivenUp_theOldestFirst_andThoseThatMustStayLast() {
    for (int i = 0; i < 100; i++) {
      publish(key(i), value("x".repeat(100)));
    }
    var must = new HashSet<Key>(List.of(key(3), key(4)));
    long each = 150;
    index.limitSuperseded(20 * each, (key, dot) -> must.contains(key));
    for (int i = 0; i < 100; i++) {
      supersede(key(i));
      assertThat(index.supersededBytes()).isLessThan(24 * each);
    }
    assertThat(index.supersededDropped()).isBetween(70L, 90L);
    for (int i = 0; i < 100; i++) {
      if (i < 60) {
        assertThat(index.substitute(key(i)).held() != null)
            .as("key %d", i)
            .isEqualTo(must.contains(key(i)));
      } else if (i > 90) {
        assertThat(index.substitute(key(i)).held()).as("key %d", i).isNotNull();
      }
    }
    must.clear();
    index.limitSuperseded(each, (key, dot) -> true);
    publish(key(200), value("any"));
    assertThat(index.supersededBytes())
        .as("what must stay has four times the room")
        .isBetween(2 * each, 4 * each);
  }

  @Test
  void payloadsThatWereReplaced_takeNoPlaceAmongThoseThatMayBeShown() {
    publish(key(1), value("stays"));
    publish(key(2), value("stays too"));
    supersede(key(1));
    supersede(key(2));
    long two = index.supersededBytes();
    long before = index.bytes();
    for (int i = 0; i < 2_000; i++) {
      publish(key(3), value("old"));
      supersede(key(3));
    }
    publish(key(3), value("new"));
    assertThat(index.bytes()).as("with a few places more").isLessThan(before + 2_000);
    assertThat(index.supersededBytes()).isEqualTo(two);

    index.limitSuperseded(two - 1, (key, dot) -> false);
    publish(key(4), value("makes room"));
    assertThat(index.substitute(key(1)).held()).as("the older one").isNull();
    assertThat(index.substitute(key(2)).held()).isNotNull();
    assertThat(index.supersededDropped()).isEqualTo(1);
  }

  @Test
  void payloadsOfOlderWrites_takeMemory_untilThereAreNone() {
    long before = index.bytes();
    publish(key(0), value("x"));
    long one = index.bytes();
    for (int i = 0; i < 300; i++) {
      publish(key(1), value("x"));
      supersede(key(1));
      publish(key(100 + i), value("x"));
      supersede(key(100 + i));
    }
    assertThat(index.bytes()).isGreaterThan(one + 300 * 2 * Long.BYTES).isGreaterThan(before);
  }

  @Test
  void aKeyThatIsForgotten_leavesNothingOfWhatWasBesideIt() {
    Sibling deleted = tombstone();
    Sibling beside = value("expires", 5);
    Sibling winner = value("expires too", 6);
    publish(key(1), winner, beside, deleted);
    assertThat(index.keysWithMortalSiblings()).containsExactly(key(1));

    index.forget(key(1), dot(winner));
    assertThat(index.siblingsOf(key(1))).isEmpty();
    assertThat(index.keysWithSiblings()).isEmpty();
    assertThat(index.keysWithMortalSiblings()).isEmpty();
  }

  @Test
  void aFrameThatHasMoved_isReadWhereItIs_andWhoMovesAnotherIsTold() {
    var stored = new JournalEntry.Stored(MetadataRecord.of(key(1), List.of(value("moves"))));
    FrameLocation from = journal.append(List.of(stored)).get(0);
    FrameLocation to = journal.append(List.of(stored)).get(0);
    journal.makeDurable();
    index.publish(null, stored, from);
    publish(key(2), value("stays"));

    assertThat(index.moved(key(2), from, to)).as("of another key").isFalse();
    assertThat(index.moved(key(1), to, from)).as("of which nothing is known").isFalse();
    assertThat(index.moved(key(1), from, to)).isTrue();
    assertThat(index.moved(key(1), from, to)).as("it is not there any more").isFalse();
    var places = new HashSet<Long>();
    index.forEachWrite((actor, number, place) -> places.add(place & Long.MAX_VALUE));
    assertThat(places).contains(to.place()).doesNotContain(from.place());
    assertThat(index.read(key(1))).isEqualTo(stored.record());
  }

  private byte[] describe() {
    var out = new ByteWriter(1024);
    index.describeTo(out);
    return out.toArray();
  }

  private @Nullable KeyIndex restored(byte[] description) {
    try (DiskFile file = disk.open("image")) {
      return KeyIndex.restore(frames, new ByteReader(ByteBuffer.wrap(description)), file, PAGES_AT);
    }
  }

  private boolean isWhole(byte[] description) {
    try (DiskFile file = disk.open("image")) {
      return KeyIndex.isWhole(new ByteReader(ByteBuffer.wrap(description)), file, PAGES_AT);
    }
  }

  @Test
  void anImage_makesTheSameIndexAgain() {
    for (int i = 0; i < 2_000; i++) {
      publish(key(i), value("v" + i));
    }
    publish(key(1), tombstone());
    Sibling beside = value("expires", 5);
    publish(key(2), value("expires too", 4), beside);
    supersede(key(3));
    publish(key(4), elsewhere());
    byte[] description = describe();
    try (DiskFile file = disk.open("image")) {
      index.writePages(file, PAGES_AT);
    }
    assertThat(isWhole(description)).isTrue();

    KeyIndex before = index;
    long live = journal.liveBytes();
    index = restored(description);
    assertThat(index).isNotNull();
    assertThat(journal.liveBytes()).as("each frame is counted").isEqualTo(2 * live);
    assertThat(keys()).hasSize(2_000);
    assertThat(writes()).hasSize(2_000);
    assertThat(index.keys()).isEqualTo(2_000);
    assertThat(index.tombstones()).isEqualTo(1);
    assertThat(index.tombstoneBytes()).isEqualTo(before.tombstoneBytes());
    assertThat(index.supersededBytes()).isEqualTo(before.supersededBytes()).isPositive();
    assertThat(index.keysWithMortalSiblings()).containsExactly(key(2));
    assertThat(mortals()).containsExactlyInAnyOrder(key(1), key(2));
    assertThat(withoutPayload()).containsExactlyInAnyOrder(key(1), key(3), key(4));
    for (int i = 0; i < 2_000; i++) {
      assertThat(index.read(key(i))).isEqualTo(before.read(key(i)));
    }
    assertThat(index.substitute(key(3))).isEqualTo(before.substitute(key(3)));
    assertThat(describe()).isEqualTo(description);
    index.limitSuperseded(0, (key, dot) -> false);
    publish(key(5), value("makes room"));
    assertThat(index.supersededBytes()).isZero();
  }

  @Test
  void anImage_knowsWhichPayloadsAreTheOldest() {
    for (int i = 0; i < 60; i++) {
      publish(key(i), value("v" + i));
    }
    for (int i = 0; i < 60; i++) {
      supersede(key(i));
    }
    long bytes = index.supersededBytes();
    byte[] description = describe();
    try (DiskFile file = disk.open("image")) {
      index.writePages(file, PAGES_AT);
    }
    index = restored(description);
    assertThat(index).isNotNull();
    index.limitSuperseded(bytes / 2, (key, dot) -> false);
    publish(key(99), value("makes room"));
    for (int i = 0; i < 60; i++) {
      assertThat(index.substitute(key(i)).held() != null)
          .as("key %d of 60", i)
          .isEqualTo(i >= 60 - index.supersededBytes() * 60 / bytes);
    }
  }

  /** The same, but of one table more or fewer slots are said to be in use. */
  private static byte[] withSlots(byte[] description, int more) {
    var in = new ByteReader(ByteBuffer.wrap(description));
    var out = new ByteWriter(description.length);
    out.i64(in.i64("hash seed")).varint(in.varint("keys"));
    int actors = in.varint("actors", 0, 10);
    out.varint(actors);
    for (int i = 0; i < actors; i++) {
      out.i64(in.i64("actor"));
    }
    boolean changed = false;
    for (int i = 0; i < KeyIndex.tables(); i++) {
      int pages = in.varint("pages", 0, 1_000);
      int used = in.varint("slots", 0, 10_000);
      boolean change = !changed && used > 1;
      out.varint(pages).varint(change ? used + more : used).i32(in.i32("checksum"));
      changed |= change;
    }
    assertThat(changed).isTrue();
    while (in.remaining() > 0) {
      out.u8(in.u8("siblings"));
    }
    return out.toArray();
  }

  @Test
  void anImageThatSaysOfHowManySlotsItIs_isHeldToIt() {
    for (int i = 0; i < 500; i++) {
      publish(key(i), value("v" + i));
    }
    byte[] description = describe();
    try (DiskFile file = disk.open("image")) {
      index.writePages(file, PAGES_AT);
    }
    assertThat(restored(withSlots(description, 0))).isNotNull();
    assertThat(restored(withSlots(description, 1))).isNull();
    assertThat(restored(withSlots(description, -1))).isNull();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 9_000, 100_000})
  void anImageThatWasDamaged_makesNone(long at) {
    for (int i = 0; i < 2_000; i++) {
      publish(key(i), value("v" + i));
    }
    byte[] description = describe();
    try (DiskFile file = disk.open("image")) {
      index.writePages(file, PAGES_AT);
      var bytes = ByteBuffer.allocate(1);
      file.read(PAGES_AT + at, bytes);
      bytes.put(0, (byte) (bytes.get(0) ^ 1)).rewind();
      file.write(PAGES_AT + at, bytes);
    }
    assertThat(isWhole(description)).isFalse();
    assertThat(restored(description)).isNull();
  }
}
