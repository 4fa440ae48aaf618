package io.metafabric.replicate.zstd;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.codec.ByteWriter;
import io.metafabric.core.error.WireFormatException;
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
import io.metafabric.core.wire.Compression;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Frames through the real library, and bytes that never came from it. */
class ZstdCompressionTest {
  private static final int MAX_PLAIN_BYTES = 1 << 20;
  private static final int FLAGS_AT = 9;
  private static final ActorId ACTOR = new ActorId(0x1122334455667788L);

  private final Compression zstd = ZstdCompression.load();
  private final Random random = new Random(1);

  /** As hosts keep them: the same fields with other values, 200 bytes. */
  private MetadataRecord record(int counter) {
    int id = random.nextInt(100_000);
    String text =
        "{\"id\":\"asset-%d\",\"owner\":\"team-%d\",\"bytes\":%d,\"etag\":\"%016x\",\"modified\":%d,\"path\":\"/projects/%d/raw/%d.jpg\",\"state\":\"ready\"}"
            .formatted(
                id,
                id % 50,
                random.nextInt(10_000_000),
                random.nextLong(),
                1_795_000_000_000L + random.nextInt(86_400_000),
                id % 1000,
                id);
    Bytes payload = Bytes.copyOf(Arrays.copyOf(text.getBytes(UTF_8), 200));
    VersionVector context =
        counter % 2 == 0 ? VersionVector.EMPTY : VersionVector.of(new Dot(ACTOR, counter / 2 + 1));
    var version =
        new Version(new Dot(ACTOR, counter + 2), context, new Stamp((1L << 56) + counter * 77L));
    Header header = Header.value(version, new RegionName("eu-west"), payload, Header.NEVER);
    return new MetadataRecord(Key.of("asset/" + id), header, payload);
  }

  private Frame.Changes changes(int records) {
    var all = new ArrayList<MetadataRecord>();
    for (int i = 1; i <= records; i++) {
      all.add(record(i));
    }
    return new Frame.Changes(ACTOR, 0, records + 2, all);
  }

  private static ByteBuffer afterLength(byte[] frame) {
    return ByteBuffer.wrap(frame).position(Integer.BYTES);
  }

  private Frame decode(byte[] frame) {
    return FrameCodec.decodePlain(FrameCodec.plain(afterLength(frame), zstd, MAX_PLAIN_BYTES));
  }

  @Test
  void aBatchComesBackAsItWent_atMost100BytesAnUpdate() {
    Frame.Changes changes = changes(400);
    byte[] frame = FrameCodec.encode(changes, zstd);
    assertThat(frame[FLAGS_AT]).isEqualTo((byte) 1);
    assertThat(decode(frame)).isEqualTo(changes);
    assertThat(frame.length / 400.0).isLessThanOrEqualTo(100);
    byte[] few = FrameCodec.encode(changes(50), zstd);
    assertThat(few.length / 50.0).as("of a small batch").isLessThanOrEqualTo(110);
  }

  @Test
  void whatWouldNotGetShorter_isLeftAsItIs_andSoAreSmallAndControlFrames() {
    byte[] noise = new byte[10_000];
    random.nextBytes(noise);
    Bytes payload = Bytes.copyOf(noise);
    MetadataRecord record = record(1);
    var noisy =
        new Frame.Push(
            List.of(
                new MetadataRecord(
                    record.key(),
                    Header.value(
                        record.header().version(), new RegionName("eu"), payload, Header.NEVER),
                    payload)));
    var keys = new ArrayList<Key>();
    for (int i = 0; i < 500; i++) {
      keys.add(Key.of("same/" + "x".repeat(100)));
    }
    for (Frame frame : List.of(noisy, changes(1), new Frame.NotHolding(keys))) {
      byte[] encoded = FrameCodec.encode(frame, zstd);
      assertThat(encoded[FLAGS_AT]).as(frame.getClass().getSimpleName()).isZero();
      assertThat(decode(encoded)).isEqualTo(frame);
    }
  }

