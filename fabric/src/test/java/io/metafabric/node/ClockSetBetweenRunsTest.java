package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Causality;
import io.metafabric.core.version.Stamp;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A wall clock that is set while the node is down: versions go on growing, and a time to live ends
 * when the clock says so.
 */
class ClockSetBetweenRunsTest {
  private static final RegionName EU = new RegionName("eu");
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Key KEY = Key.of("n/1");
  private static final Key SHORT = Key.of("n/short");

  private final SimCluster cluster = new SimCluster(11, 16 << 10, "eu");

  @BeforeEach
  void start() {
    cluster.start(EU);
  }

  private FabricNode<MetadataRecord> node() {
    return cluster.node(EU);
  }

  private long wallMs() {
    return cluster.machine(EU).clock().wallMs();
  }

  private Header put(Key key, String value, long expiresAtMs) {
    var writing = node().write(key, Bytes.utf8(value), expiresAtMs, Precondition.NONE);
    cluster.world.runUntil("the write", writing::isDone, Duration.ofSeconds(1));
    MetadataRecord record = writing.join();
    assertThat(record).isNotNull();
    return record.header();
  }

  private Optional<String> get(Key key) {
    var reading = node().read("reader", key);
    cluster.world.runUntil("the read", reading::isDone, Duration.ofSeconds(1));
    return reading.join() instanceof ReadOutcome.Value value
        ? Optional.of(Objects.requireNonNull(value.record().payload()).toUtf8())
        : Optional.empty();
  }

  /** In order, so that the hint is used, or by a crash, so that the journal is replayed. */
  private void restart(boolean inOrder, Duration clockSetBy) {
    if (inOrder) {
      node().close();
    }
    cluster.crash(EU);
    cluster.machine(EU).jumpWall(clockSetBy);
    cluster.start(EU);
  }

  private static void assertLater(Header before, Header after) {
    assertThat(after.version().relationTo(before.version())).isEqualTo(Causality.AFTER);
    assertThat(after.version().stamp()).isGreaterThan(before.version().stamp());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aDayBack(boolean inOrder) {
    long writtenAtMs = wallMs();
    Header before = put(KEY, "before", Header.NEVER);
    put(SHORT, "for an hour", writtenAtMs + HOUR.toMillis());

    restart(inOrder, DAY.negated());

    assertThat(get(KEY)).hasValue("before");
    assertThat(get(SHORT)).as("its time is not over").hasValue("for an hour");
    Header after = put(KEY, "after", Header.NEVER);
    assertLater(before, after);
    assertThat(get(KEY)).hasValue("after");

    Header fresh = put(Key.of("n/fresh"), "x", wallMs() + HOUR.toMillis());
    assertThat(fresh.version().stamp()).isGreaterThan(after.version().stamp());
    cluster.world.runFor(HOUR.minusMinutes(1));
    assertThat(get(Key.of("n/fresh"))).isPresent();
    cluster.world.runFor(Duration.ofMinutes(2));
    assertThat(get(Key.of("n/fresh"))).as("an hour on the clock as it is now").isEmpty();
    assertThat(get(SHORT)).as("an hour on the clock as it was").isPresent();
    cluster.machine(EU).jumpWall(DAY);
    assertThat(get(SHORT)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aDayForwardAndBackAgain(boolean inOrder) {
    Header first = put(KEY, "first", Header.NEVER);
    put(SHORT, "for an hour", wallMs() + HOUR.toMillis());

    restart(inOrder, DAY);
    assertThat(get(SHORT)).as("expired").isEmpty();
    Header second = put(KEY, "second", Header.NEVER);
    assertLater(first, second);

    restart(inOrder, DAY.negated());
    assertThat(get(KEY)).hasValue("second");
    assertThat(get(SHORT)).as("the clock takes it back").hasValue("for an hour");
    Header third = put(KEY, "third", Header.NEVER);
    assertLater(second, third);

    restart(inOrder, Duration.ZERO);
    assertThat(get(KEY)).hasValue("third");
    assertLater(third, put(KEY, "fourth", Header.NEVER));
  }

  @Test
  void aDayBack_behindManyWrites_doesNotWaitForTheClockToCatchUp() {
    Header last = put(KEY, "0", Header.NEVER);
    for (int i = 0; i < 200; i++) {
      last = put(KEY, "before " + i, Header.NEVER);
    }
    restart(false, DAY.negated());
    long startedMs = wallMs();
    Stamp previous = last.version().stamp();
    for (int i = 0; i < 200; i++) {
      Stamp next = put(KEY, "after " + i, Header.NEVER).version().stamp();
      assertThat(next).isGreaterThan(previous);
      previous = next;
    }
    assertThat(Duration.ofMillis(wallMs() - startedMs)).isLessThan(Duration.ofMinutes(1));
    restart(true, Duration.ZERO);
    assertThat(get(KEY)).hasValue("after 199");
  }
}
