package io.metafabric.core.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.transport.PeerAddress;
import io.metafabric.core.transport.PeerTransport;
import io.metafabric.core.transport.RecordingHandler;
import io.metafabric.core.transport.TestFrames;
import io.metafabric.core.transport.TransportLimits;
import io.metafabric.core.wire.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** The faults; what holds without any is {@link SimTransportContractTest}'s. */
class SimNetworkTest {
  private static final TransportLimits LIMITS =
      new TransportLimits(256 * 1024, 128 * 1024, 4 * 1024, 64 * 1024);
  private static final Duration DELAY = Duration.ofMillis(40);
  private static final String PARIS = "paris";
  private static final String TOKYO = "tokyo";

  private final RecordingHandler paris = new RecordingHandler();
  private final RecordingHandler tokyo = new RecordingHandler();
  private SimWorld world = new SimWorld(1);
  private SimNetwork net = new SimNetwork(world);
  private SimNode parisNode = new SimNode(world, PARIS);
  private SimNode tokyoNode = new SimNode(world, TOKYO);

  @Test
  void aFrameTakesTheDelayOfItsDirection() {
    connect();
    net.link(PARIS, TOKYO, SimLink.perfect(DELAY));
    net.link(TOKYO, PARIS, SimLink.perfect(DELAY.multipliedBy(3)));
    send(paris, 1);
    send(tokyo, 2);

    world.runFor(DELAY.minusNanos(1));
    assertThat(tokyo.frames()).isEmpty();
    world.runFor(Duration.ofNanos(1));
    assertThat(tokyo.frames()).hasSize(1);
    world.runFor(DELAY.multipliedBy(2).minusNanos(1));
    assertThat(paris.frames()).isEmpty();
    world.runFor(Duration.ofNanos(1));
    assertThat(paris.frames()).hasSize(1);
  }

  @Test
  void aPartitionHoldsBackWhatIsSent_andHealingDeliversItInOrder() {
    connect();
    send(paris, 1);
    net.split(PARIS, TOKYO);
    send(paris, 2);
    world.runFor(Duration.ofHours(1));
    assertThat(tokyo.frames()).isEmpty();
    assertThat(tokyo.isOpen() && paris.isOpen()).isTrue();

    send(paris, 3);
    net.heal(PARIS, TOKYO);
    send(paris, 4);
    world.runFor(Duration.ofSeconds(1));
    assertThat(tokyo.frames()).isEqualTo(controls(1, 2, 3, 4));
  }

  @Test
  void aPartitionFillsTheSendersQueue() {
    connect();
    net.split(PARIS, TOKYO);
    int taken = 0;
    while (paris.connection().send(TestFrames.data(taken, 1000))) {
      taken++;
      world.runFor(Duration.ofSeconds(1));
    }
    assertThat(taken * 1000).isBetween(64 * 1024, 64 * 1024 + LIMITS.outboundQueueBytes());

    net.healAll();
    world.runFor(Duration.ofSeconds(10));
    assertThat(paris.writableCalls()).isEqualTo(1);
    assertThat(tokyo.frames()).hasSize(taken);
  }

  @Test
  void aPartitionOfOneDirectionLeavesTheOtherAlone() {
    connect();
    net.cut(PARIS, TOKYO);
    send(paris, 1);
    send(tokyo, 2);
    world.runFor(Duration.ofSeconds(10));

    assertThat(tokyo.frames()).isEmpty();
    assertThat(paris.frames()).isEqualTo(controls(2));
  }

  @Test
  void connectingIntoAPartitionTimesOut_andItsLateArrivalOpensNothing() {
    PeerTransport server = transport(tokyoNode);
    PeerAddress address = server.listen(new PeerAddress(TOKYO, 0), connection -> tokyo);
    net.split(PARIS, TOKYO);
    transport(parisNode).connect(address, paris);

    world.runFor(Duration.ofMinutes(1));
    assertThat(paris.closings()).hasSize(1);
    net.healAll();
    world.runFor(Duration.ofMinutes(1));
    assertThat(paris.wasOpened() || tokyo.wasOpened()).isFalse();
  }

  @Test
  void aConnectionWhoseAnswerIsHeldBackStaysHalfOpen_untilThePartitionHeals() {
    PeerTransport server = transport(tokyoNode);
    PeerAddress address = server.listen(new PeerAddress(TOKYO, 0), connection -> tokyo);
    net.cut(TOKYO, PARIS);
    transport(parisNode).connect(address, paris);

    world.runFor(Duration.ofMinutes(1));
    assertThat(paris.closings()).hasSize(1);
    assertThat(tokyo.isOpen()).isTrue();
    net.healAll();
    world.runFor(Duration.ofMinutes(1));
    assertThat(tokyo.isClosed()).isTrue();
  }

  @Test
  void breakingAConnectionTellsBothSides_andTheyCanConnectAgain() {
    PeerTransport server = transport(tokyoNode);
    var next = new RecordingHandler();
    PeerAddress other = server.listen(new PeerAddress(TOKYO, 0), connection -> next);
    connect();
    net.breakConnections(TOKYO, PARIS);
    world.runFor(Duration.ofSeconds(1));
    assertThat(paris.closings()).containsExactly("the connection broke");
    assertThat(tokyo.closings()).containsExactly("the connection broke");

    var again = new RecordingHandler();
    transport(parisNode).connect(other, again);
    world.runFor(Duration.ofSeconds(1));
    assertThat(again.isOpen() && next.isOpen()).isTrue();
  }

