package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.CorruptJournalException;
import io.metafabric.core.error.StorageException;
import io.metafabric.core.error.WireFormatException;
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
import io.metafabric.core.sim.SimDisk;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The index where all keys have one hash, and the dots of all actors but the first do not fit into
 * a slot: what is told apart by reading alone; and what counts as live of the journal.
 */
class CrowdedIndexTest {
  private static final RegionName PARIS = new RegionName("paris");
  private static final int KEYS = 12;
  private static final long SEED = 5;

  /** Of a segment that there is not. */
  private static final long NOWHERE = 77L << 45 | 100L << 32 | 24;

  private final SimDisk disk = new SimDisk(1);
  private final FrameTable frames = new FrameTable();
  private final KeyIndex index = new KeyIndex(frames, SEED, key -> 3L << 57 | 9, 1);
  private final Journal journal =
      Journal.open(new JournalConfig(1 << 20), disk, frames, (entry, at) -> {});
  private final Map<Key, FrameLocation> newest = new HashMap<>();
  private long counter;

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private Header header(int actor, Bytes payload, long expiresAtMs) {
    counter++;
    var version =
        new Version(new Dot(new ActorId(actor), counter), VersionVector.EMPTY, new Stamp(counter));
    return Header.value(version, PARIS, payload, expiresAtMs);
  }

  private MetadataRecord value(int actor, Key key, String value) {
    Bytes payload = Bytes.utf8(value);
    return new MetadataRecord(key, header(actor, payload, Header.NEVER), payload);
  }

  private MetadataRecord tombstone(int actor, Key key) {
    Version version = header(actor, Bytes.utf8(""), Header.NEVER).version();
    return new MetadataRecord(key, Header.tombstone(version, PARIS), null);
  }

  private static Dot dot(MetadataRecord record) {
    return record.header().version().dot();
  }

  private MetadataRecord publish(JournalEntry.Stored stored) {
    FrameLocation at = journal.append(List.of(stored)).get(0);
    journal.makeDurable();
    Key key = stored.record().key();
    index.publish(index.header(key), stored, at);
    journal.publish(at.position());
    newest.put(key, at);
    return stored.record();
  }

  private MetadataRecord publish(MetadataRecord record) {
    return publish(new JournalEntry.Stored(record));
  }

  /** A newer write whose value is not here, over one that may be shown until it is. */
  private MetadataRecord supersede(int actor, Key key) {
    Dot before = index.header(key).version().dot();
    return publish(
        new JournalEntry.Stored(value(actor, key, "elsewhere").withoutPayload(), before));
  }

  private static long bytesOf(FrameLocation at) {
    return FrameTable.maxLengthBytes(at.place());
  }

  private long bytesOfNewest() {
    return newest.values().stream().mapToLong(CrowdedIndexTest::bytesOf).sum();
  }

