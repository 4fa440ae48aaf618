package io.metafabric.benchmarks.core;

import io.metafabric.core.codec.ByteReader;
import io.metafabric.core.codec.ByteWriter;
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
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does it cost to turn a record of 200 bytes into bytes and back, alone and a hundred at a
 * time in a frame of changes with its checksum?
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBenchmark {
  private static final int RECORDS = 100;

  private final MetadataRecord record = record(1);
  private final Frame changes =
      new Frame.Changes(
          new ActorId(7),
          0,
          RECORDS,
          IntStream.rangeClosed(1, RECORDS).mapToObj(CodecBenchmark::record).toList());
  private final ByteWriter writer = new ByteWriter(1024);
  private final byte[] encodedRecord = encoded();
  private final byte[] encodedFrame = FrameCodec.encode(changes);

  private static MetadataRecord record(int counter) {
    var payload = Bytes.copyOf(new byte[200]);
    var context =
        VersionVector.EMPTY.with(new Dot(new ActorId(3), 9)).with(new Dot(new ActorId(5), 1));
    var version = new Version(new Dot(new ActorId(7), counter), context, new Stamp(1L << 40));
    return new MetadataRecord(
        Key.of("catalogue/item-4711"),
        Header.value(version, new RegionName("eu-west"), payload, Header.NEVER),
        payload);
  }

  private byte[] encoded() {
    RecordCodec.writeRecord(writer, record);
    return writer.toArray();
  }

  @Benchmark
  public int encodeRecord() {
    writer.reset(1024);
    RecordCodec.writeRecord(writer, record);
    return writer.length();
  }

  @Benchmark
  public MetadataRecord decodeRecord() {
    return RecordCodec.readRecord(new ByteReader(ByteBuffer.wrap(encodedRecord)));
  }

  @Benchmark
  public byte[] encodeFrameOf100() {
    return FrameCodec.encode(changes);
  }

  @Benchmark
  public Frame decodeFrameOf100() {
    return FrameCodec.decode(
        ByteBuffer.wrap(encodedFrame, Integer.BYTES, encodedFrame.length - Integer.BYTES));
  }
}
