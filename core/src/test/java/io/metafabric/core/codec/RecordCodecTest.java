package io.metafabric.core.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.WireFormatException;
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
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordCodecTest {
  static final MetadataRecord RECORD =
      new MetadataRecord(
          Key.of("n/1"),
          Header.value(
              new Version(
                  new Dot(new ActorId(0x11), 300),
                  VersionVector.of(new Dot(new ActorId(0x11), 2)).with(new Dot(new ActorId(-1), 1)),
                  new Stamp(0x0001_0203_0405_0007L)),
              new RegionName("eu"),
              Bytes.utf8("abc"),
              128),
          Bytes.utf8("abc"));

  @Provide
  Arbitrary<MetadataRecord> records() {
    return AnyRecords.recordsWithSiblings();
  }

  static byte[] encode(MetadataRecord record) {
    var out = new ByteWriter(0);
    RecordCodec.writeRecord(out, record);
    return out.toArray();
  }

  static MetadataRecord decode(byte[] bytes) {
    var in = new ByteReader(ByteBuffer.wrap(bytes));
    MetadataRecord record = RecordCodec.readRecord(in);
    in.end("the record");
    return record;
  }

  @Property
  void aRecordComesBackAsItWent(@ForAll("records") MetadataRecord record) {
    byte[] bytes = encode(record);

    assertThat(decode(bytes)).isEqualTo(record);
    assertThat(bytes.length).isLessThanOrEqualTo(RecordCodec.estimatedBytes(record));
  }

  @Property(tries = 200)
  void aRecordThatIsCutShort_failsTyped_whereverItIsCut(@ForAll("records") MetadataRecord record) {
    byte[] bytes = encode(record);
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> decode(cut)).isInstanceOf(WireFormatException.class);
    }
  }

  @Property
  void aDamagedRecord_failsTyped_orIsAnotherThatIsWrittenTheSameWay(
      @ForAll("records") MetadataRecord record,
      @ForAll @IntRange(max = 10_000) int at,
      @ForAll @IntRange(min = 1, max = 255) int flip) {
    byte[] bytes = encode(record);
    bytes[at % bytes.length] ^= (byte) flip;
    decodesOrFailsTyped(bytes);
  }

  @Property
  void anyBytes_failTyped_orAreARecordThatIsWrittenTheSameWay(@ForAll byte[] bytes) {
    decodesOrFailsTyped(bytes);
  }

  private static void decodesOrFailsTyped(byte[] bytes) {
    MetadataRecord record;
    try {
      record = decode(bytes);
    } catch (WireFormatException e) {
      return;
    }
    assertThat(encode(record)).as("there is one form only").isEqualTo(bytes);
  }

  @Test
  void theBytesAreThoseOfTheFormat() {
    assertThat(HexFormat.of().formatHex(encode(RECORD)))
        .isEqualTo(
            "036e2f31" // key
                + "02" // flags: expires
                + "0000000000000011ac02" // dot
                + "0001020304050007" // stamp
                + "02" // context
                + "000000000000001102"
                + "ffffffffffffffff01"
                + "026575" // written in
                + "03364b3fb7" // payload length and checksum
                + "8001" // expiry
                + "01616263"); // payload
  }

  @Test
  void siblingsAndLoneDots_followWhatHasNone() {
    var late =
        new Version(
            new Dot(new ActorId(1), 9),
            VersionVector.of(new Dot(new ActorId(1), 2)).withLone(new Dot(new ActorId(1), 7)),
            new Stamp(2));
    var early = new Version(new Dot(new ActorId(2), 1), VersionVector.EMPTY, new Stamp(3));
    var record =
        new MetadataRecord(
            Key.of("n/1"),
            Header.value(late, new RegionName("eu"), Bytes.utf8("abc"), Header.NEVER),
            Bytes.utf8("abc"),
            List.of(new Sibling(Header.tombstone(early, new RegionName("us")), null)));
    assertThat(HexFormat.of().formatHex(encode(record)))
        .isEqualTo(
            "036e2f31" // key
                + "04" // flags: lone dots
                + "000000000000000109" // dot
                + "0000000000000002" // stamp
                + "01" // context
                + "000000000000000102"
                + "01" // lone dots
                + "000000000000000107"
                + "026575" // written in
                + "03364b3fb7" // payload length and checksum
                + "03616263" // payload and siblings follow
                + "01" // siblings
                + "01" // flags: tombstone
                + "000000000000000201" // dot
                + "0000000000000003" // stamp
                + "00" // context
                + "027573" // written in
                + "00"); // nothing follows
    assertThat(decode(encode(record))).isEqualTo(record);
  }

  @Test
  void loneDotsThatAreNone_andSiblingsInAnotherOrder_failTyped() {
    String head = "036e2f31" + "05" + "000000000000000109" + "0000000000000002";
    String context = "01" + "000000000000000102";
    String end = "026575" + "00";
    for (String lone :
        List.of(
            "00",
            "01" + "000000000000000103", // follows the counter
            "01" + "000000000000000102",
            "01" + "000000000000000109", // the write itself
            "02" + "000000000000000107" + "000000000000000105",
            "02" + "000000000000000107" + "000000000000000107")) {
      assertThatThrownBy(() -> decode(HexFormat.of().parseHex(head + context + lone + end)))
          .as(lone)
          .isInstanceOf(WireFormatException.class);
    }
    String winner = "036e2f31" + "01" + "000000000000000101" + "0000000000000005" + "00" + "026575";
    String later = "01" + "000000000000000201" + "0000000000000006" + "00" + "026575" + "00";
    String same = "01" + "000000000000000101" + "0000000000000005" + "00" + "026575" + "00";
    for (String sibling : List.of("00", "01" + later, "01" + same)) {
      assertThatThrownBy(() -> decode(HexFormat.of().parseHex(winner + "02" + sibling)))
          .as(sibling)
          .isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aContextOfAnySize_canBeReadBack() {
    var entries = new TreeMap<ActorId, Long>();
    for (long actor = 1; actor <= 20_000; actor++) {
      entries.put(new ActorId(actor * 0x9e3779b97f4a7c15L), actor);
    }
    var version = new Version(new Dot(new ActorId(7), 1), VersionVector.of(entries), new Stamp(1));
    var record =
        new MetadataRecord(Key.of("n/1"), Header.tombstone(version, new RegionName("eu")), null);

    assertThat(decode(encode(record))).isEqualTo(record);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ffffffff07|key length", // longer than any key
        "00|key length",
        "02306e|not a key",
        "046e2f00ff|not a key",
        "036e2f31 10|unknown header flags 0x10",
        "036e2f31 09|unknown header flags 0x9",
        "036e2f31 00 0000000000000011 00|counter must be >= 1",
        "036e2f31 00 0000000000000011 01 ffffffffffffffff|a stamp must be >= 0",
        "036e2f31 00 0000000000000011 01 0000000000000000 ffffffff0f|vector size",
        "036e2f31 00 0000000000000011 01 0000000000000000 01 0000000000000011 01 |seen itself",
        "036e2f31 00 0000000000000011 01 0000000000000000 01 0000000000000012 00|counter",
        "036e2f31 00 0000000000000011 01 0000000000000000 02 0000000000000013 01"
            + " 0000000000000012 01|not in order",
        "036e2f31 00 0000000000000011 01 0000000000000000 02 0000000000000012 01"
            + " 0000000000000012 01|not in order",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 024555|not a region",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 026575 ffffffff0f|payload length",
        "036e2f31 02 0000000000000011 01 0000000000000000 00 026575 00 00000000 00|not an expiry",
        "036e2f31 02 0000000000000011 01 0000000000000000 00 026575 00 00000000"
            + " ffffffffffffffffff01|not an expiry",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 026575 ffffffff07 00000000 01"
            + "|payload needs 2147483647 bytes",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 026575 01 00000000 01 61"
            + "|another checksum",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 026575 00 00000000 02 00|siblings must be 1 to 15",
        "036e2f31 00 0000000000000011 01 0000000000000000 00 026575 00 00000000 04|what follows",
        "036e2f31 01 0000000000000011 01 0000000000000000 00 026575 01|claims to have a payload",
        "036e2f31 01 0000000000000011 01 0000000000000000 00 026575 00 00|more bytes",
      })
  void eachKindOfNonsense_isNamed(String hex, String what) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    assertThatThrownBy(() -> decode(bytes))
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(what);
  }
}