  private static byte[] sealed(int type, int flags, long claimed, byte[] rest) {
    var out = new ByteWriter(64);
    out.i32(0).i32(0).u8(type).u8(flags).varint(claimed).bytes(rest);
    out.putI32At(0, out.length() - FrameCodec.PREFIX_BYTES);
    out.putI32At(4, out.crc32c(FrameCodec.PREFIX_BYTES));
    return out.toArray();
  }

  private static void assertRefused(Runnable decoding, String why) {
    assertThatThrownBy(decoding::run)
        .isInstanceOf(WireFormatException.class)
        .hasMessageContaining(why);
  }

  @Test
  void threadsThatCompressAtOnce_getTheirOwn() throws Exception {
    var batches = new ArrayList<Frame.Changes>();
    for (int records = 10; records < 14; records++) {
      batches.add(changes(records));
    }
    var tasks = new ArrayList<Callable<Frame>>();
    for (int i = 0; i < 2_000; i++) {
      Frame batch = batches.get(i % batches.size());
      tasks.add(() -> decode(FrameCodec.encode(batch, zstd)));
    }
    ExecutorService threads = Executors.newFixedThreadPool(batches.size());
    try {
      List<Future<Frame>> decoded = threads.invokeAll(tasks);
      for (int i = 0; i < decoded.size(); i++) {
        assertThat(decoded.get(i).get()).isEqualTo(batches.get(i % batches.size()));
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void aBomb_isRefusedBeforeMemoryIsTakenForIt() {
    byte[] zeros = zstd.compress(new byte[16 << 20], 0, 16 << 20);
    assertThat(zeros.length).isLessThan(4096);
    for (long claimed : new long[] {16 << 20, MAX_PLAIN_BYTES, Integer.MAX_VALUE, Long.MAX_VALUE}) {
      assertRefused(() -> decode(sealed(6, 1, claimed, zeros)), "plain length must be");
    }
    assertRefused(() -> decode(sealed(6, 1, MAX_PLAIN_BYTES - 2, zeros)), "compressed");
    assertRefused(() -> decode(sealed(6, 1, 0, zeros)), "plain length must be");
  }

  @Test
  void anotherLengthThanSaid_aCut_orAnyFlip_failsTyped() {
    byte[] plain = new byte[5000];
    Arrays.fill(plain, (byte) 7);
    byte[] good = zstd.compress(plain, 0, plain.length);
    assertRefused(() -> decode(sealed(6, 1, plain.length + 1, good)), "compressed");
    assertRefused(() -> decode(sealed(6, 1, plain.length - 1, good)), "compressed");
    byte[] batch = FrameCodec.encode(changes(30), zstd);
    byte[] body = Arrays.copyOfRange(batch, FLAGS_AT + 1, batch.length);
    ByteBuffer in = ByteBuffer.wrap(body);
    long claimed = in.get() & 0x7f | (in.get() & 0x7f) << 7;
    byte[] compressed = Arrays.copyOfRange(body, in.position(), body.length);
    assertThat(decode(sealed(6, 1, claimed, compressed))).isNotNull();
    for (int at = 0; at < compressed.length; at++) {
      byte[] cut = Arrays.copyOf(compressed, at);
      assertThatThrownBy(() -> decode(sealed(6, 1, claimed, cut)))
          .isInstanceOf(WireFormatException.class);
      byte[] flipped = compressed.clone();
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      try {
        decode(sealed(6, 1, claimed, flipped));
      } catch (WireFormatException e) {
        // Or it is another frame: the checksum over all of it was made for it here.
      }
    }
  }

  @Test
  void aCompressedFrame_isRefusedByWhoDoesNotTakeIt_andSkippedOfAnUnknownType() {
    byte[] frame = FrameCodec.encode(changes(50), zstd);
    assertRefused(() -> FrameCodec.decode(afterLength(frame)), "unknown flags 1");
    assertThat(decode(sealed(200, 1, 5, new byte[3]))).isNull();
    assertRefused(() -> decode(sealed(6, 2, 5, new byte[3])), "unknown flags 2");
  }
}
