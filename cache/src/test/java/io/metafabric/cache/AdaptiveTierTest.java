package io.metafabric.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.metafabric.core.port.Clock;
import io.metafabric.core.record.Key;
import io.metafabric.core.record.MetadataRecord;
import io.metafabric.core.store.CurrentDots;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AdaptiveTierTest extends HotTierContract {
  private static final CurrentDots ALL_CURRENT = (key, dot) -> true;

  private final Clock clock =
      new Clock() {
        @Override
        public long wallMs() {
          throw new AssertionError("the tier is to go by the clock that never goes back");
        }

        @Override
        public long nanoTime() {
          return nowNanos;
        }
      };

  private long nowNanos;

  @Override
  protected HotTier<String> newTier(long maxBytes, CurrentDots index, WasteListener wasted) {
    return new AdaptiveTier<>(maxBytes, index, record -> "view of " + record.key(), clock, wasted);
  }

  private HotTier<String> tier(List<String> wasted) {
    return newTier(64 << 10, ALL_CURRENT, (predictor, path, bytes) -> wasted.add(path));
  }

  @Test
  void aHit_allocatesNothing() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (var tier = newTier(1 << 20, ALL_CURRENT, (p, path, bytes) -> {})) {
      tier.fill(TestRecords.write("n/1", 1, 100));
      hits(tier, 200_000);
      long before = threads.getCurrentThreadAllocatedBytes();
      hits(tier, 200_000);
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(allocated).isLessThan(100_000);
    }
  }

  private static void hits(HotTier<String> tier, int count) {
    for (int i = 0; i < count; i++) {
      if (tier.hit("n/1") == null) {
        throw new AssertionError("a hit was expected");
      }
    }
  }

  @Test
  void whatIsReadBetweenFills_staysThroughAScan() {
    try (var tier = tier(new ArrayList<>())) {
      tier.fill(TestRecords.write("n/read", 1, 500));
      for (int i = 0; i < 2_000; i++) {
        assertThat(tier.hit("n/read")).as("after %s fills", i).isNotNull();
        tier.fill(TestRecords.write("n/" + i, 1, 500));
      }
    }
  }

  /** Every read asks for the payload if it is not here, as a node does. */
  private static void read(HotTier<String> tier, String path) {
    if (tier.hit(path) == null) {
      tier.fill(TestRecords.write(path, 1, 500));
    }
  }

  private static void write(HotTier<String> tier, int from, int to) {
    for (int n = from; n < to; n++) {
      tier.written(TestRecords.write("n/1", n, 500));
    }
  }

  private static final Key WRITTEN = Key.of("n/1");

  @Test
  void whatIsWrittenAgainAndAgain_andNeverRead_isLeftOut_andTakesLittleRoom() {
    try (var tier = tier(new ArrayList<>())) {
      write(tier, 1, 4);
      assertThat(tier.peek(WRITTEN)).isEqualTo(TestRecords.write("n/1", 3, 500));
      assertThat(tier.entries()).isEqualTo(1);
      write(tier, 4, 100);
      assertThat(tier.peek(WRITTEN)).isNull();
      assertThat(tier.hit("n/1")).isNull();
      assertThat(tier.entries()).isZero();
      assertThat(tier.sizeBytes()).isBetween(1L, 200L);
      tier.refresh(TestRecords.write("n/1", 100, 500));
      assertThat(tier.peek(WRITTEN)).as("what another region wrote is no read either").isNull();
      assertThat(tier.stats().rejectedFills()).isZero();
    }
  }

  @Test
  void aReadBringsItBack_andWhileItIsRead_everyValueIsTaken() {
    try (var tier = tier(new ArrayList<>())) {
      write(tier, 1, 10);
      assertThat(tier.fill(TestRecords.write("n/1", 9, 500))).isTrue();
      assertThat(tier.entries()).isEqualTo(1);
      for (int n = 10; n < 100; n += 3) {
        write(tier, n, n + 3);
        assertThat(tier.hit("n/1")).as("after write %s", n + 2).isNotNull();
      }
      write(tier, 100, 110);
      assertThat(tier.fillPrefetched(TestRecords.write("n/1", 109, 500), "oracle", FAR)).isTrue();
      write(tier, 110, 111);
      assertThat(tier.peek(WRITTEN)).as("a read was foreseen").isNotNull();
    }
  }

  @Test
  void anEmptyPlace_goesLikeAnyOther_andIsCountedOnce() {
    try (var tier = tier(new ArrayList<>())) {
      write(tier, 1, 10);
      tier.drop(WRITTEN);
      assertThat(tier.entries()).isZero();
      assertThat(tier.sizeBytes()).isZero();
      write(tier, 10, 20);
      for (int i = 0; i < 2_000; i++) {
        read(tier, "n/other" + i);
      }
      assertThat(tier.hit("n/1")).isNull();
      write(tier, 20, 21);
      assertThat(tier.peek(WRITTEN)).as("nothing is known of it any more").isNotNull();
      long held = tier.entries();
      tier.drop(WRITTEN);
      assertThat(tier.entries()).isEqualTo(held - 1);
    }
  }

  /**
   * The newer one was left out, for nobody had read it; what was there before must not be shown.
   */
  @Test
  void aSlowFillBesideAWriteThatIsLeftOut_showsNothingOld() throws InterruptedException {
    var current = new AtomicLong();
    CurrentDots index = (key, dot) -> dot.counter() == current.get();
    try (var tier = newTier(1 << 20, index, (predictor, path, bytes) -> {})) {
      var done = new AtomicBoolean();
      var slow =
          new Thread(
              () -> {
                while (!done.get()) {
                  tier.fill(TestRecords.write("n/1", (int) current.get(), 8));
                }
              });
      slow.start();
      for (int n = 1; n <= 20_000; n++) {
        MetadataRecord record = TestRecords.write("n/1", n, 8);
        current.set(n);
        tier.written(record);
        MetadataRecord shown = tier.peek(WRITTEN);
        if (shown != null && !shown.equals(record)) {
          done.set(true);
          assertThat(shown).isEqualTo(record);
        }
      }
      done.set(true);
      slow.join();
    }
  }

  @Test
  void itEstimates_whatWouldMissWithNothingFetchedAhead() {
    try (var tier = tier(new ArrayList<>())) {
      for (int i = 0; i < 2_000; i++) {
        read(tier, "n/" + i % 20);
      }
      assertThat(tier.stats().expectedFetches()).as("each once at most").isBetween(1L, 20L);
      for (int i = 0; i < 2_000; i++) {
        tier.fillPrefetched(TestRecords.write("n/once" + i, 1, 500), "p", Long.MAX_VALUE);
        read(tier, "n/once" + i);
        read(tier, "n/" + i % 20);
      }
      assertThat(tier.stats().expectedFetches())
          .as("all that is read once")
          .isBetween(1_800L, 2_100L);
      tier.tick();
      long before = tier.stats().expectedFetches();
      for (int i = 0; i < 100; i++) {
        tier.drop(Key.of("n/1"));
        read(tier, "n/1");
      }
      assertThat(tier.stats().expectedFetches() - before).as("what was overwritten").isEqualTo(100);
    }
  }

  /** It says nothing of how many entries there is room for. */
  @Test
  void aPrefetchThatGoesForAnother_whileThereIsRoomForAll_endsNoRace() {
    try (var tier =
        new AdaptiveTier<>(1 << 20, ALL_CURRENT, record -> "", clock, (p, path, bytes) -> {})) {
      int entryBytes = 0;
      for (int i = 0; i < 700; i++) {
        read(tier, "n/" + i);
        tier.fillPrefetched(TestRecords.write("n/guess" + i, 1, 500), "p", FAR);
        entryBytes = (int) (tier.sizeBytes() / tier.entries());
      }
      assertThat(tier.stats().evictions()).as("of prefetches").isGreaterThan(500);
      assertThat(tier.stats().fullness()).isLessThan(0.9);
      assertThat(tier.raceEntries()).isBetween((1 << 20) / entryBytes * 9 / 10, (1 << 20) / 1_000);
    }
  }

  @Test
  void whereTheFirstEntriesAreSmaller_theRaceIsForAsManyAsThereIsRoomFor_onceItIsFull() {
    try (var tier =
        new AdaptiveTier<>(1 << 20, ALL_CURRENT, record -> "", clock, (p, path, bytes) -> {})) {
      for (int i = 0; i < 200; i++) {
        tier.fill(TestRecords.write("n/" + i, 1, 10));
      }
      int early = tier.raceEntries();
      for (int i = 0; i < 3_000; i++) {
        tier.fill(TestRecords.write("m/" + i, 1, 400));
      }
      long now = tier.entries();
      assertThat(early).as("by the first").isBetween((int) (now * 1.2), (int) (now * 1.95));
      assertThat((long) tier.raceEntries()).isBetween(now * 8 / 10, now * 12 / 10);
    }
  }

  @Test
  void unreadPrefetches_pushOutEachOther_andNotWhatIsInUse() {
    var wasted = new ArrayList<String>();
    try (var tier = tier(wasted)) {
      for (int i = 0; i < 40; i++) {
        tier.fill(TestRecords.write("n/used" + i, 1, 500));
        tier.hit("n/used" + i);
      }
      for (int i = 0; i < 1_000; i++) {
        tier.fillPrefetched(TestRecords.write("n/guess" + i, 1, 500), "oracle", FAR);
      }
      long kept = 0;
      for (int i = 0; i < 40; i++) {
        kept += tier.peek(Key.of("n/used" + i)) == null ? 0 : 1;
      }
      assertThat(kept).isGreaterThanOrEqualTo(38);
      assertThat(wasted).hasSizeGreaterThan(950).startsWith("n/guess0", "n/guess1");
    }
  }

  @Test
  void aPrefetchThatWasRead_isNotWasted_whateverComesLater() {
    var wasted = new ArrayList<String>();
    try (var tier = tier(wasted)) {
      tier.fillPrefetched(TestRecords.write("n/1", 1, 500), "oracle", FAR);
      HotEntry<String> entry = tier.hit("n/1");
      assertThat(entry).isNotNull();
      assertThat(entry.markRead()).isTrue();
      for (int i = 0; i < 1_000; i++) {
        tier.fillPrefetched(TestRecords.write("n/guess" + i, 1, 500), "oracle", FAR);
      }
      assertThat(wasted).doesNotContain("n/1");
    }
  }

  @Test
  void aPrefetchThatHasWaitedForTooLong_isTheFirstToGo_andNotBefore() {
    var wasted = new ArrayList<String>();
    try (var tier = tier(wasted)) {
      for (int i = 0; i < 3; i++) {
        tier.fillPrefetched(TestRecords.write("n/guess" + i, 1, 500), "oracle", 1_000);
      }
      int filled = 0;
      while (tier.stats().evictions() == 0) {
        tier.fill(TestRecords.write("n/read" + filled++, 1, 500));
      }
      assertThat(wasted).isEmpty();
      nowNanos = 1_001;
      tier.fill(TestRecords.write("n/next", 1, 500));
      assertThat(wasted).containsExactly("n/guess0");
      tier.fill(TestRecords.write("n/afterNext", 1, 500));
      assertThat(wasted).containsExactly("n/guess0", "n/guess1");
      assertThat(tier.peek(Key.of("n/read" + (filled - 1)))).isNotNull();
    }
  }

  @Test
  void theBound_holds_whateverIsDone() {
    long seed = 42;
    var random = new Random(seed);
    try (var tier = tier(new ArrayList<>())) {
      for (int i = 0; i < 20_000; i++) {
        String path = "n/" + random.nextInt(400);
        int bytes = random.nextInt(2_000);
        switch (random.nextInt(6)) {
          case 0 -> tier.fillPrefetched(TestRecords.write(path, i + 1, bytes), "oracle", FAR);
          case 1 -> tier.refresh(TestRecords.write(path, i + 1, bytes));
          case 2 -> tier.drop(Key.of(path));
          case 3 -> tier.hit(path);
          default -> tier.fill(TestRecords.write(path, i + 1, bytes));
        }
        assertThat(tier.sizeBytes()).as("seed %s step %s", seed, i).isBetween(0L, 64L << 10);
      }
      long entries = tier.entries();
      long found = 0;
      for (int i = 0; i < 400; i++) {
        found += tier.peek(Key.of("n/" + i)) == null ? 0 : 1;
      }
      assertThat(found).isEqualTo(entries);
    }
  }

  @Test
  void readersAndWritersAtOnce_leaveItInOrder() throws InterruptedException {
    try (var tier = tier(new ArrayList<>())) {
      var threads = new ArrayList<Thread>();
      for (int t = 0; t < 4; t++) {
        var random = new Random(t);
        threads.add(
            new Thread(
                () -> {
                  for (int i = 0; i < 20_000; i++) {
                    String path = "n/" + random.nextInt(200);
                    if (tier.hit(path) == null) {
                      tier.fill(TestRecords.write(path, 1, 500));
                    }
                    if (i % 50 == 0) {
                      tier.drop(Key.of(path));
                    }
                  }
                }));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(tier.sizeBytes()).isBetween(1L, 64L << 10);
      for (int i = 0; i < 200; i++) {
        tier.drop(Key.of("n/" + i));
      }
      assertThat(tier.entries()).isZero();
      assertThat(tier.sizeBytes()).isZero();
    }
  }

  @Test
  void readersBesideOverwrites_seeWholeValues_andNeverAnOlderOne() throws InterruptedException {
    int last = 50_000;
    var current = new AtomicLong(1);
    try (var tier =
        new AdaptiveTier<>(
            64 << 10,
            (key, dot) -> dot.counter() == current.get(),
            record -> record.header().version().dot().counter(),
            clock,
            (predictor, path, bytes) -> {})) {
      var wrong = new ConcurrentLinkedQueue<String>();
      var readers = new ArrayList<Thread>();
      tier.written(TestRecords.write("n/1", 1, 100));
      for (int t = 0; t < 3; t++) {
        readers.add(
            new Thread(
                () -> {
                  long before = 0;
                  while (before < last) {
                    HotEntry<Long> entry = tier.hit("n/1");
                    if (entry == null) {
                      // Left out: the writer was faster than all readers.
                      tier.fill(TestRecords.write("n/1", (int) current.get(), 100));
                      continue;
                    }
                    long shown = entry.view().orElseThrow();
                    if (shown != entry.record().header().version().dot().counter()
                        || shown < before) {
                      wrong.add(entry.record() + " is shown as " + shown + " behind " + before);
                      return;
                    }
                    before = shown;
                  }
                }));
      }
      readers.forEach(Thread::start);
      for (int i = 2; i <= last; i++) {
        current.set(i);
        tier.written(TestRecords.write("n/1", i, 100));
      }
      for (Thread reader : readers) {
        reader.join();
      }
      assertThat(wrong).isEmpty();
    }
  }
}
