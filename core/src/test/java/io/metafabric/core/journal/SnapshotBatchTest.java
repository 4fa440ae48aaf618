package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.Checksums;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.SnapshotToken.Phase;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The bytes of a snapshot, which nodes of other versions must read, and what is none. */
class SnapshotBatchTest {
  private static final ActorId ACTOR = new ActorId(0x0123456789abcdefL);
  private static final RegionName EU = new RegionName("eu");
  private static final SnapshotToken BEGINNING = SnapshotToken.beginning(42, ACTOR, 7);
  private static final SnapshotToken ORDERED = BEGINNING.at(Phase.ORDERED, 8, ACTOR, 9);
  private static final SnapshotToken AT_9 = BEGINNING.at(Phase.ORDERED, 9, ACTOR, 9);
  private static final SnapshotToken ENDED = BEGINNING.at(Phase.ENDED, 9, ACTOR, 9);
  private static final JournalEntry.Applied APPLIED = new JournalEntry.Applied(EU, ACTOR, 300);

  /** Of format 1: this must never change. */
  private static final String GOLDEN =
      "4d46534e4150303100000128f52079af0100000000000000002a0123456789abcdef000000000000"
          + "000700000000000000000000000000000007505d4bda000000271ab3913602010000000000000000"
          + "00000000000000000000036e2f61000123456789abcdef0300000000000000050002657507f4e369"
          + "70017061796c6f616400000027e7d264120201000000000000000000090000000000000000036e2f"
          + "61000123456789abcdef0300000000000000050002657507f4e36970017061796c6f61640000000d"
          + "ed8f9da903010000000000000000000900000000000000000265750123456789abcdefac02000000"
          + "01bfdd0edd0501000000000000000000090000000000000000010102000000000000002a01234567"
          + "89abcdef000000000000000700000000000000090000000000000009c6576d33";

  private static MetadataRecord record() {
    var version = new Version(new Dot(ACTOR, 3), VersionVector.EMPTY, new Stamp(5));
    Bytes payload = Bytes.utf8("payload");
    return new MetadataRecord(
        Key.of("n/a"), Header.value(version, EU, payload, Header.NEVER), payload);
  }

  private static byte[] batch(
      SnapshotToken before, Consumer<SnapshotBatchWriter> frames, SnapshotToken after) {
    var writer = new SnapshotBatchWriter(64);
    writer.begin(before);
    frames.accept(writer);
    return writer.end(after);
  }

  private static byte[] all() {
    return batch(
        BEGINNING,
        frames -> {
          frames.addNamed(record());
          frames.addRecord(record(), 9);
          frames.seal(List.of(APPLIED), 9);
        },
        ENDED);
  }

  @Test
  void theBytesOfFormat1_areReadAndWritten() {
    assertThat(HexFormat.of().formatHex(all())).isEqualTo(GOLDEN);
    SnapshotBatch read = SnapshotBatch.decode(HexFormat.of().parseHex(GOLDEN));
    assertThat(read)
        .isEqualTo(
            new SnapshotBatch(BEGINNING, ENDED, List.of(record(), record()), List.of(APPLIED)));
  }

  @Test
  void whatIsNotInItsPlace_isRefused() {
    refuses(BEGINNING, frames -> frames.addNamed(record()), BEGINNING, "does not belong");
    refuses(ORDERED, frames -> frames.addNamed(record()), ORDERED, "does not belong");
    refuses(ORDERED, frames -> frames.addRecord(record(), 8), ORDERED, "does not belong");
    refuses(BEGINNING, frames -> frames.addRecord(record(), 9), ORDERED, "does not belong");
    refuses(
        BEGINNING,
        frames -> {
          frames.addRecord(record(), 3);
          frames.addNamed(record());
        },
        ORDERED,
        "does not belong");
    refuses(BEGINNING, frames -> frames.seal(List.of(), 8), ORDERED, "does not belong");
    refuses(ORDERED, frames -> frames.seal(List.of(), 8), ENDED, "does not belong");
    refuses(ORDERED, frames -> frames.addRecord(record(), 9), ENDED, "without its seal");
    refuses(
        ORDERED,
        frames -> {
          frames.seal(List.of(), 9);
          frames.addRecord(record(), 9);
        },
        ENDED,
        "does not belong");
    refuses(ORDERED, frames -> {}, BEGINNING, "no snapshot goes");
    refuses(ENDED, frames -> frames.seal(List.of(), 9), ENDED, "no snapshot goes");
    var other = new SnapshotToken(43, ACTOR, Phase.ORDERED, 7, 8, 9);
    refuses(BEGINNING, frames -> {}, other, "no snapshot goes");
  }