  @Test
  void aCrashIsToldToThePeerAfterTheDelay_andToTheDeadNodeNever() {
    connect();
    send(tokyo, 1);
    tokyoNode.crash();
    assertThat(tokyo.connection().send(TestFrames.control(2))).isFalse();
    assertThat(paris.isClosed()).isFalse();
    world.runFor(Duration.ofSeconds(1));

    assertThat(paris.isClosed()).isTrue();
    assertThat(paris.frames()).as("sent before the crash").isEqualTo(controls(1));
    assertThat(tokyo.closings()).isEmpty();
  }

  @Test
  void aCrashBehindAPartitionIsNotTold_untilItHeals() {
    connect();
    net.split(PARIS, TOKYO);
    tokyoNode.crash();
    world.runFor(Duration.ofHours(1));
    assertThat(paris.isOpen()).isTrue();

    net.healAll();
    world.runFor(Duration.ofSeconds(1));
    assertThat(paris.isClosed()).isTrue();
  }

  @Test
  void theNextLifeOfANodeListensWhereTheLastDid() {
    PeerAddress address = connect();
    tokyoNode.crash();
    var next = new RecordingHandler();
    assertThat(transport(tokyoNode).listen(address, connection -> next)).isEqualTo(address);
    var again = new RecordingHandler();
    transport(parisNode).connect(address, again);

    world.runFor(Duration.ofSeconds(1));
    assertThat(again.isOpen() && next.isOpen()).isTrue();
  }

  @RepeatedTest(20)
  void lossLosesSomeFrames_keepsTheOrderOfTheOthers_andNeverStopsTheFlow(RepetitionInfo run) {
    faulty(run, new SimLink(DELAY, Duration.ZERO, 0.3, 0));
    List<Frame> sent = sendMany(300);

    assertThat(tokyo.frames()).hasSizeBetween(150, 270);
    assertThat(tokyo.frames()).isSubsetOf(sent).isSortedAccordingTo(byPosition(sent));
  }

  @RepeatedTest(20)
  void duplicationDeliversSomeFramesTwice_andLosesNone(RepetitionInfo run) {
    faulty(run, new SimLink(DELAY, Duration.ZERO, 0, 0.3));
    List<Frame> sent = sendMany(300);

    assertThat(new HashSet<>(tokyo.frames())).isEqualTo(new HashSet<>(sent));
    assertThat(tokyo.frames()).hasSizeBetween(330, 450);
  }

  @RepeatedTest(20)
  void jitterLetsFramesOvertakeEachOther_andLosesNone(RepetitionInfo run) {
    faulty(run, new SimLink(DELAY, DELAY.multipliedBy(2), 0, 0));
    List<Frame> sent = sendMany(300);

    assertThat(tokyo.frames()).containsExactlyInAnyOrderElementsOf(sent).isNotEqualTo(sent);
  }

  @RepeatedTest(5)
  void theSameSeedGivesTheSameRun_andAnotherSeedAnother(RepetitionInfo run) {
    long seed = run.getCurrentRepetition();
    assertThat(faultyRun(seed)).isEqualTo(faultyRun(seed)).isNotEqualTo(faultyRun(seed + 1));
  }

  private static List<Frame> faultyRun(long seed) {
    var test = new SimNetworkTest();
    test.faulty(seed, new SimLink(DELAY, DELAY, 0.2, 0.2));
    test.sendMany(200);
    return test.tokyo.frames();
  }

  private void faulty(RepetitionInfo run, SimLink link) {
    faulty(run.getCurrentRepetition(), link); // the repetition is the seed
  }

  private void faulty(long seed, SimLink link) {
    world = new SimWorld(seed);
    net = new SimNetwork(world);
    parisNode = new SimNode(world, PARIS);
    tokyoNode = new SimNode(world, TOKYO);
    connect();
    net.defaultLink(link);
  }

  private List<Frame> sendMany(int count) {
    var sent = new ArrayList<Frame>();
    for (int i = 0; i < count; i++) {
      Frame frame = TestFrames.data(i, 500);
      sent.add(frame);
      assertThat(paris.connection().send(frame)).isTrue();
      world.runFor(Duration.ofMillis(2));
    }
    world.runFor(Duration.ofSeconds(10));
    return sent;
  }

  private static Comparator<Frame> byPosition(List<Frame> sent) {
    return Comparator.comparingInt(sent::indexOf);
  }

  private PeerAddress connect() {
    PeerAddress address =
        transport(tokyoNode).listen(new PeerAddress(TOKYO, 0), connection -> tokyo);
    transport(parisNode).connect(address, paris);
    world.runFor(Duration.ofSeconds(1));
    assertThat(paris.isOpen() && tokyo.isOpen()).isTrue();
    return address;
  }

  private PeerTransport transport(SimNode node) {
    return net.transport(node, LIMITS, node.scheduler().serial("callbacks"));
  }

  private static void send(RecordingHandler from, int number) {
    assertThat(from.connection().send(TestFrames.control(number))).isTrue();
  }

  private static List<Frame> controls(int... numbers) {
    return Arrays.stream(numbers).mapToObj(TestFrames::control).toList();
  }
}
