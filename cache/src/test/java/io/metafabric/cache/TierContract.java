package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import org.junit.jupiter.api.Test;

/** What every tier keeps. A tier's test extends it. */
public abstract class TierContract {
  /** A tier, and the index that it looks at. */
  public interface World extends AutoCloseable {
    Tier tier();

    /** The write becomes its key's newest; its payload does not come along. */
    void publishHeader(MetadataRecord record);

    @Override
    void close();
  }

  protected abstract World newWorld();

  static final Key KEY = Key.of("n/1");

  @Test
  void aKeyThatWasNeverFilled_isAbsent() {
    try (var world = newWorld()) {
      assertThat(world.tier().get(KEY)).isNull();
    }
  }

  @Test
  void theCurrentWrite_isTakenAndGiven() {
    try (var world = newWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 100);
      world.publishHeader(first);
      assertThat(world.tier().fill(first)).isTrue();
      assertThat(world.tier().get(KEY)).isEqualTo(first);
      assertThat(world.tier().entries()).isEqualTo(1);
      assertThat(world.tier().sizeBytes()).isGreaterThanOrEqualTo(100);
    }
  }

  @Test
  void aWriteThatTheIndexDoesNotKnow_isRefused() {
    try (var world = newWorld()) {
      assertThat(world.tier().fill(TestRecords.write("n/1", 1, 10))).isFalse();
      assertThat(world.tier().get(KEY)).isNull();
    }
  }

  @Test
  void anOlderWrite_isRefused_howeverLateItComes() {
    try (var world = newWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 10);
      MetadataRecord second = TestRecords.write("n/1", 2, 20);
      world.publishHeader(first);
      world.publishHeader(second);
      assertThat(world.tier().fill(first)).isFalse();
      assertThat(world.tier().get(KEY)).isNull();
      assertThat(world.tier().fill(second)).isTrue();
      assertThat(world.tier().fill(first)).isFalse();
      assertThat(world.tier().get(KEY)).isEqualTo(second);
    }
  }

  @Test
  void aRecordWithoutPayload_isRefused() {
    try (var world = newWorld()) {
      MetadataRecord first = TestRecords.write("n/1", 1, 10);
      world.publishHeader(first);
      assertThat(world.tier().fill(first.withoutPayload())).isFalse();
      assertThat(world.tier().get(KEY)).isNull();
    }
  }

  @Test
  void keysDoNotMeddleWithEachOther() {
    try (var world = newWorld()) {
      for (int i = 0; i < 50; i++) {
        MetadataRecord record = TestRecords.write("n/" + i, i + 1, i);
        world.publishHeader(record);
        assertThat(world.tier().fill(record)).isTrue();
      }
      for (int i = 0; i < 50; i++) {
        assertThat(world.tier().get(Key.of("n/" + i)))
            .isEqualTo(TestRecords.write("n/" + i, i + 1, i));
      }
    }
  }
}
