package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

  private static void refuses(
      SnapshotToken before,
      Consumer<SnapshotBatchWriter> frames,
      SnapshotToken after,
      String because) {
    byte[] bytes = batch(before, frames, after);
    assertThatThrownBy(() -> SnapshotBatch.decode(bytes))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(because);
  }
}
