package io.metafabric.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
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
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the dots of siblings take, and what is no description of them. */
class SiblingDotsMemoryTest {
  private static final Key KEY = Key.of("n/1");

  private final SiblingDots dots = new SiblingDots();

  /** Deletions, by as many actors. */
  private static MetadataRecord record(Key key, int siblings) {
    var versions = new ArrayList<Sibling>();
    for (int i = 0; i <= siblings; i++) {
      var dot = new Dot(new ActorId(100 - i), 7);
      var version = new Version(dot, VersionVector.EMPTY, new Stamp(100 - i));
      versions.add(new Sibling(Header.tombstone(version, new RegionName("eu")), null));
    }
    return MetadataRecord.of(key, versions);
  }

  private long bytesWith(Key key, int siblings) {
    dots.published(record(key, siblings));
    return dots.bytes();
  }

  @Test
  void aKeyTakesItsPath_andSixteenBytesForEachSibling() {
    long one = bytesWith(KEY, 1);
    assertThat(one).isBetween(100L, 250L);
    for (int siblings = 2; siblings < 10; siblings++) {
      assertThat(bytesWith(KEY, siblings)).isEqualTo(one + 16 * (siblings - 1));
    }
    assertThat(bytesWith(KEY, 1)).as("less than before").isEqualTo(one);
    Key longer = Key.of("n/" + "x".repeat(51));
    assertThat(bytesWith(longer, 1)).isEqualTo(2 * one + 50);
    dots.forget(Key.of("n/none"));
    assertThat(dots.bytes()).isEqualTo(2 * one + 50);
    dots.forget(KEY);
    assertThat(dots.bytes()).isEqualTo(one + 50);
    assertThat(dots.of(longer)).hasSize(2);
    dots.published(record(longer, 0));
    assertThat(dots.bytes()).isZero();
    assertThat(dots.of(longer)).isEmpty();
  }

  private static ByteReader description(int keys, int siblings, int written) {
    var out = new ByteWriter(1024);
    out.varint(keys);
    RecordCodec.writeKey(out, KEY);
    out.u8(1).varint(siblings);
    for (int i = 0; i < written; i++) {
      out.i64(i).varint(1);
    }
    return new ByteReader(ByteBuffer.wrap(out.toArray()));
  }

  @Test
  void whatIsDescribed_isThereAgain() {
    int most = MetadataRecord.MAX_VERSIONS - 1;
    for (int siblings : new int[] {1, most}) {
      var again = new SiblingDots();
      again.restore(description(1, siblings, siblings));
      assertThat(again.of(KEY)).hasSize(2 * siblings);
      assertThat(again.mortalKeys()).isEqualTo(List.of(KEY));
      assertThat(again.bytes()).isEqualTo(bytesWith(KEY, siblings));
    }
  }

  @Test
  void moreThanThereCanBe_isNoDescription() {
    int most = MetadataRecord.MAX_VERSIONS - 1;
    for (ByteReader each :
        List.of(
            description(1, most + 1, most + 1),
            description(1, 0, 0),
            description(1, 3, 2),
            description(200, 1, 1))) {
      assertThatThrownBy(() -> new SiblingDots().restore(each))
          .isInstanceOf(WireFormatException.class);
    }
  }
}
