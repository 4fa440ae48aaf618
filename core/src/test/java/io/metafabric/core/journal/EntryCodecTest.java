package io.metafabric.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.place.Configuration;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.version.ActorId;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
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

  @Test
  void aCutOne_failsTyped() {
    byte[] bytes = encoded();
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(WireFormatException.class);
    }
  }

  @Test
  void aConfiguration_hasTheBytesOfTheFormat() {
    var tokyo = new RegionName("tokyo");
    var configured =
        new JournalEntry.Configured(
            Configuration.INITIAL
                .without(tokyo)
                .readmitting(tokyo)
                .without(new RegionName("paris")),
            2,
            true);
    var out = new ByteWriter(64);
    EntryCodec.write(out, configured);
    byte[] bytes = out.toArray();
    assertThat(HexFormat.of().formatHex(bytes))
        .isEqualTo(
            "03"
                + "02"
                + "057061726973"
                + "01"
                + "03"
                + "05746f6b796f"
                + "00"
                + "02"
                + "02"
                + "01");
    assertThat(EntryCodec.typeOf(configured)).isEqualTo(6);
    assertThat(EntryCodec.read(6, new ByteReader(ByteBuffer.wrap(bytes)), null))
        .isEqualTo(configured);
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> EntryCodec.read(6, new ByteReader(ByteBuffer.wrap(cut)), null))
          .isInstanceOf(WireFormatException.class);
    }
  }
}
