package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
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
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class EntryCodecTest {
  private static final JournalEntry.Acknowledged ACKNOWLEDGED =
      new JournalEntry.Acknowledged(new RegionName("tokyo"), new ActorId(77), 300, 5, 2, 128);

  private static byte[] encoded() {
    var out = new ByteWriter(64);
    EntryCodec.write(out, ACKNOWLEDGED);
    return out.toArray();
  }

  private static JournalEntry read(byte[] bytes) {
    return EntryCodec.read(EntryCodec.ACKNOWLEDGED, new ByteReader(ByteBuffer.wrap(bytes)), null);
  }

  @Test
  void whatAPeerAcknowledged_hasTheBytesOfTheFormat() {
    assertThat(HexFormat.of().formatHex(encoded()))
        .isEqualTo("05746f6b796f" + "000000000000004d" + "ac02" + "05" + "02" + "8001");
    assertThat(EntryCodec.typeOf(ACKNOWLEDGED)).isEqualTo(8);
    assertThat(read(encoded())).isEqualTo(ACKNOWLEDGED);
  }

  private static void assertBytes(JournalEntry entry, int type, String hex) {
    var out = new ByteWriter(64);
    EntryCodec.write(out, entry);
    assertThat(EntryCodec.typeOf(entry)).isEqualTo(type);
    assertThat(HexFormat.of().formatHex(out.toArray())).isEqualTo(hex);
    byte[] bytes = out.toArray();
    assertThat(EntryCodec.read(type, new ByteReader(ByteBuffer.wrap(bytes)), null))
        .isEqualTo(entry);
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> EntryCodec.read(type, new ByteReader(ByteBuffer.wrap(cut)), null))
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aConfiguration_hasTheBytesOfTheFormat() {
    var changed = new TreeMap<RegionName, Configuration.Standing>();
    changed.put(new RegionName("paris"), new Configuration.Standing(false, 3));
    changed.put(new RegionName("tokyo"), new Configuration.Standing(true, 1));
    assertBytes(
        new JournalEntry.Configured(new Configuration(3, changed), 3, false),
        6,
        "03" + "02" + "057061726973" + "00" + "03" + "05746f6b796f" + "01" + "01" + "03" + "00");
  }

  @Test
  void aRecordWithTheWriteThatItStandsFor_hasTheBytesOfTheFormat() {
    var actor = new ActorId(77);
    var version = new Version(new Dot(actor, 2), VersionVector.EMPTY, new Stamp(0x20007));
    Header header = Header.value(version, new RegionName("tokyo"), Bytes.utf8("abc"), Header.NEVER);
    assertBytes(
        new JournalEntry.Stored(new MetadataRecord(Key.of("n/a"), header, null), new Dot(actor, 1)),
        10,
        "000000000000004d"
            + "01"
            + "036e2f61"
            + "00"
            + "000000000000004d"
            + "02"
            + "0000000000020007"
            + "00"
            + "05746f6b796f"
            + "03"
            + "364b3fb7"
            + "00");
  }

  private static MetadataRecord record(boolean withPayload) {
    var version = new Version(new Dot(new ActorId(77), 2), VersionVector.EMPTY, new Stamp(0x20007));
    Header header = Header.value(version, new RegionName("tokyo"), Bytes.utf8("abc"), Header.NEVER);
    return new MetadataRecord(Key.of("n/a"), header, withPayload ? Bytes.utf8("abc") : null);
  }

  private static final String RECORD =
      "036e2f6100" + "000000000000004d" + "02" + "0000000000020007" + "00" + "05746f6b796f";

  @Test
  void everyOtherEntry_hasTheBytesOfTheFormat() {
    var actor = new ActorId(77);
    var tokyo = new RegionName("tokyo");
    assertBytes(
        new JournalEntry.Opened(actor, 5, "c", tokyo),
        1,
        "000000000000004d" + "0000000000000005" + "0163" + "05746f6b796f");
    assertBytes(
        new JournalEntry.Applied(tokyo, actor, 300),
        3,
        "05746f6b796f" + "000000000000004d" + "ac02");
    assertBytes(new JournalEntry.Closed(), 4, "");
    assertBytes(new JournalEntry.Sealed(300), 5, "ac02");
    assertBytes(
        new JournalEntry.Held(tokyo, actor, 1, 2, List.of(record(false))),
        9,
        "05746f6b796f"
            + "000000000000004d"
            + "01"
            + "02"
            + "01"
            + RECORD
            + "03"
            + "364b3fb7"
            + "00");
    var whole = new JournalEntry.Stored(record(true));
    assertThat(EntryCodec.typeOf(whole)).isEqualTo(2);
    var out = new ByteWriter(64);
    EntryCodec.write(out, whole);
    assertThat(readAs(2, out.toArray())).isEqualTo(whole);
  }

  private static JournalEntry readAs(int type, byte[] bytes) {
    return EntryCodec.read(type, new ByteReader(ByteBuffer.wrap(bytes)), null);
  }

  private static void refuses(int type, String hex, String says) {
    assertThatThrownBy(() -> readAs(type, HexFormat.of().parseHex(hex)))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(says);
  }

  @Test
  void whatNoJournalWrites_isRefused() {
    refuses(5, "ac0200", "1 more bytes");
    refuses(7, "00", "no journal entry type 7");
    String held = "05746f6b796f" + "000000000000004d";
    refuses(9, held + "02" + "02" + "00", "range of counters");
    refuses(9, held + "ffffffffffffffffff01" + "02" + "00", "range of counters");
    assertThat(readAs(9, HexFormat.of().parseHex(held + "00" + "01" + "00"))).isNotNull();
    // A configuration of epoch 3 in which nothing has changed.
    assertThat(readAs(6, HexFormat.of().parseHex("0300" + "03" + "01"))).isNotNull();
    refuses(6, "0300" + "04" + "01", "admitted at epoch 4");
    refuses(6, "0300" + "ffffffffffffffffff01" + "01", "admitted");
    refuses(6, "0300" + "03" + "02", "admitted");
    String since = "000000000000004d" + "01";
    var out = new ByteWriter(64);
    EntryCodec.write(out, new JournalEntry.Stored(record(true)));
    refuses(10, since + HexFormat.of().formatHex(out.toArray()), "in place of");
  }

  @Test
  void theKindsOfEntries_areKnown_andNoOthers() {
    for (int type = -1; type < 20; type++) {
      boolean isKnown = (type >= 1 && type <= 6) || (type >= 8 && type <= 10);
      assertThat(EntryCodec.isKnown(type)).as("type %d", type).isEqualTo(isKnown);
    }
  }

  @Test
  void aCutOne_failsTyped() {
    byte[] bytes = encoded();
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(WireFormatException.class);
    }
  }
}
