package io.metafabric.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.error.NotReplicatedException;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.session.Dependencies;
import io.metafabric.core.sim.SimLink;
import io.metafabric.core.store.Precondition;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Version;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a session remembers of each thing that it does, over links that are paused or cut. */
class SessionStateTest {
  private static final RegionName EU = new RegionName("eu");
  private static final RegionName US = new RegionName("us");
  private static final RegionName AP = new RegionName("ap");
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  private final SimCluster cluster = new SimCluster(7, 16 << 10, "eu", "us", "ap");
  private final SessionState anna = new SessionState(Dependencies.NONE);
  private final SessionState ben = new SessionState(Dependencies.NONE);
  private Key question;

  @BeforeEach
  void open() {
    cluster.network.defaultLink(SimLink.perfect(Duration.ofMillis(100)));
    cluster.startAll();
    cluster.world.runFor(Duration.ofSeconds(5));
    question = keyNotOf(AP);
  }

  /** A key that the other two hold. */
  private Key keyNotOf(RegionName region) {
    for (int i = 0; ; i++) {
      Key candidate = Key.of("n/" + i);
      if (!cluster.node(region).homesOf(candidate).include(region)) {
        return candidate;
      }
    }
  }

  private <T> CompletableFuture<T> ended(CompletableFuture<T> future) {
    cluster.world.runUntil("an answer", future::isDone, Duration.ofSeconds(20));
    return future;
  }

  private @Nullable Version write(
      SessionState session, RegionName at, Key key, @Nullable String value) {
    FabricNode<MetadataRecord> node = cluster.node(at);
    Dependencies after = ended(session.readyToWrite(node, TIMEOUT)).join();
    Bytes payload = value == null ? null : Bytes.utf8(value);
    MetadataRecord written = ended(SessionState.write(node, key, payload, after)).join();
    if (written == null) {
      return null;
    }
    session.saw(key, written.header().version());
    return written.header().version();
  }

  private Version put(RegionName at, Key key, String value) {
    return ended(cluster.node(at).write(key, Bytes.utf8(value), Header.NEVER, Precondition.NONE))
        .join()
        .header()
        .version();
  }

  private @Nullable String read(SessionState session, RegionName at, Key key) {
    FabricNode<MetadataRecord> node = cluster.node(at);
    ended(session.readyToRead(node, key, TIMEOUT)).join();
    ReadOutcome outcome = ended(node.read("a session", key)).join();
    if (outcome instanceof ReadOutcome.Value value) {
      session.wasShown(node, key, value.record().header().version());
      return value.record().payload().toUtf8();
    }
    assertThat(outcome).isInstanceOf(ReadOutcome.Absent.class);
    session.wasShown(node, key, null);
    return null;
  }

  private void cut(String one, String other) {
    cluster.network.link(one, other, new SimLink(Duration.ofMillis(100), Duration.ZERO, 1, 0));
  }

  private void isNotToldIn(RegionName region, SessionState session, Key key) {
    assertThat(
            ended(session.readyToRead(cluster.node(region), key, TIMEOUT))
                .handle((done, failure) -> failure)
                .join())
        .isInstanceOf(NotReplicatedException.class);
  }

  @Test
  void whoeverReadsItsWrite_seesWhatItHadReadBefore_thoughTheWriterOfThatIsCutOff() {
    Key answer = Key.of("answers/1");
    cut("eu", "ap");
    put(EU, question, "why?");
    cluster.world.runFor(Duration.ofSeconds(1));
    assertThat(read(anna, US, question)).isEqualTo("why?");
    write(anna, US, answer, "because");
    cluster.world.runFor(Duration.ofSeconds(1));

    assertThat(read(ben, AP, answer)).isEqualTo("because");
    assertThat(cluster.node(AP).store().header(question)).isNull();
    assertThat(read(ben, AP, question)).isEqualTo("why?");
  }

  @Test
  void whoeverReadsItsWrite_seesWhatItHadWrittenBefore() {
    question = keyNotOf(EU);
    Key answer = Key.of("answers/1");
    write(anna, EU, question, "why?");
    cluster.world.runFor(Duration.ofSeconds(1));
    cut("eu", "ap");
    write(anna, EU, question, "why not?");
    cluster.world.runFor(Duration.ofSeconds(1));
    write(anna, US, answer, "because");
    cluster.world.runFor(Duration.ofSeconds(1));

    assertThat(read(ben, AP, answer)).isEqualTo("because");
    assertThat(read(new SessionState(Dependencies.NONE), AP, question))
        .as("by whoever has not read the answer")
        .isEqualTo("why?");
    assertThat(read(ben, AP, question)).isEqualTo("why not?");
  }

  @Test
  void whatItWasShownToBeDeleted_doesNotComeBackElsewhere() {
    Key key = keyNotOf(US);
    put(EU, key, "why?");
    cluster.world.runFor(Duration.ofSeconds(2));
    cut("eu", "ap");
    cut("us", "ap");
    write(anna, EU, key, null);

    assertThat(read(ben, EU, key)).isNull();
    assertThat(read(new SessionState(Dependencies.NONE), AP, key)).isEqualTo("why?");
    isNotToldIn(AP, ben, key);
  }

  @Test
  void whatItDeleted_doesNotComeBackElsewhere() {
    put(EU, question, "why?");
    cluster.world.runFor(Duration.ofSeconds(2));
    cut("eu", "ap");
    cut("us", "ap");
    write(anna, EU, question, null);
    isNotToldIn(AP, anna, question);
  }

  @Test
  void afterAJoin_itDependsOnWhatTheOtherHasSeen() {
    cut("eu", "ap");
    cut("us", "ap");
    write(anna, EU, question, "why?");
    ben.join(anna.seen());
    isNotToldIn(AP, ben, question);
    assertThat(read(ben, US, question)).isEqualTo("why?");
  }

  @Test
  void whatAllRegionsHave_isForgottenAtTheNextWrite_andIsInNoToken() {
    write(anna, EU, question, "why?");
    cluster.world.runFor(Duration.ofSeconds(10));
    assertThat(anna.seen().isEmpty()).isFalse();
    assertThat(anna.compacted(cluster.node(EU)).isEmpty()).isTrue();
    Dot next = write(anna, EU, Key.of("answers/1"), "because").dot();
    assertThat(anna.seen().all().size()).isOne();
    assertThat(anna.seen().recent()).singleElement().matches(each -> each.dot().equals(next));
  }

  /** What has replaced it may be among what is still to come. */
  @Test
  void aWriteThatIsApplied_andNotAmongWhatIsKnown_isWaitedFor_whileItsWriterHasMoreToSend() {
    Version elsewhere = put(EU, Key.of("other/1"), "x");
    put(US, question, "why?");
    cluster.world.runFor(Duration.ofSeconds(2));
    anna.saw(question, elsewhere);
    FabricNode<MetadataRecord> node = cluster.node(AP);
    assertThat(node.store().isApplied(elsewhere.dot())).isTrue();
    assertThat(anna.readyToRead(node, question, TIMEOUT)).isCompleted();

    cluster.node(EU).replicator().pause(AP);
    put(EU, Key.of("other/2"), "y");
    cluster.world.runFor(Duration.ofSeconds(2));
    CompletableFuture<Void> ready = anna.readyToRead(node, question, TIMEOUT);
    assertThat(ready).isNotDone();
    cluster.node(EU).replicator().resume(AP);
    ended(ready).join();
  }
}