  private Set<Dot> writes() {
    var writes = new HashSet<Dot>();
    index.forEachWrite(
        (actor, number, place) -> {
          assertThat(writes.add(new Dot(new ActorId(actor), number))).isTrue();
          assertThat(index.read(index.keyAt(place)).header().version().dot())
              .isEqualTo(new Dot(new ActorId(actor), number));
        });
    return writes;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theNewestWriteOfEachKey_isFoundAndLive_andNoOther(int actor) {
    var before = new ArrayList<MetadataRecord>();
    var now = new ArrayList<MetadataRecord>();
    for (int i = 0; i < KEYS; i++) {
      before.add(publish(value(actor, key(i), "old " + i)));
      assertThat(index.read(key(i))).isEqualTo(before.get(i));
    }
    for (int i = 0; i < KEYS; i++) {
      now.add(publish(value(actor, key(i), "new and longer " + i)));
    }
    for (int i = 0; i < KEYS; i++) {
      assertThat(index.read(key(i))).isEqualTo(now.get(i));
      assertThat(index.isCurrent(key(i), dot(now.get(i)))).isTrue();
      assertThat(index.isCurrent(key(i), dot(before.get(i)))).isFalse();
      assertThat(index.isSuperseded(key(i), dot(before.get(i)))).isFalse();
      assertThat(index.holdsPayload(key(i))).isTrue();
      assertThat(index.substitute(key(i))).isNull();
    }
    assertThat(index.read(key(KEYS))).isNull();
    assertThat(index.header(key(KEYS))).isNull();
    assertThat(index.holdsPayload(key(KEYS))).isFalse();
    assertThat(index.sinceOfNext(key(KEYS))).isNull();
    assertThat(index.sinceOfNext(key(0))).isEqualTo(dot(now.get(0)));
    assertThat(index.isCurrent(key(KEYS), new Dot(new ActorId(actor), 900))).isFalse();
    assertThat(index.keys()).isEqualTo(KEYS);
    assertThat(writes()).hasSize(KEYS).contains(dot(now.get(3)));
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest());
    assertThat(index.hasSeen(new ActorId(1))).isEqualTo(actor == 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void anOlderPayload_isShownAndLive_untilOneOfANewerWriteComes(int actor) {
    var olds = new ArrayList<MetadataRecord>();
    long shown = 0;
    for (int i = 0; i < KEYS; i++) {
      olds.add(publish(value(actor, key(i), "old " + i)));
      shown += bytesOf(newest.get(key(i)));
    }
    for (int i = 0; i < KEYS; i++) {
      MetadataRecord next = supersede(actor, key(i));
      assertThat(index.read(key(i))).isEqualTo(next);
      assertThat(index.substitute(key(i)))
          .isEqualTo(new Substitute(next.header(), dot(olds.get(i)), olds.get(i)));
    }
    assertThat(index.supersededBytes()).isEqualTo(shown);
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest() + shown);
    for (int i = 0; i < KEYS; i++) {
      assertThat(index.isSuperseded(key(i), dot(olds.get(i)))).isTrue();
      assertThat(index.isSuperseded(key(i), new Dot(new ActorId(actor), 900))).isFalse();
      assertThat(index.isCurrent(key(i), dot(olds.get(i)))).isFalse();
    }
    // One more without its value, which names the same write: it goes on being shown.
    MetadataRecord third =
        publish(
            new JournalEntry.Stored(
                value(actor, key(0), "elsewhere too").withoutPayload(), dot(olds.get(0))));
    assertThat(index.substitute(key(0)).held()).isEqualTo(olds.get(0));
    assertThat(index.substitute(key(0)).newest()).isEqualTo(third.header());
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest() + shown);
    // And one that names another write: nothing older may be shown.
    publish(
        new JournalEntry.Stored(
            value(actor, key(1), "elsewhere").withoutPayload(), new Dot(new ActorId(9), 9)));
    assertThat(index.substitute(key(1)).held()).isNull();
    for (int i = 0; i < KEYS; i++) {
      publish(i % 2 == 0 ? value(actor, key(i), "whole") : tombstone(actor, key(i)));
      assertThat(index.substitute(key(i))).isNull();
      assertThat(index.isSuperseded(key(i), dot(olds.get(i)))).isFalse();
    }
    assertThat(index.supersededBytes()).isZero();
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest());
    assertThat(index.tombstones()).isEqualTo(KEYS / 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aPayloadThatCameBeforeItsHeadersContext_isReadWithIt_andMayBeShownLater(int actor) {
    MetadataRecord first = publish(value(actor, key(1), "v"));
    FrameLocation payloadAt = newest.get(key(1));
    publish(value(actor, key(2), "company"));
    Version was = first.header().version();
    var seen = VersionVector.of(new Dot(new ActorId(50), 3));
    Header joined = first.header().withVersion(new Version(was.dot(), seen, was.stamp()));
    for (int times = 0; times < 2; times++) {
      publish(new MetadataRecord(key(1), joined, null));
      assertThat(index.read(key(1))).isEqualTo(new MetadataRecord(key(1), joined, first.payload()));
      assertThat(index.header(key(1))).isEqualTo(joined);
      assertThat(index.substitute(key(1))).isNull();
      assertThat(index.supersededBytes()).isZero();
      assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest() + bytesOf(payloadAt));
    }
    MetadataRecord next = supersede(actor, key(1));
    assertThat(index.read(key(1))).isEqualTo(next);
    assertThat(index.substitute(key(1)).held()).isEqualTo(first);
    assertThat(index.supersededBytes()).isEqualTo(bytesOf(payloadAt));
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest() + bytesOf(payloadAt));
    publish(value(actor, key(1), "whole"));
    assertThat(index.supersededBytes()).isZero();
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest());
  }

  @Test
  void whatMayDie_isAskedForByItsDot_orListedWhereThatIsNotInTheSlot() {
    MetadataRecord exact = publish(tombstone(1, key(1)));
    MetadataRecord other = publish(tombstone(2, key(2)));
    publish(value(1, key(3), "stays"));
    publish(value(2, key(4), "stays"));
    Bytes payload = Bytes.utf8("expires");
    for (int i = 5; i < 5 + 20; i++) {
      publish(new MetadataRecord(key(i), header(1, payload, 7), payload));
    }
    var asked = new HashSet<Dot>();
    long[] places =
        index.mortalsIn(
            3,
            dot -> {
              assertThat(asked.add(dot)).isTrue();
              return dot.equals(dot(exact));
            });
    assertThat(asked).hasSize(21).contains(dot(exact)).doesNotContain(dot(other));
    assertThat(places).hasSize(2);
    var found = new HashSet<MetadataRecord>();
    for (long place : places) {
      found.add(index.mortalAt(place));
    }
    assertThat(found).containsExactlyInAnyOrder(exact, other);
    assertThat(index.mortalsIn(3, dot -> true)).hasSize(22);
    assertThat(index.mortalsIn(4, dot -> true)).isEmpty();
    assertThat(index.mortalAt(NOWHERE)).isNull();
    assertThat(index.keyAt(NOWHERE)).isNull();
    assertThat(index.tombstones()).isEqualTo(2);
    assertThat(index.tombstoneBytes())
        .isEqualTo(bytesOf(newest.get(key(1))) + bytesOf(newest.get(key(2))));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aKeyThatIsForgotten_takesNothingOfOthersAway(int actor) {
    Bytes payload = Bytes.utf8("expires");
    for (int i = 0; i < KEYS; i++) {
      publish(new MetadataRecord(key(i), header(actor, payload, 7), payload));
    }
    long all = journal.liveBytes();
    long whole = bytesOf(newest.get(key(5)));
    index.forget(key(5), index.header(key(5)).version().dot());
    assertThat(journal.liveBytes()).as("short without its payload").isEqualTo(all - whole);
    assertThat(journal.forgottenBytes()).isZero();
    supersede(actor, key(6));
    MetadataRecord deleted = publish(tombstone(actor, key(7)));
    long header = bytesOf(newest.get(key(7)));
    all = journal.liveBytes();
    index.forget(key(7), dot(deleted));
    assertThat(journal.liveBytes()).isEqualTo(all);
    assertThat(journal.forgottenBytes()).isEqualTo(header);
    assertThat(index.tombstones()).isZero();
    assertThat(index.keys()).isEqualTo(KEYS - 2);
    for (int i = 0; i < KEYS; i++) {
      assertThat(index.header(key(i)) == null).isEqualTo(i == 5 || i == 7);
    }
    assertThat(index.substitute(key(6)).held()).isNotNull();
    assertThat(writes()).hasSize(KEYS - 2);
    assertThatThrownBy(() -> index.forget(key(5), new Dot(new ActorId(actor), 900)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the index has lost n/5");
  }

  @Test
  void keysThatCannotBeRead_areToldBesideTheOthers() {
    for (int i = 0; i < KEYS; i++) {
      publish(value(1, key(i), "v" + i));
    }
    long before = FrameTable.maxLengthBytes(newest.get(key(0)).place());
    String file =
        disk.files().stream().filter(name -> name.endsWith(".log")).findFirst().orElseThrow();
    disk.damage(file, 24 + before - 1);
    var found = new ArrayList<Key>();
    var failed = new ArrayList<StorageException>();
    index.forEachKey(found::add, failed::add);
    assertThat(found).hasSize(KEYS - 1).doesNotContain(key(0));
    assertThat(failed).hasSize(1).first().isInstanceOf(CorruptJournalException.class);
    assertThatThrownBy(() -> index.forEachKey(key -> {}))
        .isInstanceOf(CorruptJournalException.class);
  }

  /** Also where there would be room for it, since it must stay. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPayloadThatIsDamaged_isGivenUpLikeAnyOther(boolean roomIfItMustStay) {
    publish(value(1, key(0), "v"));
    long length = bytesOf(newest.get(key(0)));
    publish(value(1, key(1), "v"));
    index.limitSuperseded(roomIfItMustStay ? length - 1 : 0, (key, dot) -> true);
    String file =
        disk.files().stream().filter(name -> name.endsWith(".log")).findFirst().orElseThrow();
    MetadataRecord shown = index.read(key(0));
    disk.damage(file, 24 + length - 1);
    publishOver(shown);
    assertThat(index.supersededBytes()).isZero();
    assertThat(index.supersededDropped()).isEqualTo(1);
    assertThat(index.isSuperseded(key(0), dot(shown))).isFalse();
  }

  private void publishOver(MetadataRecord shown) {
    var stored =
        new JournalEntry.Stored(value(1, shown.key(), "elsewhere").withoutPayload(), dot(shown));
    FrameLocation at = journal.append(List.of(stored)).get(0);
    index.publish(shown.header(), stored, at);
  }

  @Test
  void whatMustStay_isAskedByKeyAndDot_andGoesInTurn_beyondFourTimesTheRoom() {
    var must = new HashMap<Key, Dot>();
    long each = 0;
    for (int i = 0; i < KEYS; i++) {
      MetadataRecord old = publish(value(2, key(i), "a value of so many bytes"));
      must.put(key(i), dot(old));
      each = bytesOf(newest.get(key(i)));
    }
    long room = 2 * each;
    index.limitSuperseded(room, (key, dot) -> dot.equals(must.get(key)));
    for (int i = 0; i < KEYS; i++) {
      supersede(2, key(i));
      assertThat(index.supersededBytes()).isLessThanOrEqualTo(4 * room);
      assertThat(index.substitute(key(i)).held()).as("the newest").isNotNull();
    }
    assertThat(index.supersededBytes()).isGreaterThan(3 * room);
    assertThat(index.supersededDropped()).isBetween(KEYS - 8L, KEYS - 6L);
    assertThat(index.substitute(key(0)).held()).as("the oldest").isNull();
    must.clear();
    index.limitSuperseded(0, (key, dot) -> dot.equals(must.get(key)));
    publish(value(2, key(0), "any"));
    assertThat(index.supersededBytes()).isZero();
    assertThat(journal.liveBytes()).isEqualTo(bytesOfNewest());
  }

  private byte[] describe() {
    var out = new ByteWriter(1024);
    index.describeTo(out);
    return out.toArray();
  }

  @Test
  void anImage_isOfTheFramesThatAreThere() {
    for (int i = 0; i < 100; i++) {
      publish(value(1, key(i), "v" + i));
    }
    byte[] described = describe();
    try (DiskFile file = disk.open("image")) {
      index.writePages(file, 10);
      assertThat(KeyIndex.restore(new FrameTable(), in(described), file, 10))
          .as("without the journal")
          .isNull();
      assertThat(KeyIndex.restore(frames, in(described), file, 9)).as("elsewhere").isNull();
      assertThat(KeyIndex.isWhole(in(described), file, 10)).isTrue();
      assertThat(KeyIndex.isWhole(in(described), file, 9)).isFalse();
      KeyIndex again = KeyIndex.restore(frames, in(described), file, 10);
      assertThat(again).isNotNull();
      assertThat(again.keys()).isEqualTo(100);
      assertThat(again.hasSeen(new ActorId(1))).isTrue();
      file.truncate(10 + PagePool.PAGE_BYTES - 1);
      assertThatThrownBy(() -> KeyIndex.restore(frames, in(described), file, 10))
          .isInstanceOf(WireFormatException.class);
      assertThat(KeyIndex.isWhole(in(described), file, 10)).isFalse();
    }
    for (int length = 0; length < described.length; length++) {
      byte[] cut = Arrays.copyOf(described, length);
      try (DiskFile file = disk.open("image")) {
        index.writePages(file, 10);
        assertThatThrownBy(() -> KeyIndex.restore(frames, in(cut), file, 10))
            .isInstanceOf(WireFormatException.class);
      }
    }
  }

  private static ByteReader in(byte[] bytes) {
    return new ByteReader(ByteBuffer.wrap(bytes));
  }
}
