package io.metafabric.replicate.netty;

import static io.metafabric.core.stress.Interleavings.require;
import static io.metafabric.core.stress.Interleavings.together;

import io.metafabric.core.stress.ChainedThreads;
import io.metafabric.core.stress.Interleavings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Calls come one at a time and in order until the last; a reader that paused is told to go on. */
@Tag("stress")
class InboxStressTest {
  private static final int BOUND = 100;

  @Test
  void everyCallIsMade_andTheLastIsTheLast() {
    Interleavings.ofProgram(
        () -> {
          var turns = new ChainedThreads();
          var resumed = new AtomicInteger();
          var inbox = new Inbox(turns, BOUND, resumed::incrementAndGet, failure -> {});
          var within = new AtomicInteger();
          List<Integer> calls = new ArrayList<>();
          var paused = new boolean[1];
          together(
              () -> {
                for (int i = 0; i < 3; i++) {
                  inbox.addFrame(10, call(calls, within, i));
                }
                paused[0] = inbox.isFull();
                inbox.end(call(calls, within, 3));
                inbox.add(call(calls, within, 4));
              },
              () -> inbox.add(call(calls, within, -1)));
          turns.await();
          require(within.get() == 0, "two at once");
          calls.remove((Integer) (-1));
          require(calls.equals(List.of(0, 1, 2, 3)), "calls: " + calls);
          require(inbox.waitingBytes() == 0, "charged for ever");
          require(!inbox.isFull(), "full for ever");
          require(!paused[0] || resumed.get() > 0, "paused for ever");
        });
  }

  /** A program so small that nearly all of its orders are tried. */
  @Test
  void aCallThatMeetsTheEndOfATurn_isMade() {
    Interleavings.ofProgram(
        () -> {
          var turns = new ChainedThreads();
          var inbox = new Inbox(turns, BOUND, () -> {}, failure -> {});
          var made = new AtomicInteger();
          inbox.add(made::incrementAndGet);
          together(() -> inbox.add(made::incrementAndGet));
          turns.await();
          require(made.get() == 2, "made: " + made);
        });
  }

  @Test
  void framesThatAreDropped_areNotChargedForEver() {
    Interleavings.ofProgram(
        () -> {
          var turns = new ChainedThreads();
          var inbox = new Inbox(turns, BOUND, () -> {}, failure -> {});
          var ended = new AtomicInteger();
          together(
              () -> {
                inbox.addFrame(10, () -> {});
                inbox.addFrame(10, () -> {});
                inbox.end(ended::incrementAndGet);
              },
              inbox::dropFrames);
          turns.await();
          require(inbox.waitingBytes() == 0, "charged: " + inbox.waitingBytes());
          require(ended.get() == 1, "the end is lost");
        });
  }

  /** Leaves something in {@code within} if it overlaps with another. */
  private static Runnable call(List<Integer> calls, AtomicInteger within, int number) {
    return () -> {
      int others = within.getAndIncrement();
      calls.add(number);
      if (others == 0) {
        within.decrementAndGet();
      }
    };
  }
}
