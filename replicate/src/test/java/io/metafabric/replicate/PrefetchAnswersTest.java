package io.metafabric.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.Bytes;
import io.metafabric.core.record.Header;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.sim.SimNode;
import io.metafabric.core.sim.SimWorld;
import io.metafabric.core.transport.PeerConnection;
import io.metafabric.core.version.ActorId;
import io.metafabric.core.version.Dot;
import io.metafabric.core.version.Stamp;
import io.metafabric.core.version.Version;
import io.metafabric.core.version.VersionVector;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefetchAnswersTest {
  private static final int PAYLOAD_BYTES = 4_000;

  /** Answers that fill a reply. */
  private static final int PER_REPLY = 5;

  private final SimWorld world = new SimWorld(1);
  private final SerialExecutor loop = new SimNode(world, "eu").scheduler().serial("loop");
  private final Link link = new Link();
  private final List<Key> lookedUp = new ArrayList<>();
  private int dropped;
  private int turnedAway;
  private int waiting;
  private final PrefetchAnswers answers =
      new PrefetchAnswers(
          link,
          loop,
          this::answer,
          new PrefetchAnswers.Counts() {
            @Override
            public void replyDropped() {
              dropped++;
            }

            @Override
            public void prefetchesTurnedAway(int keys) {
              turnedAway += keys;
            }

            @Override
            public void prefetchesWait(int moreBytes) {
              waiting += moreBytes;
              assertThat(waiting).isBetween(0, PrefetchAnswers.MAX_WAITING_BYTES);
            }
          });

  private static final class Link implements PeerConnection {
    final List<Frame.FetchReply> sent = new ArrayList<>();
    boolean drained = true;
    boolean open = true;

    @Override
    public boolean send(Frame frame) {
      if (open) {
        sent.add((Frame.FetchReply) frame);
      }
      return open;
    }

    @Override
    public boolean isDrained() {
      return drained;
    }

    @Override
    public void established() {}

    @Override
    public void close(String reason) {
      open = false;
    }

    @Override
    public String remote() {
      return "played";
    }

    List<Key> answered() {
      return sent.stream()
          .flatMap(reply -> reply.answers().stream().map(Frame.Answer::key))
          .toList();
    }
  }

  private Frame.Answer answer(Frame.Wanted wanted) {
    lookedUp.add(wanted.key());
    var version = new Version(new Dot(new ActorId(5), 1), VersionVector.EMPTY, new Stamp(1L << 16));
    Bytes payload = Bytes.copyOf(new byte[PAYLOAD_BYTES]);
    Header header = Header.value(version, new RegionName("eu"), payload, Header.NEVER);
    return new Frame.Answer.Found(new MetadataRecord(wanted.key(), header, payload));
  }

  private static Key key(int i) {
    return Key.of("n/" + i);
  }

  private static List<Key> keys(int from, int to) {
    return IntStream.range(from, to).mapToObj(PrefetchAnswersTest::key).toList();
  }

  private void ask(long request, List<Key> keys) {
    List<Frame.Wanted> wanted = keys.stream().map(key -> new Frame.Wanted(key, null)).toList();
    loop.execute(() -> answers.add(new Frame.Fetch(request, true, wanted)));
  }

  private void settle() {
    world.runFor(Duration.ofSeconds(1));
  }

  @Test
  void whatComesMeanwhile_hasItsTurnBetweenTheReplies() {
    var sentWhenServed = new ArrayList<Integer>();
    ask(1, keys(0, 20));
    loop.execute(() -> loop.execute(() -> sentWhenServed.add(link.sent.size())));
    settle();

    assertThat(sentWhenServed).as("of four replies").containsExactly(1);
    assertThat(link.sent).hasSize(4).allSatisfy(reply -> hasAFew(reply));
    assertThat(link.answered()).isEqualTo(keys(0, 20));
    assertThat(waiting).isEqualTo(answers.waitingBytes());
    assertThat(answers.waitingBytes()).isZero();
  }

  private static void hasAFew(Frame.FetchReply reply) {
    assertThat(reply.requestId()).isEqualTo(1);
    assertThat(reply.answers()).hasSize(PER_REPLY);
  }

  @Test
  void whileOtherDataWaits_nothingIsLookedUp() {
    link.drained = false;
    ask(1, keys(0, 20));
    settle();
    assertThat(lookedUp).isEmpty();

    link.drained = true;
    loop.execute(answers::goOn);
    loop.execute(() -> loop.execute(() -> link.drained = false));
    settle();
    assertThat(link.answered()).as("of one turn").isEqualTo(keys(0, PER_REPLY));

    link.drained = true;
    loop.execute(answers::goOn);
    settle();
    assertThat(link.answered()).isEqualTo(keys(0, 20));
  }

  @Test
  void aKeyThatIsHurried_isNext_andOnce_whateverWaits() {
    link.drained = false;
    ask(1, keys(0, 20));
    ask(2, keys(18, 30));
    settle();
    loop.execute(() -> answers.hurry(new Frame.Hurry(2, key(18))));
    loop.execute(() -> answers.hurry(new Frame.Hurry(2, key(18))));
    loop.execute(() -> answers.hurry(new Frame.Hurry(2, key(3))));
    loop.execute(() -> answers.hurry(new Frame.Hurry(3, key(3))));
    settle();
    assertThat(link.sent).hasSize(1);
    assertThat(link.sent.get(0).requestId()).isEqualTo(2);
    assertThat(link.answered()).containsExactly(key(18));

    link.drained = true;
    loop.execute(answers::goOn);
    settle();
    List<Key> rest = link.answered().subList(1, link.answered().size());
    assertThat(rest.subList(0, 20)).as("the first request").isEqualTo(keys(0, 20));
    assertThat(rest.subList(20, rest.size())).as("the second").isEqualTo(keys(19, 30));
    loop.execute(() -> answers.hurry(new Frame.Hurry(1, key(3))));
    settle();
    assertThat(link.answered()).as("it was answered").hasSize(32);
  }

  @Test
  void whatIsForgotten_isNeitherLookedUpNorSent() {
    link.drained = false;
    ask(1, keys(0, 20));
    settle();
    loop.execute(() -> answers.forget(new Frame.Forget(1, keys(2, 25))));
    loop.execute(() -> answers.forget(new Frame.Forget(2, keys(0, 20))));
    link.drained = true;
    loop.execute(answers::goOn);
    settle();
    assertThat(lookedUp).isEqualTo(keys(0, 2));
    assertThat(link.answered()).isEqualTo(keys(0, 2));
    assertThat(waiting).isEqualTo(answers.waitingBytes());
    assertThat(answers.waitingBytes()).isZero();
  }

  @Test
  void moreThanMayWait_isTurnedAwayAtOnce_andCounted() {
    link.drained = false;
    int most = PrefetchAnswers.MAX_WAITING_BYTES / PrefetchAnswers.KEY_OVERHEAD_BYTES;
    ask(1, keys(0, most));
    ask(2, keys(0, most));
    settle();
    assertThat(waiting).isEqualTo(answers.waitingBytes());
    assertThat(answers.waitingBytes()).isBetween(1, PrefetchAnswers.MAX_WAITING_BYTES);
    assertThat(turnedAway).isBetween(most, 2 * most);
    assertThat(link.answered()).hasSize(turnedAway);
    assertThat(link.sent)
        .flatExtracting(Frame.FetchReply::answers)
        .allSatisfy(answer -> assertThat(answer).isInstanceOf(Frame.Answer.NotHeld.class));
    assertThat(lookedUp).isEmpty();

    loop.execute(() -> answers.forget(new Frame.Forget(1, keys(0, most))));
    settle();
    assertThat(waiting).isEqualTo(answers.waitingBytes());
    assertThat(answers.waitingBytes()).isZero();
  }

  @Test
  void aConnectionThatEnds_leavesNothing() {
    ask(1, keys(0, 20));
    loop.execute(answers::close);
    settle();
    assertThat(waiting).isEqualTo(answers.waitingBytes());
    assertThat(answers.waitingBytes()).isZero();
    assertThat(lookedUp).isEmpty();

    link.close("gone");
    ask(2, keys(0, 2));
    settle();
    assertThat(dropped).isEqualTo(1);
  }
}
