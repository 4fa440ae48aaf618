package io.metafabric.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.StorageException;
import io.metafabric.core.index.KeyIndex;
import io.metafabric.core.journal.FrameLocation;
import io.metafabric.core.journal.FrameTable;
import io.metafabric.core.journal.Journal;
import io.metafabric.core.journal.JournalConfig;
import io.metafabric.core.journal.JournalEntry;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.record.Sibling;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which keys are forgotten when, over an index of its own. */
final class DeadHeadersTest {
  private static final Duration EVERY = Duration.ofSeconds(10);
  private static final Duration ROUND = EVERY.plusSeconds(2);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final RegionName PARIS = new RegionName("paris");
  private static final ActorId ACTOR = new ActorId(1);
  private static final ActorId OTHER = new ActorId(2);
  private static final Predicate<MetadataRecord> ALL = record -> true;

  private final SimWorld world = new SimWorld(1);
  private final SimNode node = new SimNode(world, "paris");
  private final FrameTable frames = new FrameTable();
  private final KeyIndex index = new KeyIndex(frames, 1);
  private final Journal journal =
      Journal.open(new JournalConfig(1 << 16), node.disk(), frames, (entry, at) -> {});

  private final List<Key> forgotten = new ArrayList<>();
  private final List<List<Sibling>> left = new ArrayList<>();
  private Predicate<MetadataRecord> agrees = ALL;
  private VersionVector floor = VersionVector.EMPTY;
  private long othersWallMs = Long.MAX_VALUE;
  private int asked;
  private long counter;

  private final DeadHeaders dead =
      new DeadHeaders(
          index,
          new DeadHeaders.Forget() {
            @Override
            public boolean forget(MetadataRecord record) {
              if (agrees.test(record)) {
                forgotten.add(record.key());
                index.forget(record.key(), record.header().version().dot());
                return true;
              }
              return false;
            }

            @Override
            public boolean forgetSome(MetadataRecord known, List<Sibling> remaining) {
              left.add(remaining);
              publish(MetadataRecord.of(known.key(), remaining));
              return true;
            }
          },
          () -> {
            asked++;
            return floor;
          },
          node.scheduler().serial("forgetting"),
          () -> Math.min(node.clock().wallMs(), othersWallMs),
          EVERY);

