package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.metafabric.core.error.EvictedException;
import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.error.StalenessException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Sessions in a region that was evicted and knows it, and while it is filled again. All members
 * have what such a session has seen, so its token does not name it any more.
 */
class EvictedSessionsTest {
  private static final RegionName AP = new RegionName("ap");
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final Duration TIMEOUT = Duration.ofSeconds(3);
  private static final Key KEY = Key.of("n/1");

  private final SimCluster cluster = new SimCluster(9, 1 << 16, "ap", "eu", "us");

  @BeforeEach
  void evictUs() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(40)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(3));
    put("old");
    cluster.world.runFor(Duration.ofSeconds(3));
    done(cluster.node(EU).evict(US));
    cluster.world.runUntil(
        "us knows it", () -> !cluster.node(US).replicator().isAdmitted(), PATIENCE);
  }

  private <T> CompletableFuture<T> ended(CompletableFuture<T> future) {
    cluster.world.runUntil("an answer", future::isDone, PATIENCE);
    return future;
  }

  private <T> T done(CompletableFuture<T> future) {
    return ended(future).join();
  }

  private MetadataRecord put(String value) {
    return done(cluster.node(EU).write(KEY, Bytes.utf8(value), Header.NEVER, Precondition.NONE));
  }

  private Sessions at(RegionName region) {
    return cluster.node(region).guarantees().sessions();
  }

  /** Of a session that has written in eu, once all members have that. */
  private Dependencies compacted() {
    MetadataRecord written = put("new");
    Dependencies seen = Dependencies.NONE.saw(KEY, written.header().version());
    cluster.world.runUntil("all members have it", () -> at(EU).compacted(seen).isEmpty(), PATIENCE);
    return at(EU).compacted(seen);
  }

  private Throwable failure(CompletableFuture<?> future) {
    return ended(future).handle((done, failure) -> failure).join();
  }

  @Test
  void itShowsASession_nothingOlderThanWhatItHasWritten_thoughItsTokenNamesNothing() {
    Dependencies needs = compacted();

    assertThat(failure(at(US).readyToRead(KEY, needs, TIMEOUT)))
        .isInstanceOf(NotReplicatedException.class)
        .hasMessageContaining("region us was evicted")
        .message()
        .doesNotContain("being filled", "[]");
    assertThat(at(US).readyToRead(KEY, Dependencies.NONE, TIMEOUT))
        .as("who has seen nothing")
        .isCompleted();
  }

  @Test
  void itSaysOfNoAnswerHowFreshItIs_andWhy() {
    var answer =
        cluster.node(US).guarantees().freshReads().read(null, KEY, Duration.ofSeconds(2), TIMEOUT);
    assertThat(failure(answer))
        .isInstanceOf(StalenessException.class)
        .hasMessageContaining("this region was evicted");
  }

  @Test
  void itWritesNothing_andASessionIsToldThatAtOnce() {
    Dependencies needs = compacted();

    assertThat(at(US).readyToWrite(needs, TIMEOUT)).isCompleted();
    assertThatThrownBy(
            () ->
                cluster
                    .node(US)
                    .writeAfter(KEY, Bytes.utf8("x"), Header.NEVER, Precondition.NONE, needs))
        .isInstanceOf(EvictedException.class);
  }

  @Test
  void untilItIsFilled_aSessionNeitherReadsNorWritesThere() {
    Dependencies needs = compacted();
    done(cluster.node(EU).readmit(US));
    cluster.world.runUntil(
        "us begins anew",
        () -> cluster.isUp(US) && cluster.node(US).replicator().isAdmitted(),
        PATIENCE);
    assertThat(cluster.node(US).store().configured().filled()).isFalse();
    cluster.network.split("us", "eu");
    cluster.network.split("us", "ap");

    assertThat(failure(at(US).readyToRead(KEY, needs, TIMEOUT)))
        .isInstanceOf(NotReplicatedException.class)
        .hasMessageContaining("being filled");
    assertThat(failure(at(US).readyToWrite(needs, TIMEOUT)))
        .isInstanceOf(NotReplicatedException.class);

    cluster.network.healAll();
    assertThat(ended(at(US).readyToRead(KEY, needs, PATIENCE))).isCompleted();
    assertThat(ended(at(US).readyToWrite(needs, PATIENCE))).isCompleted();
    assertThat(cluster.node(US).store().header(KEY)).isNotNull();
  }
}
