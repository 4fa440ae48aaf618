package io.metafabric;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.port.SerialExecutor;
import io.metafabric.core.record.RegionName;
import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import io.metafabric.replicate.PeerState;
import io.metafabric.replicate.PeerStateChange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Listeners are told of every event, one at a time and in order, until the end. */
@Tag("stress")
class PeerEventsStressTest {
  private static PeerStateChange change(long at) {
    return new PeerStateChange(
        new RegionName("us"), PeerState.CONNECTING, PeerState.OFFLINE, "why", at);
  }

  @Test
  void noEventIsLeftBehind() {
    Interleavings.ofProgram(
        () -> {
          var thread = new ChainedThreads();
          var told = new ArrayList<Long>();
          var events =
              new PeerEvents(
                  List.of(each -> told.add(each.atMs())), name -> thread, (e, failure) -> {});
          together(
              () -> {
                events.publish(change(1));
                events.publish(change(2));
              },
              () -> events.publish(change(9)));
          thread.await();
          require(told.size() == 3, "told: " + told);
          require(told.indexOf(1L) < told.indexOf(2L), "out of order: " + told);
          require(events.stats().delivered() == 3, "miscounted");
        });
  }

  /** A program so small that nearly all of its orders are tried. */
  @Test
  void anEventThatMeetsTheEndOfTheLast_isTold() {
    Interleavings.ofProgram(
        () -> {
          var thread = new ChainedThreads();
          var told = new AtomicInteger();
          var events =
              new PeerEvents(
                  List.of(each -> told.incrementAndGet()), name -> thread, (e, failure) -> {});
          events.publish(change(1));
          together(() -> events.publish(change(2)));
          thread.await();
          require(told.get() == 2, "told: " + told);
        });
  }

  @Test
  void afterTheEnd_nobodyIsTold() {
    Interleavings.ofProgram(
        () -> {
          var closed = new AtomicInteger();
          var late = new AtomicInteger();
          var thread = new ChainedThreads();
          var events =
              new PeerEvents(
                  List.of(each -> late.addAndGet(closed.get())),
                  name -> name.equals("events") ? thread : new PatientTimer(),
                  (e, failure) -> {});
          together(
              () -> events.publish(change(1)),
              () -> events.publish(change(2)),
              () -> {
                events.close();
                closed.set(1);
              });
          require(late.get() == 0, "told after the end");
        });
  }

  /** One whose time never comes. */
  private static final class PatientTimer implements SerialExecutor {
    @Override
    public Task schedule(Duration delay, Runnable task) {
      return () -> {};
    }

    @Override
    public void execute(Runnable task) {
      throw new AssertionError("nothing is to run now");
    }

    @Override
    public void close() {
      // It has no thread.
    }
  }
}
