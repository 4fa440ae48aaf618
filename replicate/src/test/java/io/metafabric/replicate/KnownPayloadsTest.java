package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class KnownPayloadsTest {
  private static final ActorId OWN = new ActorId(1);
  private static final ActorId OTHER = new ActorId(2);

  private final AtomicLong total = new AtomicLong();
  private final KnownPayloads known = new KnownPayloads(10_000, total);

  private static MetadataRecord record(String key, long counter, VersionVector seen, int bytes) {
    Bytes payload = Bytes.copyOf(new byte[bytes]);
    var version = new Version(new Dot(OWN, counter), seen, new Stamp(counter));
    return new MetadataRecord(
        Key.of(key), Header.value(version, new RegionName("eu"), payload, Header.NEVER), payload);
  }

  private static VersionVector seen(long own) {
    return VersionVector.of(new Dot(OWN, own));
  }

  @Test
  void whatWasAcknowledged_isWhatTheNextIsToldBy_andNothingBefore() {
    MetadataRecord first = record("n/1", 1, VersionVector.EMPTY, 100);
    MetadataRecord second = record("n/1", 2, seen(1), 100);
    known.sent(first, true);
    assertThat(known.baseOf(second)).as("it is under way").isNull();
    known.acknowledged(OTHER, 9);
    assertThat(known.baseOf(second)).isNull();
    known.acknowledged(OWN, 1);
    assertThat(known.baseOf(second)).isSameAs(first);
    known.sent(second, true);
    MetadataRecord third = record("n/1", 3, seen(2), 100);
    assertThat(known.baseOf(third)).as("the first is replaced there soon").isNull();
  }

  @Test
  void writesOfItsOwnInBetween_doNotMatter_thoseOfOthersDo() {
    MetadataRecord first = record("n/1", 1, VersionVector.EMPTY, 100);
    known.sent(first, true);
    known.acknowledged(OWN, 5);
    assertThat(known.baseOf(record("n/1", 9, seen(7), 100))).isSameAs(first);
    VersionVector withOther = seen(1).with(new Dot(OTHER, 3));
    assertThat(known.baseOf(record("n/1", 9, withOther, 100))).isNull();
    assertThat(known.baseOf(record("n/1", 9, VersionVector.EMPTY, 100)))
        .as("it was written beside the first")
        .isNull();
    assertThat(known.baseOf(record("n/2", 9, seen(1), 100))).isNull();
  }

  @Test
  void whatIsInterrupted_orForgotten_orReplacedByAHeader_isNotKnown() {
    MetadataRecord next = record("n/1", 5, seen(1), 100);
    known.sent(record("n/1", 1, VersionVector.EMPTY, 100), true);
    known.interrupted();
    known.acknowledged(OWN, 1);
    assertThat(known.baseOf(next)).isNull();

    known.sent(record("n/1", 1, VersionVector.EMPTY, 100), true);
    known.forget(Key.of("n/1"));
    known.acknowledged(OWN, 1);
    assertThat(known.baseOf(next)).isNull();

    known.sent(record("n/1", 1, VersionVector.EMPTY, 100), true);
    known.acknowledged(OWN, 1);
    known.sent(record("n/1", 2, seen(1), 100).withoutPayload(), false);
    assertThat(known.baseOf(next)).isNull();
    assertThat(total).hasValue(0);
  }

  @Test
  void itHoldsNoMoreThanItMay_andForgetsWhatWasUsedLongestAgo() {
    for (int i = 0; i < 100; i++) {
      known.sent(record("n/" + i, i + 1, VersionVector.EMPTY, 1000), true);
      known.acknowledged(OWN, i + 1);
      assertThat(known.bytes()).isBetween(1L, 10_000L).isEqualTo(total.get());
    }
    assertThat(known.baseOf(record("n/0", 200, seen(1), 10))).isNull();
    assertThat(known.baseOf(record("n/99", 200, seen(100), 10))).isNotNull();
    known.clear();
    assertThat(total).hasValue(0);
  }

  @Test
  void whatIsUnderWay_isBoundedAsWell() {
    for (int i = 0; i < 100; i++) {
      known.sent(record("n/" + i, i + 1, VersionVector.EMPTY, 1000), true);
    }
    assertThat(known.bytes()).isBetween(1L, 10_000L);
    known.acknowledged(OWN, 100);
    assertThat(List.of(0, 99))
        .extracting(i -> known.baseOf(record("n/" + i, 200, seen(i + 1), 10)) != null)
        .containsExactly(true, false);
  }
}
