package io.metafabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.host.ThreadScheduler;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PeerEventsTest {
  private final SerialExecutor thread = new ThreadScheduler("test").serial("events");

  @AfterEach
  void endThread() {
    thread.close();
  }

  private static PeerStateChange change(int i) {
    return new PeerStateChange(
        new RegionName("us"), PeerState.CONNECTING, PeerState.OFFLINE, "number " + i, i);
  }

  @Test
  void listenersAreToldInOrder_onAnotherThread() throws Exception {
    var told = new LinkedBlockingQueue<Long>();
    var threads = new LinkedBlockingQueue<Thread>();
    try (var events =
        new PeerEvents(
            List.of(
                change -> {
                  told.add(change.atMs());
                  threads.add(Thread.currentThread());
                }),
            name -> thread,
            (change, failure) -> {})) {
      for (int i = 0; i < 100; i++) {
        events.publish(change(i));
      }
      for (long i = 0; i < 100; i++) {
        assertThat(told.poll(20, TimeUnit.SECONDS)).isEqualTo(i);
      }
      assertThat(threads).doesNotContain(Thread.currentThread());
    }
  }

  @Test
  void aListenerThatHangs_holdsUpNobodyButListeners_andWhatIsTooMuchIsDroppedAndCounted()
      throws Exception {
    var entered = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var told = new LinkedBlockingQueue<Long>();
    try (var events =
        new PeerEvents(
            List.of(
                change -> {
                  entered.countDown();
                  awaitQuietly(go);
                  told.add(change.atMs());
                }),
            name -> thread,
            (change, failure) -> {})) {
      events.publish(change(0));
      assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
      for (int i = 1; i <= PeerEvents.MAX_WAITING + 10; i++) {
        events.publish(change(i));
      }
      assertThat(events.stats())
          .isEqualTo(new FabricStats.Events(1, PeerEvents.MAX_WAITING, 10, 0));
      go.countDown();
      for (long i = 0; i <= PeerEvents.MAX_WAITING; i++) {
        assertThat(told.poll(20, TimeUnit.SECONDS)).isEqualTo(i);
      }
      events.publish(change(9999));
      assertThat(told.poll(20, TimeUnit.SECONDS)).as("there is room again").isEqualTo(9999);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatAListenerThrows_reachesNobodyElse_andIsCounted() throws Exception {
    var told = new LinkedBlockingQueue<Long>();
    var failures = new LinkedBlockingQueue<String>();
    try (var events =
        new PeerEvents(
            List.of(
                change -> {
                  throw new IllegalStateException("a bad listener");
                },
                change -> {
                  throw new AssertionError("a worse one");
                },
                change -> told.add(change.atMs())),
            name -> thread,
            (change, failure) -> failures.add(failure.getMessage()))) {
      for (int i = 0; i < 3; i++) {
        events.publish(change(i));
      }
      for (long i = 0; i < 3; i++) {
        assertThat(told.poll(20, TimeUnit.SECONDS)).isEqualTo(i);
      }
      assertThat(events.stats()).isEqualTo(new FabricStats.Events(3, 0, 0, 6));
      assertThat(failures).contains("a bad listener", "a worse one").hasSize(6);
    }
  }

  @Test
  void afterItIsClosed_nobodyIsTold_andAListenerMayCloseIt() throws Exception {
    var told = new ArrayList<PeerStateChange>();
    var closed = new CountDownLatch(1);
    var holder = new PeerEvents[1];
    holder[0] =
        new PeerEvents(
            List.of(
                change -> {
                  told.add(change);
                  holder[0].close();
                  closed.countDown();
                }),
            name -> thread,
            (change, failure) -> {});
    holder[0].publish(change(1));
    assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
    holder[0].publish(change(2));
    assertThat(told).containsExactly(change(1));
  }

  @Test
  void aListenerThatWaitsForWhoCloses_isLeftToItself_andEndsWithItsThread() throws Exception {
    var entered = new CountDownLatch(1);
    var told = new LinkedBlockingQueue<Long>();
    var tellers = new LinkedBlockingQueue<Thread>();
    var failures = new LinkedBlockingQueue<String>();
    var hosts = new ReentrantLock();
    var events =
        new PeerEvents(
            List.of(
                change -> {
                  tellers.add(Thread.currentThread());
                  entered.countDown();
                  hosts.lock(); // which no interrupt ends
                  told.add(change.atMs());
                  hosts.unlock();
                },
                change -> told.add(-1L)),
            name -> name.equals("events") ? thread : new ChainedThreads(),
            (change, failure) -> failures.add(change.atMs() + failure.getMessage()));
    hosts.lock();
    events.publish(change(1));
    events.publish(change(2));
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    events.close();
    hosts.unlock();
    tellers.take().join();
    assertThat(told).containsExactly(1L);
    assertThat(failures).singleElement().asString().startsWith("1it has not returned within PT5S");
  }

  @Test
  void aListenerThatReturns_isWaitedFor() throws Exception {
    var entered = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var told = new LinkedBlockingQueue<Long>();
    var events =
        new PeerEvents(
            List.of(
                change -> {
                  entered.countDown();
                  awaitQuietly(go);
                  told.add(change.atMs());
                }),
            name -> name.equals("events") ? thread : new ThreadScheduler("test").serial(name),
            (change, failure) -> {});
    events.publish(change(1));
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    var closing = new Thread(events::close);
    closing.start();
    while (closing.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    go.countDown();
    closing.join();
    assertThat(told).containsExactly(1L);
  }
}