  @Test
  void oneByteThatIsOther_orMissing_isToldForWhatItIs() {
    byte[] good = all();
    refusesBytes(Arrays.copyOf(good, 16 + 2 * SnapshotToken.BYTES - 1), "bytes are too few");
    refusesBytes(changed(good, 3), "this is not a batch");
    refusesBytes(changed(good, 11), "the length of a snapshot's batch");
    refusesBytes(Arrays.copyOf(good, good.length + 1), "the length of a snapshot's batch");
    refusesBytes(changed(good, 15), "the checksum of a snapshot's batch");
    refusesBytes(changed(good, good.length - 1), "the checksum of a snapshot's batch");
    byte[] empty = batch(BEGINNING, frames -> {}, BEGINNING);
    assertThat(empty).hasSize(16 + 2 * SnapshotToken.BYTES);
    assertThat(SnapshotBatch.decode(empty).records()).isEmpty();
  }

  private static byte[] changed(byte[] bytes, int at) {
    byte[] changed = bytes.clone();
    changed[at] ^= 1;
    return changed;
  }

  /** With a checksum that is right. */
  private static byte[] resealed(byte[] bytes) {
    ByteBuffer.wrap(bytes).putInt(12, Checksums.crc32c(bytes, 16, bytes.length - 16));
    return bytes;
  }

  @Test
  void aFrameThatRunsPastTheEnd_orTellsOfAJournal_isRefused() {
    byte[] one = batch(ORDERED, frames -> frames.addRecord(record(), 9), AT_9);
    int frameAt = 16 + SnapshotToken.BYTES;
    assertThat(SnapshotBatch.decode(resealed(one)).records()).containsExactly(record());
    byte[] longer = one.clone();
    longer[frameAt + 3]++;
    refusesBytes(resealed(longer), "runs past the end");
    byte[] half = new byte[one.length - 50];
    System.arraycopy(one, 0, half, 0, frameAt + 10);
    System.arraycopy(one, one.length - 46, half, half.length - 46, 46);
    ByteBuffer.wrap(half).putInt(8, half.length - 16);
    refusesBytes(resealed(half), "runs past the end");
    var durable = new ByteWriter(200);
    JournalFrame.encode(durable, new JournalEntry.Stored(record()), 9, 1);
    byte[] told = one.clone();
    System.arraycopy(durable.toArray(), 0, told, frameAt, durable.length());
    refusesBytes(resealed(told), "does not belong");
  }

  @Test
  void aSnapshotGoesFromOnePhaseToTheNext_andNotBack() {
    SnapshotToken named = BEGINNING.at(Phase.NAMED, 5, ACTOR, 9);
    SnapshotToken first = BEGINNING.at(Phase.ORDERED, 2, ACTOR, 9);
    SnapshotToken second = BEGINNING.at(Phase.ORDERED, 4, ACTOR, 9);
    for (List<SnapshotToken> pair :
        List.of(
            List.of(named, named),
            List.of(named, first),
            List.of(BEGINNING, named),
            List.of(first, first),
            List.of(first, second))) {
      byte[] empty = batch(pair.get(0), frames -> {}, pair.get(1));
      assertThat(SnapshotBatch.decode(empty).after()).isEqualTo(pair.get(1));
    }
    refuses(named, frames -> {}, BEGINNING, "no snapshot goes");
    refuses(second, frames -> {}, first, "no snapshot goes");
    refuses(first, frames -> {}, named, "no snapshot goes");
    var begunElsewhere = new SnapshotToken(42, ACTOR, Phase.ORDERED, 6, 8, 9);
    refuses(BEGINNING, frames -> {}, begunElsewhere, "no snapshot goes");
  }

  @Test
  void asManyRecordsAreNamed_asItComesFurther() {
    SnapshotToken second = BEGINNING.at(Phase.NAMED, 2, ACTOR, 9);
    SnapshotToken fourth = BEGINNING.at(Phase.NAMED, 4, ACTOR, 9);
    Consumer<SnapshotBatchWriter> three =
        frames -> {
          for (int i = 0; i < 3; i++) {
            frames.addNamed(record());
          }
        };
    byte[] two =
        batch(
            second,
            frames -> {
              frames.addNamed(record());
              frames.addNamed(record());
            },
            fourth);
    assertThat(SnapshotBatch.decode(two).records()).hasSize(2);
    refuses(second, three, fourth, "does not belong");
    byte[] all = batch(second, three, ORDERED);
    assertThat(SnapshotBatch.decode(all).records()).as("how many is not known").hasSize(3);
    refuses(
        ORDERED,
        frames -> {
          frames.addRecord(record(), 9);
          frames.addRecord(record(), 9);
        },
        AT_9,
        "does not belong");
    refuses(
        ORDERED,
        frames -> {
          frames.seal(List.of(APPLIED), 9);
          frames.seal(List.of(), 9);
        },
        ENDED,
        "does not belong");
  }

  private static void refusesBytes(byte[] bytes, String because) {
    assertThatThrownBy(() -> SnapshotBatch.decode(bytes))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(because);
  }

  private static void refuses(
      SnapshotToken before,
      Consumer<SnapshotBatchWriter> frames,
      SnapshotToken after,
      String because) {
    refusesBytes(batch(before, frames, after), because);
  }
}
