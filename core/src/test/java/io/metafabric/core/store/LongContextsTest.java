package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.conflict.ConflictRule;
import io.metafabric.core.conflict.ConflictRules;
import io.metafabric.core.error.ContextTooLargeException;
import io.metafabric.core.journal.Durability;
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
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Somebody has written a key who says to have seen as much as is believed. */
class LongContextsTest {
  private static final Key KEY = Key.of("n/1");
  private static final RegionName US = new RegionName("us");
  private static final ActorId ACTOR = new ActorId(-1);

  private final StoreMachine machine = new StoreMachine(1, Durability.SYNC);

  private static VersionVector invented(int from, int count) {
    var actors = new long[count];
    var counters = new long[count];
    Arrays.setAll(actors, i -> from + i);
    Arrays.fill(counters, 1);
    return VersionVector.of(actors, counters);
  }

  private static MetadataRecord theirs(long counter, VersionVector context) {
    Bytes payload = Bytes.utf8("of us " + counter);
    var version = new Version(new Dot(ACTOR, counter), context, new Stamp(counter << 16));
    return new MetadataRecord(KEY, Header.value(version, US, payload, Header.NEVER), payload);
  }

  private void apply(MetadataRecord record) {
    CompletableFuture<Boolean> applied = machine.store().applyOne(new Inbound(record, true));
    machine.world.runUntil("applied", applied::isDone, Duration.ofMinutes(1));
    applied.join();
  }

  private Version present() {
    return machine.store().header(KEY).version();
  }

  @Test
  void whereTheLastWriterWins_aWriteNamesWhatItReplaces_andNotAllThatThatHadSeen() {
    machine.open();
    apply(theirs(1, invented(1, Version.MAX_CONTEXT_ENTRIES)));

    machine.write(KEY, Bytes.utf8("local"));
    assertThat(present().context()).isEqualTo(VersionVector.of(new Dot(ACTOR, 1)));
    machine.write(KEY, null);
    assertThat(present().covers(new Dot(ACTOR, 1))).isTrue();

    apply(theirs(1, invented(1, Version.MAX_CONTEXT_ENTRIES)));
    machine.check("the write that was replaced came again");
    machine.close();
  }

  @Test
  void whatTwoNameTogether_isNoMoreThanWhatOneMayName() {
    machine.open();
    apply(theirs(1, invented(1, Version.MAX_CONTEXT_ENTRIES)));
    apply(theirs(2, invented(1_000_000, Version.MAX_CONTEXT_ENTRIES)));

    assertThat(present().dot()).isEqualTo(new Dot(ACTOR, 2));
    assertThat(present().context().entries()).isLessThanOrEqualTo(Version.MAX_CONTEXT_ENTRIES);
    apply(theirs(1, invented(1, Version.MAX_CONTEXT_ENTRIES)));
    assertThat(present().dot()).isEqualTo(new Dot(ACTOR, 2));
    machine.close();
  }

  @Test
  void whereSiblingsAreKept_aWriteThatCannotSayWhatItHasSeen_isRefused_andNothingElse() {
    machine.conflicts =
        new ConflictConfig(
            new ConflictRules(Map.of("n", ConflictRule.siblings())),
            ConflictConfig.DEFAULT.maxClockSkew());
    machine.open();
    apply(theirs(1, invented(1, Version.MAX_CONTEXT_ENTRIES)));

    assertThatThrownBy(() -> machine.write(KEY, Bytes.utf8("local")))
        .isInstanceOf(ContextTooLargeException.class)
        .hasMessageContaining("n/1")
        .hasMessageContaining("8192");
    machine.write(Key.of("n/2"), Bytes.utf8("local"));
    assertThat(present().dot()).isEqualTo(new Dot(ACTOR, 1));
    machine.close();
  }
}