  @BeforeEach
  void start() {
    dead.start();
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private Version version(VersionVector context) {
    counter++;
    return new Version(new Dot(ACTOR, counter), context, new Stamp(counter));
  }

  private Header tombstone(VersionVector context) {
    return Header.tombstone(version(context), PARIS);
  }

  /** Never hidden if {@code expiresAtMs} is {@link Header#NEVER}. */
  private Header value(long expiresAtMs) {
    return Header.value(version(VersionVector.EMPTY), PARIS, Bytes.utf8("v"), expiresAtMs);
  }

  /** Their values are held elsewhere. */
  private void publish(Key key, Header... versions) {
    publish(
        MetadataRecord.of(
            key, Arrays.stream(versions).map(each -> new Sibling(each, null)).toList()));
  }

  private void publish(MetadataRecord record) {
    var stored = new JournalEntry.Stored(record);
    FrameLocation at = journal.append(List.of(stored)).get(0);
    journal.makeDurable();
    index.publish(index.header(record.key()), stored, at);
    journal.publish(at.position());
  }

  private void allRegionsHaveAll() {
    floor = VersionVector.of(new Dot(ACTOR, counter));
  }

  private long nowMs() {
    return node.clock().wallMs();
  }

  @Test
  void whatHasExpiredByThisClockAlone_isForgottenOnceItHasByAll() {
    long expiresAtMs = node.clock().wallMs() + HOUR.toMillis();
    Header mortal = value(expiresAtMs);
    publish(key(1), mortal);
    floor = mortal.version().asContext();
    othersWallMs = expiresAtMs;
    world.runFor(HOUR.multipliedBy(2));
    assertThat(forgotten).as("others may still show it").isEmpty();
    othersWallMs = expiresAtMs + DeadHeaders.EXPIRED_FOR.toMillis();
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void aTombstone_isForgottenOnceAllRegionsHaveIt_andAValueNever() {
    publish(key(1), tombstone(VersionVector.EMPTY));
    publish(key(2), value(Header.NEVER));
    publish(key(3), tombstone(VersionVector.EMPTY));
    floor = VersionVector.of(new Dot(ACTOR, 2));
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));

    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1), key(3));
    assertThat(dead.forgotten()).isEqualTo(2);
  }

  @Test
  void aTombstone_isKept_whileARegionMayLackWhatItReplaced() {
    var replaced = new Dot(OTHER, 5);
    publish(key(1), tombstone(VersionVector.of(replaced)));
    allRegionsHaveAll();
    floor = floor.with(new Dot(OTHER, 4));
    world.runFor(ROUND);
    assertThat(forgotten).isEmpty();

    floor = floor.with(replaced);
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void whatHasExpired_isForgotten_assSoonAsNoClockCanShowItAnyMore_andNotBefore() {
    long expiresAtMs = nowMs() + HOUR.toMillis();
    publish(key(1), value(expiresAtMs));
    allRegionsHaveAll();
    world.runFor(HOUR.plus(DeadHeaders.EXPIRED_FOR).minus(ROUND));
    assertThat(forgotten).isEmpty();
    assertThat(nowMs()).isGreaterThan(expiresAtMs);

    world.runFor(ROUND.multipliedBy(2));
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void whatHasJustExpired_isKept_alsoWhenTheFloorRises() {
    publish(key(1), value(nowMs() + HOUR.toMillis()));
    allRegionsHaveAll();
    world.runFor(HOUR.plusMinutes(1));
    floor = floor.with(new Dot(OTHER, 1));
    world.runFor(ROUND);
    assertThat(forgotten).as("another clock may still show it").isEmpty();

    world.runFor(DeadHeaders.EXPIRED_FOR);
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void underTheSameFloor_itLooksAgainOnlyWhenSomethingElseWillHaveExpired() {
    long expiresAtMs = nowMs() + HOUR.toMillis();
    publish(key(1), value(expiresAtMs));
    publish(key(2), value(expiresAtMs + HOUR.toMillis()));
    allRegionsHaveAll();
    world.runFor(ROUND);
    // Not looked at: the floor is the same, and this comes from nowhere.
    publish(
        key(3),
        Header.tombstone(new Version(new Dot(ACTOR, 1), VersionVector.EMPTY, new Stamp(1)), PARIS));
    world.runFor(HOUR);
    assertThat(forgotten).isEmpty();
    assertThat(asked).isGreaterThan(300);

    world.runFor(DeadHeaders.EXPIRED_FOR.plus(ROUND));
    assertThat(forgotten).containsExactlyInAnyOrder(key(1), key(3));
    world.runFor(HOUR);
    assertThat(forgotten).contains(key(2));
  }

  @Test
  void whatChangedMeanwhile_isMetTheNextTime() {
    publish(key(1), tombstone(VersionVector.EMPTY));
    agrees = record -> false;
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(dead.forgotten()).isZero();

    agrees = ALL;
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void aKeyThatCannotBeLookedAt_doesNotKeepTheOthers_andIsTriedAgain() {
    publish(key(1), tombstone(VersionVector.EMPTY));
    publish(key(2), tombstone(VersionVector.EMPTY));
    agrees =
        record -> {
          if (record.key().equals(key(1))) {
            throw new StorageException("a sector is bad");
          }
          return true;
        };
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(2));

    agrees = ALL;
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(2), key(1));
  }

  @Test
  void aFaultThatNobodyExpects_doesNotEndTheForgetting() {
    world.tolerateFailures();
    publish(key(1), tombstone(VersionVector.EMPTY));
    publish(key(2), tombstone(VersionVector.EMPTY));
    var faults = new ArrayList<>(List.of(new IllegalStateException("a fault")));
    agrees =
        record -> {
          if (!faults.isEmpty()) {
            throw faults.remove(0);
          }
          return true;
        };
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(faults).isEmpty();
    assertThat(forgotten).hasSize(1);
  }

  @Test
  void thousandsOfKeys_areSpreadOverManyTurns_andAllForgotten() {
    for (int i = 0; i < 3_000; i++) {
      publish(key(i), tombstone(VersionVector.EMPTY));
    }
    allRegionsHaveAll();
    world.runUntil("the first", () -> !forgotten.isEmpty(), ROUND);
    assertThat(forgotten).hasSizeBetween(1, 256);
    world.runFor(Duration.ofMillis(8));
    assertThat(forgotten).hasSizeBetween(257, 768);

    world.runFor(Duration.ofSeconds(1));
    assertThat(forgotten).hasSize(3_000).doesNotHaveDuplicates();
    assertThat(index.keys()).isZero();
  }

  @Test
  void aKeyOfWhichAllVersionsAreDead_isForgotten() {
    Header early = tombstone(VersionVector.EMPTY);
    publish(key(1), tombstone(VersionVector.EMPTY), early);
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));
    assertThat(left).isEmpty();
    assertThat(dead.forgotten()).isEqualTo(1);
  }

  @Test
  void aKeyWithAVersionThatLives_losesTheDeadOnes_once() {
    Header deleted = tombstone(VersionVector.EMPTY);
    Header living = value(Header.NEVER);
    publish(key(1), living, deleted);
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(left).containsExactly(List.of(new Sibling(living, null)));
    assertThat(dead.forgotten()).isEqualTo(1);

    world.runFor(ROUND.multipliedBy(3));
    assertThat(left).hasSize(1);
    assertThat(forgotten).isEmpty();
  }

  @Test
  void aDeadVersionThatARegionMayLack_staysBesideTheOthers() {
    Header early = tombstone(VersionVector.EMPTY);
    Header late = tombstone(VersionVector.EMPTY);
    publish(key(1), late, early);
    world.runFor(ROUND);
    assertThat(left).isEmpty();

    floor = VersionVector.of(early.version().dot());
    world.runFor(ROUND);
    assertThat(left).containsExactly(List.of(new Sibling(late, null)));
    assertThat(forgotten).isEmpty();
  }

  @Test
  void whatChangedMeanwhileWithItsSiblings_isMetTheNextTime() {
    Header early = tombstone(VersionVector.EMPTY);
    publish(key(1), tombstone(VersionVector.EMPTY), early);
    agrees = record -> false;
    allRegionsHaveAll();
    world.runFor(ROUND);
    assertThat(forgotten).isEmpty();
    agrees = ALL;
    world.runFor(ROUND);
    assertThat(forgotten).containsExactly(key(1));
  }

  @Test
  void keysWithSiblings_areSpreadOverManyTurnsToo() {
    for (int i = 0; i < 700; i++) {
      Header early = tombstone(VersionVector.EMPTY);
      publish(key(i), tombstone(VersionVector.EMPTY), early);
    }
    allRegionsHaveAll();
    world.runUntil("the first", () -> !forgotten.isEmpty(), ROUND);
    assertThat(forgotten).hasSizeBetween(1, 256);

    world.runFor(Duration.ofMillis(100));
    assertThat(forgotten).hasSize(700).doesNotHaveDuplicates();
  }
}
