package io.metafabric.predict;

import static io.metafabric.predict.Reads.PARIS;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.metafabric.core.access.AccessEvent;
import io.metafabric.core.access.AccessEvent.Outcome;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class AccessRingTest {
  private final AccessRing ring = new AccessRing(PARIS, 4, 16, 1 << 20);

  @Test
  void whatIsRecorded_comesOutWithAllItsParts() {
    ring.setNow(42);
    ring.record("anna", "t/a", Outcome.REMOTE);

    assertThat(ring.drain(10))
        .containsExactly(new AccessEvent("anna", "t/a", PARIS, 42, Outcome.REMOTE));
    assertThat(ring.drain(10)).isEmpty();
  }

  @Test
  void aThreadWithoutAClient_isTakenForOne() {
    ring.record(null, "t/a", Outcome.HOT);

    assertThat(ring.drain(10).get(0).client())
        .isEqualTo("thread-" + Thread.currentThread().getId());
  }

  @Test
  void aFullStripe_dropsWhatIsNew_andCountsIt() {
    for (int i = 0; i < 20; i++) {
      ring.record("anna", "t/" + i, Outcome.HOT);
    }

    assertThat(ring.recorded()).isEqualTo(16);
    assertThat(ring.dropped()).isEqualTo(4);
    assertThat(ring.drain(100)).extracting(AccessEvent::key).startsWith("t/0").endsWith("t/15");
    ring.record("anna", "t/20", Outcome.HOT);
    assertThat(ring.drain(100)).hasSize(1);
  }

  @Test
  void longKeys_areBoundedInBytes() {
    var narrow = new AccessRing(PARIS, 1, 1024, 10_000);
    long empty = narrow.retainedBytes();
    for (int i = 0; i < 100; i++) {
      narrow.record("anna", "t/" + "k".repeat(500), Outcome.HOT);
    }

    assertThat(narrow.recorded()).isBetween(5L, 10L);
    assertThat(narrow.recorded() + narrow.dropped()).isEqualTo(100);
    assertThat(narrow.retainedBytes() - empty).isBetween(5_000L, 10_000L);
    narrow.drain(100);
    assertThat(narrow.retainedBytes()).isEqualTo(empty);
  }

  @RepeatedTest(50)
  void whatComesOut_isWhatWentInWithoutWhatWasDropped_inOrderPerClient(RepetitionInfo run) {
    int seed = run.getCurrentRepetition();
    var random = new Random(seed);
    Map<String, List<String>> in = new HashMap<>();
    Map<String, List<String>> out = new HashMap<>();
    for (int i = 0; i < 2_000; i++) {
      String client = "client" + random.nextInt(10);
      long before = ring.dropped();
      ring.record(client, "t/" + i, Outcome.HOT);
      if (ring.dropped() == before) {
        in.computeIfAbsent(client, c -> new ArrayList<>()).add("t/" + i);
      }
      if (random.nextInt(20) == 0) {
        int max = 1 + random.nextInt(30);
        List<AccessEvent> drained = ring.drain(max);
        assertThat(drained).hasSizeLessThanOrEqualTo(max);
        collect(drained, out);
      }
    }
    collect(drainAll(), out);

    assertThat(out).as("seed %d", seed).isEqualTo(in);
  }

  @Test
  void threadsThatRecordWhileOneDrains_loseNothingButWhatIsCounted_andKeepTheirOrder()
      throws InterruptedException {
    var shared = new AccessRing(PARIS, 2, 64, 1 << 20);
    int perThread = 200_000;
    int threadCount = 4;
    var running = new CountDownLatch(threadCount);
    var threads = new ArrayList<Thread>();
    for (int t = 0; t < threadCount; t++) {
      String client = t % 2 == 0 ? "client" + t : null;
      var thread =
          new Thread(
              () -> {
                for (int i = 0; i < perThread; i++) {
                  shared.record(client, "t/" + i, Outcome.HOT);
                }
                running.countDown();
              });
      threads.add(thread);
      thread.start();
    }
    Map<String, List<String>> out = new HashMap<>();
    while (running.getCount() > 0) {
      collect(shared.drain(100), out);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (List<AccessEvent> rest = shared.drain(100); !rest.isEmpty(); rest = shared.drain(100)) {
      collect(rest, out);
    }

    long drained = out.values().stream().mapToLong(List::size).sum();
    assertThat(drained).isEqualTo(shared.recorded()).isPositive();
    assertThat(shared.recorded() + shared.dropped()).isEqualTo((long) perThread * threadCount);
    out.values()
        .forEach(
            keys ->
                assertThat(keys.stream().map(key -> Integer.valueOf(key.substring(2))).toList())
                    .isSorted()
                    .doesNotHaveDuplicates());
  }

  @Test
  void recording_allocatesNothing() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    recordMany();
    threads.getThreadAllocatedBytes(self);
    long before = threads.getThreadAllocatedBytes(self);
    recordMany();
    long allocated = threads.getThreadAllocatedBytes(self) - before;

    // Asking takes a few bytes itself; 20,000 reads at one byte each would be far more.
    assertThat(allocated).isLessThan(2_000);
  }

  private void recordMany() {
    for (int i = 0; i < 10_000; i++) {
      ring.record("anna", "t/a", Outcome.HOT);
      ring.record(null, "t/a", Outcome.HOT);
    }
  }

  @Test
  void aSmallMax_starvesNoStripe() {
    var clients = new ArrayList<String>();
    for (int round = 0; round < 40; round++) {
      for (int c = 0; c < 20; c++) {
        ring.record("client" + c, "t/a", Outcome.HOT);
      }
      ring.drain(4).forEach(event -> clients.add(event.client()));
    }

    assertThat(clients.stream().distinct()).hasSizeGreaterThan(10);
  }

  private List<AccessEvent> drainAll() {
    var all = new ArrayList<AccessEvent>();
    for (List<AccessEvent> some = ring.drain(100); !some.isEmpty(); some = ring.drain(100)) {
      all.addAll(some);
    }
    return all;
  }

  private static void collect(List<AccessEvent> events, Map<String, List<String>> byClient) {
    for (AccessEvent event : events) {
      byClient.computeIfAbsent(event.client(), c -> new ArrayList<>()).add(event.key());
    }
  }
}
