package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.transport.PeerHandler;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.wire.Frame;
import io.metafabric.core.wire.FrameCodec;
import io.metafabric.core.wire.MoveOutcome;
import io.metafabric.core.wire.ShadowVerb;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What peers are asked for, what is called off, and which of their answers count. */
class FetchesTest extends PlayedReplication {
  @Test
  void anAnswerThatIsNotWhatWasAskedFor_isNoAnswer() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord wanted = record("us/1", 2, "two");
    var answers =
        List.of(record("us/1", 1, "one"), record("us/1", 2, null), record("us/1", 2, "two"));
    var results = new ArrayList<FetchResult>();
    for (MetadataRecord answer : answers) {
      CompletableFuture<FetchResult> fetched = replicator.fetch(wanted.key(), wanted.header());
      world.runFor(Duration.ofMillis(1));
      long request = transport.connection.last(Frame.Fetch.class).requestId();
      transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(answer))));
      world.runFor(Duration.ofMillis(1));
      assertThat(fetched).isDone();
      results.add(fetched.join());
    }
    assertThat(results)
        .containsExactly(
            new FetchResult.NotHeld(true),
            new FetchResult.NotHeld(true),
            new FetchResult.Found(wanted, US));
  }

  /** The results come in the order of the answers. */
  private static Map<Key, FetchResult> prefetch(Replicator replicator, MetadataRecord... wanted) {
    var headers = new LinkedHashMap<Key, Header>();
    var results = new LinkedHashMap<Key, FetchResult>();
    for (MetadataRecord record : wanted) {
      headers.put(record.key(), record.header());
    }
    replicator.prefetch(
        headers,
        (key, result) -> assertThat(results.put(key, result)).as("once for %s", key).isNull());
    return results;
  }

  @Test
  void aReadThatJoinsAPrefetch_hurriesItOnce_whileItIsUnderWay() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    Map<Key, FetchResult> results = prefetch(replicator, one, two);
    for (int i = 0; i < 3; i++) {
      replicator.hurry(two.key());
    }
    replicator.hurry(Key.of("us/3"));
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    assertThat(sent(Frame.Hurry.class)).containsExactly(new Frame.Hurry(request, two.key()));

    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    world.runFor(Duration.ofMillis(1));
    replicator.hurry(two.key());
    world.runFor(Duration.ofMillis(1));
    assertThat(sent(Frame.Hurry.class)).hasSize(1);
    assertThat(replicator.stats().prefetchesHurried()).isEqualTo(1);
    assertThat(results).containsExactly(Map.entry(two.key(), new FetchResult.Found(two, US)));
    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(one))));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(2);
    assertThat(sent(Frame.Forget.class)).isEmpty();
  }

  @Test
  void whatAPeerSaysOfShadowsElsewhere_isNotBelieved_unlessItMadeThem() {
    transport.welcomesAt = "us";
    transport.protocol = FrameCodec.PROTOCOL;
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    var ofItself = new Frame.ShadowAnswer(US, MoveOutcome.NOT_FOUND, "", null);
    var ofAnother = new Frame.ShadowAnswer(AP, MoveOutcome.DONE, "", null);
    assertThat(askedOfShadow(replicator, ShadowVerb.TELL, ofItself)).containsExactly(ofItself);
    assertThat(askedOfShadow(replicator, ShadowVerb.MAKE, ofItself, ofAnother))
        .containsExactly(ofItself, ofAnother);
    for (ShadowVerb verb : List.of(ShadowVerb.TELL, ShadowVerb.CLAIM, ShadowVerb.END)) {
      assertThat(askedOfShadow(replicator, verb, ofAnother))
          .singleElement()
          .satisfies(
              each -> {
                assertThat(each.region()).isEqualTo(US);
                assertThat(each.outcome()).isEqualTo(MoveOutcome.UNREACHABLE);
                assertThat(each.message()).contains("another region");
              });
    }
  }

  @Test
  void whoHasAShadow_isBelievedOfItsHomeAlone_andOfRegionsThatThereAre() {
    transport.welcomesAt = "us";
    transport.protocol = FrameCodec.PROTOCOL;
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    // Its home is ap and its backup eu, this one; the second is of home us, in us itself.
    transport.answer(new Frame.Copies(Key.of("ap/1"), new TreeMap<>(Map.of(AP, 60_000L))));
    transport.answer(new Frame.Copies(Key.of("us/1"), new TreeMap<>(Map.of(US, 60_000L))));
    var nobody = new RegionName("nobody");
    transport.answer(new Frame.Copies(Key.of("us/2"), new TreeMap<>(Map.of(nobody, 60_000L))));
    transport.answer(new Frame.Copies(Key.of("us/3"), new TreeMap<>(Map.of(EU, 60_000L))));
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().hints().told()).isZero();
    assertThat(replicator.stats().hints().bytes()).isZero();

    transport.answer(
        new Frame.Copies(Key.of("us/4"), new TreeMap<>(Map.of(AP, 60_000L, nobody, 1L))));
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().hints().told()).isOne();
  }

  private List<Frame.ShadowAnswer> askedOfShadow(
      Replicator replicator, ShadowVerb verb, Frame.ShadowAnswer... answers) {
    var said = replicator.askShadow(US, verb, Key.of("us/1"), null, null);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.ShadowRequest.class).requestId();
    transport.answer(new Frame.ShadowReply(request, List.of(answers)));
    world.runFor(Duration.ofMillis(1));
    return said.join();
  }

  @Test
  void aPrefetchThatIsOvertaken_isCalledOff_andItsAnswerIsNotHeeded() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    var connection = new PlayedConnection();
    PeerHandler session = session(connection);
    var known = List.of(record("us/1", 1, null), record("us/2", 2, null), record("us/3", 3, null));
    session.onFrame(connection, new Frame.Changes(new ActorId(5), 0, 3, known));
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord pushed = record("us/1", 1, "not sent along");
    MetadataRecord replaced = record("us/2", 2, "not sent along");
    MetadataRecord wanted = record("us/3", 3, "not sent along");
    Map<Key, FetchResult> results = prefetch(replicator, pushed, replaced, wanted);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();

    session.onFrame(connection, new Frame.Push(List.of(pushed)));
    assertThat(copies.offered).containsExactly(pushed);
    session.onFrame(
        connection,
        new Frame.Changes(new ActorId(5), 3, 4, List.of(record("us/2", 4, "a newer value"))));
    world.runFor(Duration.ofMillis(100));
    assertThat(sent(Frame.Forget.class))
        .containsExactly(
            new Frame.Forget(request, List.of(pushed.key())),
            new Frame.Forget(request, List.of(replaced.key())));
    assertThat(results)
        .containsExactly(
            Map.entry(pushed.key(), new FetchResult.Overtaken()),
            Map.entry(replaced.key(), new FetchResult.Overtaken()));
    assertThat(replicator.stats().prefetchesCancelled()).isEqualTo(2);

    var late =
        List.<Frame.Answer>of(new Frame.Answer.Found(pushed), new Frame.Answer.Found(wanted));
    transport.answer(new Frame.FetchReply(request, late));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(3);
    assertThat(results.get(wanted.key())).isEqualTo(new FetchResult.Found(wanted, US));
    assertThat(sent(Frame.Forget.class)).hasSize(2);
  }

  @Test
  void whenPrefetchesAreCalledOff_theyAreForgottenThere_butNotWhatAReadWaitsFor() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    MetadataRecord three = record("us/3", 3, "three");
    Map<Key, FetchResult> results = prefetch(replicator, three, two, one);
    replicator.hurry(two.key());
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().prefetchingBytes()).isPositive();
    // One that was begun and not sent yet is called off as well.
    MetadataRecord four = record("us/4", 4, "four");
    Map<Key, FetchResult> begun = prefetch(replicator, four);
    replicator.callOffPrefetches();
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    world.runFor(Duration.ofMillis(1));

    assertThat(sent(Frame.Forget.class))
        .containsExactly(
            new Frame.Forget(request, List.of(one.key(), three.key())),
            new Frame.Forget(request + 1, List.of(four.key())));
    assertThat(results)
        .containsExactly(
            Map.entry(one.key(), new FetchResult.Overtaken()),
            Map.entry(three.key(), new FetchResult.Overtaken()));
    assertThat(begun).containsExactly(Map.entry(four.key(), new FetchResult.Overtaken()));
    assertThat(replicator.stats().prefetchesCancelled()).isEqualTo(3);

    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    world.runFor(Duration.ofSeconds(10));
    assertThat(results.get(two.key())).isEqualTo(new FetchResult.Found(two, US));
    assertThat(replicator.stats().prefetchingBytes()).isZero();
  }

  @Test
  void ofPrefetches_noMoreAreUnderWayThanThereIsRoomFor() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    int room = (int) ReplicationStats.MAX_PREFETCHING_BYTES / Fetches.PREFETCH_OVERHEAD_BYTES;
    MetadataRecord[] wanted =
        IntStream.range(0, room)
            .mapToObj(i -> record("us/" + i, 1, null))
            .toArray(MetadataRecord[]::new);
    Map<Key, FetchResult> results = prefetch(replicator, wanted);
    world.runFor(Duration.ofMillis(1));
    assertThat(replicator.stats().prefetchingBytes())
        .isBetween(
            ReplicationStats.MAX_PREFETCHING_BYTES * 99 / 100,
            ReplicationStats.MAX_PREFETCHING_BYTES);
    assertThat(results).isNotEmpty().doesNotContainKey(wanted[0].key());
    assertThat(results.values())
        .allSatisfy(result -> assertThat(result).isInstanceOf(FetchResult.Unreachable.class));
    int asked = transport.connection.last(Frame.Fetch.class).wanted().size();
    assertThat(asked).isEqualTo(room - results.size());

    transport.connection.close("gone");
    replicator.callOffPrefetches();
    world.runFor(Duration.ofSeconds(10));
    assertThat(results).hasSize(room);
    assertThat(replicator.stats().prefetchingBytes()).isZero();
  }

  @Test
  void whatIsNotAnsweredInTime_isCalledOff_andSoIsNothingAtTheEnd() {
    transport.welcomesAt = "us";
    Replicator replicator = replicator();
    replicator.start();
    world.runFor(Duration.ofSeconds(1));
    MetadataRecord one = record("us/1", 1, "one");
    MetadataRecord two = record("us/2", 2, "two");
    Map<Key, FetchResult> results = prefetch(replicator, one, two);
    world.runFor(Duration.ofMillis(1));
    long request = transport.connection.last(Frame.Fetch.class).requestId();
    transport.answer(new Frame.FetchReply(request, List.of(new Frame.Answer.Found(two))));
    for (int i = 0; i < 30 && results.size() < 2; i++) {
      world.runFor(Duration.ofMillis(500));
    }
    assertThat(results.get(one.key())).isInstanceOf(FetchResult.Unreachable.class);
    assertThat(sent(Frame.Forget.class))
        .containsExactly(new Frame.Forget(request, List.of(one.key())));

    Map<Key, FetchResult> open = prefetch(replicator, one);
    world.runFor(Duration.ofMillis(1));
    close(replicator);
    assertThat(open.get(one.key())).isEqualTo(new FetchResult.Unreachable("the fabric is closed"));
    assertThat(sent(Frame.Forget.class)).hasSize(1);
  }
}
