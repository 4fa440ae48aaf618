package io.metafabric.core.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.codec.RecordCodec;
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
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bounds on values, contexts and frames fit together: what may be stored can be sent. */
class LargestFramesTest {
  private static final ActorId WRITER = new ActorId(-1);

  /** Its key, region, counters and context as long as they may be. */
  private static MetadataRecord largest(int valueBytes, boolean isLone) {
    var actors = new long[Version.MAX_CONTEXT_ENTRIES];
    var counters = new long[actors.length];
    Arrays.setAll(actors, i -> i + 1L);
    Arrays.fill(counters, Long.MAX_VALUE - 1);
    VersionVector context = VersionVector.of(actors, counters);
    if (isLone) {
      context =
          VersionVector.EMPTY.withLone(
              Arrays.stream(actors)
                  .mapToObj(actor -> new Dot(new ActorId(actor), Long.MAX_VALUE))
                  .toList());
    }
    var version = new Version(new Dot(WRITER, Long.MAX_VALUE), context, new Stamp(1));
    Bytes payload = Bytes.copyOf(new byte[valueBytes]);
    Header header =
        Header.value(
            version, new RegionName("r".repeat(RegionName.MAX_LENGTH)), payload, Long.MAX_VALUE);
    return new MetadataRecord(Key.of("n/" + "k".repeat(Key.MAX_BYTES - 2)), header, payload);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1000, 1 << 20})
  void aRecordWithAllThatItMayHave_fitsIntoEachFrameThatBringsOne(int maxValueBytes) {
    for (boolean isLone : new boolean[] {false, true}) {
      MetadataRecord record = largest(maxValueBytes, isLone);
      assertThat(RecordCodec.estimatedBytes(record))
          .isLessThanOrEqualTo(maxValueBytes + RecordCodec.MAX_BYTES_BESIDE_PAYLOAD);
      var changes = new Frame.Changes(WRITER, Long.MAX_VALUE - 1, Long.MAX_VALUE, List.of(record));
      List<Frame> frames =
          List.of(
              changes,
              new Frame.Part(changes),
              new Frame.Push(List.of(record)),
              new Frame.Hold(Long.MAX_VALUE, record),
              new Frame.HoldShadow(
                  Long.MAX_VALUE, record, ShadowReason.values()[0], FrameCodec.MAX_REGIONS, 1),
              new Frame.Repair(Long.MAX_VALUE, 1, true, List.of(), List.of(record)),
              new Frame.FetchReply(Long.MAX_VALUE, List.of(new Frame.Answer.Found(record))));
      for (Frame frame : frames) {
        byte[] encoded = FrameCodec.encode(frame);
        assertThat(FrameCodec.plainLength(encoded))
            .as(frame.getClass().getSimpleName())
            .isEqualTo(encoded.length - FrameCodec.PREFIX_BYTES)
            .isLessThanOrEqualTo(maxValueBytes + FrameCodec.MAX_BYTES_BESIDE_PAYLOAD);
      }
    }
  }
}
