package io.metafabric.cache.chronicle;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.cache.TestRecords;
import io.metafabric.core.codec.AnyRecords;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import java.util.Arrays;
import java.util.HexFormat;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class EnvelopeTest {
  private static final MetadataRecord RECORD = TestRecords.write("n/1", 2, 40);
  private static final byte[] KEY = RECORD.key().toUtf8();

  @Provide
  Arbitrary<MetadataRecord> records() {
    return AnyRecords.records().filter(record -> record.payload() != null);
  }

  @Property(tries = 300)
  void whatWasSealed_isWhatIsFound(@ForAll("records") MetadataRecord record) {
    byte[] key = record.key().toUtf8();
    assertThat(Envelope.open(record.key(), key, Envelope.seal(key, record))).isEqualTo(record);
  }

  @Test
  void format1_isReadForEver() {
    String golden =
        "0128119e6c00000000000000000902000000000000000201000000000000000901057061726973088c28b28a"
            + "0000000000000000";
    MetadataRecord record = TestRecords.write("n/1", 2, 8);
    assertThat(HexFormat.of().formatHex(Envelope.seal(KEY, record))).isEqualTo(golden);
    assertThat(Envelope.open(record.key(), KEY, HexFormat.of().parseHex(golden))).isEqualTo(record);
  }

  @Test
  void everyFlippedBit_isNoticed() {
    byte[] sealed = Envelope.seal(KEY, RECORD);
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] flipped = sealed.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(Envelope.open(RECORD.key(), KEY, flipped)).as("bit %d", bit).isNull();
    }
  }

  @Test
  void everyShorterOne_isNoticed() {
    byte[] sealed = Envelope.seal(KEY, RECORD);
    for (int length = 0; length < sealed.length; length++) {
      byte[] cut = Arrays.copyOf(sealed, length);
      assertThat(Envelope.open(RECORD.key(), KEY, cut)).as("%d bytes", length).isNull();
    }
  }

  @Test
  void whatComesBehindIt_isNotLookedAt() {
    byte[] sealed = Envelope.seal(KEY, RECORD);
    byte[] longer = Arrays.copyOf(sealed, 4096);
    Arrays.fill(longer, sealed.length, longer.length, (byte) 77);
    assertThat(Envelope.open(RECORD.key(), KEY, longer)).isEqualTo(RECORD);
  }

  @Test
  void anotherKeysEnvelope_isNotTaken() {
    Key other = Key.of("n/2");
    assertThat(Envelope.open(other, other.toUtf8(), Envelope.seal(KEY, RECORD))).isNull();
  }
}
