package io.metafabric.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.metafabric.core.error.WireFormatException;
import io.metafabric.core.journal.SnapshotBatch;
import io.metafabric.core.journal.SnapshotToken;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Bytes as a batch of a snapshot, or as its token: refused with a type, or one whose records are
 * behind what was there before, and no more than could be in so many bytes.
 */
class SnapshotFuzz {
  /** Header, the shortest key, version and region; less is no record. */
  private static final int MIN_RECORD_BYTES = 28 + 20;

  static Stream<byte[]> seeds() {
    return Stream.concat(
        Samples.snapshotBatches().stream(),
        Samples.snapshotBatches().stream()
            .map(batch -> SnapshotBatch.decode(batch).after().toBytes()));
  }

  @MethodSource("seeds")
  @FuzzTest
  void decode(byte[] bytes) {
    check(bytes);
  }

  static void check(byte[] bytes) {
    token(bytes);
    batch(bytes);
    batch(Resealed.snapshotBatch(bytes));
  }

  private static void token(byte[] bytes) {
    SnapshotToken token;
    try {
      token = SnapshotToken.fromBytes(bytes);
    } catch (WireFormatException e) {
      return;
    }
    assertThat(token.toBytes()).isEqualTo(bytes);
  }

  private static void batch(byte[] bytes) {
    SnapshotBatch batch;
    try (var memory = new MemoryBound(bytes.length)) {
      batch = SnapshotBatch.decode(bytes);
    } catch (WireFormatException e) {
      return;
    }
    SnapshotToken before = batch.before();
    SnapshotToken after = batch.after();
    assertThat(before.isEnded()).isFalse();
    assertThat(after.begin()).isEqualTo(before.begin());
    assertThat(after.nodeId()).isEqualTo(before.nodeId());
    assertThat(after.phase()).isGreaterThanOrEqualTo(before.phase());
    assertThat(batch.records().size()).isLessThanOrEqualTo(bytes.length / MIN_RECORD_BYTES);
    if (before.phase() == after.phase()) {
      assertThat(batch.records().size())
          .as("each has its place")
          .isLessThanOrEqualTo((int) Math.min(Integer.MAX_VALUE, after.place() - before.place()));
    }
    if (!after.isEnded()) {
      assertThat(batch.applied()).isEmpty();
    }
    int tokenAt = bytes.length - SnapshotToken.BYTES;
    assertThat(after.toBytes()).isEqualTo(Arrays.copyOfRange(bytes, tokenAt, bytes.length));
  }
}
