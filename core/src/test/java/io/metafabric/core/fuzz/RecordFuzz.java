package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.codec.RecordCodec;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.record.MetadataRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes as a record, without a checksum around it: refused, or one that has no other bytes. */
class RecordFuzz {
  static Stream<byte[]> seeds() {
    return Stream.concat(Samples.records().stream(), Stream.of(Samples.siblings()))
        .map(RecordFuzz::encoded);
  }

  private static byte[] encoded(MetadataRecord record) {
    var out = new ByteWriter(256);
    RecordCodec.writeRecord(out, record);
    return out.toArray();
  }

  @MethodSource("seeds")
  @FuzzTest
  void decode(byte[] bytes) {
    check(bytes);
  }

  static void check(byte[] bytes) {
    var in = new ByteReader(ByteBuffer.wrap(bytes));
    MetadataRecord record;
    try (var memory = new MemoryBound(bytes.length)) {
      record = RecordCodec.readRecord(in);
    } catch (WireFormatException e) {
      return;
    }
    byte[] again = encoded(record);
    assertThat(RecordCodec.readRecord(new ByteReader(ByteBuffer.wrap(again)))).isEqualTo(record);
    assertThat(again).isEqualTo(Arrays.copyOf(bytes, bytes.length - in.remaining()));
    assertThat(RecordCodec.estimatedBytes(record)).isLessThan(1024 + 4 * again.length);
  }
}
